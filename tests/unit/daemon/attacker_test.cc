// Somebody who may write into the folder exchanges files and folders for links while acts are at work.
//
// SLUICE_ATTACKER_ROUNDS sets how many acts are tried; `make show-attacker` tries a hundred thousand.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <thread>

#include "core/source/put_away.h"
#include "daemon/acts_linux.h"
#include "daemon/beneath_linux.h"
#include "tests/unit/daemon/temp_folder.h"

namespace sluice::daemon {
namespace {

constexpr char kFilm[] = "film", kCanary[] = "bird";  // of one length

int rounds() {
  auto const* const wanted = std::getenv("SLUICE_ATTACKER_ROUNDS");
  return wanted == nullptr ? 200 : std::atoi(wanted);
}

std::string text_of(std::filesystem::path const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Attacker : public testing::Test {
 protected:
  Attacker() {
    outside.folder("day");
    outside.write("day/clip.mp4", kCanary);
    outside.write("day/clip.mp4.md5", kCanary);
    drop.folder("day");
    drop.link(outside.at("day"), "evil");
    drop.write("day/target", "x");
    held = UniqueFd(::open(drop.at("day").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    ::symlinkat(outside.at("day/clip.mp4").c_str(), held.get(), "link");
  }

  // Whatever goes by these names at the moment: the point is that nobody can know.
  void exchange_until(std::atomic<bool> const& over) {
    UniqueFd const folder(::open(drop.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    for (unsigned n = 0; !over; ++n) {
      for (unsigned pause = n * 37 % 2'048; pause > 0; --pause)
        std::this_thread::yield();  // so that acts come through, too
      ::renameat2(folder.get(), "day", folder.get(), "evil", RENAME_EXCHANGE);
      ::renameat2(held.get(), "clip.mp4", held.get(), "link", RENAME_EXCHANGE);
    }
  }

  // A fresh film, by the folder itself, whatever name that has just now.
  ports::FilePrint put_film() const {
    for (auto const* name : {"clip.mp4", "link"}) ::unlinkat(held.get(), name, 0);
    UniqueFd const film(::openat(held.get(), "clip.mp4", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    EXPECT_EQ(::write(film.get(), kFilm, sizeof kFilm - 1), static_cast<ssize_t>(sizeof kFilm - 1));
    ::symlinkat(outside.at("day/clip.mp4").c_str(), held.get(), "link");
    struct stat about {};
    EXPECT_EQ(::fstat(film.get(), &about), 0);
    return print_of(about);
  }

  testing::AssertionResult is_unharmed() const {
    for (auto const* name : {"day/clip.mp4", "day/clip.mp4.md5"})
      if (text_of(outside.at(name)) != kCanary) return testing::AssertionFailure() << name << " is gone or changed";
    if (std::distance(std::filesystem::directory_iterator(outside.at("day")), {}) != 2)
      return testing::AssertionFailure() << "something was made outside";
    for (auto const& entry : std::filesystem::recursive_directory_iterator(done.path()))
      if (entry.is_regular_file() && !entry.is_symlink() && text_of(entry.path()) == kCanary)
        return testing::AssertionFailure() << "what is outside was read or moved to " << entry.path();
    return testing::AssertionSuccess();
  }

  TempFolder drop, done, outside;
  UniqueFd held;
};

TEST_F(Attacker, WhoSwapsLinksAndFoldersMovesDeletesAndReadsNothingOutside) {
  std::atomic<bool> over = false;
  std::thread attacker([&] { exchange_until(over); });
  ActsLinux acts;
  auto put_away = 0;
  for (int round = 0; round < rounds(); ++round) {
    source::Leaving const file{
        .at = {drop.path(), "day/clip.mp4"}, .print = put_film(), .tag = "r" + std::to_string(round)};
    auto const left = round % 2 == 0
                          ? source::delete_away(acts, file)
                          : source::move_away(acts, file, {done.path(), "r" + std::to_string(round % 7) + "/clip.mp4"});
    put_away += left ? 1 : 0;
    source::Note const note{.at = {drop.path(), "day/clip.mp4.sluice.json"}, .text = "n", .ours = "n", .tag = "n"};
    static_cast<void>(source::write_note(acts, note));
    if (round % 50 == 0) {
      if (!is_unharmed()) break;
      std::filesystem::remove_all(done.at("r1"));
    }
  }
  over = true;
  attacker.join();
  EXPECT_TRUE(is_unharmed());
  std::printf("attacker: %d acts, %d of them done, nothing outside was touched\n", rounds(), put_away);
}

}  // namespace
}  // namespace sluice::daemon

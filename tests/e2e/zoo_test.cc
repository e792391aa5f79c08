// zoo_test.cc - every way in which programs put files into a folder: none missed, none early, none twice.
//
// zoo/writers.sh holds the ways, most of them the real programs. Some pause between two writes for less than the settle
// time, or for longer while they hold the file open. "Early" is an asset of other bytes than the file has at its end.

#include <openssl/evp.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <future>
#include <mutex>
#include <sstream>

#include "process.h"
#include "site.h"

namespace sluice::e2e {
namespace {

namespace fs = std::filesystem;

constexpr int kNotInstalled = 77;
constexpr std::uint64_t kWritersAtOnce = 12;

struct Way {
  std::string kind;  // "real" or "imitation"
  std::string name;
};

std::string sha256_of(std::string const& path) {
  auto const bytes = read_text(path);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    constexpr char kDigits[] = "0123456789abcdef";
    hex += kDigits[digest[i] >> 4];
    hex += kDigits[digest[i] & 15];
  }
  return hex;
}

class WriterZoo : public testing::Test {
 protected:
  std::vector<Way> ways() const {
    std::vector<Way> all;
    std::istringstream lines(run(site_.folder(), {.words = {"/bin/bash", WRITERS_SCRIPT, "--list"}}).out);
    for (Way way; lines >> way.kind >> way.name;) all.push_back(way);
    return all;
  }

  // One file comes as this way has it. Its program may not be there.
  void arrive(Way const& way, std::uint64_t number) {
    auto const name = std::to_string(number) + "-" + way.name + ".mp4";
    auto const folder = site_.folder() + "/zoo-" + std::to_string(number);
    fs::create_directories(folder + "/scratch");
    auto const source = folder + "/source";
    write_media(source, Dice(number).between(1'000, 200'000), number);
    auto const done = run(folder,
                          {.words = {"/bin/bash", WRITERS_SCRIPT, way.name, source, site_.home().drop() + "/" + name,
                                     folder + "/scratch"}},
                          Millis(60'000));
    std::lock_guard const lock(mutex_);
    if (done.code == kNotInstalled)
      missing_.insert(way.name);
    else if (done.code != 0)
      ADD_FAILURE() << way.name << " ended with " << done.code << ": " << done.err;
    else
      came_.push_back(name);
    fs::remove_all(folder);
  }

  std::map<std::string, std::string> contents() const {  // SHA-256 by name, of all that is in the folder now
    std::map<std::string, std::string> all;
    for (auto const& entry : fs::recursive_directory_iterator(site_.home().drop()))
      if (entry.is_regular_file()) all[entry.path().filename()] = sha256_of(entry.path());
    return all;
  }

  Site site_{{.settle = "1s", .transfer = "max_files: 8"}};
  std::mutex mutex_;
  std::vector<std::string> came_;
  std::set<std::string> missing_;
};

TEST_F(WriterZoo, MissesNoneTakesNoneEarlyAndNoneTwice) {
  auto const all = ways();
  ASSERT_GE(all.size(), 25u);
  auto const arrivals = setting("SLUICE_E2E_ZOO", all.size());
  site_.daemon().start();
  std::atomic<std::uint64_t> next = 0;
  std::vector<std::future<void>> writers;
  for (std::uint64_t w = 0; w < kWritersAtOnce; ++w)
    writers.push_back(std::async(std::launch::async, [&] {
      for (auto n = next++; n < arrivals; n = next++) arrive(all[n % all.size()], n);
    }));
  for (auto& writer : writers) writer.get();
  ASSERT_TRUE(site_.wait_for("done", came_.size(), Millis(60'000 + arrivals * 20)));

  std::map<std::string, std::vector<std::string>> assets;
  auto const ledger = site_.emulator().ledger();
  for (auto const& object : ledger.at("objects"))
    assets[object.at("filename").get<std::string>()].push_back(object.at("sha256").get<std::string>());
  auto const files = contents();
  std::uint64_t missed = 0, early = 0, twice = 0;
  for (auto const& name : came_) {
    auto const& made = assets[name];
    missed += made.empty() ? 1 : 0;
    twice += made.size() > 1 ? 1 : 0;
    auto const wrong = std::ranges::count_if(made, [&](auto const& sha256) { return sha256 != files.at(name); });
    early += static_cast<std::uint64_t>(wrong);
    EXPECT_TRUE(made.size() == 1 && wrong == 0)
        << name << ": " << made.size() << " assets, " << wrong << " of other bytes";
  }
  EXPECT_EQ(assets.size(), came_.size());
  auto const real = std::ranges::count(all, "real", &Way::kind);
  std::printf("%zu files in %zu ways (%td by real programs): %llu missed, %llu early, %llu twice\n", came_.size(),
              all.size(), real, static_cast<unsigned long long>(missed), static_cast<unsigned long long>(early),
              static_cast<unsigned long long>(twice));
  for (auto const& name : missing_) std::printf("not installed: %s\n", name.c_str());
}

}  // namespace
}  // namespace sluice::e2e

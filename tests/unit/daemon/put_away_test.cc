// The orders of core/source/put_away.h on the real file system, with a death at every step.
#include "core/source/put_away.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <map>
#include <utility>

#include "core/base/text.h"
#include "core/source/companions.h"
#include "daemon/acts_linux.h"
#include "daemon/beneath_linux.h"
#include "daemon/files_linux.h"
#include "tests/unit/daemon/stopping_acts.h"
#include "tests/unit/daemon/temp_folder.h"

namespace sluice::source {

using daemon::ActsLinux;
using daemon::Died;
using daemon::StoppingActs;
using daemon::TempFolder;
using ports::Place;

namespace {

constexpr char kOtherDisk[] = "/dev/shm";

ports::FilePrint print_of_file(std::string const& path) {
  struct stat about {};
  EXPECT_EQ(::lstat(path.c_str(), &about), 0) << path;
  return daemon::print_of(about);
}

// Every regular file beneath a folder, with what is in it.
std::map<std::string, std::string> files_in(std::string const& folder) {
  std::map<std::string, std::string> all;
  for (auto const& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file() || entry.is_symlink()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    all[entry.path().lexically_relative(folder)] = {std::istreambuf_iterator<char>(file), {}};
  }
  return all;
}

using Files = std::map<std::string, std::string>;

class OtherDisk {
 public:
  OtherDisk() {
    auto pattern = std::string(kOtherDisk) + "/sluice_XXXXXX";
    path_ = ::mkdtemp(pattern.data()) != nullptr ? pattern : "";
  }
  ~OtherDisk() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  OtherDisk(OtherDisk const&) = delete;
  OtherDisk& operator=(OtherDisk const&) = delete;
  std::string const& path() const { return path_; }
  bool differs_from(std::string const& folder) const {
    return !path_.empty() && print_of_file(path_).device != print_of_file(folder).device;
  }

 private:
  std::string path_;
};

enum class Way { kMove, kCopy, kDelete };

class PutAway : public testing::Test {
 protected:
  PutAway() {
    drop.folder("day1");
    drop.write("day1/clip.mp4", "film");
    print = print_of_file(drop.at("day1/clip.mp4"));
  }
  Leaving leaving() const { return {.at = {drop.path(), "day1/clip.mp4"}, .print = print, .tag = "01J.1"}; }
  Place to(std::string const& folder) const { return {folder, "north/day1/clip.mp4"}; }

  TempFolder drop, done;
  ports::FilePrint print;
  ActsLinux real;
};

}  // namespace

TEST_F(PutAway, MovesAFileAndMakesTheFoldersOnTheWay) {
  auto const left = move_away(real, leaving(), to(done.path()));
  ASSERT_TRUE(left) << left.error().text;
  EXPECT_EQ(left->at, to(done.path()));
  EXPECT_EQ(files_in(done.path()), (Files{{"north/day1/clip.mp4", "film"}}));
  EXPECT_EQ(files_in(drop.path()), Files{});
  EXPECT_TRUE(std::filesystem::is_directory(drop.at("day1"))) << "folders that are not ours stay";
}

TEST_F(PutAway, AMoveThatWasDoneIsDoneWhenItIsAskedForAgain) {
  ASSERT_TRUE(move_away(real, leaving(), to(done.path())));
  auto const again = move_away(real, leaving(), to(done.path()));
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ(again->at, to(done.path()));
}

TEST_F(PutAway, NeverOverwritesAndCountsBeforeTheExtension) {
  done.folder("north/day1");
  done.write("north/day1/clip.mp4", "older");
  done.write("north/day1/clip~1.mp4", "old");
  auto const left = move_away(real, leaving(), to(done.path()));
  ASSERT_TRUE(left) << left.error().text;
  EXPECT_EQ(left->at.path, "north/day1/clip~2.mp4");
  EXPECT_EQ(
      files_in(done.path()),
      (Files{{"north/day1/clip.mp4", "older"}, {"north/day1/clip~1.mp4", "old"}, {"north/day1/clip~2.mp4", "film"}}));
}

TEST_F(PutAway, LeavesAFileThatChanged) {
  drop.write("day1/clip.mp4", "another film");
  auto const moved = move_away(real, leaving(), to(done.path()));
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().fault, Fault::kSourceChanged);
  auto const deleted = delete_away(real, leaving());
  ASSERT_FALSE(deleted);
  EXPECT_EQ(deleted.error().fault, Fault::kSourceChanged);
  EXPECT_EQ(files_in(drop.path()), (Files{{"day1/clip.mp4", "another film"}}));
}

TEST_F(PutAway, LeavesAFileThatWasReplacedBetweenTheLookAndTheDeed) {
  for (bool const moves : {true, false}) {
    StoppingActs acts(real);
    auto replaced = false;
    acts.meanwhile = [&](std::string const& step) {
      if (step != "rename" || std::exchange(replaced, true)) return;
      drop.write("day1/new", "newer");
      drop.rename("day1/new", "day1/clip.mp4");
    };
    auto const left = moves ? move_away(acts, leaving(), to(done.path())) : delete_away(acts, leaving());
    ASSERT_FALSE(left);
    EXPECT_EQ(left.error().fault, Fault::kSourceChanged);
    EXPECT_EQ(files_in(drop.path()), (Files{{"day1/clip.mp4", "newer"}})) << "it went back";
    EXPECT_EQ(files_in(done.path()), Files{});
    drop.write("day1/clip.mp4", "film");
    print = print_of_file(drop.at("day1/clip.mp4"));
  }
}

TEST_F(PutAway, AFileThatIsGoneCannotBeMovedButIsDeleted) {
  drop.remove("day1/clip.mp4");
  auto const moved = move_away(real, leaving(), to(done.path()));
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().fault, Fault::kGone);
  EXPECT_TRUE(delete_away(real, leaving()));
}

TEST_F(PutAway, SidecarsChecksumsAndMarkersGoWithTheirFile) {
  for (auto const* name : {"clip.mp4.json", "clip.mp4.sha256", "clip.mp4.DONE", "clip.json", "other.mp4.json"})
    drop.write(std::string("day1/") + name, name);
  done.folder("north/day1");
  done.write("north/day1/clip.mp4", "older");
  auto const left = move_away(real, leaving(), to(done.path()));
  ASSERT_TRUE(left) << left.error().text;
  EXPECT_EQ(left->note, "");
  EXPECT_EQ(files_in(done.path()), (Files{{"north/day1/clip.mp4", "older"},
                                          {"north/day1/clip~1.mp4", "film"},
                                          {"north/day1/clip~1.mp4.json", "clip.mp4.json"},
                                          {"north/day1/clip~1.mp4.sha256", "clip.mp4.sha256"},
                                          {"north/day1/clip~1.mp4.DONE", "clip.mp4.DONE"}}));
  EXPECT_EQ(files_in(drop.path()), (Files{{"day1/clip.json", "clip.json"}, {"day1/other.mp4.json", "other.mp4.json"}}));
}

TEST_F(PutAway, ASharedSidecarGoesWithTheLastFileOfItsStemThatUsedIt) {
  for (auto const* name : {"clip.json", "clip.MOV", "clip.txt"}) drop.write(std::string("day1/") + name, name);
  done.folder("north/day1");
  done.write("north/day1/clip.mp4", "older");
  auto first = leaving();
  first.sidecar = "clip.json";
  ASSERT_TRUE(move_away(real, first, to(done.path())));
  EXPECT_TRUE(files_in(drop.path()).contains("day1/clip.json")) << "clip.MOV needs it";
  Leaving last{.at = {drop.path(), "day1/clip.MOV"},
               .print = print_of_file(drop.at("day1/clip.MOV")),
               .tag = "01J.2",
               .sidecar = "clip.json"};
  done.write("north/day1/clip.MOV", "older");
  ASSERT_TRUE(move_away(real, last, {done.path(), "north/day1/clip.MOV"}));
  EXPECT_EQ(files_in(drop.path()), (Files{{"day1/clip.txt", "clip.txt"}}));
  EXPECT_EQ(files_in(done.path()).at("north/day1/clip~1.json"), "clip.json");

  drop.write("day1/other.mp4", "x");
  drop.write("day1/other.json", "y");
  Leaving deleted{.at = {drop.path(), "day1/other.mp4"},
                  .print = print_of_file(drop.at("day1/other.mp4")),
                  .tag = "01J.3",
                  .sidecar = "other.json"};
  ASSERT_TRUE(delete_away(real, deleted));
  EXPECT_EQ(files_in(drop.path()), (Files{{"day1/clip.txt", "clip.txt"}}));
}

TEST_F(PutAway, ASharedSidecarStaysForAFileWhoseExtensionIsSpelledInAnyWay) {
  for (auto const* name : {"clip.json", "clip.Mov", "clip.txt"}) drop.write(std::string("day1/") + name, name);
  auto file = leaving();
  file.sidecar = "clip.json";
  ASSERT_TRUE(delete_away(real, file));
  EXPECT_EQ(files_in(drop.path()),
            (Files{{"day1/clip.Mov", "clip.Mov"}, {"day1/clip.json", "clip.json"}, {"day1/clip.txt", "clip.txt"}}));
}

TEST_F(PutAway, KnowsASharedSidecarByItsName) {
  for (auto const* other : {"clip.mov", "clip.MOV", "clip.Mp3", "clip"})
    EXPECT_TRUE(may_share_sidecar(other, "clip.mp4"));
  for (auto const* other : {"clip.mp4", "clip.txt", "clip.json", "clip.mp4.json", "Clip.mov", "clip2.mov"})
    EXPECT_FALSE(may_share_sidecar(other, "clip.mp4")) << other;
  EXPECT_TRUE(is_shared_sidecar("clip.json", "clip.mp4"));
  EXPECT_FALSE(is_shared_sidecar("clip.mp4.json", "clip.mp4"));
  EXPECT_FALSE(is_shared_sidecar("_defaults.yaml", "_defaults.mp4")) << "it is the folder's";
  EXPECT_FALSE(is_shared_sidecar("clip.txt", "clip.mp4"));
}

TEST_F(PutAway, DeletesTheCompanionsWithTheirFile) {
  drop.write("day1/clip.mp4.md5", "x");
  drop.write("day1/other.mp4", "y");
  ASSERT_TRUE(delete_away(real, leaving()));
  EXPECT_EQ(files_in(drop.path()), (Files{{"day1/other.mp4", "y"}}));
}

// Whoever took the file away may have put there what belongs to the next one.
TEST_F(PutAway, LeavesTheCompanionsOfAFileThatIsNotThere) {
  drop.write("day1/clip.mp4.json", "of the next");
  auto const file = leaving();
  std::filesystem::remove(drop.at("day1/clip.mp4"));
  ASSERT_TRUE(delete_away(real, file));
  EXPECT_EQ(files_in(drop.path()), (Files{{"day1/clip.mp4.json", "of the next"}}));
}

TEST_F(PutAway, AMarkerOfTheSourcesOwnKindGoesToo) {
  drop.write("day1/ok-clip.mp4", "");
  auto file = leaving();
  file.marker = *parse_template("ok-{name}");
  ASSERT_TRUE(delete_away(real, file));
  EXPECT_EQ(files_in(drop.path()), Files{});
}

TEST_F(PutAway, FollowsNoLinkInTheSourceOrInTheTarget) {
  TempFolder outside;
  outside.write("canary.mp4", "film");
  drop.remove("day1");
  drop.link(outside.path(), "day1");
  auto file = leaving();
  file.at.path = "day1/canary.mp4";
  file.print = print_of_file(outside.at("canary.mp4"));
  EXPECT_FALSE(move_away(real, file, to(done.path())));
  EXPECT_FALSE(delete_away(real, file));
  drop.remove("day1");
  drop.folder("day1");
  drop.write("day1/clip.mp4", "film");
  print = print_of_file(drop.at("day1/clip.mp4"));
  done.link(outside.path(), "north");
  EXPECT_FALSE(move_away(real, leaving(), to(done.path())));
  EXPECT_EQ(files_in(outside.path()), (Files{{"canary.mp4", "film"}}));
}

TEST_F(PutAway, MovesNothingIntoAFolderWhoseFilesAreTaken) {
  daemon::WatchedRoots watched;
  watched.watch({drop.path()});
  ActsLinux acts(&watched);
  daemon::FilesLinux files(&watched);
  ASSERT_TRUE(files.list(drop.path(), ""));
  drop.folder("done");
  TempFolder elsewhere;
  elsewhere.link(drop.at("done"), "link");
  std::string const above(directory_of(drop.path())), name(basename_of(drop.path()));
  for (auto const& target : {to(elsewhere.at("link")), to(drop.path()), Place{above, name + "/x/clip.mp4"}}) {
    auto const left = move_away(acts, leaving(), target);
    ASSERT_FALSE(left) << target.folder;
    EXPECT_EQ(left.error().fault, Fault::kRejected);
    EXPECT_EQ(left.error().code, "bad_target");
    EXPECT_NE(left.error().text.find("is within " + drop.path()), std::string::npos) << left.error().text;
  }
  EXPECT_EQ(files_in(drop.path()), (Files{{"day1/clip.mp4", "film"}}));
  EXPECT_FALSE(std::filesystem::exists(drop.at("done/north"))) << "no folder was made either";
  EXPECT_TRUE(move_away(acts, leaving(), to(done.path()))) << "beside it";
}

// As under a unit with UMask=0077.
class Umask {
 public:
  explicit Umask(mode_t mask) : before_(::umask(mask)) {}
  ~Umask() { ::umask(before_); }
  Umask(Umask const&) = delete;
  Umask& operator=(Umask const&) = delete;

 private:
  mode_t before_;
};

unsigned mode_of(std::string const& path) {
  struct stat about {};
  EXPECT_EQ(::stat(path.c_str(), &about), 0) << path;
  return about.st_mode & 07777;
}

TEST_F(PutAway, NotesAndFoldersAreAsOpenAsWhatTheyAreInWhateverTheUmask) {
  Umask const shut(0077);
  done.folder("team");
  ASSERT_EQ(::chmod(done.at("team").c_str(), 02775), 0);
  ASSERT_TRUE(move_away(real, leaving(), {done.path(), "team/day1/reel/clip.mp4"}));
  EXPECT_EQ(mode_of(done.at("team/day1")), 02775u) << "as the one above, group and all";
  EXPECT_EQ(mode_of(done.at("team/day1/reel")), 02775u);
  ASSERT_TRUE(real.make_way({done.path(), "own/clip.mp4"}));
  EXPECT_EQ(mode_of(done.at("own")), 0700u) << "never more than the one above";
  ASSERT_EQ(::chmod(done.path().c_str(), 01777), 0);
  ASSERT_TRUE(real.make_way({done.path(), "free/clip.mp4"}));
  EXPECT_EQ(mode_of(done.at("free")), 0777u) << "not sticky";
  Note const note{.at = {done.path(), "team/clip.mp4.error.json"}, .text = "why", .ours = "why", .tag = "t"};
  ASSERT_TRUE(write_note(real, note));
  EXPECT_EQ(mode_of(done.at("team/clip.mp4.error.json")), 0644u);
}

TEST_F(PutAway, ANoteWhoseNameIsTooLongIsRefusedInWordsAndLeavesNothing) {
  auto const name = std::string(244, 'b') + ".sluice.json";
  auto const written = write_note(real, {.at = {done.path(), name}, .text = "t", .ours = "t", .tag = "t"});
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, "name");
  EXPECT_NE(written.error().text.find(name), std::string::npos) << "it is ours that is too long";
  EXPECT_NE(written.error().text.find("give the file a shorter one"), std::string::npos) << written.error().text;
  EXPECT_EQ(files_in(done.path()), Files{});
}

TEST_F(PutAway, ACopyThatFindsNoNameLeavesNothing) {
  OtherDisk const disk;
  if (!disk.differs_from(drop.path())) GTEST_SKIP() << "needs a second file system at " << kOtherDisk;
  auto const name = std::string(251, 'c') + ".mp4";
  drop.rename("day1/clip.mp4", "day1/" + name);
  print = print_of_file(drop.at("day1/" + name));
  std::ofstream(disk.path() + "/" + name) << "older";
  auto const left =
      move_away(real, {.at = {drop.path(), "day1/" + name}, .print = print, .tag = "t"}, {disk.path(), name});
  ASSERT_FALSE(left);
  EXPECT_EQ(left.error().code, "name");
  EXPECT_EQ(files_in(disk.path()), (Files{{name, "older"}}));
  EXPECT_EQ(files_in(drop.path()), (Files{{"day1/" + name, "film"}}));
}

TEST_F(PutAway, WithoutTheTargetsOwnFolderNothingIsMade) {
  auto const left = move_away(real, leaving(), to(done.at("not_mounted")));
  ASSERT_FALSE(left);
  EXPECT_EQ(left.error().code, "no_folder");
  EXPECT_EQ(files_in(drop.path()), (Files{{"day1/clip.mp4", "film"}}));
}

TEST_F(PutAway, MovesToAnotherFileSystemWithModeAndTime) {
  OtherDisk const disk;
  if (!disk.differs_from(drop.path())) GTEST_SKIP() << "needs a second file system at " << kOtherDisk;
  auto const left = move_away(real, leaving(), to(disk.path()));
  ASSERT_TRUE(left) << left.error().text;
  EXPECT_EQ(files_in(disk.path()), (Files{{"north/day1/clip.mp4", "film"}}));
  EXPECT_EQ(files_in(drop.path()), Files{});
  EXPECT_EQ(print_of_file(disk.path() + "/north/day1/clip.mp4").mtime_ns, print.mtime_ns);
}

TEST_F(PutAway, ACopyOfAFileThatChangesMeanwhileIsNotKept) {
  OtherDisk const disk;
  if (!disk.differs_from(drop.path())) GTEST_SKIP() << "needs a second file system at " << kOtherDisk;
  StoppingActs acts(real);
  acts.meanwhile = [&](std::string const& step) {
    if (step == "copy") drop.write("day1/clip.mp4", "newer film");
  };
  auto const left = move_away(acts, leaving(), to(disk.path()));
  ASSERT_FALSE(left);
  EXPECT_EQ(left.error().fault, Fault::kSourceChanged);
  EXPECT_EQ(files_in(drop.path()), (Files{{"day1/clip.mp4", "newer film"}}));
  EXPECT_EQ(files_in(disk.path()), Files{});
}

// At every step of each way, and once more at every step of the second life, where `twice`.
TEST_F(PutAway, ADeathAtAnyStepLosesNothingAndComesToTheSameEnd) {
  OtherDisk const disk;
  for (auto const way : {Way::kMove, Way::kCopy, Way::kDelete}) {
    if (way == Way::kCopy && !disk.differs_from(drop.path())) continue;
    auto const folder = way == Way::kCopy ? disk.path() : done.path();
    auto const target = Place{folder, "n/clip.mp4"};
    auto const order = [&](ports::Acts& acts) {
      auto file = leaving();
      file.sidecar = "clip.json";
      return way == Way::kDelete ? delete_away(acts, file) : move_away(acts, file, target);
    };
    for (std::size_t k = 1;; ++k) {
      std::error_code ignored;
      std::filesystem::remove_all(folder + "/n", ignored);
      drop.remove("day1");
      drop.folder("day1");
      drop.write("day1/clip.mp4", "film");
      drop.write("day1/clip.mp4.md5", "sum");
      drop.write("day1/clip.json", "words");
      print = print_of_file(drop.at("day1/clip.mp4"));
      StoppingActs acts(real);
      acts.dies_at = k;
      auto died = false;
      try {
        ASSERT_TRUE(order(acts));
      } catch (Died const&) {
        died = true;
      }
      auto all = files_in(drop.path());
      all.merge(files_in(folder));
      auto const kept = std::ranges::any_of(all, [](auto const& file) { return file.second == "film"; });
      EXPECT_TRUE(kept || way == Way::kDelete) << "lost at moment " << k;
      auto const left = order(real);
      ASSERT_TRUE(left) << "moment " << k << ": " << left.error().text;
      EXPECT_EQ(files_in(drop.path()), Files{}) << "moment " << k;
      auto const expected = way == Way::kDelete
                                ? Files{}
                                : Files{{"n/clip.mp4", "film"}, {"n/clip.mp4.md5", "sum"}, {"n/clip.json", "words"}};
      EXPECT_EQ(files_in(folder), expected) << "moment " << k;
      if (!died) {
        EXPECT_GT(k, 10U);
        break;
      }
    }
  }
}

// What fails is tried again, but the companions of a file that has gone are not.
TEST_F(PutAway, AFailureAtAnyStepHidesNoCompanion) {
  OtherDisk const disk;
  for (auto const way : {Way::kMove, Way::kCopy, Way::kDelete}) {
    if (way == Way::kCopy && !disk.differs_from(drop.path())) continue;
    auto const folder = way == Way::kCopy ? disk.path() : done.path();
    for (auto [failed, k] = std::pair(true, std::size_t{1}); failed; ++k) {
      std::error_code ignored;
      std::filesystem::remove_all(folder + "/n", ignored);
      drop.remove("day1");
      drop.folder("day1");
      drop.write("day1/clip.mp4", "film");
      drop.write("day1/clip.mp4.md5", "sum");
      print = print_of_file(drop.at("day1/clip.mp4"));
      StoppingActs acts(real);
      acts.fails_at = k;
      auto const is_done = [&] {
        return (way == Way::kDelete ? delete_away(acts, leaving()) : move_away(acts, leaving(), {folder, "n/clip.mp4"}))
            .has_value();
      };
      EXPECT_TRUE(is_done() || is_done()) << "step " << k;
      failed = acts.steps >= k;
      auto all = files_in(drop.path());
      all.merge(files_in(folder));
      for (auto const& [name, text] : all)
        EXPECT_FALSE(basename_of(name).starts_with(".sluice-")) << name << " after step " << k;
    }
  }
}

TEST_F(PutAway, ANoteReplacesOurOlderOneAndNobodyElses) {
  Note note{.at = {drop.path(), "day1/clip.mp4.sluice.json"}, .text = "ours:clip 1", .ours = "ours:clip", .tag = "t"};
  ASSERT_TRUE(write_note(real, note));
  note.text = "ours:clip 2";
  ASSERT_TRUE(write_note(real, note));
  EXPECT_EQ(files_in(drop.path()), (Files{{"day1/clip.mp4", "film"}, {"day1/clip.mp4.sluice.json", "ours:clip 2"}}));
  drop.write("day1/clip.mp4.sluice.json", "a person's");
  auto const beside = write_note(real, note);
  ASSERT_TRUE(beside);
  EXPECT_EQ(beside->path, "day1/clip.mp4.sluice~1.json");
  EXPECT_EQ(files_in(drop.path())["day1/clip.mp4.sluice.json"], "a person's");
  ASSERT_TRUE(remove_note(real, note));
  EXPECT_EQ(files_in(drop.path()), (Files{{"day1/clip.mp4", "film"}, {"day1/clip.mp4.sluice.json", "a person's"}}));
}

TEST_F(PutAway, ADeathAtAnyStepOfANoteLeavesOneNote) {
  for (std::size_t k = 1;; ++k) {
    Note const note{.at = {done.path(), "r.json"}, .text = "ours 2", .ours = "ours", .tag = "t"};
    done.write("r.json", "ours 1");
    StoppingActs acts(real);
    acts.dies_at = k;
    auto died = false;
    try {
      ASSERT_TRUE(write_note(acts, note));
    } catch (Died const&) {
      died = true;
    }
    ASSERT_TRUE(write_note(real, note));
    EXPECT_EQ(files_in(done.path()), (Files{{"r.json", "ours 2"}})) << "moment " << k;
    if (!died) break;
  }
}

TEST(Numbered, CountsBeforeTheExtension) {
  EXPECT_EQ(numbered("a/clip.mp4", 0), "a/clip.mp4");
  EXPECT_EQ(numbered("a.b/clip.mp4", 2), "a.b/clip~2.mp4");
  EXPECT_EQ(numbered("clip", 1), "clip~1");
  EXPECT_EQ(numbered("a/.hidden", 1), "a/.hidden~1");
}

}  // namespace sluice::source

// Hints from inotify: what becomes dirty, and what is said where no hint can be had.
#include "daemon/watch_inotify.h"

#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <functional>

#include "tests/unit/daemon/temp_folder.h"

namespace sluice::daemon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;

// Events are queued before the call that causes them returns, so one collect() sees them.
std::vector<std::string> dirty_of(WatchInotify& watch) {
  auto const dirty = watch.collect();
  EXPECT_FALSE(dirty.overflow);
  if (dirty.roots.empty()) return {};
  EXPECT_EQ(dirty.roots.size(), 1u);
  return dirty.roots[0].whole ? std::vector<std::string>{"*"} : dirty.roots[0].folders;
}

class Watch : public testing::Test {
 protected:
  void begin(bool recursive = true) {
    watch.add_root(root.path(), recursive);
    EXPECT_THAT(dirty_of(watch), ElementsAre("*"));
    EXPECT_THAT(dirty_of(watch), IsEmpty());
  }
  TempFolder root;
  WatchInotify watch;
};

TEST_F(Watch, ReportsTheFolderOfAWrittenFile) {
  root.folder("a/b");
  begin();
  EXPECT_EQ(watch.state(root.path()).coverage, Coverage::kFull);
  EXPECT_EQ(watch.state(root.path()).watched, 3u);
  root.write("a/b/f", "x");
  EXPECT_THAT(dirty_of(watch), ElementsAre("a/b"));
  root.write("top", "x");
  root.remove("a/b/f");
  EXPECT_THAT(dirty_of(watch), ElementsAre("", "a/b"));
}

TEST_F(Watch, IsQuietAboutReaders) {
  root.write("f", "x");
  begin();
  std::ifstream(root.at("f")).get();
  EXPECT_THAT(dirty_of(watch), IsEmpty());
}

TEST_F(Watch, ReportsANewTreeFolderByFolderAndWatchesIt) {
  begin();
  root.folder("new/sub/deep");
  root.write("new/sub/deep/f", "x");
  EXPECT_THAT(dirty_of(watch), IsSupersetOf({"", "new", "new/sub", "new/sub/deep"}));
  EXPECT_EQ(watch.state(root.path()).watched, 4u);
  root.write("new/sub/deep/g", "x");
  EXPECT_THAT(dirty_of(watch), ElementsAre("new/sub/deep"));
}

TEST_F(Watch, FollowsAFolderThatIsRenamed) {
  root.folder("old/sub");
  begin();
  root.rename("old", "new");
  EXPECT_THAT(dirty_of(watch), IsSupersetOf({"", "new", "new/sub"}));
  root.write("new/sub/f", "x");
  EXPECT_THAT(dirty_of(watch), ElementsAre("new/sub"));
  EXPECT_EQ(watch.state(root.path()).watched, 3u);
}

TEST_F(Watch, ForgetsATreeThatIsMovedOut) {
  TempFolder elsewhere;
  root.folder("a/b");
  begin();
  std::filesystem::rename(root.at("a"), elsewhere.at("a"));
  EXPECT_THAT(dirty_of(watch), ElementsAre(""));
  elsewhere.write("a/b/f", "x");
  EXPECT_THAT(dirty_of(watch), IsEmpty());
  EXPECT_EQ(watch.state(root.path()).watched, 1u);
}

TEST_F(Watch, TakesAFolderThatWasReplacedByAnotherOfItsName) {
  root.folder("a");
  begin();
  root.remove("a");
  root.folder("a");
  EXPECT_THAT(dirty_of(watch), IsSupersetOf({"", "a"}));
  root.write("a/f", "x");
  EXPECT_THAT(dirty_of(watch), ElementsAre("a"));
}

TEST_F(Watch, StaysAtTheTopWhereItIsNotRecursive) {
  root.folder("a");
  begin(false);
  EXPECT_EQ(watch.state(root.path()).watched, 1u);
  root.write("a/f", "x");
  EXPECT_THAT(dirty_of(watch), IsEmpty());
  root.folder("b/c");
  EXPECT_THAT(dirty_of(watch), ElementsAre(""));
}

TEST_F(Watch, LooksBeneathAFolderThatOneOfTwoSourcesWantsWhole) {
  root.folder("a/b");
  begin(false);
  watch.add_root(root.path(), true);
  EXPECT_THAT(dirty_of(watch), ElementsAre("*"));
  EXPECT_EQ(watch.state(root.path()).watched, 3u);
  root.write("a/b/f", "x");
  EXPECT_THAT(dirty_of(watch), ElementsAre("a/b"));
  watch.add_root(root.path(), false);
  EXPECT_THAT(dirty_of(watch), IsEmpty());
  root.write("a/b/g", "x");
  EXPECT_THAT(dirty_of(watch), ElementsAre("a/b"));
}

TEST_F(Watch, DoesNotFollowLinks) {
  TempFolder elsewhere;
  root.link(elsewhere.path(), "link");
  begin();
  elsewhere.write("f", "x");
  EXPECT_THAT(dirty_of(watch), IsEmpty());
}

TEST_F(Watch, SaysWholeWhenTooManyFoldersAreDirty) {
  begin();
  for (std::size_t i = 0; i < kDirtyFoldersMax; ++i) root.folder("d" + std::to_string(i));
  EXPECT_THAT(dirty_of(watch), ElementsAre("*"));
}

TEST_F(Watch, SaysOverflowAndLooksAgainAtEverything) {
  begin();
  root.folder("a");
  root.write("f", "x");
  std::ifstream limit("/proc/sys/fs/inotify/max_queued_events");
  int events = 0;
  limit >> events;
  if (events > 100'000) GTEST_SKIP() << "the queue is too long to fill";
  for (int i = 0; i < events; ++i) {  // two different events in turn, else the kernel makes one of them
    ::chmod(root.at("f").c_str(), i % 2 == 0 ? 0600 : 0640);
    ::chmod(root.at("a").c_str(), i % 2 == 0 ? 0700 : 0750);
  }
  root.folder("late");  // its event was dropped
  bool overflow = false;
  for (int turns = 0; turns < 100 && !overflow; ++turns) {
    auto const dirty = watch.collect();
    overflow = dirty.overflow;
    EXPECT_EQ(overflow, !dirty.roots.empty() && dirty.roots[0].whole);
  }
  EXPECT_TRUE(overflow);
  watch.collect();
  root.write("late/f", "x");
  EXPECT_THAT(dirty_of(watch), ElementsAre("late"));
}

TEST_F(Watch, SeesARootGoAndComeBack) {
  root.folder("drop/a");
  auto const drop = root.at("drop");
  watch.add_root(drop, true);
  watch.collect();

  root.remove("drop");
  EXPECT_THAT(dirty_of(watch), ElementsAre("*"));
  EXPECT_EQ(watch.state(drop).coverage, Coverage::kMissing);
  EXPECT_THAT(watch.state(drop).reason, HasSubstr("No such file"));
  EXPECT_THAT(dirty_of(watch), IsEmpty());

  root.folder("drop/b");
  EXPECT_THAT(dirty_of(watch), ElementsAre("*"));
  EXPECT_EQ(watch.state(drop).coverage, Coverage::kFull);
  root.write("drop/b/f", "x");
  EXPECT_THAT(dirty_of(watch), ElementsAre("b"));
}

TEST_F(Watch, SeesARootThatWasReplaced) {
  root.folder("drop");
  auto const drop = root.at("drop");
  watch.add_root(drop, true);
  watch.collect();
  root.rename("drop", "away");
  root.folder("drop");
  EXPECT_THAT(dirty_of(watch), ElementsAre("*"));
  root.write("away/f", "x");
  EXPECT_THAT(dirty_of(watch), IsEmpty());
  root.write("drop/f", "x");
  EXPECT_THAT(dirty_of(watch), ElementsAre(""));
}

TEST_F(Watch, WaitsForARootThatIsNotThereYet) {
  auto const drop = root.at("later");
  watch.add_root(drop, true);
  watch.collect();
  EXPECT_EQ(watch.state(drop).coverage, Coverage::kMissing);
  root.folder("later");
  EXPECT_THAT(dirty_of(watch), ElementsAre("*"));
  watch.remove_root(drop);
  root.write("later/f", "x");
  EXPECT_THAT(dirty_of(watch), IsEmpty());
}

TEST_F(Watch, SharesAFolderBetweenNestedRoots) {
  root.folder("sub");
  begin();
  watch.add_root(root.at("sub"), true);
  watch.collect();
  root.write("sub/f", "x");
  EXPECT_EQ(watch.collect().roots.size(), 2u);
  watch.remove_root(root.path());
  root.write("sub/f", "y");
  EXPECT_THAT(dirty_of(watch), ElementsAre(""));
}

// Exit status of a child in which something could not be tried.
constexpr int kCannotTry = 77;

// Runs `body` in a child, which may change its namespaces. Returns its exit status.
int in_child(std::function<int()> const& body) {
  auto const child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int run_with_a_mount(TempFolder const& root) {
  if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return kCannotTry;
  WatchInotify watch;
  watch.add_root(root.path(), true);
  watch.collect();
  if (::mount("none", root.path().c_str(), "tmpfs", 0, nullptr) != 0) return kCannotTry;
  if (dirty_of(watch) != std::vector<std::string>{"*"}) return 1;
  root.write("f", "x");
  if (dirty_of(watch) != std::vector<std::string>{""}) return 2;
  if (::umount2(root.path().c_str(), MNT_DETACH) != 0) return 3;
  return dirty_of(watch) == std::vector<std::string>{"*"} ? 0 : 4;
}

TEST_F(Watch, SeesAMountOverItsRoot) {
  auto const status = in_child([&] { return run_with_a_mount(root); });
  if (status == kCannotTry) GTEST_SKIP() << "needs a mount namespace";
  EXPECT_EQ(status, 0);
}

// The limit is set for a user namespace of its own.
int run_with_few_watches(std::string const& root, TempFolder const& folder) {
  if (::unshare(CLONE_NEWUSER) != 0) return kCannotTry;
  std::ofstream("/proc/sys/user/max_inotify_watches") << 3 << std::flush;
  std::string now;
  std::getline(std::ifstream("/proc/sys/user/max_inotify_watches"), now);
  if (now != "3") return kCannotTry;
  WatchInotify watch;
  watch.add_root(root, true);
  auto const state = watch.state(root);
  if (state.coverage != Coverage::kDegraded || state.watched != 3 || state.needed != 6) return 1;
  std::size_t limit = 0;
  std::ifstream("/proc/sys/fs/inotify/max_user_watches") >> limit;
  std::string const to_set = "fs.inotify.max_user_watches=";
  auto const at = state.reason.find(to_set);
  if (at == std::string::npos || std::stoull(state.reason.substr(at + to_set.size())) < limit + 3) return 2;
  watch.collect();
  folder.remove("a");
  folder.remove("b");
  folder.remove("c");
  watch.collect();
  watch.refresh();
  return watch.state(root).coverage == Coverage::kFull && watch.state(root).watched == 3 ? 0 : 3;
}

TEST_F(Watch, DegradesAtTheLimitAndRecovers) {
  for (auto const* name : {"a", "b", "c", "d", "e"}) root.folder(name);
  auto const status = in_child([&] { return run_with_few_watches(root.path(), root); });
  if (status == kCannotTry) GTEST_SKIP() << "needs a user namespace";
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace sluice::daemon

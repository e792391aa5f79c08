// Watching on threads: what reaches the loop, and that a folder which hangs is in nobody's way.
#include "daemon/watch_threads.h"

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/stat.h>

#include <condition_variable>
#include <future>
#include <map>
#include <mutex>

#include "tests/unit/daemon/temp_folder.h"

namespace sluice::daemon {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::chrono::hours kNever{24};  // no test takes so long

// Counts the looks at each folder, and lets those at one of them hang as a file call on a dead mount would.
class Looks {
 public:
  void hang(std::string const& root) {
    std::lock_guard const lock(mutex_);
    hanging_ = root;
  }
  void go_on() {
    hang("");
    changed_.notify_all();
  }
  void begin(std::string const& root) {
    std::unique_lock lock(mutex_);
    ++begun_[root];
    changed_.notify_all();
    changed_.wait(lock, [&] { return root != hanging_; });
  }
  int begun(std::string const& root) {
    std::lock_guard const lock(mutex_);
    return begun_[root];
  }
  void wait_for(std::string const& root, int looks) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return begun_[root] >= looks; });
  }
  // Two more looks: the first of them began after what happened before this call, and has come back.
  void wait_for_a_whole_one(std::string const& root) { wait_for(root, begun(root) + 2); }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string hanging_;
  std::map<std::string, int> begun_;
};

// What became dirty, "root/folder" or "root/*", since a test began to collect.
class Hints {
 public:
  explicit Hints(WatchThreads& watch) : watch_(watch) {}

  // Waits for fd() to say that there is more, until this is among it.
  bool hold(std::string const& hint) {
    while (!said_.contains(hint)) {
      pollfd fd{watch_.fd(), POLLIN, 0};
      if (::poll(&fd, 1, 20'000) != 1) return false;
      take();
    }
    return true;
  }
  void take() {
    auto const dirty = watch_.collect();
    overflow = overflow || dirty.overflow;
    for (auto const& root : dirty.roots) {
      if (root.whole) said_.insert(root.root + "/*");
      for (auto const& folder : root.folders) said_.insert(root.root + "/" + folder);
    }
  }
  void forget() { said_.clear(); }

  bool overflow = false;

 private:
  WatchThreads& watch_;
  std::set<std::string> said_;
};

class Watching : public testing::Test {
 protected:
  Watching() {
    root.folder("drop");
    root.folder("other");
  }
  // Of paces that are as short as can be, or never come, so that nothing depends on time.
  std::unique_ptr<WatchThreads> begin(std::vector<WatchThreads::Root> const& roots) {
    auto watch = std::make_unique<WatchThreads>(roots, pace, [this](std::string const& path) { looks.begin(path); });
    watch->start();
    return watch;
  }

  TempFolder root;
  std::string const drop = root.at("drop");
  std::string const other = root.at("other");
  Looks looks;
  WatchPace pace{.look = kNever,
                 .look_missing = Millis(1),
                 .refresh = kNever,
                 .gather = Millis(1),
                 .silent = Millis(0),
                 .hang = kNever};
};
TEST_F(Watching, GivesItsHintsByADescriptor) {
  root.folder("drop/a");
  auto const watch = begin({{drop}});
  Hints hints(*watch);
  ASSERT_TRUE(hints.hold(drop + "/*"));
  root.write("drop/a/f", "x");
  EXPECT_TRUE(hints.hold(drop + "/a"));
}

TEST_F(Watching, TellsHowEachFolderStands) {
  root.folder("drop/a");
  auto const later = root.at("later");
  auto const watch = begin({{drop}, {later}});
  EXPECT_EQ(WatchThreads({{drop}}).state(drop).watch.coverage, Coverage::kMissing);  // not looked at yet
  EXPECT_THAT(WatchThreads({{drop}}).state(drop).watch.reason, HasSubstr("first time"));
  Hints hints(*watch);
  ASSERT_TRUE(hints.hold(drop + "/*") && hints.hold(later + "/*"));
  EXPECT_EQ(watch->state(drop).watch.coverage, Coverage::kFull);
  EXPECT_EQ(watch->state(drop).watch.watched, 2u);
  EXPECT_EQ(watch->state(later).watch.coverage, Coverage::kMissing);
  EXPECT_THAT(watch->state(later).watch.reason, HasSubstr("No such file"));

  hints.forget();
  root.folder("later");
  ASSERT_TRUE(hints.hold(later + "/*"));
  EXPECT_EQ(watch->state(later).watch.coverage, Coverage::kFull);
}

TEST_F(Watching, LooksBeneathAFolderThatOneOfTwoSourcesWantsWhole) {
  root.folder("drop/a");
  auto const watch = begin({{drop, false}, {drop, true}});
  Hints hints(*watch);
  ASSERT_TRUE(hints.hold(drop + "/*"));
  root.write("drop/a/f", "x");
  EXPECT_TRUE(hints.hold(drop + "/a"));
}

TEST_F(Watching, GoesOnWhileOneFolderHangs) {
  looks.hang(drop);
  auto const watch = begin({{drop}, {other}});
  Hints hints(*watch);
  looks.wait_for(drop, 1);
  ASSERT_TRUE(hints.hold(other + "/*"));
  root.write("other/f", "x");
  EXPECT_TRUE(hints.hold(other + "/"));
  EXPECT_TRUE(watch->state(drop).silent_for);

  looks.go_on();
  EXPECT_TRUE(hints.hold(drop + "/*"));
  EXPECT_FALSE(watch->state(drop).silent_for);
}

TEST_F(Watching, CallsAFolderSilentOnlyAfterALongLook) {
  pace.silent = kNever;
  looks.hang(drop);
  auto const watch = begin({{drop}});
  looks.wait_for(drop, 1);
  EXPECT_FALSE(watch->state(drop).silent_for);
  looks.go_on();
}

TEST_F(Watching, LeavesAThreadBehindThatHangs) {
  pace.hang = Millis(1);
  looks.hang(drop);
  auto const ended = std::make_shared<std::promise<void>>();
  auto gone = ended->get_future();
  {
    auto const held = std::shared_ptr<void>(nullptr, [ended](void*) { ended->set_value(); });
    WatchThreads watch({{drop}, {other}}, pace, [this, held](std::string const& path) { looks.begin(path); });
    watch.start();
    looks.wait_for(drop, 1);
  }
  EXPECT_EQ(gone.wait_for(Millis(0)), std::future_status::timeout);  // it holds what it uses
  looks.go_on();
  EXPECT_EQ(gone.wait_for(std::chrono::seconds(20)), std::future_status::ready);  // and ends when its call returns
}

TEST_F(Watching, CountsWhatTheKernelDropped) {
  root.folder("drop/a");
  root.write("drop/f", "x");
  std::ifstream limit("/proc/sys/fs/inotify/max_queued_events");
  int events = 0;
  limit >> events;
  if (events > 100'000) GTEST_SKIP() << "the queue is too long to fill";
  auto const watch = begin({{drop}, {other}});
  Hints hints(*watch);
  ASSERT_TRUE(hints.hold(drop + "/*") && hints.hold(other + "/*"));
  hints.forget();

  looks.hang(drop);
  for (int i = 0; i < events; ++i) {  // two different events in turn, else the kernel makes one of them
    ::chmod(root.at("drop/f").c_str(), i % 2 == 0 ? 0600 : 0640);
    ::chmod(root.at("drop/a").c_str(), i % 2 == 0 ? 0700 : 0750);
  }
  looks.go_on();
  EXPECT_TRUE(hints.hold(drop + "/*"));
  EXPECT_TRUE(hints.overflow);
  EXPECT_EQ(watch->state(drop).overflows, 1u);
  EXPECT_EQ(watch->state(other).overflows, 0u);
}

TEST_F(Watching, HoldsABoundedNumberOfHints) {
  pace.look = Millis(1);
  auto const watch = begin({{drop}});
  Hints hints(*watch);
  ASSERT_TRUE(hints.hold(drop + "/*"));
  hints.forget();
  for (auto const* const some : {"a", "b"}) {
    for (std::size_t i = 0; i < kDirtyFoldersMax / 2; ++i) root.folder("drop/" + (some + std::to_string(i)));
    looks.wait_for_a_whole_one(drop);
  }
  auto const dirty = watch->collect();
  ASSERT_EQ(dirty.roots.size(), 1u);
  EXPECT_TRUE(dirty.roots[0].whole);
  EXPECT_THAT(dirty.roots[0].folders, IsEmpty());
}

TEST_F(Watching, LooksOnceForABurst) {
  pace.gather = kNever;
  auto watch = begin({{drop}});
  Hints hints(*watch);
  ASSERT_TRUE(hints.hold(drop + "/*"));
  root.write("drop/first", "x");
  ASSERT_TRUE(hints.hold(drop + "/"));
  for (int i = 0; i < 100; ++i) root.write("drop/f" + std::to_string(i), "x");
  watch.reset();  // at once, although the thread gathers
  EXPECT_EQ(looks.begun(drop), 2);
}

}  // namespace
}  // namespace sluice::daemon

// watch_threads.h - watches folders on threads of their own, so that no file call of the watching holds up the loop.
//
// Each root has one thread with one inotify instance (watch_inotify.h). The thread walks the tree, reads the events,
// and looks whether its root is in place; the loop only takes what was published, in memory, when fd() is readable.
// So a dead mount holds up the watching of its own root and of no other, and a tree of 100,000 folders delays
// nobody. Why not one thread for several roots: which of them share a device, and thereby a fate, could only be
// found by file calls that may hang. The price is an instance per root of the 128 that fs.inotify.max_user_instances
// allows a user; roots without one are scanned by the clock, and say so. Roots that lie in one another are watched
// each for itself.
//
// Wake-ups: a thread sleeps until its root has events or the next look is due, which for all threads is at the same
// moments. Hints of a busy root are published once per `gather`; that of a quiet one at once. Memory: what the loop
// has not taken is one list of kDirtyFoldersMax folders per root; beyond that the root is dirty as a whole.
//
// A thread that hangs in a call when this ends is left behind. It holds what it uses, touches nothing else, and ends
// when its call returns.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/base/time.h"
#include "daemon/watch_inotify.h"

namespace sluice::daemon {

struct WatchPace {
  Millis look{10'000};         // whether a root is in its place
  Millis look_missing{2'000};  // whether a missing one came back
  Millis refresh{60'000};      // folders without a watch are tried again by the first look after this
  Millis gather{10};           // from a look at events to the next, so that a burst of them is few hints
  Millis silent{30'000};       // looks that take longer are told
  Millis hang{2'000};          // how long threads in a call are waited for at the end
};

class WatchThreads {
 public:
  struct Root {
    std::string path;  // absolute
    bool recursive = true;
  };

  struct Sight {
    RootWatch watch;                        // kMissing until the first look has come back
    std::uint64_t overflows = 0;            // how often the kernel dropped events of this root
    std::optional<Millis> silent_for = {};  // the folder does not answer: a look has been under way for so long
  };

  // A path may be given twice; it is watched with all beneath it if one of them asks for that. `before_look` is for
  // tests: it is called at the begin of each look, on the root's thread, and may hang as a file call would.
  explicit WatchThreads(std::vector<Root> const& roots, WatchPace pace = {},
                        std::function<void(std::string const& root)> before_look = {});
  // Waits no longer than `hang`.
  ~WatchThreads();
  WatchThreads(WatchThreads const&) = delete;
  WatchThreads& operator=(WatchThreads const&) = delete;

  // Begins to watch. Once; never waits. As soon as the first look at a root has come back, the root is dirty as a
  // whole (D2).
  void start();

  // For the poll set: readable when there are hints, or a root's coverage changed; until collect(). -1 if there is no
  // descriptor to be had: collect() is then to be called by the clock.
  int fd() const;

  // What was published since the last time. Never waits. `overflow` is about the roots that are whole, not about all.
  Dirty collect();

  // Requires  a root that was given.
  Sight state(std::string const& root) const;

 private:
  struct Board;

  std::shared_ptr<Board> board_;
  std::vector<std::thread> threads_;
};

}  // namespace sluice::daemon

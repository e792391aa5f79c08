#include "daemon/watch_threads.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>
#include <climits>
#include <condition_variable>
#include <csignal>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "core/base/text.h"

namespace sluice::daemon {
namespace {

using Steady = std::chrono::steady_clock;

Millis since(Steady::time_point begun) { return std::chrono::duration_cast<Millis>(Steady::now() - begun); }

UniqueFd make_eventfd() { return UniqueFd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)); }

void call(UniqueFd const& eventfd) { ::eventfd_write(eventfd.get(), 1); }

// Until one of two descriptors is readable or the time is over. Returns whether the first is.
bool wait_for(int fd, int or_fd, Millis at_most) {
  std::array<pollfd, 2> fds = {{{fd, POLLIN, 0}, {or_fd, POLLIN, 0}}};
  ::poll(fds.data(), fds.size(), static_cast<int>(std::min<Millis::rep>(at_most.count(), INT_MAX)));
  return (fds[0].revents & POLLIN) != 0;
}

}  // namespace

// What the loop and the threads share. Under the mutex, but for what is constant.
struct WatchThreads::Board {
  struct Lane {
    std::string root;
    bool recursive = false;
    Sight sight = {};
    std::optional<Steady::time_point> looking_since = {};
    bool whole = false;
    bool overflow = false;
    std::set<std::string> folders = {};

    bool has_hints() const { return whole || !folders.empty(); }
    void add(Dirty const& dirty);
    DirtyRoot take();
  };

  Board(WatchPace how, std::function<void(std::string const&)> before)
      : pace(how), before_look(std::move(before)), news(make_eventfd()), stop(make_eventfd()) {}

  bool begin_look(Lane& lane);
  void publish(Lane& lane, Dirty const& dirty, RootWatch const& state);
  Millis next_look(Coverage coverage) const;
  void watch(Lane& lane);
  void live(Lane& lane);

  WatchPace const pace;
  std::function<void(std::string const&)> const before_look;
  UniqueFd const news;  // for the loop
  UniqueFd const stop;  // for all threads; stays readable
  std::mutex mutable mutex;
  std::condition_variable ended;
  std::map<std::string, Lane> lanes;  // by root; none comes or goes once the threads run
  std::size_t running = 0;
  bool stopping = false;
};

void WatchThreads::Board::Lane::add(Dirty const& dirty) {
  for (auto const& told : dirty.roots) {
    whole = whole || told.whole;
    folders.insert(told.folders.begin(), told.folders.end());
  }
  whole = whole || folders.size() > kDirtyFoldersMax;
  if (whole) folders.clear();
  if (!dirty.overflow) return;
  overflow = true;
  ++sight.overflows;
}

DirtyRoot WatchThreads::Board::Lane::take() {
  DirtyRoot told{.root = root, .whole = std::exchange(whole, false), .folders = {folders.begin(), folders.end()}};
  folders.clear();
  return told;
}

// Returns false when no look is wanted any more.
bool WatchThreads::Board::begin_look(Lane& lane) {
  {
    std::lock_guard const lock(mutex);
    if (stopping) return false;
    lane.looking_since = Steady::now();
  }
  if (before_look) before_look(lane.root);
  return true;
}

void WatchThreads::Board::publish(Lane& lane, Dirty const& dirty, RootWatch const& state) {
  std::lock_guard const lock(mutex);
  lane.looking_since.reset();
  auto const was = std::exchange(lane.sight.watch, state).coverage;
  lane.add(dirty);
  if (!dirty.roots.empty() || was != state.coverage) call(news);
}

// From now. The threads look at multiples of their pace, so that an idle host wakes once for all of them.
Millis WatchThreads::Board::next_look(Coverage coverage) const {
  auto const every = coverage == Coverage::kMissing ? pace.look_missing : pace.look;
  return every - std::chrono::duration_cast<Millis>(Steady::now().time_since_epoch()) % every;
}

void WatchThreads::Board::watch(Lane& lane) {
  WatchInotify inotify;
  auto refreshed = Steady::now();
  bool is_added = false;
  bool is_busy = false;
  while (begin_look(lane)) {
    if (!std::exchange(is_added, true)) inotify.add_root(lane.root, lane.recursive);
    if (since(refreshed) >= pace.refresh) {
      inotify.refresh();
      refreshed = Steady::now();
    }
    auto const dirty = inotify.collect();
    auto const& state = inotify.state(lane.root);
    publish(lane, dirty, state);
    if (is_busy) wait_for(-1, stop.get(), pace.gather);
    is_busy = wait_for(inotify.fd(), stop.get(), next_look(state.coverage));
  }
}

void WatchThreads::Board::live(Lane& lane) {
  watch(lane);
  std::lock_guard const lock(mutex);
  --running;
  ended.notify_all();
}

WatchThreads::WatchThreads(std::vector<Root> const& roots, WatchPace pace,
                           std::function<void(std::string const& root)> before_look)
    : board_(std::make_shared<Board>(pace, std::move(before_look))) {
  for (auto const& root : roots) {
    auto& lane = board_->lanes[root.path];
    lane.root = root.path;
    lane.recursive = lane.recursive || root.recursive;
    lane.sight.watch.reason = printable(root.path) + " is being looked at for the first time";
  }
}

void WatchThreads::start() {
  assert(threads_.empty());
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, &before);  // signals are the loop's
  board_->running = board_->lanes.size();
  for (auto& [path, lane] : board_->lanes) threads_.emplace_back([board = board_, &lane] { board->live(lane); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

WatchThreads::~WatchThreads() {
  std::unique_lock lock(board_->mutex);
  board_->stopping = true;
  call(board_->stop);
  if (threads_.empty()) return;
  auto const all_ended = board_->ended.wait_for(lock, board_->pace.hang, [this] { return board_->running == 0; });
  lock.unlock();
  for (auto& thread : threads_) all_ended ? thread.join() : thread.detach();
}

int WatchThreads::fd() const { return board_->news.get(); }

Dirty WatchThreads::collect() {
  eventfd_t ignored = 0;
  ::eventfd_read(board_->news.get(), &ignored);
  Dirty dirty;
  std::lock_guard const lock(board_->mutex);
  for (auto& [path, lane] : board_->lanes) {
    dirty.overflow = std::exchange(lane.overflow, false) || dirty.overflow;
    if (lane.has_hints()) dirty.roots.push_back(lane.take());
  }
  return dirty;
}

WatchThreads::Sight WatchThreads::state(std::string const& root) const {
  std::lock_guard const lock(board_->mutex);
  auto const at = board_->lanes.find(root);
  assert(at != board_->lanes.end());
  auto sight = at->second.sight;
  if (!at->second.looking_since) return sight;
  auto const lasts = since(*at->second.looking_since);
  if (lasts >= board_->pace.silent) sight.silent_for = lasts;
  return sight;
}

}  // namespace sluice::daemon

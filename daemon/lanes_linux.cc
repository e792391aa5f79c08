#include "daemon/lanes_linux.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <cassert>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <map>
#include <mutex>
#include <utility>

#include "daemon/unique_fd.h"

namespace sluice::daemon {

struct LanesLinux::Pool {
  struct Piece {
    std::uint64_t ticket;
    std::function<void()> work;
  };
  struct Lane {
    std::deque<Piece> pieces;
    bool queued = false;  // it waits for a thread, or has one
  };

  Pool(std::shared_ptr<void> kept_, std::size_t most)
      : kept(std::move(kept_)), threads_max(most), event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  std::shared_ptr<void> kept;
  std::size_t const threads_max;
  UniqueFd event;
  std::mutex mutex;
  std::condition_variable wanted, ended;
  std::map<std::string, Lane> lanes;
  std::deque<std::string> waiting;  // lanes
  std::vector<std::uint64_t> done;
  std::size_t threads = 0, idle = 0, at_long_work = 0;
  bool stopping = false;

  void live();
  std::deque<std::string>::iterator next_lane();
  bool serve(std::unique_lock<std::mutex>& lock, std::string const& name);
  void publish(std::uint64_t ticket);
};

// The first that may have a thread now: of those whose work takes long, only half as many as there are threads.
std::deque<std::string>::iterator LanesLinux::Pool::next_lane() {
  auto const has_room = at_long_work < std::max<std::size_t>(threads_max / 2, 1);
  return std::ranges::find_if(waiting, [&](auto const& lane) { return has_room || !ports::may_take_long(lane); });
}

// Each thread's life.
void LanesLinux::Pool::live() {
  std::unique_lock lock(mutex);
  while (!stopping) {
    auto const next = next_lane();
    if (next == waiting.end()) {
      ++idle;
      wanted.wait(lock, [this] { return stopping || next_lane() != waiting.end(); });
      --idle;
      continue;
    }
    auto name = std::move(*next);
    waiting.erase(next);
    auto const is_long = ports::may_take_long(name);
    at_long_work += is_long ? 1 : 0;
    if (serve(lock, name)) waiting.push_back(std::move(name));
    at_long_work -= is_long ? 1 : 0;
    if (is_long) wanted.notify_one();
  }
  --threads;
  ended.notify_all();
}

// Returns whether the lane has more to do, and another one is to have its turn first.
bool LanesLinux::Pool::serve(std::unique_lock<std::mutex>& lock, std::string const& name) {
  for (std::size_t n = 0; !stopping; ++n) {
    auto const lane = lanes.find(name);
    if (lane->second.pieces.empty()) {
      lanes.erase(lane);
      return false;
    }
    if (n >= kPiecesInARow && !waiting.empty()) return true;
    auto piece = std::move(lane->second.pieces.front());
    lane->second.pieces.pop_front();
    lock.unlock();
    piece.work();
    piece.work = nullptr;  // what it held goes here, and not in the loop
    lock.lock();
    publish(piece.ticket);
  }
  return false;
}

// The loop is woken for the first ticket; it collects the others with it.
void LanesLinux::Pool::publish(std::uint64_t ticket) {
  done.push_back(ticket);
  if (done.size() == 1) ::eventfd_write(event.get(), 1);
}

LanesLinux::LanesLinux(std::shared_ptr<void> kept, std::size_t threads_max)
    : pool_(std::make_shared<Pool>(std::move(kept), threads_max)) {
  assert(threads_max > 0);
}

LanesLinux::~LanesLinux() {
  std::unique_lock lock(pool_->mutex);
  pool_->stopping = true;
  pool_->wanted.notify_all();
  auto const all_ended = pool_->ended.wait_for(lock, kHangMax, [this] { return pool_->threads == 0; });
  lock.unlock();
  for (auto& thread : threads_) all_ended ? thread.join() : thread.detach();
}

void LanesLinux::heard() {
  eventfd_t count = 0;
  ::eventfd_read(pool_->event.get(), &count);
}

int LanesLinux::fd() const { return pool_->event.get(); }

bool LanesLinux::start(std::string const& lane, std::uint64_t ticket, std::function<void()> work) {
  std::lock_guard const lock(pool_->mutex);
  auto& its = pool_->lanes[lane];
  its.pieces.push_back({ticket, std::move(work)});
  if (std::exchange(its.queued, true)) return false;
  pool_->waiting.push_back(lane);
  if (pool_->idle >= pool_->waiting.size() || threads_.size() == pool_->threads_max) {
    pool_->wanted.notify_one();
    return false;
  }
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, &before);  // signals are the loop's
  ++pool_->threads;
  threads_.emplace_back([pool = pool_] { pool->live(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return false;
}

std::vector<std::uint64_t> LanesLinux::collect() {
  std::lock_guard const lock(pool_->mutex);
  eventfd_t count = 0;
  if (!pool_->done.empty()) ::eventfd_read(pool_->event.get(), &count);
  return std::exchange(pool_->done, {});
}

}  // namespace sluice::daemon

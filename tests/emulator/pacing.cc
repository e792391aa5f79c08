#include "pacing.h"

#include <algorithm>

namespace sluice::emulator {

namespace {

constexpr std::chrono::milliseconds kBurst{50};  // how much unused time the bucket remembers

}  // namespace

void Sleeper::sleep(std::chrono::nanoseconds how_long) {
  if (how_long <= std::chrono::nanoseconds(0)) return;
  std::unique_lock lock(mutex_);
  woken_.wait_for(lock, how_long, [this] { return stopping_; });
}

void Sleeper::stop() {
  std::lock_guard const lock(mutex_);
  stopping_ = true;
  woken_.notify_all();
}

void RateLimit::take(std::uint64_t bytes) {
  if (bytes_per_s_ == 0) return;
  auto const cost = std::chrono::nanoseconds(
      static_cast<std::int64_t>(static_cast<double>(bytes) / static_cast<double>(bytes_per_s_) * 1e9));
  std::chrono::nanoseconds wait{};
  {
    std::lock_guard const lock(mutex_);
    auto const now = std::chrono::steady_clock::now();
    free_at_ = std::max(free_at_, now - kBurst) + cost;
    wait = free_at_ - now;
  }
  sleeper_.sleep(wait);
}

}  // namespace sluice::emulator

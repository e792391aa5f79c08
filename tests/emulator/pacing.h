// pacing.h - everything in the emulator that waits: injected delays and the shared rate limit.
//
// A wait blocks only the thread of its own connection, and ends at once when the emulator stops.

#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace sluice::emulator {

class Sleeper {
 public:
  // Returns when the time is over or the emulator stops, whichever comes first.
  void sleep(std::chrono::nanoseconds how_long);
  // Wakes all sleepers; later sleeps return at once.
  void stop();

 private:
  std::mutex mutex_;
  std::condition_variable woken_;
  bool stopping_ = false;
};

// One token bucket for all upload bodies together (`--rate`). A rate of 0 means no limit.
class RateLimit {
 public:
  RateLimit(std::uint64_t bytes_per_s, Sleeper& sleeper) : bytes_per_s_(bytes_per_s), sleeper_(sleeper) {}

  // Takes `bytes` from the bucket; blocks as long as the limit demands.
  void take(std::uint64_t bytes);

 private:
  std::uint64_t bytes_per_s_;
  Sleeper& sleeper_;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point free_at_{};
};

}  // namespace sluice::emulator

// sim_ports.h - the small ports of the simulation: a clock moved by hand, seeded dice, a remembered log.
//
// Nothing here looks at the real time, the environment or any other source of chance: a run is a pure
// function of its scenario and its seed, and the same seed gives the same run to the last byte.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "core/ports/clock.h"
#include "core/ports/log.h"
#include "core/ports/random.h"

namespace sluice::sim {

// When every simulated run begins: a Saturday, 2026-08-01T00:00:00Z.
inline constexpr WallTime kBeginning{std::chrono::milliseconds(1'785'542'400'000)};

// Stands still until it is moved; wall and boot time move together.
class SimClock final : public ports::Clock {
 public:
  WallTime wall() override { return now_; }
  BootTime boot() override { return BootTime(now_ - kBeginning); }
  WallTime now() const { return now_; }
  void advance_to(WallTime at) {
    if (at > now_) now_ = at;  // never back: the sim's events are taken in order
  }

 private:
  WallTime now_ = kBeginning;
};

// One step of splitmix64: all chance of the simulation comes from here.
std::uint64_t mixed(std::uint64_t value);

// A stream of dice. Each user has its own stream, so that one more roll in one place does not change
// what happens in another.
class SimRandom final : public ports::Random {
 public:
  SimRandom(std::uint64_t seed, std::uint64_t stream) : state_(mixed(seed) ^ mixed(~stream)) {}
  std::uint64_t bits() override;
  // In [least, most], both included.
  std::int64_t between(std::int64_t least, std::int64_t most);
  Millis between(Millis least, Millis most) { return Millis(between(least.count(), most.count())); }
  bool chance(double probability) { return unit() < probability; }

 private:
  std::uint64_t state_;
};

// Keeps the last lines for the message of a failed test, and a hash over all lines ever told: two runs
// with one hash did the same things at the same times.
class SimLog final : public ports::Log {
 public:
  explicit SimLog(SimClock const& clock) : clock_(clock) {}
  void write(ports::Level level, std::string_view line) override;
  void tell(std::string_view line);  // of the simulation itself: requests, answers, crashes
  std::uint64_t hash() const { return hash_; }
  std::string last_lines() const;

 private:
  SimClock const& clock_;
  std::deque<std::string> lines_;
  std::uint64_t hash_ = 0xcbf29ce484222325;  // FNV-1a, 64 bits
};

}  // namespace sluice::sim

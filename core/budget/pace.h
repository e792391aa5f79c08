// pace.h - how fast the calls of one quota group may follow each other: learned from the platform's refusals.
//
// The numbers of its quotas are unknown (R65), so nothing is held back until it refuses a call for its rate (429).
// From then on calls leave at half of what left in the last seconds, so that the end of the pause it asked for is
// not the begin of the next burst; and every ten seconds a twentieth faster, until it refuses again. Never slower
// than one call a second, with which R65 begins.
//
// A limit that the operator knows is never passed, and is held from the first call on.
//
// Memory only: after a restart the first refusal teaches it anew. Never waits or sends by itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "core/base/time.h"

namespace sluice::budget {

class Pace {
 public:
  void limit(double calls_per_second) { limit_ = calls_per_second; }
  void sent(WallTime now);     // one call leaves
  void refused(WallTime now);  // once for a burst: what else of it comes back refused was sent at the old pace

  // When the next call may leave: `now`, or up to one interval later. A clock that was set back delays nothing
  // for longer than that.
  WallTime next(WallTime now) const;
  // Calls per second that may leave; nothing while no limit is known. And whether a refusal taught it.
  std::optional<double> per_second(WallTime now) const;
  bool is_learned(WallTime now) const;

 private:
  struct Window {
    WallTime began{};
    std::uint32_t sent = 0;
  };
  double sent_per_second(WallTime now) const;

  std::optional<double> learned_per_second(WallTime now) const;

  Window last_ = {}, before_ = {};
  std::optional<double> limit_ = {};    // calls per second
  std::optional<double> learned_ = {};  // calls per second, as of learned_at_
  WallTime learned_at_{};
  std::chrono::sys_time<std::chrono::microseconds> next_{};  // many a pace has less than a millisecond to a call
};

}  // namespace sluice::budget

// probe.h - an outage: since when, and when one call may leave alone to see whether it is over.
//
// The first probe comes `interval_min` after the outage began, each further one after twice the time, up to
// `interval_max`.
// Never sends: whoever has a call that is due sends it as the probe. Pure; the clock is an argument.
#pragma once

#include <algorithm>
#include <optional>

#include "core/base/time.h"

namespace sluice::budget {

class Probe {
 public:
  Probe(Millis interval_min, Millis interval_max) : interval_min_(interval_min), interval_max_(interval_max) {}

  void begin(WallTime since, WallTime now) {
    since_ = since;
    interval_ = interval_min_;
    at_ = now + interval_;
  }
  // A call came back with the same failure. One that had left before the outage was known is no probe.
  void failed(WallTime now) {
    if (!since_ || now < at_) return;
    interval_ = std::min(2 * interval_, interval_max_);
    at_ = now + interval_;
  }
  // Something changed that may have ended it: the next probe may leave at once, and the intervals begin anew.
  void soon(WallTime now) {
    if (since_) begin(*since_, now - interval_min_);
  }
  void end() { since_.reset(); }

  std::optional<WallTime> since() const { return since_; }  // nothing: no outage
  // When the next probe may leave. A clock that was set back delays it by one interval at most.
  std::optional<WallTime> at(WallTime now) const {
    if (!since_) return std::nullopt;
    return std::min(at_, now + interval_);
  }

 private:
  Millis interval_min_, interval_max_;
  Millis interval_{0};
  WallTime at_{};
  std::optional<WallTime> since_ = {};
};

}  // namespace sluice::budget

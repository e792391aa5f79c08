// clock.h - the way out to time. Production: daemon/clock_linux. Tests: a clock moved by hand.
#pragma once

#include "core/base/time.h"

namespace sluice::ports {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime wall() = 0;  // may jump; for the journal, expiry arithmetic and display
  virtual BootTime boot() = 0;  // never jumps, counts suspend; for durations (D73)
};

}  // namespace sluice::ports

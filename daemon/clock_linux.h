// clock_linux.h - the kernel's clocks: CLOCK_REALTIME for the wall, CLOCK_BOOTTIME for durations.
//
// CLOCK_BOOTTIME and not CLOCK_MONOTONIC, because it goes on while the host sleeps: after a suspend a
// wait that ran out is due at once (D73, D74). Both are cut to whole milliseconds.
#pragma once

#include "core/ports/clock.h"

namespace sluice::daemon {

class ClockLinux final : public ports::Clock {
 public:
  WallTime wall() override;
  BootTime boot() override;
};

}  // namespace sluice::daemon

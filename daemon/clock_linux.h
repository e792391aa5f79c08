// clock_linux.h - the kernel's clocks: CLOCK_REALTIME for the wall, CLOCK_BOOTTIME for durations.
//
// The wall clock is read once and goes on by the boot time: it never jumps while the process lives, whatever is done to
// the host's, so that no wait gets shorter or longer by it (D73). The next start reads it anew, and core/stage/
// clock_step.h moves what the journal knows by the difference.
//
// CLOCK_BOOTTIME and not CLOCK_MONOTONIC, because it goes on while the host sleeps: after a suspend a
// wait that ran out is due at once (D73, D74). Both are cut to whole milliseconds.
#pragma once

#include <string>

#include "core/ports/clock.h"

namespace sluice::daemon {

class ClockLinux final : public ports::Clock {
 public:
  WallTime wall() override;
  BootTime boot() override;

  // By how much the host's wall clock was set since this one was read; above zero: forward.
  Millis host_is_ahead() const;
  // The wall time at which the boot time was zero, by this clock: it changes only when the wall clock is set.
  WallTime boot_began() const { return boot_began_; }
  // By the host's own clock and time zone, as they are now.
  struct LocalTime {
    int day;     // 0 is Monday
    int minute;  // of the day
  };
  static LocalTime local();
  // Tells one boot of the host from another: $SLUICE_BOOT_ID, which the unit sets, since its sandbox hides what the
  // kernel says (proc(5), random/boot_id). "" where neither is there.
  static std::string boot_id();

 private:
  WallTime boot_began_ = read_boot_began();
  static WallTime read_boot_began();
};

}  // namespace sluice::daemon

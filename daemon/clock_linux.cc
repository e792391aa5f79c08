#include "daemon/clock_linux.h"

#include <ctime>

#include <cassert>

namespace sluice::daemon {
namespace {

Millis read(clockid_t clock) {
  timespec now{};
  [[maybe_unused]] auto const failed = ::clock_gettime(clock, &now);
  assert(failed == 0);  // both clocks exist on every Linux since 2.6.39
  return std::chrono::duration_cast<Millis>(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

}  // namespace

WallTime ClockLinux::wall() { return WallTime(read(CLOCK_REALTIME)); }
BootTime ClockLinux::boot() { return BootTime(read(CLOCK_BOOTTIME)); }

}  // namespace sluice::daemon

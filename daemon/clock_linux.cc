#include "daemon/clock_linux.h"

#include <cassert>
#include <cstdlib>
#include <ctime>
#include <fstream>

namespace sluice::daemon {
namespace {

Millis read(clockid_t clock) {
  timespec now{};
  [[maybe_unused]] auto const failed = ::clock_gettime(clock, &now);
  assert(failed == 0);  // both clocks exist on every Linux since 2.6.39
  return std::chrono::duration_cast<Millis>(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

}  // namespace

WallTime ClockLinux::read_boot_began() { return WallTime(read(CLOCK_REALTIME) - read(CLOCK_BOOTTIME)); }

WallTime ClockLinux::wall() { return boot_began_ + read(CLOCK_BOOTTIME); }
BootTime ClockLinux::boot() { return BootTime(read(CLOCK_BOOTTIME)); }
Millis ClockLinux::host_is_ahead() const { return read_boot_began() - boot_began_; }

ClockLinux::LocalTime ClockLinux::local() {
  auto const now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  return {.day = (local.tm_wday + 6) % 7, .minute = local.tm_hour * 60 + local.tm_min};
}

std::string ClockLinux::boot_id() {
  auto const* const told = std::getenv("SLUICE_BOOT_ID");
  std::string id = told == nullptr ? "" : told;
  if (id.empty()) std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
  std::erase(id, '-');  // systemd writes it without
  return id;
}

}  // namespace sluice::daemon

// notify_systemd.h - what the service manager is told: ready, status, reloading, stopping, alive.
//
// Everything is a no-op when the process was not started by systemd (no NOTIFY_SOCKET). Nothing here
// fails: a manager that cannot be reached is no reason to stop ingesting. Protocol: sd_notify(3) of
// systemd 252, so a reload is RELOADING=1 followed by READY=1.
#pragma once

#include <optional>
#include <string_view>

#include "core/base/time.h"

namespace sluice::daemon {

class NotifySystemd {
 public:
  void ready();
  void reloading();  // ready() must follow
  void stopping();

  // The line that `systemctl status` shows. Control bytes are escaped, so that a file's name in it
  // cannot say READY=1; it is cut at 500 bytes.
  void status(std::string_view text);

  // "I am alive", to be sent at least every watchdog_interval().
  void alive();

  // How often alive() is due: a third of WATCHDOG_USEC, 1 ms at least; nothing when no watchdog
  // watches this very process.
  std::optional<Millis> watchdog_interval() const;
};

}  // namespace sluice::daemon

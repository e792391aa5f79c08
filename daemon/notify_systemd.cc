#include "daemon/notify_systemd.h"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "core/base/text.h"

namespace sluice::daemon {
namespace {

constexpr std::size_t kStatusBytesMax = 500;

void tell(std::string const& state) { ::sd_notify(0, state.c_str()); }

}  // namespace

void NotifySystemd::ready() { tell("READY=1"); }
void NotifySystemd::reloading() { tell("RELOADING=1"); }
void NotifySystemd::stopping() { tell("STOPPING=1"); }
void NotifySystemd::alive() { tell("WATCHDOG=1"); }

void NotifySystemd::status(std::string_view text) {
  auto line = printable(text);
  if (line.size() > kStatusBytesMax) {
    auto cut = kStatusBytesMax;
    while (cut > 0 && (static_cast<unsigned char>(line[cut]) & 0xc0) == 0x80) --cut;  // not within a character
    line.resize(cut);
  }
  tell("STATUS=" + line);
}

std::optional<Millis> NotifySystemd::watchdog_interval() const {
  std::uint64_t usec = 0;
  if (::sd_watchdog_enabled(0, &usec) <= 0) return std::nullopt;
  return Millis(std::max<std::uint64_t>(usec / 3000, 1));
}

}  // namespace sluice::daemon

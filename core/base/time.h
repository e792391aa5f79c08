// time.h - the two clocks' types, and the text forms of time.
//
// WallTime survives reboots and is what the journal holds; BootTime (CLOCK_BOOTTIME) is what
// durations in memory are measured by, since it does not jump (D73). Both count milliseconds.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

using Millis = std::chrono::milliseconds;
using WallTime = std::chrono::sys_time<Millis>;

struct BootClock {  // a name for the type only; the value comes from ports/clock.h
  using duration = Millis;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
};
using BootTime = BootClock::time_point;

inline std::int64_t to_unix_ms(WallTime at) { return at.time_since_epoch().count(); }
inline WallTime from_unix_ms(std::int64_t ms) { return WallTime(Millis(ms)); }

// "2026-11-22T03:04:05Z"; milliseconds are written only when they are not zero.
std::string to_rfc3339(WallTime at);

// Reads RFC 3339 with or without fractions, with `Z` or any offset (R5).
// Returns  nothing if the text is anything else. Fractions beyond milliseconds are cut.
std::optional<WallTime> parse_rfc3339(std::string_view text);

// Reads an HTTP date (IMF-fixdate, "Sun, 22 Nov 2026 03:04:05 GMT"), as in Date and Retry-After.
std::optional<WallTime> parse_http_date(std::string_view text);

// "4 s", "12 min", "3 h 20 min", "2 d 4 h": for people, at most two units.
std::string to_words(Millis duration);

}  // namespace sluice

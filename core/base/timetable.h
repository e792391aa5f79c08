// timetable.h - how fast payload may leave, by the day and hour of this host. Pure: the local time is an argument.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <vector>

namespace sluice {

// From a minute of the day up to another; `to` at or before `from` is on the next day.
struct BandwidthRule {
  static constexpr int kMinutesPerDay = 24 * 60;

  std::bitset<7> days = 0b1111111;  // on which it begins; 0 is Monday
  int from_minute = 0;
  int to_minute = kMinutesPerDay;
  std::uint64_t bytes_per_s = 0;
  friend bool operator==(BandwidthRule const&, BandwidthRule const&) = default;
};

// Bytes per second at a minute of a day, by the first rule that holds then; nothing if none does: no cap.
// Requires  0 <= day < 7 (0 is Monday) and 0 <= minute < 1440, of the host's local time.
std::optional<std::uint64_t> rate_at(std::vector<BandwidthRule> const& rules, int day, int minute);

}  // namespace sluice

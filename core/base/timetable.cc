#include "core/base/timetable.h"

#include <algorithm>

namespace sluice {
namespace {

bool holds(BandwidthRule const& rule, int day, int minute) {
  auto const on = [&](int which) { return rule.days.test(static_cast<std::size_t>(which)); };
  if (rule.from_minute < rule.to_minute) return on(day) && minute >= rule.from_minute && minute < rule.to_minute;
  return (on(day) && minute >= rule.from_minute) || (on((day + 6) % 7) && minute < rule.to_minute);
}

}  // namespace

std::optional<std::uint64_t> rate_at(std::vector<BandwidthRule> const& rules, int day, int minute) {
  auto const found = std::ranges::find_if(rules, [&](auto const& rule) { return holds(rule, day, minute); });
  if (found == rules.end()) return std::nullopt;
  return found->bytes_per_s;
}

}  // namespace sluice

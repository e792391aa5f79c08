// transfer.bandwidth: one rate, or rates by day and hour.
#include <algorithm>
#include <array>
#include <charconv>

#include "config/parts.h"

namespace sluice::config {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

std::optional<int> day_of(std::string_view word) {
  auto const found = std::ranges::find(kDays, word);
  if (found == kDays.end()) return std::nullopt;
  return static_cast<int>(found - kDays.begin());
}

// "mon", or "fri-mon".
std::optional<std::bitset<7>> days_of(std::string_view word) {
  auto const dash = word.find('-');
  auto const first = day_of(word.substr(0, dash));
  auto const last = dash == std::string_view::npos ? first : day_of(word.substr(dash + 1));
  if (!first || !last) return std::nullopt;
  std::bitset<7> days;
  for (int day = *first;; day = (day + 1) % 7) {
    days.set(static_cast<std::size_t>(day));
    if (day == *last) return days;
  }
}

std::optional<std::bitset<7>> read_days(At const& at) {
  auto const text = read_text(at);
  if (!text) return std::nullopt;
  std::bitset<7> days;
  std::string_view rest = *text;
  while (true) {
    auto const comma = rest.find(',');
    auto word = rest.substr(0, comma);
    while (word.starts_with(' ')) word.remove_prefix(1);
    while (word.ends_with(' ')) word.remove_suffix(1);
    auto const some = days_of(word);
    if (!some) {
      at.complain("is not days; write mon-fri, or sat,sun");
      return std::nullopt;
    }
    days |= *some;
    if (comma == std::string_view::npos) return days;
    rest.remove_prefix(comma + 1);
  }
}

// "08:00" to "24:00", in minutes.
std::optional<int> read_time_of_day(At const& at) {
  auto const text = read_text(at);
  if (!text) return std::nullopt;
  auto const number = [&](std::size_t from) -> int {
    int value = -1;
    auto const* const begin = text->data() + from;
    auto const read = std::from_chars(begin, begin + 2, value);
    return read.ec == std::errc() && read.ptr == begin + 2 ? value : -1;
  };
  auto const is_formed = text->size() == 5 && (*text)[2] == ':';
  auto const hour = is_formed ? number(0) : -1;
  auto const minute = is_formed ? number(3) : -1;
  auto const sum = hour * 60 + minute;
  if (hour >= 0 && minute >= 0 && minute < 60 && sum <= BandwidthRule::kMinutesPerDay) return sum;
  at.complain("is not a time of day; write \"08:00\"");
  return std::nullopt;
}

std::optional<std::uint64_t> read_some_rate(At const& at) {
  auto rate = read_rate(at);
  if (rate && *rate < kBandwidthMin) {
    at.complain("is less than 16KiB/s, at which nothing would get through; leave it out, or `sluice pause`");
    return std::nullopt;
  }
  return rate;
}

BandwidthRule read_rule(At const& at) {
  BandwidthRule rule;
  Section section(at);
  if (auto key = section.find("days")) assign(rule.days, read_days(*key));
  if (auto key = section.find("from")) assign(rule.from_minute, read_time_of_day(*key));
  if (auto key = section.find("to")) assign(rule.to_minute, read_time_of_day(*key));
  if (auto key = section.require("rate", "write the rate, such as 50MB/s"))
    assign(rule.bytes_per_s, read_some_rate(*key));
  section.finish();
  return rule;
}

}  // namespace

std::vector<BandwidthRule> read_bandwidth(At const& at) {
  std::vector<BandwidthRule> rules;
  if (at.node->type != Node::Type::kList) {
    if (auto const rate = read_some_rate(at)) rules.push_back({.bytes_per_s = *rate});
    return rules;
  }
  for (auto const& each : read_list(at)) rules.push_back(read_rule(each));
  return rules;
}

}  // namespace sluice::config

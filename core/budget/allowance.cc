#include "core/budget/allowance.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>

namespace sluice::budget {
namespace {

constexpr Millis kMinute = std::chrono::minutes(1);
constexpr Millis kHour = std::chrono::hours(1);
constexpr Millis kDay = std::chrono::days(1);

std::uint64_t amount_of(Allowance::Of of, Allowance::Cost const& cost) {
  if (is_media(of)) return static_cast<std::uint64_t>(cost.media.count());
  return of == Allowance::Of::kPollsPerDay && !cost.is_poll ? 0 : 1;
}

}  // namespace

std::string_view name_of(Allowance::Of of) {
  switch (of) {
    case Allowance::Of::kCallsPerMinute: return "calls_per_minute";
    case Allowance::Of::kCallsPerDay: return "calls_per_day";
    case Allowance::Of::kPollsPerDay: return "polls_per_day";
    case Allowance::Of::kMediaPerHour: return "media_per_hour";
    case Allowance::Of::kMediaPerDay: return "media_per_day";
  }
  std::abort();
}

bool is_media(Allowance::Of of) { return of == Allowance::Of::kMediaPerHour || of == Allowance::Of::kMediaPerDay; }

bool is_kept(Allowance::Of of) { return of != Allowance::Of::kCallsPerMinute; }

Allowance::Allowance(RateLimits const& limits) {
  auto const add = [this](Of of, std::uint64_t limit, Millis window) {
    if (limit > 0) parts_.push_back({.of = of, .quota = Quota(limit, window)});
  };
  add(Of::kCallsPerMinute, limits.calls_per_minute, kMinute);
  add(Of::kCallsPerDay, limits.calls_per_day, kDay);
  add(Of::kPollsPerDay, (limits.calls_per_day + 1) / 2, kDay);
  add(Of::kMediaPerHour, static_cast<std::uint64_t>(limits.media_per_hour.count()), kHour);
  add(Of::kMediaPerDay, static_cast<std::uint64_t>(limits.media_per_day.count()), kDay);
}

void Allowance::spend(Cost const& cost, WallTime now) {
  for (auto& part : parts_) {
    auto const amount = amount_of(part.of, cost);
    if (amount == 0) continue;
    part.quota.spend(amount, now);
    part.unsaved += amount;
  }
}

void Allowance::give_back(Cost const& cost, WallTime spent_at) {
  for (auto& part : parts_) part.quota.give_back(amount_of(part.of, cost), spent_at);
}

void Allowance::give_back_media(Millis media, WallTime spent_at) {
  for (auto& part : parts_)
    if (is_media(part.of)) part.quota.give_back(static_cast<std::uint64_t>(media.count()), spent_at);
}

std::optional<Allowance::Exhausted> Allowance::exhausted(Cost const& cost, WallTime now) const {
  std::optional<Exhausted> longest;
  for (auto const& part : parts_) {
    auto const amount = amount_of(part.of, cost);
    if (amount == 0) continue;
    auto const until = part.quota.fits_at(amount, now);
    if (until > now && (!longest || longest->until < until)) longest = {part.of, part.quota.limit(), until};
  }
  return longest;
}

std::optional<double> Allowance::calls_per_second() const {
  auto const found = std::ranges::find(parts_, Of::kCallsPerMinute, &Part::of);
  if (found == parts_.end()) return std::nullopt;
  return static_cast<double>(found->quota.limit()) / 60;
}

bool Allowance::limits_media() const {
  return std::ranges::any_of(parts_, [](Part const& part) { return is_media(part.of); });
}

}  // namespace sluice::budget

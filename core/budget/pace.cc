#include "core/budget/pace.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

namespace sluice::budget {
namespace {

using Seconds = std::chrono::duration<double>;
using Micros = std::chrono::microseconds;

constexpr double kLeastPerSecond = 1;     // R65: a bucket begins with one request a second
constexpr double kMostPerSecond = 2'000;  // faster than any call is answered: no limit any more
constexpr double kGrowth = 1.05;          // in each kGrowthTime: doubled after two and a half minutes
constexpr Seconds kGrowthTime{10};
constexpr Millis kWindow{10'000};
constexpr Millis kWindowLeast{1'000};  // a burst is not taken for a rate
constexpr Millis kCatchUp{100};        // turns come in steps: what they missed may follow at once

}  // namespace

void Pace::sent(WallTime now) {
  if (now < last_.began || now - last_.began >= 2 * kWindow) {
    before_ = {};
    last_ = {.began = now};
  } else if (now - last_.began >= kWindow) {
    before_ = std::exchange(last_, {.began = now});
  }
  ++last_.sent;
  if (auto const rate = per_second(now))
    next_ = std::max<decltype(next_)>(next_, now - kCatchUp) + std::chrono::ceil<Micros>(Seconds(1 / *rate));
}

double Pace::sent_per_second(WallTime now) const {
  auto const began = before_.sent > 0 ? before_.began : last_.began;
  auto const elapsed = std::max(now - began, kWindowLeast);
  return (before_.sent + last_.sent) / std::chrono::duration_cast<Seconds>(elapsed).count();
}

void Pace::refused(WallTime now) {
  auto const rate = std::min(sent_per_second(now), per_second(now).value_or(kMostPerSecond));
  learned_ = std::max(rate / 2, kLeastPerSecond);
  learned_at_ = now;
}

std::optional<double> Pace::per_second(WallTime now) const {
  auto const learned = learned_per_second(now);
  if (!learned || !limit_) return learned ? learned : limit_;
  return std::min(*learned, *limit_);
}

bool Pace::is_learned(WallTime now) const {
  auto const learned = learned_per_second(now);
  return learned && (!limit_ || *learned < *limit_);
}

std::optional<double> Pace::learned_per_second(WallTime now) const {
  if (!learned_) return std::nullopt;
  auto const grown = std::max(Seconds(now - learned_at_), Seconds(0)) / kGrowthTime;
  auto const rate = *learned_ * std::pow(kGrowth, grown);
  if (rate >= kMostPerSecond) return std::nullopt;
  return rate;
}

WallTime Pace::next(WallTime now) const {
  auto const rate = per_second(now);
  if (!rate || next_ <= now) return now;
  return std::min(std::chrono::ceil<Millis>(next_), now + std::chrono::ceil<Millis>(Seconds(1 / *rate)));
}

}  // namespace sluice::budget

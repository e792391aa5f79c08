#include "tests/sim/mishaps.h"

#include <iterator>
#include <utility>

namespace sluice::sim {
namespace {

constexpr Mishap kOfApi[] = {Mishap::kNotSent,     Mishap::kLostBefore, Mishap::kLostAfter, Mishap::kLateEffect,
                             Mishap::kErrorBefore, Mishap::kErrorAfter, Mishap::kThrottled, Mishap::kThrottledMute};
constexpr Mishap kOfStorage[] = {Mishap::kNotSent,    Mishap::kLostBefore, Mishap::kLostAfter, Mishap::kErrorBefore,
                                 Mishap::kUrlRefused, Mishap::kWrongEtag,  Mishap::kSlowDown,  Mishap::kCut};

}  // namespace

std::string_view name_of(Mishap mishap) {
  static constexpr std::string_view kNames[] = {
      "none",      "not_sent",       "lost_before", "lost_after",  "late_effect", "error_before", "error_after",
      "throttled", "throttled_mute", "key_refused", "url_refused", "wrong_etag",  "slow_down",    "cut"};
  return kNames[static_cast<std::size_t>(mishap)];
}

void MishapPlan::by_dice(std::uint64_t seed, double probability, std::uint32_t most) {
  dice_ = SimRandom(seed, 3);
  probability_ = probability;
  dice_left_ = most;
}

Mishap MishapPlan::pick(Ask ask, WallTime now) {
  auto const nth = ++seen_[static_cast<std::size_t>(ask)];
  if (is_looked_for(ask)) ++creates_;
  for (auto const& rule : rules_)
    if (rule.ask ? *rule.ask == ask && rule.n == nth : is_looked_for(ask) && rule.n == creates_) return rule.mishap;
  auto const since = now - kBeginning;
  if (since >= unplugged_.first && since < unplugged_.second) return Mishap::kNotSent;
  if (ask != Ask::kPutChunk && since >= key_refused_.first && since < key_refused_.second) return Mishap::kKeyRefused;
  if (dice_left_ == 0 || !dice_.chance(probability_)) return Mishap::kNone;
  dice_left_ -= 1;
  auto const roll = dice_.bits();
  if (ask != Ask::kPutChunk) return kOfApi[roll % std::size(kOfApi)];
  auto const picked = kOfStorage[roll % std::size(kOfStorage)];
  if (picked != Mishap::kWrongEtag) return picked;
  // A second one could meet the same chunk, and then the item must fail (product page, section 5).
  return std::exchange(wrong_etag_rolled_, true) ? Mishap::kCut : picked;
}

}  // namespace sluice::sim

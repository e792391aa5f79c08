#include "tests/sim/mishaps.h"

#include <span>
#include <utility>

namespace sluice::sim {
namespace {

using enum Mishap;

constexpr Mishap kOfReads[] = {kNotSent,        kLostBefore,     kLostAfter,  kErrorBefore, kErrorAfter, kThrottled,
                               kThrottledMute,  kThrottledOddly, kTimedOut,   kUnavailable, kTruncated,  kWrongTypes,
                               kNotThePlatform, kMoreFields,     kRedirected, kTwice,       kSilent};
constexpr Mishap kOfCreates[] = {kNotSent,        kLostBefore,    kLostAfter,  kLateEffect,  kErrorBefore, kErrorAfter,
                                 kThrottled,      kThrottledMute, kTimedOut,   kUnavailable, kTruncated,   kWrongTypes,
                                 kNotThePlatform, kMoreFields,    kRedirected, kSilent,      kSilentAfter};
constexpr Mishap kOfPuts[] = {kNotSent,  kLostBefore, kLostAfter, kErrorBefore, kUrlRefused, kWrongEtag,
                              kSlowDown, kCut,        kSilent,    kSilentAfter, kNoEtag,     kSkewed};

// By TLS, nobody else answers in its place.
constexpr Mishap kOfElsewhere[] = {kNotSent,   kLostBefore,    kLostAfter, kErrorBefore, kErrorAfter,
                                   kThrottled, kThrottledMute, kTimedOut,  kTruncated,   kSilent};

std::span<Mishap const> mishaps_of(CallGroup group) {
  if (group == CallGroup::kRead) return kOfReads;
  if (group == CallGroup::kCreate) return kOfCreates;
  return group == CallGroup::kPut ? std::span(kOfPuts) : std::span<Mishap const>(kOfElsewhere);
}

constexpr std::string_view kGroups[] = {"read", "create", "put", "elsewhere"};

std::string whole_name(std::size_t group, Mishap mishap) {
  return std::string(kGroups[group]) + "." + std::string(name_of(mishap));
}

}  // namespace

std::string_view name_of(Mishap mishap) {
  static constexpr std::string_view kNames[] = {"none",
                                                "not_sent",
                                                "lost_before",
                                                "lost_after",
                                                "late_effect",
                                                "error_before",
                                                "error_after",
                                                "throttled",
                                                "throttled_mute",
                                                "key_refused",
                                                "url_refused",
                                                "wrong_etag",
                                                "slow_down",
                                                "cut",
                                                "timed_out",
                                                "unavailable",
                                                "throttled_oddly",
                                                "truncated",
                                                "wrong_types",
                                                "not_the_platform",
                                                "more_fields",
                                                "redirected",
                                                "delivered_twice",
                                                "silent",
                                                "silent_after",
                                                "no_etag",
                                                "clock_skewed"};
  static_assert(std::size(kNames) == kMishaps);
  return kNames[static_cast<std::size_t>(mishap)];
}

CallGroup group_of(Ask ask) {
  if (ask == Ask::kPutChunk) return CallGroup::kPut;
  if (is_elsewhere(ask)) return CallGroup::kElsewhere;
  return is_looked_for(ask) ? CallGroup::kCreate : CallGroup::kRead;
}

std::vector<std::string> all_mishap_names() {
  std::vector<std::string> names;
  for (auto const group : {CallGroup::kRead, CallGroup::kCreate, CallGroup::kPut, CallGroup::kElsewhere})
    for (auto const mishap : mishaps_of(group)) names.push_back(whole_name(static_cast<std::size_t>(group), mishap));
  names.push_back("read.key_refused");
  names.push_back("create.key_refused");
  return names;
}

void MishapPlan::by_dice(std::uint64_t seed, double probability, std::uint32_t most) {
  dice_ = SimRandom(seed, 3);
  probability_ = probability;
  dice_left_ = most;
}

void MishapPlan::as_in_a_bad_hotel(std::uint64_t seed) {
  dice_ = SimRandom(seed, 3);
  in_bad_hotel_ = true;
}

Mishap MishapPlan::of_the_hotel(Ask ask, Millis since) {
  constexpr Millis kOutageEvery{300'000}, kOutage{30'000};
  if (since % kOutageEvery >= kOutageEvery - kOutage) return kNotSent;
  auto const roll = dice_.unit();
  if (roll < 0.025) return ask == Ask::kPutChunk ? kCut : kLostBefore;
  if (roll < 0.05) return kLostAfter;
  if (roll < 0.08) return kErrorBefore;
  return roll < 0.10 ? kSilent : kNone;
}

void MishapPlan::end() {
  in_bad_hotel_ = false;
  dice_left_ = 0;
  key_refused_ = {};
  unplugged_ = {};
}

Mishap MishapPlan::pick(Ask ask, WallTime now) {
  auto const mishap = choose(ask, now);
  fired_[static_cast<std::size_t>(group_of(ask))][static_cast<std::size_t>(mishap)] += 1;
  return mishap;
}

Mishap MishapPlan::choose(Ask ask, WallTime now) {
  auto const nth = ++seen_[static_cast<std::size_t>(ask)];
  if (is_looked_for(ask)) ++creates_;
  for (auto const& rule : rules_)
    if (rule.ask ? *rule.ask == ask && rule.n == nth : is_looked_for(ask) && rule.n == creates_) return rule.mishap;
  auto const since = now - kBeginning;
  if (since >= unplugged_.first && since < unplugged_.second) return kNotSent;
  if (ask != Ask::kPutChunk && !is_elsewhere(ask) && since >= key_refused_.first && since < key_refused_.second)
    return kKeyRefused;
  if (in_bad_hotel_) return of_the_hotel(ask, since);
  if (dice_left_ == 0 || !dice_.chance(probability_)) return kNone;
  dice_left_ -= 1;
  return roll(ask);
}

Mishap MishapPlan::roll(Ask ask) {
  auto const choices = mishaps_of(group_of(ask));
  auto const picked = choices[dice_.bits() % choices.size()];
  // A second odd ETag could meet the same chunk, and then the item must fail (product page, section 5).
  if (picked == kWrongEtag || picked == kNoEtag) return std::exchange(odd_etag_rolled_, true) ? kCut : picked;
  return picked;
}

std::map<std::string, std::uint64_t> MishapPlan::fired() const {
  std::map<std::string, std::uint64_t> all;
  for (std::size_t group = 0; group < kCallGroups; ++group)
    for (std::size_t i = 1; i < kMishaps; ++i)
      if (fired_[group][i] != 0) all[whole_name(group, static_cast<Mishap>(i))] += fired_[group][i];
  return all;
}

}  // namespace sluice::sim

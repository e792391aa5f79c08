#include "core/stage/effort.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>

#include "core/platform/faults.h"

namespace sluice::stage {
namespace {

constexpr std::uint32_t kDoublingsMax = 20;  // beyond it every cap has long been reached
constexpr Millis kLookPause{2'000};          // between two looks, where the lag asks for no more
constexpr std::uint32_t kLooksMin = 2;       // U16: look twice

}  // namespace

Millis backoff(std::uint32_t tries, Policy const& policy, double jitter) {
  assert(jitter >= 0.0 && jitter < 1.0);
  auto const doubled = policy.retry_initial * (std::int64_t{1} << std::min(tries, kDoublingsMax));
  auto const ceiling = std::min(policy.retry_max, doubled);
  auto const wait = Millis(static_cast<std::int64_t>(static_cast<double>(ceiling.count()) * jitter));
  return std::max({wait, ceiling / 10, Millis(1)});
}

Millis poll_interval(std::uint32_t tries, Policy const& policy) {
  auto interval = policy.poll_min;
  for (std::uint32_t i = 0; i < tries && interval < policy.poll_max; ++i) interval += std::max(interval / 2, Millis(1));
  return std::min(interval, policy.poll_max);
}

bool is_held(Error const& error) { return error.fault == Fault::kKeyRefused || error.spread == Spread::kAll; }

bool is_charged(Error const& error) {
  if (error.spread != Spread::kOne || error.code == platform::kHung) return false;
  switch (error.fault) {
    case Fault::kTransient:
    case Fault::kOutcomeUnknown:
    case Fault::kSourceIo:
    case Fault::kCorrupt:
    case Fault::kProtocol:
    case Fault::kRejected:
    case Fault::kGone: return true;
    case Fault::kOffline:
    case Fault::kThrottled:
    case Fault::kUrlExpired:
    case Fault::kKeyRefused:
    case Fault::kSourceChanged:
    case Fault::kLocal: return false;
  }
  std::abort();  // no default above: -Wswitch finds a fault that has no row
}

journal::Effort after_failure(journal::Effort effort, Error const& error, Policy const& policy, WallTime now,
                              double jitter) {
  auto const held = is_held(error);
  auto const wait =
      held ? Millis(0) : std::max(error.retry_after.value_or(Millis(0)), backoff(effort.tries, policy, jitter));
  effort.due_at = now + wait;
  if (!held) effort.tries += 1;
  if (is_charged(error)) effort.attempts += 1;
  effort.last_error = error.text;
  return effort;
}

bool is_exhausted(journal::Effort const& effort, Policy const& policy) {
  return effort.attempts >= policy.retry_attempts;
}

journal::Effort renewed(std::optional<WallTime> due) {
  return {.attempts = 0, .tries = 0, .due_at = due, .last_error = {}};
}

journal::Intent outcome_unknown(journal::Intent intent, WallTime now) {
  assert(intent.at);
  return {.at = intent.at, .unknown_at = now, .looks = 0};
}

LookVerdict after_empty_look(journal::Intent intent, WallTime now, Millis lag) {
  assert(intent.unknown_at);
  intent.looks += 1;
  auto const settled_at = *intent.unknown_at + lag;
  if (intent.looks >= kLooksMin && now >= settled_at)
    return {.did_not_happen = true, .intent = intent, .next_look = now};
  return {.did_not_happen = false,
          .intent = intent,
          .next_look = std::max(settled_at, now + std::min(kLookPause, std::max(lag, Millis(1))))};
}

}  // namespace sluice::stage

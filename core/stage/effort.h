// effort.h - how long to wait after a failure, who pays for it, and when a lost answer may be taken
// for "it did not happen". Pure functions: the clock and the dice are arguments.
#pragma once

#include "core/base/error.h"
#include "core/journal/rows.h"
#include "core/stage/policy.h"

namespace sluice::stage {

// Full jitter (B2): a time in (0, min(retry_max, retry_initial * 2^tries)], at least a tenth of it, so
// that no dice can make a hot loop. Requires  0 <= jitter < 1.
Millis backoff(std::uint32_t tries, Policy const& policy, double jitter);

// The pause before the n-th poll of something that is still processing: poll_min, growing by half each
// time up to poll_max (R17a).
Millis poll_interval(std::uint32_t tries, Policy const& policy);

// Whether a failure is charged to the row (product page, `retry`): only answers about this very item are. Being
// offline, throttled, refused for the key or an old URL, and whatever others meet as well, charges nobody.
bool is_charged(Error const& error);

// Whether all rows wait together for a probe, and none by itself: they go on as soon as it gets through.
bool is_held(Error const& error);

// The effort after one more failure: due after backoff, never sooner than the platform asked.
journal::Effort after_failure(journal::Effort effort, Error const& error, Policy const& policy, WallTime now,
                              double jitter);
bool is_exhausted(journal::Effort const& effort, Policy const& policy);

// The effort after a success: nothing owed, due at `due`.
journal::Effort renewed(std::optional<WallTime> due);

// A call that must not be repeated left at `intent.at`, and at `now` no definite answer is to be hoped for.
journal::Intent outcome_unknown(journal::Intent intent, WallTime now);

struct LookVerdict {
  bool did_not_happen;     // both looks are done and the lag is over: the call may be made again
  journal::Intent intent;  // with the look counted
  WallTime next_look;      // when not
};
// After one complete look that found nothing (R48, U16): the first look comes at once, the last not
// before `lag` has passed since the outcome became unknown; two at the least.
LookVerdict after_empty_look(journal::Intent intent, WallTime now, Millis lag);

}  // namespace sluice::stage

#include "core/stage/pauses.h"

#include <algorithm>
#include <string>

namespace sluice::stage {
namespace {

constexpr Millis kPauseMin{1'000};          // R64: backoff begins at 1 s where no time is named
constexpr Millis kKeptFrom{5'000};          // shorter ones are over before a restart is
constexpr Millis kLongest{27 * 3'600'000};  // faults.h reads at most 24 h, and a tenth is added

std::string key_of(budget::Group group) { return "paused_until:" + std::string(name_of(group)); }

}  // namespace

void pause_group(Context& ctx, budget::Group group, Error const& error) {
  auto wait = std::max(kPauseMin, error.retry_after.value_or(Millis(0)));
  wait += Millis(static_cast<std::int64_t>(static_cast<double>(wait.count()) * 0.1 * ctx.jitter()));
  auto const until = ctx.now + wait;
  auto const before = ctx.traffic.paused_until(group, ctx.now);
  ctx.traffic.throttled(group, ctx.now, until);
  if (wait >= kKeptFrom && (!before || *before < until)) ctx.journal.set_meta(key_of(group), to_rfc3339(until));
}

void remember_pauses(Context& ctx) {
  for (auto const group : budget::kAllGroups) {
    auto const text = ctx.journal.meta(key_of(group));
    auto const until = text ? parse_rfc3339(*text) : std::nullopt;
    if (until && *until > ctx.now && *until <= ctx.now + kLongest) ctx.traffic.pause(group, *until);
  }
}

void shift_pauses(journal::Journal& journal, Millis by) {
  for (auto const group : budget::kAllGroups) {
    auto const text = journal.meta(key_of(group));
    if (auto const until = text ? parse_rfc3339(*text) : std::nullopt)
      journal.set_meta(key_of(group), to_rfc3339(*until + by));
  }
}

}  // namespace sluice::stage

#include "core/source/settle.h"

#include <algorithm>

namespace sluice::source {
namespace {

using Is = Verdict::Is;
using Reason = Verdict::Reason;

// Looking more often than this would cost more than it tells, whatever the settle time is set to.
constexpr Millis kLookAgainMin{100};
constexpr Millis kMarkerLook{3'600'000};  // each sweep that finds the marker comes first

WallTime from_ns(std::int64_t ns) { return WallTime(std::chrono::floor<Millis>(std::chrono::nanoseconds(ns))); }

// Since when the file is quiet: the latest of its own times and the first sight of this print (D22). A
// time in the future is a skewed clock's: it does not block, first sight stands in for it (D29).
WallTime quiet_from(SettleFacts const& facts) {
  auto latest = facts.quiet_since;
  for (auto const ns : {facts.fresh->mtime_ns, facts.fresh->ctime_ns}) {
    auto const at = from_ns(ns);
    if (at <= facts.now) latest = std::max(latest, at);
  }
  return latest;
}

Millis quiet_time(SettleFacts const& facts) {
  return facts.settle * (facts.fresh->size_bytes == 0 ? kEmptySettleFactor : 1);
}

}  // namespace

Verdict settle(SettleFacts const& facts) {
  if (!facts.fresh) return {Is::kGone, Reason::kNone, facts.now};

  auto const look_again = facts.now + std::max(facts.settle, kLookAgainMin);
  auto const too_long = facts.now - facts.first_seen >= facts.max_settle;
  auto const unfinished = [&](Is is, Reason reason, WallTime again_at) {
    return Verdict{too_long ? Is::kStillChanging : is, reason, again_at};
  };

  if (*facts.fresh != facts.recorded) return unfinished(Is::kChanged, Reason::kChanging, look_again);
  // The wall clock went back behind the first sight: how long the file was quiet is not known.
  if (facts.quiet_since > facts.now) return {Is::kChanged, Reason::kQuiet, look_again};

  if (facts.marker == Marker::kMissing) return {Is::kWait, Reason::kMarker, facts.now + kMarkerLook};
  auto const needed = facts.marker == Marker::kThere ? Millis(0) : quiet_time(facts);
  auto const quiet_until = quiet_from(facts) + needed;
  if (needed > Millis(0) && quiet_until > facts.now) return unfinished(Is::kWait, Reason::kQuiet, quiet_until);
  if (facts.writer == ports::Writer::kPresent) return unfinished(Is::kWait, Reason::kWriter, look_again);
  return {Is::kStable, Reason::kNone, facts.now};
}

}  // namespace sluice::source

// clock_step.h - the host's wall clock was set between two lives of the daemon.
//
// The journal's times are those of the wall. A clock that was a day ahead when they were written, and is right now,
// would let every wait last a day longer, and would hold the trace of a lost create for one of another day; one that
// starts in 1970 has no wait ever end. So all times that somebody still waits for, or looks by, are moved by the step.
// What happened and when stays as it was told.
#pragma once

#include <optional>
#include <string>

#include "core/journal/journal.h"
#include "core/ports/log.h"

namespace sluice::stage {

// What tells a step of the clock: within one boot of the host the beginning of the boot, by the wall clock, stays.
struct ClockAnchor {
  std::string boot_id = {};
  WallTime boot_began{};
};

// By how much the clock was set since `before`; zero below a minute, which is slewing and rounding.
// Across a boot only a clock that stands before the last event is known to be wrong: then that event counts as now.
Millis clock_step(std::optional<ClockAnchor> const& before, ClockAnchor const& anchor,
                  std::optional<WallTime> last_event, WallTime now);

// At each start, before the first turn: finds the step since the last one by the journal, moves its times, and
// remembers the anchor. Writes nothing where nothing changed. Throws JournalError.
// Requires  no transaction.
void take_clock_step(journal::Journal& journal, ClockAnchor const& anchor, WallTime now, ports::Log& log);

}  // namespace sluice::stage

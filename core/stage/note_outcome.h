// note_outcome.h - what a landed call says beyond its own row: about its host, its group, the key, the rate and the
// clock.
//
// A turn notes each outcome once, before the stage that sent the call settles it, and also when the turn then fails:
// what was seen was seen. Writes no row but that of a pause (pauses.h).
#pragma once

#include "core/stage/stage.h"

namespace sluice::stage {

// The host is reached or not (B7), the group works or fails for everybody (B12), the key is taken or refused (B18); a
// group that was refused for its rate pauses for as long as it was told to, and one of which the last call was just
// spent, for at most a minute. The platform's clock is read off its answers. Each change is logged once.
void note_surroundings(Context& ctx, Landing const& landing);

// What a failed call gives back of what it spent (rate_limits): all of it when no byte left, however long an outage is;
// the media when it was refused, since nothing was handed in; nothing when the platform may have acted.
// Requires  a landing without a reply.
void note_cost(Context& ctx, Landing const& landing);

// Whom a failure is about: its own item, several, or everything, as all that was noted by now shows it.
// Requires  a landing without a reply.
Spread spread_of(Context& ctx, Landing const& landing);

}  // namespace sluice::stage

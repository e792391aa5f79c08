// pauses.h - the pauses that the platform asked for, kept in the journal, so that a restart forgets none (B19).
#pragma once

#include "core/stage/stage.h"

namespace sluice::stage {

// A call of the group was refused for its rate: none leaves before the time that the platform named, or a second, and
// up to a tenth of that longer, so that not all its clients come back at once (B3). Pauses of some seconds are kept in
// memory only.
// Requires  a transaction.
void pause_group(Context& ctx, budget::Group group, Error const& error);

// At the start: what was asked for before it still holds. A time too far away was written by a clock that was ahead.
void remember_pauses(Context& ctx);

// The host's clock was set: they end when they would have.
// Requires  a transaction.
void shift_pauses(journal::Journal& journal, Millis by);

}  // namespace sluice::stage

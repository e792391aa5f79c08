// spent.h - what the quota groups have spent of their allowance, kept in the journal, so that a restart forgets none.
#pragma once

#include "core/stage/stage.h"

namespace sluice::stage {

// Writes what was spent since the last commit: whenever the turn writes other rows, and else once it is a hundredth of
// a limit, so that polls alone do not cost a commit each. A crash forgets no more than that.
// Requires  a transaction.
void save_spent(Context& ctx, bool turn_writes);
void spent_is_saved(budget::Traffic& traffic);  // after its commit

// At the start: what was spent before still counts. Requires  the allowances are set.
void remember_spent(Context& ctx);

// The host's clock was set: what was spent keeps its age.
// Requires  a transaction.
void shift_spent(journal::Journal& journal, Millis by);

}  // namespace sluice::stage

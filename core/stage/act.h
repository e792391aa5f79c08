// act.h - stage ACT: the outbox -> files moved, deleted and described.
//
//   takes    acts in `wanted` and `acting`, but for hooks, whose due_at has come; one of an item after the other
//   writes   act: `acting` before a file is touched; then `done` with where it came to be, `refused` with a reason, or
//            `wanted` again after trouble that may pass, with backoff and for a day or so; without a due time while a
//            folder is away (outbox.h). item: another print, after a chmod or the like
//   remote   GET the asset, before a file of a done item, or of one that repeats it, is moved or deleted (D62)
//   unknown  an act that was under way when the daemon died is given again: what was done of it is recognised by the
//            files (core/source/put_away.h)
//   then     nothing
//
// The file work is done in lanes of their own, one for each folder, since a copy may take long.
#pragma once

#include "core/stage/stage.h"

namespace sluice::stage {

void choose_act(Context& ctx);
void settle_verify_asset(Context& ctx, Landing const& landing);

}  // namespace sluice::stage

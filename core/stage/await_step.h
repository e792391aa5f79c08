// await_step.h - stage AWAIT_STEP: an indexed asset or an entity that is being processed -> ready.
//
//   takes    steps in `created` whose due_at has come; all steps of one entity by one read
//   writes   step: `ready` or `failed`, remote_status; `creating`, to be looked for, when the platform no
//            longer has its record (R41); else the next poll's due_at
//   remote   GET of the indexed asset, or of the entity. Safe.
//   unknown  polls again
//   then     FINISH takes the item once all its steps are over
#pragma once

#include "core/stage/stage.h"

namespace sluice::stage {

void choose_await_step(Context& ctx);
void settle_await_step(Context& ctx, Landing const& landing);

}  // namespace sluice::stage

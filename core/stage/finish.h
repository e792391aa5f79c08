// finish.h - stage FINISH: an item whose asset is ready and whose steps are over -> its end.
//
//   takes    items in `asset_ready` whose due_at has come
//   writes   item: `done`, with its acts; or `failed` with the reason of its first failed step; else it rests until a
//            step ends
//   remote   nothing
//   unknown  -
//   then     the item is at its end; ACT takes what is to be done to its file
#pragma once

#include "core/stage/stage.h"

namespace sluice::stage {

void choose_finish(Context& ctx);

}  // namespace sluice::stage

// finish.h - stage FINISH: an item whose asset is ready and whose steps are over -> its end.
//
//   takes    items in `asset_ready` whose due_at has come
//   writes   item: `done`; or `failed` with the reason of its first failed step; else it rests until a
//            step ends
//   remote   nothing
//   unknown  -
//   then     nothing: the item is at its end
#pragma once

#include "core/stage/stage.h"

namespace sluice::stage {

void choose_finish(Context& ctx);

}  // namespace sluice::stage

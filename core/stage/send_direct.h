// send_direct.h - stage SEND_DIRECT: a small stable file -> an asset, in one request.
//
//   takes    items in `stable` with method direct whose due_at has come; writes `sending` before the request leaves
//   writes   item: state, client_op, asset_id, bytes
//   remote   POST /assets, method=direct. Not repeatable.
//   unknown  LOOK_ASSET looks whether it happened, before the file is sent again
//   then     AWAIT_ASSET takes the items left in `sent`
#pragma once

#include "core/stage/stage.h"

namespace sluice::stage {

void choose_send_direct(Context& ctx);
void settle_send_direct(Context& ctx, Landing const& landing);

}  // namespace sluice::stage

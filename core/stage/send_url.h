// send_url.h - stage SEND_URL: a URL -> an asset that the platform fetches by itself.
//
//   takes    items in `stable` with method url whose due_at has come, once they were tried (probe_url.h); writes
//            `sending` before the request leaves
//   writes   item: state, client_op, asset_id; its URL is cleared when it can no longer be used
//   remote   POST /assets, method=url. Not repeatable.
//   unknown  LOOK_ASSET looks whether it happened, before the URL is sent again
//   then     AWAIT_ASSET takes the items left in `sent`: the asset is processing while its URL is fetched (R11b)
//
// No byte of the media comes through here: how much is behind the URL is known only where its host told the probe.
#pragma once

#include "core/stage/stage.h"

namespace sluice::stage {

// The reason of an item whose URL ended before the platform had fetched it (M12): only another URL helps.
inline constexpr char kNeedsNewUrl[] = "needs_new_url";

void choose_send_url(Context& ctx);
void settle_send_url(Context& ctx, Landing const& landing);

// Whether the platform may still fetch by it at `now`, which is the platform's clock. Pure.
bool is_usable(SecretUrl const& url, WallTime now);

}  // namespace sluice::stage

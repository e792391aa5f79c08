// send_hook.h - stage SEND_HOOK: what items came to -> told to the operator's programs and URLs (D69).
//
//   takes    acts of kind `hook` in `wanted` and `acting` whose due_at has come: of each hook by itself, a few at a
//   time writes   act: `acting`, and what is told, before it leaves; then `done`; `wanted` again after a failure, with
//            backoff and for a day or so; `refused` when it is given up or the configuration has the hook no more
//   remote   POST to the hook's URL, never with the platform's key; or a program, in a lane of its own
//   unknown  it is told once more, with the same id and text: at least once
//   then     nothing: no item ever waits for a hook
#pragma once

#include "core/stage/stage.h"

namespace sluice::stage {

inline constexpr char kHooksGivenUp[] = "hooks_given_up";  // in meta: how many events no hook took

void choose_send_hook(Context& ctx);
void settle_send_hook(Context& ctx, Landing const& landing);

// At a start: what is to be told to hooks that the configuration has no more is not told.
void refuse_unknown_hooks(Context& ctx);

// POST of an event: JSON, with its id, and signed as the platform signs its own webhooks (R17b): HMAC-SHA256 over the
// time of this try, a dot and the body.
ports::Call hook_call(HookPolicy const& to, std::string const& id, std::string const& payload, WallTime now);

}  // namespace sluice::stage

// await_asset.h - stage AWAIT_ASSET: an uploaded asset -> ready, or failed by the platform.
//
//   takes    items in `completed` and `sent` whose due_at has come, up to 50 in one call (R57)
//   writes   item: `asset_ready` and its steps' due times; or `failed`; or `stable`, to be uploaded again, when
//            the platform no longer has the asset (R41) or nothing came of a session that it forgot (R11b);
//            else the next poll's due_at, and none once its interval is the longest (poll_round.h)
//   remote   GET /assets?asset_ids=...; for one that stays missing GET /assets/{id}. Safe.
//   unknown  polls again
//   then     RESOLVE_NAMED and CREATE_STEP take the steps; FINISH the items that ask for none
#pragma once

#include "core/platform/replies.h"
#include "core/stage/stage.h"

namespace sluice::stage {

// Flight::mode; 0 reads many that are due.
inline constexpr int kReadAlone = 1;    // one asset
inline constexpr int kReadInRound = 2;  // many that have no due time

// How many items there may be to ask about.
std::int64_t awaited_items(journal::Journal const& journal);

// Whether its own record must be read before it counts as ready: its length is budgeted, and the list did not say it.
bool is_record_wanted(Context const& ctx, journal::ItemRow const& item, platform::Asset const& asset);

void choose_await_asset(Context& ctx);
void settle_await_asset(Context& ctx, Landing const& landing);

}  // namespace sluice::stage

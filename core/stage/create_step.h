// create_step.h - stage CREATE_STEP: a ready asset and a known name -> an indexed asset, or a place in an entity.
//
//   takes    steps in `waiting` that are due (their asset is ready, their name present), and those in
//            `creating` whose outcome is unknown; writes `creating` before the call leaves
//   writes   step: state, remote_id; or failed. Refused as gone: the step waits, its asset and its name are
//            in doubt (R41)
//   remote   POST /indexes/{id}/indexed-assets (not repeatable), or POST .../entities/{id}/assets with all
//            that wait for that entity, fifty at most, and one by one where they were refused together; before
//            a retry of failed indexing a DELETE of the failed record, which nothing else clears (U11)
//   unknown  index: lists the asset's indexed assets (R52), or the index where the platform hides that
//            call; twice at the least and until `late_effect` and the list lag are over. Entity: reads the
//            entity (R49).
//   then     AWAIT_STEP takes the rows left in `created`
#pragma once

#include <optional>
#include <span>
#include <string>

#include "core/platform/replies.h"
#include "core/stage/stage.h"

namespace sluice::stage {

void choose_create_step(Context& ctx);
void settle_create_step(Context& ctx, Landing const& landing);
void settle_delete_step(Context& ctx, Landing const& landing);
void choose_look_step(Context& ctx);
void settle_look_step(Context& ctx, Landing const& landing);

// The oldest of the rows that stand for this asset in this index; rows that do not say which asset or
// index they belong to are taken to belong to the one that was asked for. Pure.
platform::IndexedAsset const* pick_indexed_asset(std::span<platform::IndexedAsset const> rows,
                                                 std::string const& index_id, std::string const& asset_id);

}  // namespace sluice::stage

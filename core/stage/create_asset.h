// create_asset.h - what SEND_DIRECT and SEND_URL share: one POST /assets, which must not be repeated blindly.
//
// The intent is written before the call leaves; an answer makes the item `sent`, and a lost one is looked for by
// LOOK_ASSET before anything is repeated. What a refusal means is each stage's own affair.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/platform/replies.h"
#include "core/platform/requests.h"
#include "core/stage/plan.h"
#include "core/stage/stage.h"

namespace sluice::stage {

// What the call says of the asset, with the operation tag of item.client_op where the platform takes metadata (R50).
platform::AssetOptions asset_options(Context const& ctx, journal::ItemRow const& item, Plan const& plan);

// Whether one of the same name is in `sending`: without tags the two could not be told apart while both outcomes are
// open, so that this one waits.
bool twin_under_way(Context const& ctx, journal::ItemRow const& item, std::string const& filename);

// Writes the intent (`stable` to `sending`), and queues the call. `body`: the file's, if the call has one.
void send_create(Context& ctx, journal::ItemRow item, budget::Errand errand, platform::AssetOptions const& options,
                 ports::Call call, std::shared_ptr<ports::FileBody> body);

// Settles an answer and a lost one, and a refusal of the metadata alone, which is then left out.
// Returns  any other refusal, for the stage; nothing when all is written.
std::optional<Error> settle_create(Context& ctx, journal::ItemRow const& item, Landing const& landing);

// The asset is there: `sending` to `sent`, and on where it is ready already (R11a).
void asset_made(Context& ctx, journal::ItemRow item, platform::Asset const& asset, std::string_view note);

// Nothing was made: the call may be made again.
void back_to_stable(Context& ctx, journal::ItemRow item, std::string_view note);

// A form's boundary needs these dice.
std::string boundary_seed(Context& ctx);

}  // namespace sluice::stage

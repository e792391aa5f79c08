#include "core/stage/create_asset.h"

#include <algorithm>
#include <utility>

#include "core/platform/faults.h"
#include "core/stage/await_asset.h"
#include "core/stage/effort.h"
#include "core/stage/moves.h"
#include "core/stage/next_uploads.h"

namespace sluice::stage {

using journal::ItemRow;
using journal::ItemState;
using platform::Asset;

namespace {

void now_unknown(Context& ctx, ItemRow item, Error const& error) {
  item.effort = after_failure(item.effort, error, ctx.policy, ctx.now, ctx.jitter());
  item.effort.due_at = ctx.now;
  item.intent = outcome_unknown(item.intent, ctx.now);
  item.reason = "outcome_unknown";
  move(ctx, item, ItemState::kSending, "no answer came (" + error.text + "): looking whether it happened");
}

}  // namespace

platform::AssetOptions asset_options(Context const& ctx, ItemRow const& item, Plan const& plan) {
  return {.filename = plan.filename,
          .enable_hls = plan.enable_hls,
          .enable_thumbnail = plan.enable_thumbnail,
          .user_metadata = takes_metadata(ctx)
                               ? with_operation_tag(with_own_metadata(plan.metadata_json, item), item.client_op)
                               : ""};
}

bool twin_under_way(Context const& ctx, ItemRow const& item, std::string const& filename) {
  if (takes_metadata(ctx)) return false;
  auto const sending = ctx.journal.items_in(ItemState::kSending, static_cast<int>(ctx.policy.files_max) + 1);
  return std::ranges::any_of(
      sending, [&](ItemRow const& other) { return other.id != item.id && read_plan(other.plan).filename == filename; });
}

void send_create(Context& ctx, ItemRow item, budget::Errand errand, platform::AssetOptions const& options,
                 ports::Call call, std::shared_ptr<ports::FileBody> body) {
  item.state = ItemState::kSending;
  item.intent = {.at = ctx.now};
  item.effort.due_at.reset();
  move(ctx, item, ItemState::kStable);
  ctx.traffic.send({.errand = errand,
                    .row = item.id,
                    .item = item.id,
                    .mode = options.user_metadata.empty() ? kUntagged : kTagged,
                    .body = std::move(body)},
                   std::move(call), ctx.now);
}

std::optional<Error> settle_create(Context& ctx, ItemRow const& item, Landing const& landing) {
  if (landing.reply) {
    auto const asset = platform::read_asset(*landing.reply);
    asset ? asset_made(ctx, item, *asset, {}) : now_unknown(ctx, item, asset.error());
    return std::nullopt;
  }
  auto const& error = landing.reply.error();
  if (error.fault == Fault::kOutcomeUnknown) {
    now_unknown(ctx, item, error);
    return std::nullopt;
  }
  if (landing.flight.mode == kTagged && platform::refuses_metadata(error)) {
    metadata_refused(ctx);
    back_to_stable(ctx, item, "again without user_metadata");
    return std::nullopt;
  }
  return error;
}

void asset_made(Context& ctx, ItemRow item, Asset const& asset, std::string_view note) {
  item.state = ItemState::kSent;
  item.asset_id = asset.id;
  item.media_ms = asset.media.value_or(Millis(0)).count();
  if (item.method != kByUrl) item.bytes_acked = item.print.size_bytes;
  item.intent = {};
  item.effort = renewed(ctx.now + ctx.policy.poll_min);
  item.reason.clear();
  move(ctx, item, ItemState::kSending, note);
  ctx.sources.forget(item.id);
  if (asset.state == Asset::State::kReady && !is_record_wanted(ctx, item, asset))
    asset_became_ready(ctx, std::move(item));  // R11a: accept ready at once
}

void back_to_stable(Context& ctx, ItemRow item, std::string_view note) {
  item.state = ItemState::kStable;
  item.intent = {};
  item.effort.due_at = ctx.now;
  move(ctx, item, ItemState::kSending, note);
}

std::string boundary_seed(Context& ctx) {
  return std::to_string(ctx.random.bits()) + std::to_string(ctx.random.bits());
}

}  // namespace sluice::stage

#include "core/stage/adopt.h"

#include <algorithm>
#include <utility>

#include "core/base/ids.h"
#include "core/source/identity.h"
#include "core/stage/admit.h"
#include "core/stage/effort.h"
#include "core/stage/moves.h"

namespace sluice::stage {

using journal::ItemRow;
using journal::ItemState;
using journal::UnclaimedRow;
using platform::Asset;

namespace {

constexpr Millis kSessionLife = std::chrono::hours(24);  // R21

bool may_be_unfinished(Asset const& asset) {
  return asset.method == "multipart" && asset.state == Asset::State::kProcessing;
}

bool is_known_method(ItemRow const& item, std::string const& method) {
  return method == "direct" || method == "multipart" || (method == "url" && is_of_url(item));
}

// The session of a multipart asset is not known any more, which is what `expired` says of it.
void insert_forgotten_session(Context& ctx, ItemRow const& item, Asset const& asset) {
  auto const opened_at = asset.created_at.value_or(ctx.now);
  ctx.journal.insert(journal::SessionRow{.item_id = item.id,
                                         .generation = item.generation,
                                         .state = journal::SessionState::kExpired,
                                         .upload_id = "lost",
                                         .asset_id = asset.id,
                                         .file_bytes = item.print.size_bytes,
                                         .chunk_size_bytes = std::max<std::uint64_t>(item.print.size_bytes, 1),
                                         .total_chunks = 1,
                                         .opened_at = opened_at,
                                         .expires_at = opened_at + kSessionLife,
                                         .due_at = ctx.now});
}

}  // namespace

void take_names(Context const& ctx, ItemRow& item, Asset const& asset) {
  auto const tag = source::parse_operation_tag(asset.client_op);
  if (!tag || !ctx.journal.items_by_prefix(tag->ulid, 1).empty()) return;
  item.ulid = tag->ulid;
  item.generation = tag->generation;
  item.client_op = asset.client_op;
  item.created_at = std::min(time_of_ulid(tag->ulid), ctx.now);
}

void take_asset(Context const& ctx, ItemRow& item, Asset const& asset) {
  if (is_known_method(item, asset.method)) item.method = asset.method;
  item.state = may_be_unfinished(asset) ? ItemState::kCompleted : ItemState::kSent;
  item.asset_id = asset.id;
  item.bytes_acked = item.print.size_bytes;
  item.effort = renewed(ctx.now);
  item.reason.clear();
}

journal::RowId insert_lost(Context& ctx, ItemRow const& item, std::string note) {
  auto const id = ctx.journal.insert(item);
  ctx.journal.add_event({.at = ctx.now,
                         .item_id = id,
                         .subject = "item",
                         .was = "lost",
                         .became = std::string(word(item.state)),
                         .note = std::move(note)});
  return id;
}

void insert_what_follows(Context& ctx, ItemRow const& item, Plan const& plan, Asset const& asset) {
  if (may_be_unfinished(asset)) insert_forgotten_session(ctx, item, asset);
  for (auto step : steps_for(item, plan)) {
    step.state = journal::StepState::kCreating;
    // Not before the asset was there: as far back as the looks must go (R52).
    step.intent = {.at = asset.created_at.value_or(WallTime{}), .unknown_at = ctx.now, .looks = 0};
    ctx.journal.insert(step);
  }
}

std::optional<Asset> kept_for(Context const& ctx, ItemRow const& item) {
  auto const row = ctx.journal.unclaimed(identity_of(item));
  if (!row) return std::nullopt;
  // What the platform has of a file has its size: else it is another file's, whatever its tag says.
  if (!is_of_url(item) && row->size_bytes.value_or(item.print.size_bytes) != item.print.size_bytes) return std::nullopt;
  Asset asset;
  asset.id = row->asset_id;
  asset.state = row->is_ready ? Asset::State::kReady : Asset::State::kProcessing;
  asset.method = row->method;
  asset.size_bytes = row->size_bytes;
  asset.created_at = row->created_at;
  asset.client_op = row->client_op;
  return asset;
}

std::string claim(Context& ctx, ItemRow const& item, Asset const& asset) {
  ctx.journal.delete_unclaimed(identity_of(item));
  return "the platform has asset " + asset.id + ", which carries its operation tag, kept when the journal was rebuilt";
}

UnclaimedRow unclaimed_row(Asset const& asset) {
  return {.identity = source::parse_operation_tag(asset.client_op)->identity,
          .client_op = asset.client_op,
          .asset_id = asset.id,
          .method = asset.method,
          .is_ready = asset.state == Asset::State::kReady,
          .size_bytes = asset.size_bytes,
          .created_at = asset.created_at};
}

}  // namespace sluice::stage

#include "core/stage/await_asset.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/platform/replies.h"
#include "core/platform/requests.h"
#include "core/stage/effort.h"
#include "core/stage/moves.h"

namespace sluice::stage {

using budget::Errand;
using budget::Group;
using journal::ItemRow;
using journal::ItemState;
using platform::Asset;

namespace {

bool is_awaited(ItemState state) { return state == ItemState::kCompleted || state == ItemState::kSent; }

// Rows due for a poll that no poll in the air is about. A little ahead of time, so that batches fill.
std::vector<ItemRow> due_for_poll(Context const& ctx) {
  auto const horizon = ctx.now + ctx.policy.poll_min / 4;
  auto const limit = static_cast<int>(platform::kAssetIdsMax * (1 + ctx.traffic.in_air(Errand::kAwaitAsset)));
  std::vector<ItemRow> due;
  for (auto const state : {ItemState::kCompleted, ItemState::kSent})
    for (auto& item : ctx.journal.due_items(state, horizon, limit))
      if (!ctx.traffic.busy(Errand::kAwaitAsset, item.id)) due.push_back(std::move(item));
  return due;
}

bool any_has_come(std::vector<ItemRow> const& items, WallTime now) {
  return std::ranges::any_of(items, [&](ItemRow const& item) { return item.effort.due_at <= now; });
}

// How long after the end of a session that the platform forgot its asset may still be processing.
constexpr Millis kForgottenGrace = std::chrono::hours(1);

// The upload session of this asset, if the platform had forgotten it before it said `completed`.
std::optional<journal::SessionRow> forgotten_session(Context const& ctx, ItemRow const& item) {
  auto const sessions = ctx.journal.sessions_of(item.id);
  auto const found = std::ranges::find(sessions, item.asset_id, &journal::SessionRow::asset_id);
  if (found == sessions.end() || found->state != journal::SessionState::kExpired) return std::nullopt;
  return *found;
}

// Nothing came of a forgotten session (R11b, R28): the file is uploaded by a new one.
void upload_anew(Context& ctx, ItemRow item, std::string_view why) {
  auto const was = item.state;
  item.state = ItemState::kStable;
  item.asset_id.clear();
  item.bytes_acked = 0;
  item.intent = {};
  item.effort = renewed(ctx.now);
  item.reason.clear();
  move(ctx, item, was, why);
}

// An id that a list leaves out is gone (R57), unless the list only lags (U16).
void settle_missing(Context& ctx, ItemRow item) {
  if (!item.intent.unknown_at) item.intent = {.at = ctx.now, .unknown_at = ctx.now, .looks = 0};
  auto const verdict = after_empty_look(item.intent, ctx.now, ctx.policy.limits.list_lag);
  if (verdict.did_not_happen && forgotten_session(ctx, item))
    return upload_anew(ctx, std::move(item), "the upload session was forgotten, and its asset is not there");
  if (verdict.did_not_happen)
    return fail_item(ctx, std::move(item), "asset_gone", "the platform no longer has the asset: retry uploads it again",
                     ItemState::kStable);
  item.intent = verdict.intent;
  item.effort.due_at = verdict.next_look;
  ctx.journal.update(item, item.state, ctx.now);
}

void settle_one(Context& ctx, ItemRow item, Asset const* asset) {
  if (asset == nullptr) return settle_missing(ctx, std::move(item));
  item.intent = {};
  switch (asset->state) {
    case Asset::State::kReady: return asset_became_ready(ctx, std::move(item));
    case Asset::State::kFailed: {
      auto const text = "the platform could not process the file" +
                        (asset->error_message.empty() ? std::string() : ": " + asset->error_message);
      return fail_item(ctx, std::move(item), "asset_failed", text, ItemState::kStable);
    }
    case Asset::State::kProcessing:
      if (auto const session = forgotten_session(ctx, item);
          session && session->expires_at + kForgottenGrace <= ctx.now)
        return upload_anew(ctx, std::move(item),
                           "the upload session was forgotten, and its asset never came to an end");
      item.effort.due_at = ctx.now + poll_interval(item.effort.tries, ctx.policy);
      item.effort.tries += 1;
      item.effort.last_error.clear();
      item.reason.clear();
      return ctx.journal.update(item, item.state, ctx.now);
  }
}

void settle_failed_poll(Context& ctx, Error const& error, std::vector<journal::RowId> const& rows) {
  for (auto const row : rows) {
    auto item = ctx.journal.item(row);
    if (!item || !is_awaited(item->state)) continue;
    item->effort = after_failure(item->effort, error, ctx.policy, ctx.now, ctx.jitter());
    item->effort.attempts = 0;  // a poll says nothing about this very item: it charges nobody
    item->reason = name_of(error.fault);
    ctx.journal.update(*item, item->state, ctx.now);
  }
  ctx.log.warning("poll of " + std::to_string(rows.size()) + " assets failed: " + error.text);
}

}  // namespace

void choose_await_asset(Context& ctx) {
  auto due = due_for_poll(ctx);
  while (any_has_come(due, ctx.now) && ctx.traffic.may_call(Group::kAssets, ctx.now, ctx.policy.api_calls_max)) {
    auto const count = std::min(due.size(), platform::kAssetIdsMax);
    std::vector<std::string> asset_ids;
    std::vector<journal::RowId> rows;
    for (std::size_t i = 0; i < count; ++i) {
      asset_ids.push_back(due[i].asset_id);
      rows.push_back(due[i].id);
    }
    due.erase(due.begin(), due.begin() + static_cast<std::ptrdiff_t>(count));
    ctx.traffic.send({.errand = Errand::kAwaitAsset, .rows = std::move(rows)}, platform::list_assets_by_id(asset_ids));
  }
}

void settle_await_asset(Context& ctx, Landing const& landing) {
  auto const& rows = landing.flight.rows;
  if (!landing.reply) return settle_failed_poll(ctx, landing.reply.error(), rows);
  auto const page = platform::read_asset_page(*landing.reply);
  if (!page) return settle_failed_poll(ctx, page.error(), rows);
  for (auto const row : rows) {
    auto item = ctx.journal.item(row);
    if (!item || !is_awaited(item->state)) continue;
    auto const found = std::ranges::find(page->assets, item->asset_id, &Asset::id);
    settle_one(ctx, std::move(*item), found == page->assets.end() ? nullptr : &*found);
  }
}

}  // namespace sluice::stage

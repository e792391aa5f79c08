#include "core/stage/await_asset.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/platform/replies.h"
#include "core/platform/requests.h"
#include "core/stage/effort.h"
#include "core/stage/gone.h"
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

// A call that was sent for this asset and whose outcome is not known yet: it is decided first, while the
// asset's id is still at hand.
bool step_undecided(Context const& ctx, ItemRow const& item) {
  return std::ranges::any_of(ctx.journal.steps_of(item.id),
                             [](journal::StepRow const& step) { return step.state == journal::StepState::kCreating; });
}

void lost(Context& ctx, ItemRow item) {
  if (step_undecided(ctx, item)) {
    item.effort.due_at = ctx.now + ctx.policy.poll_min;
    return ctx.journal.update(item, item.state, ctx.now);
  }
  auto const* const why = forgotten_session(ctx, item) ? "the upload session was forgotten, and its asset is not there"
                                                       : "the platform no longer has the asset";
  upload_again(ctx, std::move(item), why);
}

// An id that a list leaves out is gone (R57), unless the list only lags (U16): when two looks over the lag
// have not shown it, the asset itself is read, since a wrong guess would send the whole file a second time.
void settle_missing(Context& ctx, ItemRow item) {
  if (!item.intent.unknown_at) item.intent = {.at = ctx.now, .unknown_at = ctx.now, .looks = 0};
  auto const verdict = after_empty_look(item.intent, ctx.now, ctx.policy.limits.list_lag);
  item.intent = verdict.intent;
  item.reason = "asset_missing";
  item.effort.due_at = verdict.did_not_happen ? ctx.now + ctx.policy.poll_min : verdict.next_look;
  ctx.journal.update(item, item.state, ctx.now);
  if (verdict.did_not_happen)
    ctx.traffic.send({.errand = Errand::kAwaitAsset, .rows = {item.id}, .mode = kReadAlone},
                     platform::retrieve_asset(item.asset_id));
}

void settle_one(Context& ctx, ItemRow item, Asset const& asset) {
  item.intent = {};
  switch (asset.state) {
    case Asset::State::kReady: return asset_became_ready(ctx, std::move(item));
    case Asset::State::kFailed: {
      auto const text = "the platform could not process the file" +
                        (asset.error_message.empty() ? std::string() : ": " + asset.error_message);
      return fail_item(ctx, std::move(item), "asset_failed", text, ItemState::kStable);
    }
    case Asset::State::kProcessing:
      if (auto const session = forgotten_session(ctx, item);
          session && session->expires_at + kForgottenGrace <= ctx.now)
        return upload_again(ctx, std::move(item),
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

void settle_alone(Context& ctx, Landing const& landing) {
  auto item = ctx.journal.item(landing.flight.rows.front());
  if (!item || !is_awaited(item->state)) return;
  if (!landing.reply && landing.reply.error().fault == Fault::kGone) return lost(ctx, std::move(*item));
  if (!landing.reply) return settle_failed_poll(ctx, landing.reply.error(), landing.flight.rows);
  auto const asset = platform::read_asset(*landing.reply);
  if (!asset) return settle_failed_poll(ctx, asset.error(), landing.flight.rows);
  settle_one(ctx, std::move(*item), *asset);
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
  if (landing.flight.mode == kReadAlone) return settle_alone(ctx, landing);
  auto const& rows = landing.flight.rows;
  if (!landing.reply) return settle_failed_poll(ctx, landing.reply.error(), rows);
  auto const page = platform::read_asset_page(*landing.reply);
  if (!page) return settle_failed_poll(ctx, page.error(), rows);
  for (auto const row : rows) {
    auto item = ctx.journal.item(row);
    if (!item || !is_awaited(item->state)) continue;
    auto const found = std::ranges::find(page->assets, item->asset_id, &Asset::id);
    if (found == page->assets.end())
      settle_missing(ctx, std::move(*item));
    else
      settle_one(ctx, std::move(*item), *found);
  }
}

}  // namespace sluice::stage

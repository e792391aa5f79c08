#include "core/stage/await_asset.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/platform/requests.h"
#include "core/stage/adopt.h"
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

constexpr char kRecordWanted[] = "length_wanted";  // the next poll reads the asset's own record
constexpr std::array kAwaited = {ItemState::kCompleted, ItemState::kSent};

bool is_awaited(ItemState state) { return std::ranges::find(kAwaited, state) != kAwaited.end(); }

// Rows due for a poll that no poll in the air is about. A little ahead of time, so that batches fill.
std::vector<ItemRow> due_for_poll(Context const& ctx) {
  auto const horizon = ctx.now + ctx.policy.poll_min / 4;
  auto const limit = static_cast<int>(platform::kAssetIdsMax * (1 + ctx.traffic.in_air(Errand::kAwaitAsset)));
  std::vector<ItemRow> due;
  for (auto const state : kAwaited)
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
// asset's id is still at hand. One that a rebuild only supposes is asked about once the asset is ready, which it
// will not be: nothing stands in a record of an asset that is gone (R40).
bool step_undecided(Context const& ctx, ItemRow const& item) {
  return std::ranges::any_of(ctx.journal.steps_of(item.id), [](journal::StepRow const& step) {
    return step.state == journal::StepState::kCreating && !is_supposed(step);
  });
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

void read_alone(Context& ctx, ItemRow const& item) {
  ctx.traffic.send({.errand = Errand::kAwaitAsset, .rows = {item.id}, .mode = kReadAlone},
                   platform::retrieve_asset(item.asset_id), ctx.now);
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
  if (verdict.did_not_happen) read_alone(ctx, item);
}

void still_processing(Context& ctx, ItemRow item) {
  auto const forgotten = forgotten_session(ctx, item);
  if (forgotten && forgotten->expires_at + kForgottenGrace <= ctx.now)
    return upload_again(ctx, std::move(item), "the upload session was forgotten, and its asset never came to an end");
  auto const interval = poll_interval(item.effort.tries, ctx.policy);
  item.effort.due_at = ctx.now + interval;
  if (interval >= ctx.policy.poll_max && !forgotten) item.effort.due_at.reset();  // from now on in rounds
  item.effort.tries += 1;
  item.effort.last_error.clear();
  item.reason.clear();
  ctx.journal.update(item, item.state, ctx.now);
}

// Whether it must be known how long it plays before it is indexed.
bool is_media_wanted(Context const& ctx, ItemRow const& item) {
  if (item.kind == "image" || !ctx.traffic.allowance(Group::kIndexing).limits_media()) return false;
  auto const steps = ctx.journal.steps_of(item.id);
  return std::ranges::find(steps, journal::StepKind::kIndex, &journal::StepRow::kind) != steps.end();
}

void want_record(Context& ctx, ItemRow item) {
  item.reason = kRecordWanted;
  item.effort.due_at = ctx.now;
  ctx.journal.update(item, item.state, ctx.now);
}

void settle_one(Context& ctx, ItemRow item, Asset const& asset) {
  item.intent = {};
  item.media_ms = asset.media.value_or(Millis(0)).count();
  switch (asset.state) {
    case Asset::State::kReady: return asset_became_ready(ctx, std::move(item));
    case Asset::State::kFailed: {
      auto const text = "the platform could not process the file" +
                        (asset.error_message.empty() ? std::string() : ": " + asset.error_message);
      return fail_item(ctx, std::move(item), "asset_failed", text, ItemState::kStable);
    }
    case Asset::State::kProcessing: return still_processing(ctx, std::move(item));
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

// One poll of the round, when its time has come.
void choose_round(Context& ctx) {
  auto& round = ctx.poll_round;
  auto const items = awaited_items(ctx.journal);
  // A time beyond the longest pause is left over from before the clock was set back.
  auto const waits = round.next_at && *round.next_at > ctx.now && *round.next_at <= ctx.now + ctx.policy.poll_max;
  if (items == 0 || waits) return;
  if (!ctx.traffic.may_poll(Group::kAssets, ctx.now, ctx.policy.api_calls_max)) return;
  auto const next = ctx.journal.undated_items(kAwaited, round.place, static_cast<int>(platform::kAssetIdsMax));
  if (next.size() < platform::kAssetIdsMax) round.place = {};  // from the first again
  auto const pause =
      next.empty() ? ctx.policy.poll_max : round_pause(items, platform::kAssetIdsMax, ctx.policy.poll_max);
  round.next_at = ctx.now + pause;
  if (next.empty()) return;
  std::vector<std::string> asset_ids;
  std::vector<journal::RowId> rows;
  for (auto const& item : next) {
    asset_ids.push_back(item.asset_id);
    rows.push_back(item.id);
  }
  ctx.traffic.send({.errand = Errand::kAwaitAsset, .rows = std::move(rows), .mode = kReadInRound},
                   platform::list_assets_by_id(asset_ids), ctx.now);
}

// The usual answer: nothing changed, and so nothing is read or written.
bool all_still_processing(std::vector<Asset> const& assets, std::size_t asked) {
  return assets.size() == asked &&
         std::ranges::all_of(assets, [](Asset const& asset) { return asset.state == Asset::State::kProcessing; });
}

}  // namespace

std::int64_t awaited_items(journal::Journal const& journal) {
  std::int64_t items = 0;
  for (auto const state : kAwaited) items += journal.count_items(state);
  return items;
}

Millis round_pause(std::int64_t items, std::size_t per_poll, Millis poll_max) {
  auto const per = static_cast<std::int64_t>(per_poll);
  auto const polls = std::max<std::int64_t>(1, (items + per - 1) / per);
  return std::max(Millis(1), poll_max / polls);
}

// Not every list says how long an asset plays (openapi.yaml, Asset); its own record does.
bool is_record_wanted(Context const& ctx, ItemRow const& item, Asset const& asset) {
  return asset.state == Asset::State::kReady && !asset.media && is_media_wanted(ctx, item);
}

void choose_await_asset(Context& ctx) {
  choose_round(ctx);
  auto due = due_for_poll(ctx);
  std::erase_if(due, [&](ItemRow const& item) {
    if (item.reason != kRecordWanted) return false;
    if (ctx.traffic.may_poll(Group::kAssets, ctx.now, ctx.policy.api_calls_max)) read_alone(ctx, item);
    return true;
  });
  while (any_has_come(due, ctx.now) && ctx.traffic.may_poll(Group::kAssets, ctx.now, ctx.policy.api_calls_max)) {
    auto const count = std::min(due.size(), platform::kAssetIdsMax);
    std::vector<std::string> asset_ids;
    std::vector<journal::RowId> rows;
    for (std::size_t i = 0; i < count; ++i) {
      asset_ids.push_back(due[i].asset_id);
      rows.push_back(due[i].id);
    }
    due.erase(due.begin(), due.begin() + static_cast<std::ptrdiff_t>(count));
    ctx.traffic.send({.errand = Errand::kAwaitAsset, .rows = std::move(rows)}, platform::list_assets_by_id(asset_ids),
                     ctx.now);
  }
}

void settle_await_asset(Context& ctx, Landing const& landing) {
  if (landing.flight.mode == kReadAlone) return settle_alone(ctx, landing);
  auto const& rows = landing.flight.rows;
  if (!landing.reply) return settle_failed_poll(ctx, landing.reply.error(), rows);
  auto const page = platform::read_asset_page(*landing.reply);
  if (!page) return settle_failed_poll(ctx, page.error(), rows);
  auto const in_round = landing.flight.mode == kReadInRound;
  if (in_round && all_still_processing(page->assets, rows.size())) return;
  for (auto const row : rows) {
    auto item = ctx.journal.item(row);
    if (!item || !is_awaited(item->state)) continue;
    auto const found = std::ranges::find(page->assets, item->asset_id, &Asset::id);
    if (found == page->assets.end())
      settle_missing(ctx, std::move(*item));
    else if (is_record_wanted(ctx, *item, *found))
      want_record(ctx, std::move(*item));
    else if (!in_round || found->state != Asset::State::kProcessing)
      settle_one(ctx, std::move(*item), *found);
  }
}

}  // namespace sluice::stage

#include "core/stage/look_asset.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/platform/requests.h"
#include "core/stage/create_asset.h"
#include "core/stage/effort.h"
#include "core/stage/moves.h"
#include "core/stage/plan.h"

namespace sluice::stage {

using budget::Errand;
using budget::Group;
using journal::ItemRow;
using journal::ItemState;
using platform::Asset;

namespace {

constexpr Millis kClockSlack = std::chrono::minutes(5);  // R50: back to the attempt less 5 min

std::optional<std::uint64_t> known_size(ItemRow const& item) {
  if (is_of_url(item) && item.print.size_bytes == 0) return std::nullopt;
  return item.print.size_bytes;
}

SoughtAsset sought_for(Context const& ctx, ItemRow const& item) {
  return {.client_op = item.client_op,
          .filename = read_plan(item.plan).filename,
          .size_bytes = known_size(item),
          .not_before = *item.intent.at + ctx.traffic.clock_offset() - kClockSlack,
          .tagged = takes_metadata(ctx),
          .method = item.method};
}

void look(Context& ctx, ItemRow const& item, int page) {
  ctx.traffic.send({.errand = Errand::kLookAsset, .row = item.id, .item = item.id, .page = page},
                   platform::list_assets_by_filename(read_plan(item.plan).filename, page), ctx.now);
}

void look_again_at(Context& ctx, ItemRow item, WallTime at) {
  item.effort.due_at = at;
  ctx.journal.update(item, ItemState::kSending, ctx.now);
}

void found_nothing(Context& ctx, ItemRow item) {
  auto const verdict =
      after_empty_look(item.intent, ctx.now, ctx.policy.limits.late_effect + ctx.policy.limits.list_lag);
  item.intent = verdict.intent;
  if (!verdict.did_not_happen) return look_again_at(ctx, std::move(item), verdict.next_look);
  if (is_exhausted(item.effort, ctx.policy))
    return fail_item(ctx, std::move(item), "outcome_unknown", item.effort.last_error, ItemState::kStable);
  back_to_stable(ctx, std::move(item), "looked twice: it did not happen");
}

}  // namespace

void choose_look_asset(Context& ctx) {
  for (auto const& item :
       ctx.journal.due_items(ItemState::kSending, ctx.now, static_cast<int>(ctx.policy.files_max) * 2)) {
    if (!item.intent.unknown_at || ctx.traffic.busy(Errand::kLookAsset, item.id)) continue;
    if (!ctx.traffic.may_call(Group::kAssets, ctx.now, ctx.policy.api_calls_max)) return;
    look(ctx, item, 1);
  }
}

void settle_look_asset(Context& ctx, Landing const& landing) {
  auto item = ctx.journal.item(landing.flight.row);
  if (!item || item->state != ItemState::kSending || !item->intent.unknown_at) return;
  auto const again = [&](Error const& error) {  // the look failed, which says nothing about the asset
    auto const attempts = item->effort.attempts;
    item->effort = after_failure(item->effort, error, ctx.policy, ctx.now, ctx.jitter());
    item->effort.attempts = attempts;
    ctx.journal.update(*item, ItemState::kSending, ctx.now);
  };
  if (!landing.reply) return again(landing.reply.error());
  auto const page = platform::read_asset_page(*landing.reply);
  if (!page) return again(page.error());
  auto const lost = ctx.journal.losses_of(item->id);  // an asset of ours that is gone is not the one sought
  auto const match = match_asset(page->assets, sought_for(ctx, *item), [&](std::string const& id) {
    return ctx.journal.asset_known(id) || std::ranges::find(lost, id, &journal::EventRow::was) != lost.end();
  });
  if (match.found != nullptr) return asset_made(ctx, std::move(*item), *match.found, "found: it had happened");
  if (match.undecided) return look_again_at(ctx, std::move(*item), ctx.now + ctx.policy.poll_min);
  if (!match.passed_attempt && !page->page.last(page->assets.empty())) return look(ctx, *item, landing.flight.page + 1);
  found_nothing(ctx, std::move(*item));
}

AssetMatch match_asset(std::span<Asset const> assets, SoughtAsset const& sought,
                       std::function<bool(std::string const&)> const& is_known) {
  AssetMatch match;
  std::vector<Asset const*> candidates;  // untagged ones whose name, method, time and size may fit
  for (auto const& asset : assets) {
    auto const old = asset.created_at && *asset.created_at < sought.not_before;
    match.passed_attempt = match.passed_attempt || old;
    if (!asset.client_op.empty() && asset.client_op == sought.client_op) {
      match.found = &asset;
      return match;
    }
    if (sought.tagged || !asset.client_op.empty() || old || !asset.created_at) continue;
    if (asset.filename != sought.filename || asset.method != sought.method || is_known(asset.id)) continue;
    if (asset.size_bytes && sought.size_bytes && *asset.size_bytes != *sought.size_bytes) continue;
    candidates.push_back(&asset);
  }
  // The size is known once an asset is ready (R50): until then a candidate is neither ours nor not.
  match.undecided = sought.size_bytes && std::ranges::any_of(candidates, [](Asset const* asset) {
                      return !asset->size_bytes && asset->state == Asset::State::kProcessing;
                    });
  if (candidates.size() == 1 && !match.undecided) match.found = candidates.front();
  return match;
}

}  // namespace sluice::stage

#include "core/stage/send_direct.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "core/platform/faults.h"
#include "core/platform/requests.h"
#include "core/stage/await_asset.h"
#include "core/stage/effort.h"
#include "core/stage/moves.h"
#include "core/stage/next_uploads.h"
#include "core/stage/open_session.h"
#include "core/stage/plan.h"
#include "core/upload/leaves.h"

namespace sluice::stage {

using budget::Errand;
using budget::Group;
using journal::ItemRow;
using journal::ItemState;
using platform::Asset;

namespace {

constexpr Millis kClockSlack = std::chrono::minutes(5);  // R50: back to the attempt less 5 min
constexpr std::uint32_t kUnclearRefusalsMax = 2;         // R39: parameter_invalid on a direct upload, retry twice

void sent(Context& ctx, ItemRow item, Asset const& asset, std::string_view note) {
  item.state = ItemState::kSent;
  item.asset_id = asset.id;
  item.media_ms = asset.media.value_or(Millis(0)).count();
  item.bytes_acked = item.print.size_bytes;
  item.intent = {};
  item.effort = renewed(ctx.now + ctx.policy.poll_min);
  item.reason.clear();
  move(ctx, item, ItemState::kSending, note);
  ctx.sources.forget(item.id);
  if (asset.state == Asset::State::kReady && !is_record_wanted(ctx, item, asset))
    asset_became_ready(ctx, std::move(item));  // R11a: accept ready at once
}

// Also of a call whose answer was lost: its bytes may all have left. "" unless they did.
std::string content_key_of(budget::Flight const& flight, std::uint64_t file_bytes) {
  auto const leaves = flight.body ? flight.body->leaf_hashes() : std::nullopt;
  if (!leaves) return {};
  upload::ContentKey key(file_bytes);
  key.add(*leaves);
  return key.hex().value_or("");
}

void now_unknown(Context& ctx, ItemRow item, Error const& error) {
  item.effort = after_failure(item.effort, error, ctx.policy, ctx.now, ctx.jitter());
  item.effort.due_at = ctx.now;
  item.intent = outcome_unknown(item.intent, ctx.now);
  item.reason = "outcome_unknown";
  move(ctx, item, ItemState::kSending, "no answer came (" + error.text + "): looking whether it happened");
}

void back_to_stable(Context& ctx, ItemRow item, std::string_view note) {
  item.state = ItemState::kStable;
  item.intent = {};
  item.effort.due_at = ctx.now;
  move(ctx, item, ItemState::kSending, note);
}

void settle_refused(Context& ctx, ItemRow item, Error const& error, bool tagged) {
  if (error.fault == Fault::kSourceChanged || error.fault == Fault::kSourceIo)
    return source_trouble(ctx, item, error, ItemState::kStable);  // the body was cut before its end: nothing was made
  if (error.fault != Fault::kRejected && error.fault != Fault::kGone)
    return retry_item(ctx, std::move(item), error, ItemState::kStable);
  if (tagged && platform::refuses_metadata(error)) {
    metadata_refused(ctx);
    return back_to_stable(ctx, std::move(item), "again without user_metadata");
  }
  if (error.code == "media_filesize_too_large") {  // R39: a local file goes to multipart
    item.method = "multipart";
    return back_to_stable(ctx, std::move(item), "too large for a direct upload: by an upload session");
  }
  if (error.code == "parameter_invalid" && item.effort.attempts < kUnclearRefusalsMax)
    return retry_item(ctx, std::move(item), error, ItemState::kStable);
  fail_item(ctx, std::move(item), error.code.empty() ? "refused" : error.code, error.text, ItemState::kStable);
}

SoughtAsset sought_for(Context const& ctx, ItemRow const& item) {
  return {.client_op = item.client_op,
          .filename = read_plan(item.plan).filename,
          .size_bytes = item.print.size_bytes,
          .not_before = *item.intent.at + ctx.traffic.clock_offset() - kClockSlack,
          .tagged = takes_metadata(ctx)};
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

// Without tags two files of one name cannot be told apart while both outcomes are open.
bool twin_under_way(Context const& ctx, ItemRow const& item, std::string const& filename) {
  if (takes_metadata(ctx)) return false;
  auto const sending = ctx.journal.items_in(ItemState::kSending, static_cast<int>(ctx.policy.files_max) + 1);
  return std::ranges::any_of(
      sending, [&](ItemRow const& other) { return other.id != item.id && read_plan(other.plan).filename == filename; });
}

bool send_one(Context& ctx, ItemRow item) {
  auto const plan = read_plan(item.plan);
  if (twin_under_way(ctx, item, plan.filename)) return false;
  auto const file = ctx.sources.get(item);
  if (!file) return false;
  if (!*file) {
    source_trouble(ctx, item, file->error(), ItemState::kStable);
    return false;
  }
  item.client_op = operation_tag(item);
  platform::AssetOptions const options{
      .filename = plan.filename,
      .enable_hls = plan.enable_hls,
      .enable_thumbnail = plan.enable_thumbnail,
      .user_metadata = takes_metadata(ctx) ? with_operation_tag(plan.metadata_json, item.client_op) : ""};
  auto const body = ctx.reader.read(**file, {.admitted = item.print, .length_bytes = item.print.size_bytes});
  auto call = platform::create_asset(options, item.content_type, body,
                                     std::to_string(ctx.random.bits()) + std::to_string(ctx.random.bits()));
  call.stall_limit = ctx.policy.stall_limit;
  call.stall_below_bytes_per_s = ctx.policy.stall_below_bytes_per_s;
  item.state = ItemState::kSending;
  item.intent = {.at = ctx.now};
  item.effort.due_at.reset();
  move(ctx, item, ItemState::kStable);
  ctx.traffic.send({.errand = Errand::kSendDirect,
                    .row = item.id,
                    .item = item.id,
                    .mode = options.user_metadata.empty() ? kUntagged : kTagged,
                    .body = body},
                   std::move(call), ctx.now);
  return true;
}

}  // namespace

void choose_send_direct(Context& ctx) {
  for (auto& item : next_uploads(ctx, kByDirect)) {
    if (!ctx.traffic.may_call(Group::kAssets, ctx.now, ctx.policy.api_calls_max)) return;
    send_one(ctx, std::move(item));
  }
}

void settle_send_direct(Context& ctx, Landing const& landing) {
  auto item = ctx.journal.item(landing.flight.row);
  if (!item || item->state != ItemState::kSending) return;
  item->bytes_sent += landing.bytes_sent;
  item->content_key = content_key_of(landing.flight, item->print.size_bytes);
  if (landing.reply) {
    auto const asset = platform::read_asset(*landing.reply);
    return asset ? sent(ctx, std::move(*item), *asset, {}) : now_unknown(ctx, std::move(*item), asset.error());
  }
  auto const& error = landing.reply.error();
  if (error.fault == Fault::kOutcomeUnknown) return now_unknown(ctx, std::move(*item), error);
  settle_refused(ctx, std::move(*item), error, landing.flight.mode == kTagged);
}

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
  if (match.found != nullptr) return sent(ctx, std::move(*item), *match.found, "found: it had happened");
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
    if (asset.filename != sought.filename || asset.method != "direct" || is_known(asset.id)) continue;
    if (asset.size_bytes && *asset.size_bytes != sought.size_bytes) continue;
    candidates.push_back(&asset);
  }
  // The size is known once an asset is ready (R50): until then a candidate is neither ours nor not.
  match.undecided = std::ranges::any_of(
      candidates, [](Asset const* asset) { return !asset->size_bytes && asset->state == Asset::State::kProcessing; });
  if (candidates.size() == 1 && !match.undecided) match.found = candidates.front();
  return match;
}

}  // namespace sluice::stage

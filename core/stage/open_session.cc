#include "core/stage/open_session.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/platform/faults.h"
#include "core/platform/requests.h"
#include "core/stage/create_asset.h"
#include "core/stage/effort.h"
#include "core/stage/moves.h"
#include "core/stage/next_uploads.h"
#include "core/stage/plan.h"

namespace sluice::stage {

using budget::Errand;
using budget::Group;
using journal::ChunkState;
using journal::ItemRow;
using journal::ItemState;
using journal::SessionRow;

namespace {

constexpr std::string_view kOrphansKey = "orphan_reservations";
constexpr std::string_view kBadPlan = "chunk_plan";

void opened(Context& ctx, ItemRow item, platform::OpenedSession const& answer) {
  SessionRow session{.item_id = item.id,
                     .generation = item.generation,
                     .upload_id = answer.upload_id,
                     .asset_id = answer.asset_id,
                     .file_bytes = item.print.size_bytes,
                     .chunk_size_bytes = answer.chunk_size_bytes,
                     .total_chunks = answer.total_chunks,
                     .upload_headers = answer.upload_headers,
                     .opened_at = ctx.now,
                     .expires_at = answer.expires_at - ctx.traffic.clock_offset(),
                     .due_at = ctx.now};
  session.id = ctx.journal.insert(session);
  ctx.journal.insert_chunks(session.id, session.total_chunks, ctx.now);
  apply_urls(ctx, session, answer.urls);
  item.state = ItemState::kOpened;
  item.asset_id = answer.asset_id;
  item.bytes_acked = 0;
  item.intent = {};
  item.effort = renewed(std::nullopt);
  if (item.reason != "asset_gone") item.reason.clear();  // said for as long as it goes up again
  move(ctx, item, ItemState::kOpening, "upload session " + answer.upload_id);
}

// R20: one more session for an answer whose numbers disagree; the second time is for a person.
void bad_chunk_plan(Context& ctx, ItemRow item, Error const& error) {
  count_reservation(ctx);
  if (item.reason == kBadPlan)
    return fail_item(ctx, std::move(item), std::string(kBadPlan), error.text, ItemState::kStable);
  item.state = ItemState::kStable;
  item.reason = kBadPlan;
  item.intent = {};
  item.effort.due_at = ctx.now;
  item.effort.last_error = error.text;
  move(ctx, item, ItemState::kOpening, error.text);
}

void answer_lost(Context& ctx, ItemRow item, Error const& error) {
  item.effort = after_failure(item.effort, error, ctx.policy, ctx.now, ctx.jitter());
  if (!is_exhausted(item.effort, ctx.policy)) return forget_reservation(ctx, std::move(item), error.text);
  count_reservation(ctx);
  fail_item(ctx, std::move(item), "outcome_unknown", error.text, ItemState::kStable);
}

void refused(Context& ctx, ItemRow item, Error const& error, bool tagged) {
  if (tagged && platform::refuses_metadata(error)) {
    metadata_refused(ctx);
    item.state = ItemState::kStable;
    item.intent = {};
    item.effort.due_at = ctx.now;
    return move(ctx, item, ItemState::kOpening, "again without user_metadata");
  }
  if (error.fault == Fault::kRejected || error.fault == Fault::kGone) {
    auto const code = error.code.empty() ? std::string("refused") : error.code;
    return fail_item(ctx, std::move(item), code, error.text, ItemState::kStable);
  }
  retry_item(ctx, std::move(item), error, ItemState::kStable);
}

}  // namespace

void choose_open_session(Context& ctx) {
  for (auto& item : next_uploads(ctx, kByMultipart)) {
    if (!ctx.traffic.may_call(Group::kAssets, ctx.now, ctx.policy.api_calls_max)) return;
    auto const file = ctx.sources.get(item);
    if (!file) continue;
    if (!*file) {
      source_trouble(ctx, item, file->error(), ItemState::kStable);
      continue;
    }
    auto const plan = read_plan(item.plan);
    item.client_op = operation_tag(item);
    auto const options = asset_options(ctx, item, plan);
    item.state = ItemState::kOpening;
    item.intent = {.at = ctx.now};
    item.effort.due_at.reset();
    move(ctx, item, ItemState::kStable);
    ctx.traffic.send({.errand = Errand::kOpenSession,
                      .row = item.id,
                      .item = item.id,
                      .mode = options.user_metadata.empty() ? kUntagged : kTagged},
                     platform::open_session(options, item.kind, item.print.size_bytes), ctx.now);
  }
}

void count_reservation(Context& ctx) {
  auto const orphans = ctx.journal.meta(kOrphansKey).value_or("0");
  ctx.journal.set_meta(kOrphansKey, std::to_string(std::stoll(orphans) + 1));
}

void forget_reservation(Context& ctx, ItemRow item, std::string_view why) {
  count_reservation(ctx);
  item.state = ItemState::kStable;
  item.intent = {};
  item.effort.due_at = std::max(item.effort.due_at.value_or(ctx.now), ctx.now);
  move(ctx, item, ItemState::kOpening,
       "an empty reservation may be left on the platform; it expires by itself (" + std::string(why) + ")");
}

void settle_open_session(Context& ctx, Landing const& landing) {
  auto item = ctx.journal.item(landing.flight.row);
  if (!item || item->state != ItemState::kOpening) return;
  if (landing.reply) {
    auto const answer = platform::read_opened_session(*landing.reply, item->print.size_bytes);
    if (answer) return opened(ctx, std::move(*item), *answer);
    if (answer.error().code == kBadPlan) return bad_chunk_plan(ctx, std::move(*item), answer.error());
    return answer_lost(ctx, std::move(*item), answer.error());  // it was made, and we cannot read what
  }
  auto const& error = landing.reply.error();
  if (error.fault != Fault::kOutcomeUnknown)
    return refused(ctx, std::move(*item), error, landing.flight.mode == kTagged);
  answer_lost(ctx, std::move(*item), error);
}

WallTime renew_at(WallTime now, WallTime expires_at, Millis renew_before) {
  return expires_at - std::min(renew_before, (expires_at - now) / 4);
}

std::size_t apply_urls(Context& ctx, SessionRow const& session, std::span<platform::PresignedUrl const> urls) {
  auto const offset = ctx.traffic.clock_offset();
  std::size_t used = 0;
  for (auto const& fresh : urls) {
    auto chunk = ctx.journal.chunk(session.id, fresh.chunk_index);
    if (!chunk || chunk->state != ChunkState::kNeedsUrl || fresh.expires_at - offset <= ctx.now) continue;
    chunk->state = ChunkState::kHasUrl;
    chunk->url = fresh.url;
    chunk->url_renew_at = renew_at(ctx.now, fresh.expires_at - offset, ctx.policy.url_renew_before);
    ctx.journal.update(*chunk, ChunkState::kNeedsUrl, session.item_id, ctx.now);
    ++used;
  }
  return used;
}

}  // namespace sluice::stage

#include "core/stage/moves.h"

#include <utility>

#include "core/base/text.h"
#include "core/base/url_text.h"
#include "core/source/identity.h"
#include "core/source/url_parameters.h"
#include "core/stage/doubted_upload.h"
#include "core/stage/effort.h"
#include "core/stage/fetch_piece.h"
#include "core/stage/gone.h"
#include "core/stage/outbox.h"
#include "core/stage/plan.h"

namespace sluice::stage {

using journal::ChunkState;
using journal::ItemRow;
using journal::ItemState;
using journal::NamedKind;
using journal::NamedRow;
using journal::NamedState;
using journal::SessionRow;
using journal::SessionState;
using journal::StepKind;
using journal::StepRow;
using journal::StepState;

void ground_chunks(Context& ctx, ItemRow const& item) {
  ctx.traffic.cancel_item(item.id);
  auto const session = ctx.journal.open_session(item.id);
  if (!session) return;
  for (auto chunk : ctx.journal.chunks_in(session->id, ChunkState::kPutting)) {
    chunk.state = ChunkState::kNeedsUrl;
    chunk.due_at = ctx.now;
    ctx.journal.update(chunk, ChunkState::kPutting, item.id, ctx.now);
  }
}

void fail_item(Context& ctx, ItemRow item, std::string reason, std::string text, ItemState retry_from) {
  auto const was = item.state;
  item.state = ItemState::kFailed;
  item.reason = std::move(reason);
  item.failed_from = word(retry_from);
  item.effort.due_at.reset();
  item.effort.last_error = std::move(text);
  item.finished_at = ctx.now;
  item.intent = {};
  move(ctx, item, was, item.effort.last_error);
  ctx.sources.forget(item.id);
  ground_chunks(ctx, item);
  park_download(ctx, item);
  plan_acts(ctx, item);
}

void retry_item(Context& ctx, ItemRow item, Error const& error, ItemState back_to) {
  auto const was = item.state;
  item.effort = after_failure(item.effort, error, ctx.policy, ctx.now, ctx.jitter());
  if (is_exhausted(item.effort, ctx.policy))
    return fail_item(ctx, std::move(item), std::string(name_of(error.fault)), error.text, back_to);
  item.state = back_to;
  item.reason = reason_of(error);
  item.intent = {};
  move(ctx, item, was, error.text);
}

std::string_view reason_of(Error const& error) {
  if (error.code == kSourceDown) return kSourceDown;
  if (error.code == ports::kBeingWritten) return ports::kBeingWritten;
  return name_of(error.fault);
}

void let_writers_in(Context& ctx) {
  for (auto const id : ctx.sources.written()) {
    auto const item = ctx.journal.item(id);
    ctx.sources.forget(id);
    if (!item || item->state != ItemState::kOpened) continue;  // a direct upload's body ends by itself
    ground_chunks(ctx, *item);
    retry_item(ctx, *item, {Fault::kLocal, "a program opened the file for writing", ports::kBeingWritten},
               ItemState::kOpened);
  }
}

void abandon_upload(Context& ctx, ItemRow const& item) {
  ctx.sources.forget(item.id);
  auto session = ctx.journal.open_session(item.id);
  if (!session) return;
  session->state = SessionState::kAbandoned;
  move(ctx, *session, SessionState::kOpen, "the file changed");
}

bool waits(ItemRow const& item, WallTime now) { return item.effort.due_at && *item.effort.due_at > now; }

bool has_unsent(Context const& ctx, SessionRow const& session) {
  return ctx.journal.has_chunks(session.id, {ChunkState::kPutting, ChunkState::kHasUrl, ChunkState::kNeedsUrl});
}

void source_changed(Context& ctx, ItemRow item) {
  if (is_spooled(item)) return fetch_anew(ctx, std::move(item), "its file in the spool was changed");
  abandon_upload(ctx, item);
  auto const was = item.state;
  ctx.traffic.cancel_item(item.id);
  ctx.journal.delete_steps_of(item.id);
  item.state = ItemState::kSeen;
  item.generation += 1;
  item.created_at = item.quiet_since = ctx.now;  // max_settle begins anew
  item.intent = {};
  item.asset_id.clear();
  item.content_key.clear();
  item.client_op.clear();
  item.bytes_acked = 0;
  item.effort = renewed(ctx.now);
  item.reason = "source_changed";
  move(ctx, item, was, "the file changed: it is taken anew");
}

void source_trouble(Context& ctx, ItemRow const& item, Error const& error, ItemState back_to) {
  auto const is_lasting = error.fault == Fault::kSourceChanged || error.fault == Fault::kSourceIo;
  if (is_lasting && may_be_complete(ctx, item)) return doubt_upload(ctx, item, error);
  take_source_trouble(ctx, item, error, back_to);
}

void take_source_trouble(Context& ctx, ItemRow const& item, Error const& error, ItemState back_to) {
  if (is_spooled(item) && error.fault == Fault::kSourceChanged)
    return fetch_anew(ctx, item, "its file in the spool is gone or was changed");
  if (error.fault == Fault::kSourceChanged && error.code == kSourceGone) {
    abandon_upload(ctx, item);
    return fail_item(ctx, item, kSourceGone, error.text, ItemState::kSeen);
  }
  if (error.fault == Fault::kSourceChanged) return source_changed(ctx, item);
  ctx.sources.forget(item.id);
  retry_item(ctx, item, error, back_to);
}

void replace_session(Context& ctx, SessionRow session, ItemRow item, SessionState became, std::string_view why) {
  auto const was = item.state;
  session.state = became;
  move(ctx, session, SessionState::kOpen, why);
  ctx.traffic.cancel_item(item.id);
  item.state = ItemState::kStable;
  item.bytes_acked = 0;
  item.asset_id.clear();
  item.intent = {};
  item.effort.due_at = ctx.now;
  item.effort.last_error = why;
  move(ctx, item, was, why);
}

NamedRow want_named(Context& ctx, StepRow const& step) {
  auto const planned = read_planned_step(step.params);
  auto const due_now = [&](NamedRow row) {
    if (row.state == NamedState::kWanted && !row.effort.due_at) {
      row.effort.due_at = ctx.now;
      move(ctx, row, NamedState::kWanted);
    }
    return row;
  };
  if (step.kind == StepKind::kIndex)
    return due_now(ctx.journal.ensure_named(
        {.kind = NamedKind::kIndex, .name = planned.name, .params = planned.models_json, .client_op = step.client_op}));
  auto const collection = due_now(ctx.journal.ensure_named(
      {.kind = NamedKind::kCollection, .name = planned.collection, .params = "", .client_op = step.client_op}));
  auto entity = ctx.journal.ensure_named({.kind = NamedKind::kEntity,
                                          .parent_id = collection.id,
                                          .name = planned.name,
                                          .params = "",
                                          .client_op = step.client_op});
  return collection.state == NamedState::kPresent ? due_now(entity) : entity;
}

void asset_became_ready(Context& ctx, ItemRow item) {
  settle_doubt(ctx, item);
  auto const was = item.state;
  item.state = ItemState::kAssetReady;
  item.intent = {};
  item.effort = renewed(ctx.now);
  item.reason.clear();
  move(ctx, item, was);
  ctx.sources.forget(item.id);
  leave_spool(ctx, item);  // the platform has the bytes; were it to lose them, they would be downloaded again
  for (auto step : ctx.journal.steps_of(item.id)) {
    auto const from_rebuild = step.state == StepState::kCreating && step.named_id == 0;
    if (step.state != StepState::kWaiting && !from_rebuild) continue;
    auto const step_was = step.state;
    auto const named = want_named(ctx, step);
    step.named_id = named.id;
    if (named.state == NamedState::kPresent) {
      step.effort.due_at = ctx.now;
    } else if (from_rebuild && step.kind == StepKind::kEntity) {
      // Its entity is looked for first, with all that is in it; and may have to be made of this very asset.
      step.state = StepState::kWaiting;
      step.intent = {};
    }
    ctx.journal.update(step, step_was, ctx.now);
  }
}

std::string operation_tag(ItemRow const& item, std::int64_t ordinal) {
  return item.ulid + "." + std::to_string(item.generation) + ".s" + std::to_string(ordinal);
}

namespace {

// The item may be finished now: `finish` looks at all its steps.
void item_due(Context& ctx, journal::RowId item_id) {
  auto item = ctx.journal.item(item_id);
  if (!item || item->state != ItemState::kAssetReady) return;
  item->effort.due_at = ctx.now;
  ctx.journal.update(*item, ItemState::kAssetReady, ctx.now);
}

}  // namespace

void step_ready(Context& ctx, StepRow step) {
  auto const was = step.state;
  step.state = StepState::kReady;
  step.intent = {};
  step.effort = renewed(std::nullopt);
  move(ctx, step, was);
  item_due(ctx, step.item_id);
}

void fail_step(Context& ctx, StepRow step, std::string reason, std::string text) {
  auto const was = step.state;
  step.state = StepState::kFailed;
  if (!step.intent.unknown_at) step.intent = {};  // a call that was never decided is looked for by a retry
  step.reason = std::move(reason);
  step.effort.due_at.reset();
  step.effort.last_error = std::move(text);
  move(ctx, step, was, step.effort.last_error);
  item_due(ctx, step.item_id);
}

void retry_step(Context& ctx, StepRow step, Error const& error, StepState back_to) {
  auto const was = step.state;
  step.effort = after_failure(step.effort, error, ctx.policy, ctx.now, ctx.jitter());
  if (is_exhausted(step.effort, ctx.policy))
    return fail_step(ctx, std::move(step), std::string(name_of(error.fault)), error.text);
  step.state = back_to;
  if (back_to == StepState::kWaiting) step.intent = {};
  move(ctx, step, was, error.text);
}

std::string identity_of(ItemRow const& item) {
  if (!is_of_url(item)) return source::identity_of(item.root, item.path, item.print.size_bytes, item.print.mtime_ns);
  if (auto const url = parse_url(item.url.reveal_for_journal()); url)
    return source::identity_of_url(item.key, source::identity_text(*url));
  auto const tag = source::parse_operation_tag(item.client_op);  // the URL is not kept any more
  return tag ? tag->identity : source::identity_of_url(item.key, item.path);
}

std::string operation_tag(ItemRow const& item) {
  return to_text(source::OperationTag{.ulid = item.ulid, .generation = item.generation, .identity = identity_of(item)});
}

namespace {
constexpr std::string_view kMetadataKey = "platform_metadata";
}

bool takes_metadata(Context const& ctx) { return ctx.journal.meta(kMetadataKey) != "refused"; }

void metadata_refused(Context& ctx) {
  if (!takes_metadata(ctx)) return;
  ctx.journal.set_meta(kMetadataKey, "refused");
  ctx.log.warning("the platform takes no user_metadata: lost answers are looked for by name, time and size");
}

}  // namespace sluice::stage

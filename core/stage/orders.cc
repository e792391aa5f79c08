#include "core/stage/orders.h"

#include <utility>

#include "core/base/text.h"
#include "core/source/kind.h"
#include "core/stage/admit.h"
#include "core/stage/discover.h"
#include "core/stage/effort.h"
#include "core/stage/fetch_piece.h"
#include "core/stage/find_duplicate.h"
#include "core/stage/moves.h"
#include "core/stage/open_session.h"
#include "core/stage/outbox.h"
#include "core/stage/plan.h"
#include "core/stage/refusals.h"
#include "core/stage/take_sidecar.h"
#include "core/stage/take_url.h"

namespace sluice::stage {

using journal::ItemRow;
using journal::ItemState;
using journal::StepRow;
using journal::StepState;

namespace {

// The item that stands for the same file or line in its place.
std::optional<ItemRow> successor_of(Context const& ctx, ItemRow const& item) {
  if (!is_of_url(item)) {
    auto latest = ctx.journal.latest_item(item.root, item.path);
    return latest && latest->id != item.id ? latest : std::nullopt;
  }
  if (!is_superseded(item)) return std::nullopt;
  return ctx.journal.item_by_key(std::string_view(item.key).substr(0, item.key.size() - item.ulid.size() - 1));
}

// Refuses now what would only be skipped later. `item` has what its sidecar says.
Result<void> check_kind(Context& ctx, ItemRow item, SourcePolicy const& source, bool knows_sidecar) {
  if (!item.plan.empty()) return {};
  if (!is_matched(source, item)) return std::unexpected(does_not_match(source));
  auto const media = source::media_by_name(basename_of(item.path));
  if (!media || (item.pipeline.empty() && !knows_sidecar)) return {};  // its content, or its sidecar, decides later
  item.kind = media->kind;
  auto const chosen = choose_pipeline(ctx.policy, item, source);
  if (chosen || chosen.error().code == source::kBadSidecar) return {};  // held back, as one that is dropped
  return std::unexpected(chosen.error());
}

// Where a failed step goes on. What may be on the platform already is looked for, what is there is polled,
// and only what is not is made: unless the asset is another one now.
void place_again(Context const& ctx, StepRow& step, bool same_asset) {
  auto const undecided = step.intent.unknown_at.has_value();
  auto const stands = !step.remote_id.empty() && step.reason != "indexing_failed" && step.reason != "gone";
  step.state = !same_asset ? StepState::kWaiting
               : stands    ? StepState::kCreated
               : undecided ? StepState::kCreating
                           : StepState::kWaiting;
  step.intent = step.state == StepState::kCreating ? outcome_unknown(step.intent, ctx.now) : journal::Intent();
  // A record whose indexing failed is deleted before another is made (U11): its id is kept for that.
  if (step.state == StepState::kWaiting && step.reason != "indexing_failed") step.remote_id.clear();
  step.remote_status.clear();
  step.effort = renewed(step.state == StepState::kWaiting ? std::nullopt : std::optional(ctx.now));
}

// Steps that failed begin again; what they go into is looked up anew where it was lost.
void restart_steps(Context& ctx, ItemRow const& item) {
  auto const same_asset = !item.asset_id.empty();  // also while it is in doubt whether it is still there
  for (auto step : ctx.journal.steps_of(item.id)) {
    if (step.state != StepState::kFailed) continue;
    place_again(ctx, step, same_asset);
    step.reason.clear();
    step.named_id = 0;
    if (same_asset) {
      auto const named = want_named(ctx, step);
      step.named_id = named.id;
      if (named.state == journal::NamedState::kPresent || step.state == StepState::kCreating)
        step.effort.due_at = ctx.now;
    }
    move(ctx, step, StepState::kFailed, "retry");
  }
}

// Its call may be in the air, and may happen although nobody waits for it any more.
void cancel_step(Context& ctx, StepRow step) {
  if (step.state == StepState::kCreating && !step.intent.unknown_at)
    step.intent = outcome_unknown(step.intent, ctx.now);
  fail_step(ctx, std::move(step), "cancelled", "the item was cancelled");
}

void restart_chunks(Context& ctx, journal::SessionRow const& session, ItemRow const& item) {
  for (auto chunk : ctx.journal.chunks_in(session.id, journal::ChunkState::kNeedsUrl)) {
    chunk.attempts = chunk.tries = chunk.refusals = 0;
    chunk.due_at = ctx.now;
    ctx.journal.update(chunk, journal::ChunkState::kNeedsUrl, item.id, ctx.now);
  }
}

// Of an item that goes on in that state; what was sent whole is not needed any more.
bool needs_file(ItemState state) { return state < ItemState::kReported || state == ItemState::kSending; }

// What becomes of the acts of the end that is taken back.
Result<void> take_file_back(Context& ctx, ItemRow const& item, ItemState goes_on_in) {
  auto const acts = ctx.journal.acts_of(item.id);
  for (auto const& act : acts)
    if (act.state == journal::ActState::kActing && act.kind != journal::ActKind::kHook)
      return fail(Fault::kRejected, "its file is being put away just now: try again in a moment", "acting");
  auto const* const away = put_away(acts, item);
  if (away != nullptr && needs_file(goes_on_in) && item.state == ItemState::kSkipped)
    return fail(Fault::kRejected,
                "its file was put away, since item " + item.duplicate_of +
                    " has its content: for another upload put it into a folder with `duplicates: upload`",
                "put_away");
  if (away != nullptr && needs_file(goes_on_in))
    return fail(Fault::kRejected,
                "its file was moved to " + printable(away->target_folder + "/" + away->target_path) +
                    ": move it back to " + printable(item.root + "/" + item.path) + ", and it is taken up by itself",
                "moved_away");
  withdraw_acts(ctx, item.id, "retry");
  return {};
}

}  // namespace

Result<Added> add_item(Context& ctx, SourcePolicy const& source, Found const& found, Wishes const& wishes,
                       bool dry_run) {
  auto const& [path, print, sidecar] = found;
  if (auto const known = ctx.journal.latest_item(source.root, path))
    if (compare(*known, print) == Known::kSame || !is_end(known->state))
      return Added{.item = *known, .was_known = true};
  auto item = make_item(ctx, source, path, print);
  SLUICE_CHECK(apply_wishes(ctx, item, wishes));
  auto const is_read = sidecar && sidecar->sidecar;
  auto with_words = item;
  if (source.sidecars && is_read) take_words(ctx.policy, with_words, source, *sidecar->sidecar);
  SLUICE_CHECK(check_kind(ctx, with_words, source, !source.sidecars || is_read));
  if (dry_run)
    return Added{.item = std::move(with_words),
                 .sidecar_trouble = sidecar && !sidecar->sidecar ? sidecar->sidecar.error().text : std::string()};
  item.id = ctx.journal.insert(item);
  ctx.log.info("item=" + item.ulid + " path=\"" + printable(item.path) + "\" added by hand");
  return Added{.item = std::move(item), .was_known = false};
}

Result<void> retry_order(Context& ctx, journal::RowId id) {
  auto item = ctx.journal.item(id);
  if (!item) return fail(Fault::kGone, "there is no such item", "no_such_item");
  auto const was = item->state;
  // A duplicate is then uploaded all the same.
  auto const is_duplicate = was == ItemState::kSkipped && item->reason == kDuplicate;
  if ((was == ItemState::kDone || is_duplicate) && repeat_acts(ctx, *item)) return {};
  if (was != ItemState::kFailed && was != ItemState::kCancelled && !is_duplicate)
    return fail(Fault::kRejected,
                "the item is " + std::string(word(was)) +
                    ": only a failed or cancelled one is retried, or one with refused acts",
                "not_failed");
  if (auto const newer = successor_of(ctx, *item))
    return fail(
        Fault::kRejected,
        "a newer item stands for the same " + std::string(is_of_url(*item) ? "line" : "file") + ": " + newer->ulid,
        "superseded");

  auto const from = item->failed_from.empty() ? ItemState::kSeen : journal::item_state(item->failed_from);
  SLUICE_CHECK(take_file_back(ctx, *item, from));
  auto const session = ctx.journal.open_session(id);
  auto const resumable = session && session->expires_at > ctx.now;
  // With every chunk sent the last report may have completed the upload: whatever became of the session, its status and
  // its asset decide.
  auto const all_sent = from == ItemState::kOpened && session && !has_unsent(ctx, *session);
  item->state = from != ItemState::kOpened || resumable ? from : all_sent ? ItemState::kReported : ItemState::kStable;
  item->finished_at.reset();
  item->failed_from.clear();
  item->reason.clear();
  item->effort = renewed(ctx.now);
  if (item->state == ItemState::kSending) {  // it may have happened: looked for before it is repeated
    item->intent = outcome_unknown(item->intent, ctx.now);
    item->reason = "outcome_unknown";
  } else {
    item->intent = {};
  }
  if (item->state == ItemState::kOpened) item->effort.due_at.reset();
  if (item->state == ItemState::kStable || item->state == ItemState::kSeen) {
    // Whatever the platform has under the old operation tag is not to be taken for the new asset.
    if (session) {
      auto ended = *session;
      ended.state = journal::SessionState::kAbandoned;
      move(ctx, ended, journal::SessionState::kOpen, "retry");
    }
    item->generation += 1;
    if (item->state == ItemState::kSeen) item->created_at = ctx.now;  // max_settle begins anew
    item->asset_id.clear();
    item->content_key.clear();
    item->bytes_acked = 0;
  }
  move(ctx, *item, was, "retry");
  if (item->state == ItemState::kOpened) restart_chunks(ctx, *session, *item);
  restart_steps(ctx, *item);
  return {};
}

Result<void> cancel_order(Context& ctx, journal::RowId id) {
  auto item = ctx.journal.item(id);
  if (!item) return fail(Fault::kGone, "there is no such item", "no_such_item");
  if (is_end(item->state))
    return fail(Fault::kRejected, "the item is " + std::string(word(item->state)) + " already", "at_end");
  auto const was = item->state;
  ground_chunks(ctx, *item);
  for (auto const& step : ctx.journal.steps_of(id))
    if (step.state != StepState::kReady && step.state != StepState::kFailed) cancel_step(ctx, step);
  item = ctx.journal.item(id);
  item->state = ItemState::kCancelled;
  item->failed_from = word(was == ItemState::kOpening ? ItemState::kStable : was);
  // A call in the air that must not be repeated may still happen. A retry looks for an asset of it; an empty
  // reservation is left to expire.
  if (was == ItemState::kOpening) count_reservation(ctx);
  item->intent = was == ItemState::kSending ? outcome_unknown(item->intent, ctx.now) : journal::Intent{};
  item->effort.due_at.reset();
  item->reason = "cancelled";
  item->finished_at = ctx.now;
  ctx.sources.forget(id);
  move(ctx, *item, was, "cancelled by hand");
  leave_spool(ctx, *item);
  plan_acts(ctx, *item);
  return {};
}

}  // namespace sluice::stage

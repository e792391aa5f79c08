#include "core/stage/gone.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/base/text.h"
#include "core/stage/adopt.h"
#include "core/stage/effort.h"
#include "core/stage/moves.h"
#include "core/stage/next_uploads.h"

namespace sluice::stage {

using journal::ItemRow;
using journal::ItemState;
using journal::NamedKind;
using journal::NamedRow;
using journal::NamedState;
using journal::RowId;
using journal::StepKind;
using journal::StepRow;
using journal::StepState;

namespace {

constexpr std::ptrdiff_t kLossesMax = 3;
constexpr Millis kNameWindow = std::chrono::hours(24);
constexpr int kStepsMax = 100'000;

std::string subject_of(StepRow const& step) {
  return "step " + std::to_string(step.ordinal) + " " + std::string(word(step.kind));
}

std::string subject_of(NamedRow const& named) { return "named " + std::string(word(named.kind)) + " " + named.name; }

void tell_loss(Context& ctx, RowId item_id, std::string subject, std::string id, std::string_view note) {
  auto const item = ctx.journal.item(item_id);  // none of a name, whose item_id is 0
  ctx.log.warning((item ? "item=" + item->ulid + " path=\"" + printable(item->path) + "\" " : std::string()) +
                  printable(subject) + " is gone from the platform: " + printable(note));
  ctx.journal.add_event({.at = ctx.now,
                         .item_id = item_id,
                         .subject = std::move(subject),
                         .was = std::move(id),
                         .became = "gone",
                         .note = std::string(note)});
}

// After a person's retry it may be lost as often again: each fourth loss ends it, not all from the fourth on.
bool too_many_losses(Context const& ctx, RowId item_id) {
  return ctx.journal.losses_of(item_id).size() % (kLossesMax + 1) == 0;
}

// Back to the polls of AWAIT_ASSET; nothing for an item that is there already.
void doubt_asset(Context& ctx, RowId item_id, WallTime ask_at, std::string_view why) {
  auto item = ctx.journal.item(item_id);
  if (!item || item->state != ItemState::kAssetReady) return;
  item->state = item->method == "multipart" ? ItemState::kCompleted : ItemState::kSent;
  item->intent = {};
  item->effort = renewed(ask_at);
  item->effort.last_error = why;
  item->reason = "asset_missing";
  move(ctx, *item, ItemState::kAssetReady, "asked whether the asset is still there: " + std::string(why));
}

// What keeps the file from going up again; "" if nothing does. A changed ctime or inode alone is a chmod,
// a hard link or a restored backup: the same content, whose print the next upload is held to.
std::string trouble_with_source(ItemRow& item, Result<ports::FilePrint> const& fresh) {
  if (!fresh && fresh.error().fault == Fault::kGone) return "the file is not there any more: put it back, then retry";
  if (!fresh) return {};  // a disk that cannot be read now is the upload's affair: it waits for it
  if (fresh->size_bytes != item.print.size_bytes || fresh->mtime_ns != item.print.mtime_ns)
    return "the file has changed since it was uploaded: retry takes it as it is now";
  item.print = *fresh;
  return {};
}

// An indexed asset may outlive its asset (U12): then the content is indexed and must not be so twice. A
// place in an entity is lost with the asset in any case.
void begin_steps_anew(Context& ctx, ItemRow const& item) {
  for (auto step : ctx.journal.steps_of(item.id)) {
    auto const was = step.state;
    auto const is_undecided = was == StepState::kCreating && !is_supposed(step);
    if (was == StepState::kFailed || is_undecided) continue;
    if (step.kind == StepKind::kIndex && was != StepState::kWaiting && was != StepState::kCreating) {
      step.state = StepState::kCreated;
      step.effort = renewed(ctx.now);
    } else {
      step.state = StepState::kWaiting;
      step.named_id = 0;
      if (step.kind == StepKind::kEntity) step.remote_id.clear();
      step.remote_status.clear();
      step.client_op = operation_tag(item, step.ordinal);
      step.effort = renewed(std::nullopt);
    }
    step.intent = {};
    move(ctx, step, was, "its asset is gone");
  }
}

}  // namespace

void refused_as_gone(Context& ctx, StepRow const& step, Error const& error) {
  retry_step(ctx, step, error, StepState::kWaiting);
  auto waiting = *ctx.journal.step(step.id);
  if (waiting.state != StepState::kWaiting) return;
  waiting.remote_status = kRefusedAsGone;
  ctx.journal.update(waiting, StepState::kWaiting, ctx.now);
  doubt_asset(ctx, step.item_id, std::max(*waiting.effort.due_at, ctx.now + ctx.policy.limits.list_lag), error.text);
}

void settle_doubt(Context& ctx, ItemRow const& item) {
  if (item.reason != "asset_missing") return;
  for (auto step : ctx.journal.steps_of(item.id)) {
    if (step.state != StepState::kWaiting || step.remote_status != kRefusedAsGone) continue;
    auto const named = ctx.journal.named(step.named_id);
    auto const unmade_entity = named && named->kind == NamedKind::kEntity && named->state != NamedState::kPresent;
    if (named) doubt_name(ctx, unmade_entity ? named->parent_id : named->id, step.effort.last_error);
    step.remote_status.clear();
    ctx.journal.update(step, StepState::kWaiting, ctx.now);
  }
}

void doubt_name(Context& ctx, RowId named_id, std::string_view why) {
  auto named = ctx.journal.named(named_id);
  if (!named || named->state != NamedState::kPresent) return;
  named->state = NamedState::kWanted;
  named->remote_id.clear();
  named->intent = {.at = ctx.now, .unknown_at = ctx.now};
  named->effort = renewed(ctx.now + ctx.policy.limits.list_lag);
  named->effort.last_error = why;
  move(ctx, *named, NamedState::kPresent, "looked for again: " + std::string(why));
}

void upload_again(Context& ctx, ItemRow item, std::string_view why) {
  auto const fresh = is_of_url(item) ? source::Answer<ports::FilePrint>(item.print)
                                     : ctx.scout.stat(item.root, item.path, item.print.device);
  if (!fresh) {  // its loss will be told again by the next poll
    item.effort.due_at = ctx.now + ctx.policy.poll_min;
    return ctx.journal.update(item, item.state, ctx.now);
  }
  tell_loss(ctx, item.id, "asset", item.asset_id, why);
  auto const was = item.state;
  item.generation += 1;
  begin_steps_anew(ctx, item);
  auto trouble = trouble_with_source(item, *fresh);
  if (trouble.empty() && too_many_losses(ctx, item.id))
    trouble = "this keeps happening: see who or what deletes assets there, then retry";
  if (!trouble.empty())
    return fail_item(ctx, std::move(item), "asset_gone", std::string(why) + ", and " + trouble, ItemState::kStable);
  if (is_spooled(item) && !ctx.journal.download_of(item.id)) {  // adopted: this journal has no bytes of it (adopt.h)
    item.method = kByRelay;
    item.print = {};
  }
  item.state = ItemState::kStable;
  item.asset_id.clear();
  item.client_op.clear();
  item.bytes_acked = 0;
  item.intent = {};
  item.effort = renewed(ctx.now);
  item.reason = "asset_gone";
  move(ctx, item, was, std::string(why) + ": it is uploaded again");
}

void step_gone(Context& ctx, StepRow step, std::string_view why) {
  auto const item = ctx.journal.item(step.item_id);
  tell_loss(ctx, step.item_id, subject_of(step), step.remote_id, why);
  if (too_many_losses(ctx, step.item_id))
    return fail_step(ctx, std::move(step), "gone",
                     "the platform keeps losing it: see who or what deletes it there (" + std::string(why) + ")");
  step.state = StepState::kCreating;
  step.intent = {.at = step.intent.at.value_or(item->created_at), .unknown_at = ctx.now};
  step.remote_id.clear();
  step.remote_status = "gone";
  step.effort = renewed(ctx.now + ctx.policy.limits.list_lag);
  move(ctx, step, StepState::kCreated, "the platform no longer has it: looked for, and made again if it is lost");
}

bool name_lost(Context& ctx, NamedRow const& named) {
  tell_loss(ctx, 0, subject_of(named), {}, "made again by its name");
  for (auto const state : {StepState::kCreating, StepState::kCreated})
    for (auto step : ctx.journal.steps_on(named.id, state, kStepsMax)) {
      if (state == StepState::kCreating && !step.intent.unknown_at) continue;  // its own answer is on its way
      step.state = StepState::kWaiting;
      step.intent = {};
      step.remote_id.clear();
      step.remote_status = "gone";
      step.effort = renewed(std::nullopt);
      move(ctx, step, state, "the " + std::string(word(named.kind)) + " that it went into is gone");
    }
  auto const losses = ctx.journal.losses_of(0);
  return std::ranges::count_if(losses, [&](journal::EventRow const& loss) {
           return loss.subject == subject_of(named) && loss.at > ctx.now - kNameWindow;
         }) <= kLossesMax;
}

}  // namespace sluice::stage

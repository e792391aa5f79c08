#include "core/stage/await_step.h"

#include <algorithm>
#include <set>
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
using journal::NamedState;
using journal::RowId;
using journal::StepKind;
using journal::StepRow;
using journal::StepState;
using platform::IndexedAsset;

namespace {

constexpr int kRowsPerTurn = 200;
constexpr int kStepsMax = 100'000;

// Whether the ids in the path of its read are known: a name in doubt has none.
bool has_place(Context const& ctx, StepRow const& step) {
  auto const named = ctx.journal.named(step.named_id);
  if (!named || named->state != NamedState::kPresent) return false;
  return step.kind == StepKind::kIndex || ctx.journal.named(named->parent_id)->state == NamedState::kPresent;
}

void poll_index(Context& ctx, StepRow const& step) {
  auto const named = ctx.journal.named(step.named_id);
  ctx.traffic.send(
      {.errand = Errand::kAwaitStep, .group = Group::kIndexing, .row = step.id, .rows = {}, .item = step.item_id},
      platform::retrieve_indexed_asset(named->remote_id, step.remote_id), ctx.now);
}

// One read settles every step that waits for this entity; after it was made again, those of the old id not.
void poll_entity(Context& ctx, StepRow const& first) {
  auto const entity = ctx.journal.named(first.named_id);
  auto const collection = ctx.journal.named(entity->parent_id);
  std::vector<RowId> rows;
  for (auto const& step : ctx.journal.steps_on(first.named_id, StepState::kCreated, kStepsMax))
    if (step.remote_id == first.remote_id) rows.push_back(step.id);
  ctx.traffic.send({.errand = Errand::kAwaitStep, .group = Group::kEntities, .rows = std::move(rows)},
                   platform::retrieve_entity(collection->remote_id, first.remote_id), ctx.now);
}

void poll_again(Context& ctx, StepRow step, std::string status) {
  step.effort.due_at = ctx.now + poll_interval(step.effort.tries, ctx.policy);
  step.effort.tries += 1;
  step.effort.last_error.clear();
  step.remote_status = std::move(status);
  ctx.journal.update(step, StepState::kCreated, ctx.now);
}

void settle_index(Context& ctx, StepRow step, IndexedAsset const& indexed) {
  switch (indexed.state) {
    case IndexedAsset::State::kReady: step.remote_status = indexed.status_word; return step_ready(ctx, std::move(step));
    case IndexedAsset::State::kFailed:  // its id stays, so that a retry can delete it first
      step.remote_status = indexed.status_word;
      return fail_step(ctx, std::move(step), "indexing_failed",
                       "the platform could not index the asset; it gives no reason");
    case IndexedAsset::State::kInProgress: return poll_again(ctx, std::move(step), indexed.status_word);
  }
}

// Reads may lag behind what was just made, as lists do (U16).
bool is_young(Context const& ctx, StepRow const& step) {
  return step.intent.at && ctx.now < *step.intent.at + ctx.policy.limits.list_lag;
}

void gone(Context& ctx, StepRow step, std::string_view why) {
  if (is_young(ctx, step)) return poll_again(ctx, std::move(step), {});
  step_gone(ctx, std::move(step), why);
}

void settle_entity(Context& ctx, StepRow step, platform::Entity const& entity) {
  auto const item = ctx.journal.item(step.item_id);
  if (entity.tells_assets && std::ranges::find(entity.asset_ids, item->asset_id) == entity.asset_ids.end())
    return gone(ctx, std::move(step), "the entity no longer holds the asset");
  if (!entity.ready) return poll_again(ctx, std::move(step), "processing");
  step.remote_status = "ready";
  step_ready(ctx, std::move(step));
}

void settle_row(Context& ctx, RowId row, Landing const& landing) {
  auto step = ctx.journal.step(row);
  if (!step || step->state != StepState::kCreated) return;
  if (!landing.reply) {
    auto const& error = landing.reply.error();
    if (error.fault == Fault::kGone) return gone(ctx, std::move(*step), error.text);
    if (error.fault == Fault::kRejected)
      return fail_step(ctx, std::move(*step), error.code.empty() ? "refused" : error.code, error.text);
    return retry_step(ctx, std::move(*step), error, StepState::kCreated);
  }
  if (step->kind == StepKind::kIndex) {
    auto const indexed = platform::read_indexed_asset(*landing.reply);
    if (indexed) return settle_index(ctx, std::move(*step), *indexed);
    return retry_step(ctx, std::move(*step), indexed.error(), StepState::kCreated);
  }
  auto const entity = platform::read_entity(*landing.reply);
  if (entity) return settle_entity(ctx, std::move(*step), *entity);
  retry_step(ctx, std::move(*step), entity.error(), StepState::kCreated);
}

void poll_steps(Context& ctx, StepKind kind) {
  std::set<std::string> entities_polled;
  for (auto const& step : ctx.journal.due_steps(StepState::kCreated, kind, ctx.now, kRowsPerTurn)) {
    if (ctx.traffic.busy(Errand::kAwaitStep, step.id)) continue;
    if (!has_place(ctx, step)) {
      want_named(ctx, step);
      auto later = step;
      later.effort.due_at = ctx.now + ctx.policy.poll_min;
      ctx.journal.update(later, StepState::kCreated, ctx.now);
      continue;
    }
    if (!ctx.traffic.may_poll(group_of(kind), ctx.now, ctx.policy.api_calls_max)) return;
    if (step.kind == StepKind::kIndex)
      poll_index(ctx, step);
    else if (entities_polled.insert(step.remote_id).second)
      poll_entity(ctx, step);
  }
}

}  // namespace

void choose_await_step(Context& ctx) {
  for (auto const kind : journal::kStepKinds) poll_steps(ctx, kind);
}

void settle_await_step(Context& ctx, Landing const& landing) {
  if (landing.flight.row != 0) return settle_row(ctx, landing.flight.row, landing);
  for (auto const row : landing.flight.rows) settle_row(ctx, row, landing);
}

}  // namespace sluice::stage

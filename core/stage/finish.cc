#include "core/stage/finish.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/stage/effort.h"
#include "core/stage/moves.h"
#include "core/stage/outbox.h"

namespace sluice::stage {

using journal::ItemRow;
using journal::ItemState;
using journal::StepRow;
using journal::StepState;

namespace {

constexpr int kRowsPerTurn = 500;

bool is_over(StepRow const& step) { return step.state == StepState::kReady || step.state == StepState::kFailed; }

void finish(Context& ctx, ItemRow item) {
  auto const steps = ctx.journal.steps_of(item.id);
  if (!std::ranges::all_of(steps, is_over)) {  // a step that ends makes the item due again
    item.effort.due_at.reset();
    return ctx.journal.update(item, ItemState::kAssetReady, ctx.now);
  }
  auto const failed = std::ranges::find(steps, StepState::kFailed, &StepRow::state);
  if (failed != steps.end()) {
    auto const text = std::string(word(failed->kind)) + " step: " + failed->effort.last_error;
    return fail_item(ctx, std::move(item), failed->reason, text, ItemState::kAssetReady);
  }
  item.state = ItemState::kDone;
  item.effort = renewed(std::nullopt);
  item.reason.clear();
  item.finished_at = ctx.now;
  item.url = {};  // its query may be a secret, and nobody needs it any more
  move(ctx, item, ItemState::kAssetReady);
  if (is_of_url(item)) ctx.journal.delete_download(item.id);
  plan_acts(ctx, item);
}

}  // namespace

void choose_finish(Context& ctx) {
  for (auto& item : ctx.journal.due_items(ItemState::kAssetReady, ctx.now, kRowsPerTurn)) finish(ctx, std::move(item));
}

}  // namespace sluice::stage

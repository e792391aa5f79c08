#include "core/stage/recover.h"

#include "core/stage/effort.h"
#include "core/stage/moves.h"
#include "core/stage/open_session.h"
#include "core/stage/send_hook.h"

namespace sluice::stage {
namespace {

constexpr int kAll = 1'000'000;  // rows in these states are bounded by the calls that were in the air
constexpr char kDied[] = "the daemon ended while the call was in the air: looking whether it happened";

template <class Row>
void becomes_unknown(Row& row, WallTime now) {
  row.intent = outcome_unknown(row.intent, now);
  row.effort.due_at = now;
}

}  // namespace

void recover(Context& ctx) {
  for (auto const session_id : ctx.journal.sessions_with_putting()) {
    auto const session = ctx.journal.session(session_id);
    auto const item = ctx.journal.item(session->item_id);
    for (auto chunk : ctx.journal.chunks_in(session_id, journal::ChunkState::kPutting)) {
      chunk.state = journal::ChunkState::kNeedsUrl;
      chunk.due_at = ctx.now;
      move(ctx, chunk, journal::ChunkState::kPutting, *item);
    }
  }
  for (auto const& item : ctx.journal.items_in(journal::ItemState::kOpening, kAll))
    forget_reservation(ctx, item, "the daemon ended before the answer came");
  for (auto item : ctx.journal.items_in(journal::ItemState::kSending, kAll)) {
    if (item.intent.unknown_at) continue;
    becomes_unknown(item, ctx.now);
    item.reason = "outcome_unknown";
    move(ctx, item, item.state, kDied);
  }
  for (auto step : ctx.journal.steps_in(journal::StepState::kCreating, kAll)) {
    if (step.intent.unknown_at) continue;
    becomes_unknown(step, ctx.now);
    move(ctx, step, step.state, kDied);
  }
  for (auto named : ctx.journal.named_in(journal::NamedState::kCreating)) {
    if (named.intent.unknown_at) continue;
    becomes_unknown(named, ctx.now);
    move(ctx, named, named.state, kDied);
  }
  refuse_unknown_hooks(ctx);
  ctx.journal.release_acts("", ctx.now);
}

}  // namespace sluice::stage

#include "core/stage/doubted_upload.h"

#include <algorithm>
#include <utility>

#include "core/platform/requests.h"
#include "core/stage/confirm_session.h"
#include "core/stage/effort.h"
#include "core/stage/moves.h"

namespace sluice::stage {

using journal::ItemRow;
using journal::ItemState;
using journal::SessionRow;
using Status = platform::SessionStatus;

namespace {

// As its file's trouble was before the platform was asked.
void take_course(Context& ctx, ItemRow item) {
  auto const text = item.effort.last_error;
  auto const changed = item.reason == name_of(Fault::kSourceChanged) || item.reason == kSourceGone;
  auto const trouble = changed ? Error{Fault::kSourceChanged, text, item.reason} : Error{Fault::kSourceIo, text, "io"};
  item.intent = {};
  take_source_trouble(ctx, item, trouble, ItemState::kOpened);
}

void ask_again(Context& ctx, ItemRow item, WallTime at) {
  item.effort.due_at = at;
  ctx.journal.update(item, ItemState::kReported, ctx.now);
}

bool is_in(Status::Chunk const& chunk) { return chunk.state == Status::Chunk::State::kCompleted; }

// Of a status of which all pages before this one had only chunks that are in. Chunks that are not listed are missing.
bool is_every_chunk_in(Status const& status, SessionRow const& session) {
  auto const before = static_cast<std::size_t>(status.page.page - 1) * platform::kPageLimit;
  return std::ranges::all_of(status.chunks, is_in) && before + status.chunks.size() >= session.total_chunks;
}

}  // namespace

bool may_be_complete(Context const& ctx, ItemRow const& item) {
  if (item.state != ItemState::kOpened && item.state != ItemState::kFailed) return false;
  auto const session = ctx.journal.open_session(item.id);
  return session && !has_unsent(ctx, *session);
}

void doubt_upload(Context& ctx, ItemRow item, Error const& trouble) {
  ctx.sources.forget(item.id);
  auto const was = item.state;
  item.state = ItemState::kReported;
  item.reason = trouble.code == kSourceGone ? kSourceGone : name_of(trouble.fault);
  item.failed_from.clear();
  item.finished_at.reset();
  item.intent = {.at = ctx.now, .unknown_at = ctx.now};
  item.effort = {.attempts = item.effort.attempts, .due_at = ctx.now, .last_error = trouble.text};
  move(ctx, item, was, trouble.text + ": looking whether its upload was complete before");
}

bool is_doubted(ItemRow const& item) { return item.intent.unknown_at.has_value(); }

void settle_doubted(Context& ctx, SessionRow const& session, ItemRow item, Status const& status) {
  if (status.state != Status::State::kActive) return take_course(ctx, std::move(item));
  if (std::ranges::all_of(status.chunks, is_in) && !status.page.last(status.chunks.empty()))
    return ask_session(ctx, item, session, status.page.page + 1);
  if (is_every_chunk_in(status, session)) {
    auto const next = ctx.now + poll_interval(item.effort.tries, ctx.policy);
    item.effort.tries += 1;
    return ask_again(ctx, std::move(item), next);
  }
  auto const verdict = after_empty_look(item.intent, ctx.now, ctx.policy.limits.late_effect);
  if (verdict.did_not_happen) return take_course(ctx, std::move(item));
  item.intent = verdict.intent;
  ask_again(ctx, std::move(item), verdict.next_look);
}

void look_at_doubted_failed(Context& ctx, ItemRow item, Error const& error) {
  if (error.fault == Fault::kRejected) return take_course(ctx, std::move(item));
  auto const next = after_failure(item.effort, error, ctx.policy, ctx.now, ctx.jitter());
  item.effort.tries = next.tries;
  ask_again(ctx, std::move(item), next.due_at.value_or(ctx.now));
}

}  // namespace sluice::stage

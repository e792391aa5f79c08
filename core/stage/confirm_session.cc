#include "core/stage/confirm_session.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/platform/replies.h"
#include "core/platform/requests.h"
#include "core/stage/doubted_upload.h"
#include "core/stage/effort.h"
#include "core/stage/moves.h"
#include "core/upload/chunk_plan.h"
#include "core/upload/leaves.h"

namespace sluice::stage {

using budget::Errand;
using budget::Group;
using journal::ChunkState;
using journal::ItemRow;
using journal::ItemState;
using journal::SessionRow;
using journal::SessionState;
using Status = platform::SessionStatus;

namespace {

// A session that stays `active` with every chunk reported is assembling; from this many reads on,
// chunks it still calls pending are reported again.
constexpr std::uint32_t kPatientReads = 5;

void back_to_opened(Context& ctx, ItemRow item, std::string_view note) {
  item.state = ItemState::kOpened;
  item.effort.due_at.reset();
  move(ctx, item, ItemState::kReported, note);
}

// Puts a chunk that the platform does not have back to work. Returns whether it did.
bool take_back(Context& ctx, SessionRow const& session, ItemRow& item, Status::Chunk const& told) {
  auto chunk = ctx.journal.chunk(session.id, told.index);
  if (!chunk || chunk->state != ChunkState::kReported) return false;
  if (told.state == Status::Chunk::State::kPending) {
    if (item.effort.tries < kPatientReads) return false;
    chunk->state = ChunkState::kStored;
    ctx.journal.update(*chunk, ChunkState::kReported, item.id, ctx.now,
                       "the platform calls it pending: reported again");
    return true;
  }
  chunk->state = ChunkState::kNeedsUrl;
  chunk->etag.clear();
  chunk->due_at = ctx.now;
  chunk->attempts += 1;
  chunk->last_error = told.error.empty() ? "the platform could not use it" : told.error;
  item.bytes_acked -= upload::chunk_at(session.file_bytes, session.chunk_size_bytes, told.index).length_bytes;
  move(ctx, *chunk, ChunkState::kReported, item, chunk->last_error);
  return true;
}

void settle_active(Context& ctx, Status const& status, SessionRow const& session, ItemRow item, int page) {
  auto const* const before = "chunks to send or report again";
  bool taken_back = false;
  std::uint32_t worst = 0;
  for (auto const& told : status.chunks) {
    if (told.state == Status::Chunk::State::kCompleted) continue;
    if (!take_back(ctx, session, item, told)) continue;
    taken_back = true;
    worst = std::max(worst, ctx.journal.chunk(session.id, told.index)->attempts);
  }
  if (worst >= ctx.policy.retry_attempts)
    return fail_item(ctx, std::move(item), "chunk_failed", "the platform keeps failing a chunk", ItemState::kOpened);
  if (taken_back) return back_to_opened(ctx, std::move(item), before);
  if (!status.page.last(status.chunks.empty())) return ask_session(ctx, item, session, page + 1);
  if (has_unsent(ctx, session) || ctx.journal.has_chunks(session.id, {ChunkState::kStored}))
    return back_to_opened(ctx, std::move(item), before);
  item.effort.due_at = ctx.now + poll_interval(item.effort.tries, ctx.policy);
  item.effort.tries += 1;
  ctx.journal.update(item, ItemState::kReported, ctx.now);
}

// "" when a chunk has no leaves, or one was split between two chunks.
std::string content_key_of(Context const& ctx, SessionRow const& session) {
  upload::ContentKey key(session.file_bytes);
  ctx.journal.visit_leaves(session.id, [&](std::string_view leaves) { key.add(leaves); });
  return key.hex().value_or("");
}

void completed(Context& ctx, SessionRow session, ItemRow item, SessionState became, std::string_view note) {
  session.state = became;
  move(ctx, session, SessionState::kOpen, note);
  ctx.sources.forget(item.id);
  item.content_key = content_key_of(ctx, session);
  item.intent = {};
  item.state = ItemState::kCompleted;
  item.bytes_acked = session.file_bytes;
  item.effort = renewed(ctx.now);
  item.reason.clear();
  move(ctx, item, ItemState::kReported);
}

}  // namespace

void ask_session(Context& ctx, ItemRow const& item, SessionRow const& session, int page) {
  ctx.traffic.send({.errand = Errand::kConfirmSession, .row = item.id, .item = item.id, .page = page},
                   platform::session_status(session.upload_id, page), ctx.now);
}

void choose_confirm_session(Context& ctx) {
  for (auto& item : ctx.journal.due_items(ItemState::kReported, ctx.now, static_cast<int>(ctx.policy.api_calls_max))) {
    if (ctx.traffic.busy(Errand::kConfirmSession, item.id)) continue;
    if (!ctx.traffic.may_call(Group::kAssets, ctx.now, ctx.policy.api_calls_max)) return;
    auto const session = ctx.journal.open_session(item.id);
    if (!session) {  // retried after its session had ended: begin again
      item.state = ItemState::kStable;
      item.effort.due_at = ctx.now;
      move(ctx, item, ItemState::kReported, "no upload session is left");
      continue;
    }
    ask_session(ctx, item, *session, 1);
  }
}

void settle_confirm_session(Context& ctx, Landing const& landing) {
  auto item = ctx.journal.item(landing.flight.row);
  if (!item || item->state != ItemState::kReported) return;
  auto session = ctx.journal.open_session(item->id);
  if (!session) return;
  auto const lost = [&](std::string_view why) {
    replace_session(ctx, std::move(*session), std::move(*item), SessionState::kExpired, why);
  };
  auto const again = [&](Error const& error) {
    if (is_doubted(*item)) return look_at_doubted_failed(ctx, std::move(*item), error);
    retry_item(ctx, std::move(*item), error, ItemState::kReported);
  };
  if (!landing.reply) {
    if (landing.reply.error().fault == Fault::kGone) {
      // With every chunk sent, and the last report perhaps taken in, it may be complete and forgotten: the
      // asset itself will tell.
      if (!has_unsent(ctx, *session))
        return completed(ctx, std::move(*session), std::move(*item), SessionState::kExpired,
                         "the session is forgotten, its asset decides");
      return lost("the platform no longer knows the upload session");
    }
    return again(landing.reply.error());
  }
  auto const status = platform::read_session_status(*landing.reply);
  if (!status) return again(status.error());
  if (is_doubted(*item) && status->state != Status::State::kCompleted)
    return settle_doubted(ctx, *session, std::move(*item), *status);
  switch (status->state) {
    case Status::State::kExpired: return lost("the upload session expired");
    case Status::State::kFailed: return lost("the upload session failed on the platform");
    case Status::State::kActive: return settle_active(ctx, *status, *session, std::move(*item), landing.flight.page);
    case Status::State::kCompleted: break;
  }
  completed(ctx, std::move(*session), std::move(*item), SessionState::kCompleted, {});
}

}  // namespace sluice::stage

#include "core/stage/report_chunks.h"

#include <utility>
#include <vector>

#include "core/platform/replies.h"
#include "core/platform/requests.h"
#include "core/stage/effort.h"
#include "core/stage/lease_urls.h"
#include "core/stage/moves.h"
#include "core/upload/chunk_plan.h"

namespace sluice::stage {

using budget::Errand;
using budget::Group;
using journal::ChunkRow;
using journal::ChunkState;
using journal::ItemRow;
using journal::ItemState;
using journal::SessionRow;
using journal::SessionState;

namespace {

// The last report completes the upload, so the file is looked at once more before it leaves (D33). Also false while the
// look is under way.
bool source_is_sound(Context& ctx, ItemRow const& item) {
  auto const file = ctx.sources.get_unchanged(item);
  if (file && !*file) source_trouble(ctx, item, file->error(), ItemState::kOpened);
  return file && *file;
}

void report(Context& ctx, SessionRow const& session, std::vector<ChunkRow> const& stored) {
  std::vector<platform::ReportedChunk> batch;
  std::vector<std::uint32_t> indexes;
  for (auto const& chunk : stored) {
    auto const cut = upload::chunk_at(session.file_bytes, session.chunk_size_bytes, chunk.index);
    batch.push_back({.index = chunk.index, .etag = chunk.etag, .length_bytes = cut.length_bytes});
    indexes.push_back(chunk.index);
  }
  ctx.traffic.send(
      {.errand = Errand::kReportChunks, .row = session.id, .item = session.item_id, .chunks = std::move(indexes)},
      platform::report_chunks(session.upload_id, batch), ctx.now);
}

}  // namespace

void choose_report_chunks(Context& ctx) {
  for (auto const& session : ctx.journal.open_sessions(static_cast<int>(ctx.policy.files_max) * 2)) {
    if (session.due_at > ctx.now || ctx.traffic.busy(Errand::kReportChunks, session.id)) continue;
    if (!ctx.traffic.may_call(Group::kAssets, ctx.now, ctx.policy.api_calls_max)) return;
    auto const item = ctx.journal.item(session.item_id);
    if (!item || item->state != ItemState::kOpened || waits(*item, ctx.now)) continue;
    auto stored =
        ctx.journal.due_chunks(session.id, ChunkState::kStored, ctx.now, static_cast<int>(platform::kReportMax) + 1);
    auto const unsent = has_unsent(ctx, session);
    if (unsent && stored.size() < platform::kReportMax) continue;
    auto const last = !unsent && stored.size() <= platform::kReportMax;
    if (stored.size() > platform::kReportMax) stored.pop_back();
    if (stored.empty()) {  // everything is reported, but the daemon died before it could say so
      auto next = *item;
      next.state = ItemState::kReported;
      next.effort = renewed(ctx.now);
      move(ctx, next, ItemState::kOpened);
      continue;
    }
    if (last && !source_is_sound(ctx, *item)) continue;
    report(ctx, session, stored);
  }
}

void settle_report_chunks(Context& ctx, Landing const& landing) {
  auto session = ctx.journal.session(landing.flight.row);
  if (!session || session->state != SessionState::kOpen) return;
  auto item = ctx.journal.item(session->item_id);
  if (!item || item->state != ItemState::kOpened) return;
  if (!landing.reply) return session_call_failed(ctx, std::move(*session), landing.reply.error());
  auto const result = platform::read_report(*landing.reply);
  if (!result) return session_call_failed(ctx, std::move(*session), result.error());

  for (auto const index : landing.flight.chunks) {
    auto chunk = ctx.journal.chunk(session->id, index);
    if (!chunk || chunk->state != ChunkState::kStored) continue;
    chunk->state = ChunkState::kReported;
    ctx.journal.update(*chunk, ChunkState::kStored, item->id, ctx.now);
  }
  session->tries = 0;
  ctx.journal.update(*session, SessionState::kOpen, ctx.now);
  if (ctx.journal.has_chunks(session->id, {ChunkState::kStored})) return;
  if (has_unsent(ctx, *session)) return;
  item->state = ItemState::kReported;
  item->effort = renewed(ctx.now);
  move(ctx, *item, ItemState::kOpened,
       result->assembled ? "" : "all chunks reported, the platform is still assembling");
}

}  // namespace sluice::stage

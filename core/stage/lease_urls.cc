#include "core/stage/lease_urls.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/platform/faults.h"
#include "core/platform/replies.h"
#include "core/platform/requests.h"
#include "core/stage/effort.h"
#include "core/stage/moves.h"
#include "core/stage/open_session.h"

namespace sluice::stage {

using budget::Errand;
using budget::Group;
using journal::ChunkState;
using journal::ItemRow;
using journal::ItemState;
using journal::SessionRow;
using journal::SessionState;

namespace {

// The session came to its end and was never said to be complete. With everything sent, the last report may
// have completed it although its answer was lost: then its status decides (CONFIRM_SESSION), since a new
// session at once would make a second asset.
void session_over(Context& ctx, SessionRow session, ItemRow item, std::string_view why) {
  if (has_unsent(ctx, session))
    return replace_session(ctx, std::move(session), std::move(item), SessionState::kExpired, why);
  auto const was = item.state;
  ctx.traffic.cancel_item(item.id);
  item.state = ItemState::kReported;
  item.effort = renewed(ctx.now + ctx.policy.poll_min);
  move(ctx, item, was, why);
}

}  // namespace

void session_call_failed(Context& ctx, SessionRow session, Error const& error) {
  auto item = ctx.journal.item(session.item_id);
  if (!item) return;
  if (error.fault == Fault::kGone)
    return session_over(ctx, std::move(session), std::move(*item), "the platform no longer knows the upload session");
  if (error.fault == Fault::kRejected) {
    auto const code = error.code.empty() ? std::string("refused") : error.code;
    return fail_item(ctx, std::move(*item), code, error.text, ItemState::kOpened);
  }
  auto const held = is_held(error);
  auto const wait = std::max(error.retry_after.value_or(Millis(0)), backoff(session.tries, ctx.policy, ctx.jitter()));
  if (!held) session.tries += 1;
  session.due_at = held ? ctx.now : ctx.now + wait;
  ctx.journal.update(session, SessionState::kOpen, ctx.now);
  item->effort.last_error = error.text;
  item->reason = name_of(error.fault);
  if (is_charged(error)) item->effort.attempts += 1;
  if (is_exhausted(item->effort, ctx.policy))
    return fail_item(ctx, std::move(*item), std::string(name_of(error.fault)), error.text, ItemState::kOpened);
  move(ctx, *item, item->state, error.text);
}

void choose_lease_urls(Context& ctx) {
  // As many unused URLs as may fly soon: all slots for a lone file, a share of them for each of several.
  auto const sessions = ctx.journal.open_sessions(static_cast<int>(ctx.policy.files_max) * 2);
  if (sessions.empty()) return;
  auto const slots = ctx.traffic.concurrency().limit(ctx.policy.chunks_max);
  auto const share = std::max<std::size_t>(4, slots / sessions.size());
  for (auto const& session : sessions) {
    if (session.expires_at <= ctx.now) {
      if (auto item = ctx.journal.item(session.item_id); item && item->state == ItemState::kOpened)
        session_over(ctx, session, std::move(*item), "the upload session reached its end of life");
      continue;
    }
    if (session.due_at > ctx.now || ctx.traffic.busy(Errand::kLeaseUrls, session.id)) continue;
    if (!ctx.traffic.may_call(Group::kAssets, ctx.now, ctx.policy.api_calls_max)) return;
    auto const wanting = ctx.journal.due_chunks(session.id, ChunkState::kNeedsUrl, ctx.now, 1);
    if (wanting.empty()) continue;
    auto const unused = ctx.journal.due_chunks(session.id, ChunkState::kHasUrl, ctx.now, static_cast<int>(share));
    if (unused.size() >= share) continue;
    auto const start = wanting.front().index;
    auto const count =
        std::min({platform::kUrlsMax, session.total_chunks - start + 1, static_cast<std::uint32_t>(2 * share)});
    ctx.traffic.send({.errand = Errand::kLeaseUrls, .row = session.id, .item = session.item_id},
                     platform::presigned_urls(session.upload_id, start, count), ctx.now);
  }
}

void settle_lease_urls(Context& ctx, Landing const& landing) {
  auto session = ctx.journal.session(landing.flight.row);
  if (!session || session->state != SessionState::kOpen) return;
  if (!landing.reply) return session_call_failed(ctx, std::move(*session), landing.reply.error());
  auto const urls = platform::read_presigned_urls(*landing.reply);
  if (!urls) return session_call_failed(ctx, std::move(*session), urls.error());
  if (apply_urls(ctx, *session, *urls) == 0 &&
      !ctx.journal.due_chunks(session->id, ChunkState::kNeedsUrl, ctx.now, 1).empty())
    return session_call_failed(ctx, std::move(*session),
                               Error{Fault::kProtocol, "the platform gave no usable URL for the chunks asked for"});
  if (session->tries != 0) {
    session->tries = 0;
    ctx.journal.update(*session, SessionState::kOpen, ctx.now);
  }
}

}  // namespace sluice::stage

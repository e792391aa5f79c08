#include "core/stage/prune.h"

#include <chrono>

#include "core/stage/fetch_piece.h"

namespace sluice::stage {
namespace {

constexpr Millis kFirstLook = std::chrono::minutes(10);
constexpr Millis kLookEvery = std::chrono::hours(6);
constexpr Millis kSlicePause{1'000};  // a walk never takes a noticeable share of anything
constexpr int kSessionsPerSlice = 200;

bool is_long_over(Context const& ctx, journal::SessionRow const& session) {
  if (session.state == journal::SessionState::kOpen) return false;
  auto const item = ctx.journal.item(session.item_id);
  return item && item->finished_at && *item->finished_at + ctx.policy.keep_chunks <= ctx.now;
}

void forget_downloads(Context& ctx) {
  constexpr int kDownloadsPerSlice = 50;
  for (int i = 0; i < kDownloadsPerSlice; ++i) {
    auto const parked = ctx.journal.oldest_parked();
    auto const item = parked ? ctx.journal.item(parked->item_id) : std::nullopt;
    if (!item || *item->finished_at + ctx.policy.keep_chunks > ctx.now) return;
    leave_spool(ctx, *item);
  }
}

}  // namespace

void Pruning::run(Context& ctx) {
  auto const left_from_a_later_clock = next_at_ && *next_at_ > ctx.now + kLookEvery;
  if (!next_at_ || left_from_a_later_clock) next_at_ = ctx.now + kFirstLook;
  if (*next_at_ > ctx.now) return;
  forget_downloads(ctx);
  next_at_ = ctx.now + (prune_slice(ctx) ? kSlicePause : kLookEvery);
}

// Returns whether more may be left.
bool Pruning::prune_slice(Context& ctx) {
  auto rows_left = kRowsPerSlice;
  for (int i = 0; i < kSessionsPerSlice; ++i) {
    auto const session = ctx.journal.next_session_with_chunks(walked_);
    if (!session) {
      walked_ = 0;
      return false;
    }
    if (is_long_over(ctx, *session)) rows_left -= ctx.journal.forget_chunks(*session, rows_left);
    if (rows_left <= 0) return true;  // this one again
    walked_ = session->id;
  }
  return true;
}

}  // namespace sluice::stage

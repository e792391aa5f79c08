#include "core/stage/put_chunk.h"

#include <algorithm>
#include <cassert>
#include <memory>
#include <utility>

#include "core/base/text.h"
#include "core/platform/requests.h"
#include "core/stage/effort.h"
#include "core/stage/moves.h"
#include "core/upload/chunk_plan.h"

namespace sluice::stage {

using budget::Errand;
using budget::Flight;
using budget::Group;
using journal::ChunkRow;
using journal::ChunkState;
using journal::ItemRow;
using journal::ItemState;
using journal::SessionRow;
using journal::SessionState;

namespace {

// Beyond this many refused URLs in a row a refusal is no longer taken for an old URL, but paid for (B8).
constexpr std::uint32_t kFreeRefusals = 3;

std::string trust_key(std::string const& host) { return "etags_of:" + host; }

EtagTrust trust_of(Context const& ctx, std::string const& key) {
  auto const word = ctx.journal.meta(key);
  if (word == "matched") return EtagTrust::kMatched;
  if (word == "opaque") return EtagTrust::kOpaque;
  return EtagTrust::kUnknown;
}

ChunkRow back_to_needs_url(ChunkRow chunk, WallTime due) {
  chunk.state = ChunkState::kNeedsUrl;
  chunk.url = {};
  chunk.url_renew_at.reset();
  chunk.due_at = due;
  return chunk;
}

// Sends one chunk. Returns false when its file cannot be read: the item has moved then, or its file is not open yet.
bool put(Context& ctx, SessionRow const& session, ItemRow const& item, ChunkRow chunk) {
  auto const file = ctx.sources.get(item);
  if (!file) return false;
  if (!*file) {
    source_trouble(ctx, item, file->error(), ItemState::kOpened);
    return false;
  }
  auto const cut = upload::chunk_at(session.file_bytes, session.chunk_size_bytes, chunk.index);
  auto body = ctx.reader.read(**file, {.admitted = item.print,
                                       .offset_bytes = cut.offset_bytes,
                                       .length_bytes = cut.length_bytes,
                                       .hashed = ctx.policy.verify_etag});
  auto const host = host_of(shown(chunk.url));
  auto call = platform::put_chunk(chunk.url, session.upload_headers, body);
  call.stall_limit = ctx.policy.stall_limit;
  call.stall_below_bytes_per_s = ctx.policy.stall_below_bytes_per_s;
  chunk = back_to_needs_url(std::move(chunk), ctx.now);
  chunk.state = ChunkState::kPutting;
  move(ctx, chunk, ChunkState::kHasUrl, item);
  ctx.traffic.send({.errand = Errand::kPutChunk,
                    .group = Group::kStorage,
                    .row = session.id,
                    .item = item.id,
                    .chunk_index = chunk.index,
                    .host = host,
                    .body = body},
                   std::move(call), ctx.now);
  return true;
}

// Fills the free slots from one session. Returns how many left.
std::size_t put_some(Context& ctx, SessionRow const& session, std::size_t slots) {
  auto const item = ctx.journal.item(session.item_id);
  if (!item || item->state != ItemState::kOpened || session.expires_at <= ctx.now) return 0;
  if (waits(*item, ctx.now) || ctx.scout.stuck_since(item->root)) return 0;
  std::size_t sent = 0;
  for (auto& chunk : ctx.journal.due_chunks(session.id, ChunkState::kHasUrl, ctx.now, static_cast<int>(slots))) {
    if (!ctx.traffic.may_put(host_of(shown(chunk.url)), ctx.now)) continue;
    if (chunk.url_renew_at && *chunk.url_renew_at <= ctx.now) {
      move(ctx, back_to_needs_url(chunk, ctx.now), ChunkState::kHasUrl, *item);
      continue;
    }
    if (!put(ctx, session, *item, std::move(chunk))) return sent;
    ++sent;
  }
  return sent;
}

void stored(Context& ctx, SessionRow const& session, ItemRow item, ChunkRow chunk, platform::StoredChunk const& answer,
            ports::FileBody const& body) {
  chunk.state = ChunkState::kStored;
  chunk.etag = answer.etag;
  chunk.leaves = body.leaf_hashes().value_or("");
  chunk.attempts = chunk.tries = chunk.refusals = 0;
  chunk.due_at = ctx.now;
  chunk.last_error.clear();
  move(ctx, chunk, ChunkState::kPutting, item);
  item.bytes_acked += upload::chunk_at(session.file_bytes, session.chunk_size_bytes, chunk.index).length_bytes;
  item.effort.last_error.clear();
  item.effort.attempts = 0;
  item.reason.clear();
  ctx.journal.write_progress(item);
}

void settle_stored(Context& ctx, Landing const& landing, SessionRow const& session, ItemRow item, ChunkRow chunk) {
  auto const answer = platform::read_stored_chunk(*landing.reply);
  if (!answer) {
    auto const next = after_failed_put(chunk, answer.error(), ctx.policy, ctx.now, ctx.jitter());
    return move(ctx, next, ChunkState::kPutting, item, answer.error().text);
  }
  assert(landing.flight.body);
  auto const key = trust_key(landing.flight.host);
  auto const md5 = landing.flight.body->md5_hex();
  auto const trust = trust_of(ctx, key);
  switch (judge_etag(*answer, md5, trust, chunk.mismatches)) {
    case EtagVerdict::kAccept:
      if (trust == EtagTrust::kUnknown && answer->may_be_md5 && md5 && equal_ignoring_case(*md5, answer->etag))
        ctx.journal.set_meta(key, "matched");
      break;
    case EtagVerdict::kHostOpaque:
      ctx.journal.set_meta(key, "opaque");
      ctx.log.warning("the storage's ETags are no MD5: chunks of this upload are no longer compared");
      break;
    case EtagVerdict::kPutAgain:
      chunk.mismatches += 1;
      chunk.last_error = "the ETag is not the MD5 of the bytes sent: sent once more";
      return move(ctx, back_to_needs_url(chunk, ctx.now), ChunkState::kPutting, item, chunk.last_error);
    case EtagVerdict::kCorrupt: {
      auto const text = "chunk " + std::to_string(chunk.index) + " arrived changed twice: corrupt in transit";
      chunk.last_error = text;
      chunk.mismatches = 0;
      move(ctx, back_to_needs_url(chunk, ctx.now), ChunkState::kPutting, item, text);
      return fail_item(ctx, std::move(item), "corrupt_in_transit", text, ItemState::kOpened);
    }
  }
  stored(ctx, session, std::move(item), std::move(chunk), *answer, *landing.flight.body);
}

void settle_failed(Context& ctx, Error const& error, ItemRow item, ChunkRow const& chunk) {
  auto const next = after_failed_put(chunk, error, ctx.policy, ctx.now, ctx.jitter());
  move(ctx, next, ChunkState::kPutting, item, error.text);
  auto const text = "chunk " + std::to_string(chunk.index) + ": " + error.text;
  switch (error.fault) {
    case Fault::kSourceChanged: return source_changed(ctx, std::move(item));
    case Fault::kGone:  // R31, NoSuchUpload: the status tells whether it completed or is lost
      ground_chunks(ctx, item);
      item.state = ItemState::kReported;
      item.effort = renewed(ctx.now);
      return move(ctx, item, ItemState::kOpened, text);
    case Fault::kRejected:
      return fail_item(ctx, std::move(item), error.code.empty() ? "refused" : error.code, text, ItemState::kOpened);
    default: break;
  }
  if (next.attempts >= ctx.policy.retry_attempts)
    return fail_item(ctx, std::move(item), std::string(name_of(error.fault)), text, ItemState::kOpened);
  item.effort.last_error = text;
  item.reason = reason_of(error);
  ctx.journal.write_progress(item);
}

}  // namespace

EtagVerdict judge_etag(platform::StoredChunk const& stored, std::optional<std::string> const& md5_hex, EtagTrust trust,
                       std::uint32_t earlier_mismatches) {
  if (!md5_hex || !stored.may_be_md5 || trust == EtagTrust::kOpaque) return EtagVerdict::kAccept;
  if (equal_ignoring_case(*md5_hex, stored.etag)) return EtagVerdict::kAccept;
  if (earlier_mismatches == 0) return EtagVerdict::kPutAgain;
  return trust == EtagTrust::kMatched ? EtagVerdict::kCorrupt : EtagVerdict::kHostOpaque;
}

ChunkRow after_failed_put(ChunkRow chunk, Error const& error, Policy const& policy, WallTime now, double jitter) {
  auto const old_url = error.fault == Fault::kUrlExpired;
  if (old_url) chunk.refusals += 1;
  auto const free = (old_url && chunk.refusals <= kFreeRefusals) || is_held(error);
  auto const wait =
      free ? Millis(0) : std::max(error.retry_after.value_or(Millis(0)), backoff(chunk.tries, policy, jitter));
  if (!free) chunk.tries += 1;
  if (is_charged(error) || (old_url && !free)) chunk.attempts += 1;
  chunk.last_error = error.text;
  return back_to_needs_url(std::move(chunk), now + wait);
}

void choose_put_chunk(Context& ctx) {
  auto slots = ctx.traffic.room_for_chunks(ctx.now, ctx.traffic.concurrency().limit(ctx.policy.chunks_max));
  if (slots == 0) return;
  auto const sessions = ctx.journal.open_sessions(static_cast<int>(ctx.policy.files_max) * 2);
  for (std::size_t i = 0; i < sessions.size() && slots > 0; ++i) {
    // An even share of what is left for each session still to come, so that tails of files overlap.
    auto const share = std::max<std::size_t>(1, slots / (sessions.size() - i));
    slots -= put_some(ctx, sessions[i], share);
  }
}

void settle_put_chunk(Context& ctx, Landing const& landing) {
  auto const session = ctx.journal.session(landing.flight.row);
  if (!session) return;
  auto item = ctx.journal.item(session->item_id);
  if (!item) return;
  item->bytes_sent += landing.bytes_sent;
  ctx.journal.write_progress(*item);
  auto const chunk = ctx.journal.chunk(session->id, landing.flight.chunk_index);
  if (session->state != SessionState::kOpen || item->state != ItemState::kOpened) return;
  if (!chunk || chunk->state != ChunkState::kPutting) return;
  if (landing.reply) return settle_stored(ctx, landing, *session, std::move(*item), *chunk);
  settle_failed(ctx, landing.reply.error(), std::move(*item), *chunk);
}

}  // namespace sluice::stage

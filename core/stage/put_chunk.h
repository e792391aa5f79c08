// put_chunk.h - stage PUT_CHUNK: a chunk with a URL -> its bytes stored on the platform.
//
//   takes    chunks in `has_url` whose due_at has come; writes `putting` before the request leaves
//   writes   chunk: state, etag, attempts, due_at; item: bytes_sent, bytes_acked, last_error
//   remote   PUT to the presigned URL. Repeatable: the same bytes land in the same place; but a URL
//            counts as used once the request has left (R22), so every retry goes by `needs_url`.
//   unknown  PUT again with a fresh URL (R49)
//   then     REPORT_CHUNKS takes the rows left in `stored`
#pragma once

#include <optional>
#include <string>

#include "core/platform/replies.h"
#include "core/stage/stage.h"

namespace sluice::stage {

void choose_put_chunk(Context& ctx);
void settle_put_chunk(Context& ctx, Landing const& landing);

// What this host's ETags have been so far; kept in the journal per storage host.
enum class EtagTrust : std::uint8_t {
  kUnknown,  // none compared yet
  kMatched,  // one has been the MD5 of what was sent
  kOpaque,   // found to be something else: no longer compared
};
enum class EtagVerdict : std::uint8_t {
  kAccept,      // matches, or cannot or need not be compared
  kPutAgain,    // the first mismatch: once more by a fresh URL
  kCorrupt,     // the second one, where this host's ETags have matched before
  kHostOpaque,  // the second one, where none ever matched: the host's ETags say nothing
};
// The rule of the product page, section 5. Pure. `md5_hex` is of the bytes sent; nothing if not hashed.
EtagVerdict judge_etag(platform::StoredChunk const& stored, std::optional<std::string> const& md5_hex, EtagTrust trust,
                       std::uint32_t earlier_mismatches);

// The chunk's next shape after a failed PUT: back to `needs_url`, charged only where the fault says so. Pure.
journal::ChunkRow after_failed_put(journal::ChunkRow chunk, Error const& error, Policy const& policy, WallTime now,
                                   double jitter);

}  // namespace sluice::stage

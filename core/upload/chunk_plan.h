// chunk_plan.h - cuts a file into the chunks that one upload session expects (R20).
//
// Pure arithmetic: no I/O, no clock. The chunk size is the platform's choice and lives in the journal
// with its session; a later session may be given another.
#pragma once

#include <cstdint>

#include "core/base/error.h"

namespace sluice::upload {

struct Chunk {
  std::uint32_t index;         // counted from 1, as the platform counts
  std::uint64_t offset_bytes;  // from the start of the file
  std::uint64_t length_bytes;  // > 0; equal for all chunks but the last
};

inline constexpr std::uint64_t kChunksMax = 10'000;                         // R20, R34
inline constexpr std::uint64_t kChunkBytesMax = 5ull * 1024 * 1024 * 1024;  // R20

// How many chunks a file of `file_bytes` makes.
// Fails  kProtocol: the size is zero, out of range, or makes more than kChunksMax chunks.
Result<std::uint32_t> chunk_count(std::uint64_t file_bytes, std::uint64_t chunk_bytes);

// Chunk `index` of that file. Requires  1 <= index <= chunk_count(file_bytes, chunk_bytes).
Chunk chunk_at(std::uint64_t file_bytes, std::uint64_t chunk_bytes, std::uint32_t index);

}  // namespace sluice::upload

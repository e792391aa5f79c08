#include "core/upload/chunk_plan.h"

#include <algorithm>
#include <cassert>
#include <string>

namespace sluice::upload {
namespace {

std::uint64_t ceil_divide(std::uint64_t bytes, std::uint64_t step) {
  return bytes / step + (bytes % step != 0 ? 1 : 0);
}

}  // namespace

Result<std::uint32_t> chunk_count(std::uint64_t file_bytes, std::uint64_t chunk_bytes) {
  auto const refuse = [&](std::string const& why) {
    return fail(
        Fault::kProtocol,
        why + " (file of " + std::to_string(file_bytes) + " bytes, chunks of " + std::to_string(chunk_bytes) + ")",
        "chunk_plan");
  };
  if (file_bytes == 0) return refuse("an empty file makes no chunks");
  if (chunk_bytes == 0 || chunk_bytes > kChunkBytesMax) return refuse("the chunk size is out of range");
  auto const count = ceil_divide(file_bytes, chunk_bytes);
  if (count > kChunksMax) return refuse("the file would make more than " + std::to_string(kChunksMax) + " chunks");
  return static_cast<std::uint32_t>(count);
}

Chunk chunk_at(std::uint64_t file_bytes, std::uint64_t chunk_bytes, std::uint32_t index) {
  assert(chunk_bytes > 0 && index >= 1 && index <= ceil_divide(file_bytes, chunk_bytes));
  auto const offset = (index - std::uint64_t{1}) * chunk_bytes;
  return {index, offset, std::min(chunk_bytes, file_bytes - offset)};
}

}  // namespace sluice::upload

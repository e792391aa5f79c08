#include "core/source/spool_blocks.h"

#include <algorithm>
#include <utility>

namespace sluice::source {

std::uint32_t blocks_of(std::uint64_t total_bytes) {
  return static_cast<std::uint32_t>((total_bytes + kSpoolBlockBytes - 1) / kSpoolBlockBytes);
}

std::uint64_t run_begin(BlockRun run) { return run.first * kSpoolBlockBytes; }

std::uint64_t run_bytes(BlockRun run, std::uint64_t total_bytes) {
  auto const begin = std::min(run_begin(run), total_bytes);
  return std::min(total_bytes - begin, run.count * kSpoolBlockBytes);
}

bool has_block(std::string_view have, std::uint32_t block) {
  return block / 8 < have.size() && (static_cast<unsigned char>(have[block / 8]) >> (block % 8) & 1U) != 0;
}

std::string with_blocks(std::string have, BlockRun run) {
  if (run.count == 0) return have;
  auto const last = run.first + run.count - 1;
  if (have.size() <= last / 8) have.resize(last / 8 + 1, '\0');
  for (auto block = run.first; block <= last; ++block) {
    auto& byte = have[block / 8];
    byte = static_cast<char>(static_cast<unsigned char>(byte) | 1U << (block % 8));
  }
  return have;
}

std::uint64_t bytes_there(std::string_view have, std::uint64_t total_bytes) {
  std::uint64_t bytes = 0;
  for (std::uint32_t block = 0; block < blocks_of(total_bytes); ++block)
    if (has_block(have, block)) bytes += run_bytes({block, 1}, total_bytes);
  return bytes;
}

std::optional<BlockRun> next_missing(std::string_view have, std::string_view coming, std::uint64_t total_bytes,
                                     std::uint32_t count_max) {
  auto const is_missing = [&](std::uint32_t block) { return !has_block(have, block) && !has_block(coming, block); };
  auto const blocks = blocks_of(total_bytes);
  BlockRun run;
  while (run.first < blocks && !is_missing(run.first)) ++run.first;
  while (run.count < count_max && run.first + run.count < blocks && is_missing(run.first + run.count)) ++run.count;
  return run.count == 0 ? std::nullopt : std::optional(run);
}

std::uint32_t whole_blocks(BlockRun run, std::uint64_t bytes, std::uint64_t total_bytes) {
  if (bytes >= run_bytes(run, total_bytes)) return run.count;
  return static_cast<std::uint32_t>(bytes / kSpoolBlockBytes);
}

}  // namespace sluice::source

// spool_blocks.h - which parts of a file that is being downloaded are in the spool.
//
// A file is counted in blocks of 1 MiB, one bit for each, so that what broke off in the middle of a piece is not
// fetched again from the piece's beginning, and the journal's row of a file of 10 GB holds 1250 bytes. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/units.h"

namespace sluice::source {

inline constexpr std::uint64_t kSpoolBlockBytes = kMiB;

// Blocks that follow one another.
struct BlockRun {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
};

std::uint32_t blocks_of(std::uint64_t total_bytes);
// The bytes of a run in a file of that size.
std::uint64_t run_begin(BlockRun run);
std::uint64_t run_bytes(BlockRun run, std::uint64_t total_bytes);

// The bits of `have`, which may be shorter than the file: what is not there is not set.
bool has_block(std::string_view have, std::uint32_t block);
std::string with_blocks(std::string have, BlockRun run);
std::uint64_t bytes_there(std::string_view have, std::uint64_t total_bytes);

// The first blocks, at most `count_max`, that neither `have` nor `coming` has; nothing if there are none.
std::optional<BlockRun> next_missing(std::string_view have, std::string_view coming, std::uint64_t total_bytes,
                                     std::uint32_t count_max);

// How many whole blocks of a run came with so many bytes of it, the file's short last block among them.
std::uint32_t whole_blocks(BlockRun run, std::uint64_t bytes, std::uint64_t total_bytes);

}  // namespace sluice::source

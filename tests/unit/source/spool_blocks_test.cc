// A file's blocks: which are there, which come next, and what a broken piece was worth.
#include "core/source/spool_blocks.h"

#include <gtest/gtest.h>

namespace sluice::source {
namespace {

constexpr auto kSize = 20 * kMiB + 5;  // 21 blocks

TEST(SpoolBlocks, AreAskedForInRunsUntilAllAreThere) {
  std::string have;
  std::string coming;
  std::uint32_t asked = 0;
  while (auto const run = next_missing(have, coming, kSize, 8)) {
    coming = with_blocks(coming, *run);
    asked += run->count;
  }
  EXPECT_EQ(asked, 21u);
  have = with_blocks("", {3, 2});
  auto const first = next_missing(have, "", kSize, 8);
  EXPECT_EQ(first->first, 0u);
  EXPECT_EQ(first->count, 3u) << "up to what is there";
  auto const second = next_missing(have, with_blocks("", *first), kSize, 8);
  EXPECT_EQ(second->first, 5u);
  EXPECT_EQ(second->count, 8u);
  EXPECT_FALSE(next_missing(with_blocks("", {0, 21}), "", kSize, 8));
}

TEST(SpoolBlocks, CountTheShortLastOneAsItIs) {
  EXPECT_EQ(blocks_of(kSize), 21u);
  EXPECT_EQ(blocks_of(kMiB), 1u);
  EXPECT_EQ(blocks_of(1), 1u);
  EXPECT_EQ(bytes_there(with_blocks("", {0, 21}), kSize), kSize);
  EXPECT_EQ(bytes_there(with_blocks("", {20, 1}), kSize), 5u);
  EXPECT_EQ(run_bytes({16, 8}, kSize), 4 * kMiB + 5);
}

TEST(SpoolBlocks, KeepOfABrokenPieceWhatIsWhole) {
  EXPECT_EQ(whole_blocks({0, 8}, 8 * kMiB, kSize), 8u);
  EXPECT_EQ(whole_blocks({0, 8}, 8 * kMiB - 1, kSize), 7u);
  EXPECT_EQ(whole_blocks({0, 8}, kMiB - 1, kSize), 0u);
  EXPECT_EQ(whole_blocks({16, 5}, 4 * kMiB + 5, kSize), 5u);
  EXPECT_EQ(whole_blocks({16, 5}, 4 * kMiB + 4, kSize), 4u) << "its short end is missing";
}

}  // namespace
}  // namespace sluice::source

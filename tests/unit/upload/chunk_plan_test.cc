#include "core/upload/chunk_plan.h"

#include <gtest/gtest.h>

#include <random>

#include "core/base/units.h"

namespace sluice::upload {
namespace {

TEST(ChunkPlan, RoundsTheNumberOfChunksUp) {
  EXPECT_EQ(chunk_count(1, 1), 1u);
  EXPECT_EQ(chunk_count(10, 5), 2u);
  EXPECT_EQ(chunk_count(11, 5), 3u);
  EXPECT_EQ(chunk_count(734'003'200, 5'242'880), 140u);  // the platform's own example
}

TEST(ChunkPlan, RefusesWhatTheRulesExclude) {
  struct Case {
    std::uint64_t file_bytes, chunk_bytes;
  };
  for (auto const& [file_bytes, chunk_bytes] : {Case{0, 5}, Case{5, 0}, Case{kGiB, 5 * kGiB + 1}, Case{10'001, 1},
                                                Case{UINT64_MAX, 5 * kGiB}, Case{UINT64_MAX, 1}}) {
    auto const count = chunk_count(file_bytes, chunk_bytes);
    ASSERT_FALSE(count) << file_bytes << " by " << chunk_bytes;
    EXPECT_EQ(count.error().fault, Fault::kProtocol);
    EXPECT_EQ(count.error().code, "chunk_plan");
  }
}

TEST(ChunkPlan, TakesTheBoundsThemselves) {
  EXPECT_EQ(chunk_count(10'000, 1), 10'000u);
  EXPECT_EQ(chunk_count(10'000 * 5 * kGiB, 5 * kGiB), 10'000u);
}

TEST(ChunkPlan, CountsFromOneAndCutsOnlyTheLastChunk) {
  auto const first = chunk_at(11, 5, 1);
  EXPECT_EQ(first.index, 1u);
  EXPECT_EQ(first.offset_bytes, 0u);
  EXPECT_EQ(first.length_bytes, 5u);
  auto const last = chunk_at(11, 5, 3);
  EXPECT_EQ(last.offset_bytes, 10u);
  EXPECT_EQ(last.length_bytes, 1u);
}

TEST(ChunkPlan, CoversTheFileOnceAndTouchesEndToEnd) {
  std::mt19937_64 dice(20);
  for (int run = 0; run < 300; ++run) {
    auto const chunk_bytes = 1 + dice() % (run % 2 == 0 ? 5 * kGiB : 1000);
    auto const file_bytes = 1 + dice() % (chunk_bytes * (1 + dice() % kChunksMax));
    auto const count = chunk_count(file_bytes, chunk_bytes);
    ASSERT_TRUE(count) << file_bytes << " by " << chunk_bytes;
    std::uint64_t end = 0;
    for (std::uint32_t index = 1; index <= *count; ++index) {
      auto const chunk = chunk_at(file_bytes, chunk_bytes, index);
      ASSERT_EQ(chunk.index, index);
      ASSERT_EQ(chunk.offset_bytes, end);
      ASSERT_TRUE(chunk.length_bytes > 0 && (chunk.length_bytes == chunk_bytes || index == *count));
      end += chunk.length_bytes;
    }
    ASSERT_EQ(end, file_bytes) << "by " << chunk_bytes;
  }
}

}  // namespace
}  // namespace sluice::upload

#include "daemon/policy.h"

#include <gtest/gtest.h>

#include "daemon/file_workers.h"
#include "daemon/wire_curl.h"

namespace sluice::daemon {
namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;

stage::Policy policy_with(std::uint64_t memory_bytes, std::uint32_t max_files, std::uint32_t max_chunks) {
  config::Config config;
  config.transfer.memory_bytes = memory_bytes;
  config.transfer.max_files = max_files;
  config.transfer.max_chunks = max_chunks;
  return policy_from(config, "host");
}

std::uint64_t most_bytes(stage::Policy const& policy) {
  return (policy.files_max + policy.chunks_max) * WireCurl::kUploadBufferBytes + policy.read_ahead_bytes;
}

TEST(Policy, LeavesUploadsAsAskedForWhereMemoryHoldsThem) {
  auto const policy = policy_with(256 * kMiB, 8, 32);
  EXPECT_EQ(policy.files_max, 8u);
  EXPECT_EQ(policy.chunks_max, 32u);
  EXPECT_EQ(most_bytes(policy), 256 * kMiB);
}

TEST(Policy, StartsFewerUploadsThanMemoryHolds) {
  for (std::uint64_t const mebibytes : {4, 5, 8, 16, 31, 100}) {
    for (std::uint32_t const asked : {1u, 8u, 1024u}) {
      auto const policy = policy_with(mebibytes * kMiB, asked, asked);
      EXPECT_GE(policy.files_max, 1u);
      EXPECT_GE(policy.chunks_max, 1u);
      EXPECT_LE(policy.files_max, asked);
      EXPECT_LE(policy.chunks_max, asked);
      EXPECT_LE(most_bytes(policy), mebibytes * kMiB);
      // None waits for a block that another one holds.
      EXPECT_GE(policy.read_ahead_bytes, (policy.files_max + policy.chunks_max) * FileWorkers::kBlockBytes);
    }
  }
}

}  // namespace
}  // namespace sluice::daemon

#include "core/upload/leaves.h"

#include <gtest/gtest.h>
#include <xxhash.h>

#include <algorithm>
#include <random>
#include <vector>

#include "core/base/text.h"

namespace sluice::upload {
namespace {

constexpr std::uint64_t kMiB = kLeafBytes;

std::vector<std::byte> some_bytes(std::uint64_t count) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(count));
  std::mt19937_64 dice{count};
  for (auto& byte : bytes) byte = static_cast<std::byte>(dice());
  return bytes;
}

std::string xxh3(void const* bytes, std::size_t count) {
  XXH128_canonical_t digest;
  XXH128_canonicalFromHash(&digest, XXH3_128bits(bytes, count));
  return {reinterpret_cast<char const*>(digest.digest), sizeof digest.digest};
}

// Each leaf of a file by itself.
std::vector<std::string> leaves_of(std::span<std::byte const> file) {
  std::vector<std::string> leaves;
  for (std::size_t at = 0; at < file.size(); at += kMiB) {
    auto const leaf = file.subspan(at, std::min<std::size_t>(kMiB, file.size() - at));
    leaves.push_back(xxh3(leaf.data(), leaf.size()));
  }
  return leaves;
}

// The leaves of one range, handed over in pieces of odd sizes.
std::string hashes_of(std::span<std::byte const> file, std::uint64_t offset, std::uint64_t length, std::size_t piece) {
  LeafHasher hasher(file.size(), offset);
  auto range = file.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(length));
  while (!range.empty()) {
    auto const count = std::min(piece, range.size());
    hasher.update(range.first(count));
    range = range.subspan(count);
  }
  return hasher.hashes();
}

std::string joined(std::vector<std::string> const& leaves, std::size_t from, std::size_t to) {
  std::string all;
  for (auto i = from; i < to; ++i) all += leaves[i];
  return all;
}

TEST(Leaves, OfAWholeFileAreThoseOfEachMebibyteHoweverItIsCut) {
  for (auto const size : {std::uint64_t(1), kMiB - 1, kMiB, kMiB + 1, 3 * kMiB, 3 * kMiB + 7}) {
    auto const file = some_bytes(size);
    auto const leaves = leaves_of(file);
    for (auto const piece : {std::size_t(32 * 1024), std::size_t(1'000'003), std::size_t(5 * kMiB)})
      EXPECT_EQ(hashes_of(file, 0, size, piece), joined(leaves, 0, leaves.size())) << size << " by " << piece;
  }
}

TEST(Leaves, OfARangeAreThoseThatLieWholeInIt) {
  auto const file = some_bytes(4 * kMiB + 5);
  auto const leaves = leaves_of(file);
  EXPECT_EQ(hashes_of(file, 0, 2 * kMiB, 4'096), joined(leaves, 0, 2));
  EXPECT_EQ(hashes_of(file, 2 * kMiB, 2 * kMiB + 5, 4'096), joined(leaves, 2, 5)) << "the last leaf is short";
  EXPECT_EQ(hashes_of(file, 1, 2 * kMiB, 70'000), joined(leaves, 1, 2)) << "both ends are split";
  EXPECT_EQ(hashes_of(file, kMiB + 1, kMiB - 1, 70'000), "");
  EXPECT_EQ(hashes_of(file, 3 * kMiB + 9, kMiB - 4, 70'000), joined(leaves, 4, 5));
}

TEST(ContentKey, IsTheSameHoweverTheFileWasCutIntoChunks) {
  auto const file = some_bytes(5 * kMiB + 99);
  std::vector<std::string> keys;
  for (auto const chunk : {kMiB, 2 * kMiB, 5 * kMiB, 8 * kMiB}) {
    ContentKey key(file.size());
    for (std::uint64_t at = 0; at < file.size(); at += chunk)
      key.add(hashes_of(file, at, std::min<std::uint64_t>(chunk, file.size() - at), 32'768));
    keys.push_back(key.hex().value_or("none"));
  }
  std::string of = {'\x63', '\0', '\x50', '\0', '\0', '\0', '\0', '\0'};  // 5 MiB and 99 bytes, the least first
  auto const leaves = leaves_of(file);
  of += joined(leaves, 0, leaves.size());
  auto const digest = xxh3(of.data(), of.size());
  EXPECT_EQ(keys, std::vector(4, to_hex(std::as_bytes(std::span(digest)))));
}

TEST(ContentKey, TellsAFileFromOneThatIsLongerByZeroes) {
  std::vector<std::byte> const zeroes(2 * kMiB);
  auto const key_of = [&](std::uint64_t size) {
    ContentKey key(size);
    key.add(hashes_of(std::span(zeroes).first(static_cast<std::size_t>(size)), 0, size, 32'768));
    return key.hex().value();
  };
  EXPECT_NE(key_of(kMiB), key_of(kMiB + 1));
  EXPECT_NE(key_of(kMiB), key_of(2 * kMiB));
}

TEST(ContentKey, IsNoneUntilExactlyTheFilesLeavesAreThere) {
  auto const leaf = std::string(kLeafHashBytes, 'x');
  ContentKey key(2 * kMiB);
  EXPECT_FALSE(key.hex());
  key.add(leaf);
  key.add("");
  EXPECT_FALSE(key.hex());
  key.add(leaf);
  EXPECT_TRUE(key.hex());
  key.add(leaf);
  EXPECT_FALSE(key.hex());
}

}  // namespace
}  // namespace sluice::upload

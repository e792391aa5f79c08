// Whole files held against their checksums.
#include "core/upload/file_digest.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstring>
#include <map>

namespace sluice::upload {
namespace {

using source::DigestKind;

// Bytes in memory, of which the page cache has none.
struct ColdFile final : ports::OpenFile {
  explicit ColdFile(std::size_t size) : bytes(size, 'x') {
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7 + i / 251);
    at_first.size_bytes = size;
  }
  Result<ports::FilePrint> print() const override { return at_first; }
  Result<std::size_t> read_at(std::span<std::byte> into, std::uint64_t offset_bytes) const override {
    auto const count = std::min(into.size(), bytes.size() - static_cast<std::size_t>(offset_bytes));
    std::memcpy(into.data(), bytes.data() + offset_bytes, count);
    return count;
  }
  bool expect(std::uint64_t offset_bytes, std::uint64_t length_bytes) const override {
    fetched[offset_bytes] = length_bytes;
    return true;
  }
  void release(std::uint64_t offset_bytes, std::uint64_t length_bytes) const override {
    released[offset_bytes] = length_bytes;
  }
  ports::Writer writer() const override { return ports::Writer::kNone; }

  std::string bytes;
  ports::FilePrint at_first;
  mutable std::map<std::uint64_t, std::uint64_t> fetched = {}, released = {};
};

std::string by_openssl(std::string const& bytes, EVP_MD const* kind) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, kind, nullptr);
  std::string hex(2 * size, '0');
  for (unsigned i = 0; i < size; ++i) std::snprintf(&hex[2 * i], 3, "%02x", digest[i]);
  return hex;
}

TEST(FileDigest, IsThatOfAllItsBytes) {
  for (std::size_t const size : {std::size_t{1}, std::size_t{1} << 20, 3 * (std::size_t{1} << 20) + 5}) {
    auto const file = std::make_shared<ColdFile>(size);
    EXPECT_EQ(digest_of(file, file->at_first, DigestKind::kMd5).value(), by_openssl(file->bytes, EVP_md5()));
    EXPECT_EQ(digest_of(file, file->at_first, DigestKind::kSha256).value(), by_openssl(file->bytes, EVP_sha256()));
  }
}

TEST(FileDigest, LetsGoOfWhatItFetched) {
  auto const file = std::make_shared<ColdFile>((std::size_t{64} << 20) + 3);
  ASSERT_TRUE(digest_of(file, file->at_first, DigestKind::kMd5));
  std::map<std::uint64_t, std::uint64_t> const whole = {{0, 64 << 20}, {64 << 20, 3}};
  EXPECT_EQ(file->fetched, whole);
  EXPECT_EQ(file->released, whole);
}

TEST(FileDigest, OfAFileThatChangedIsNone) {
  auto const file = std::make_shared<ColdFile>(1'000);
  auto print = file->at_first;
  print.mtime_ns += 1;
  EXPECT_EQ(digest_of(file, print, DigestKind::kMd5).error().fault, Fault::kSourceChanged);
}

}  // namespace
}  // namespace sluice::upload

#include "core/upload/file_digest.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "core/upload/guarded_range.h"

namespace sluice::upload {
namespace {

constexpr std::size_t kBlockBytes = 1 << 20;
constexpr std::uint64_t kCachedBytes = 64 << 20;  // asked for, and let go of, at a time

struct ContextCloser {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

std::string hex_of(unsigned char const* bytes, unsigned count) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (unsigned i = 0; i < count; ++i) {
    hex += kDigits[bytes[i] >> 4];
    hex += kDigits[bytes[i] & 15];
  }
  return hex;
}

}  // namespace

Result<std::string> digest_of(std::shared_ptr<ports::OpenFile> const& file, ports::FilePrint const& print,
                              source::DigestKind kind) {
  std::unique_ptr<EVP_MD_CTX, ContextCloser> const context(EVP_MD_CTX_new());
  EVP_DigestInit_ex(context.get(), kind == source::DigestKind::kMd5 ? EVP_md5() : EVP_sha256(), nullptr);
  GuardedRange range(file, {.admitted = print, .length_bytes = print.size_bytes});
  std::vector<std::byte> block(kBlockBytes);
  bool fetched = false;
  for (std::uint64_t at = 0; range.left_bytes() > 0 || at == 0;) {
    auto const begin = at - at % kCachedBytes;
    if (at == begin) fetched = file->expect(begin, std::min(kCachedBytes, print.size_bytes - begin));
    SLUICE_TRY(got, range.read(block));
    EVP_DigestUpdate(context.get(), block.data(), got);
    at += got;
    if (fetched && (at - begin >= kCachedBytes || range.left_bytes() == 0)) file->release(begin, at - begin);
    if (got == 0) break;
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_DigestFinal_ex(context.get(), digest.data(), &size);
  return hex_of(digest.data(), size);
}

}  // namespace sluice::upload

#include "core/upload/file_digest.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/upload/guarded_range.h"
#include "core/upload/leaves.h"

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

// Hands a file's bytes out from begin to end.
Result<void> visit_whole(std::shared_ptr<ports::OpenFile> const& file, ports::FilePrint const& print,
                         std::function<void(std::span<std::byte const>)> const& visit) {
  GuardedRange range(file, {.admitted = print, .length_bytes = print.size_bytes});
  std::vector<std::byte> block(kBlockBytes);
  bool fetched = false;
  for (std::uint64_t at = 0; range.left_bytes() > 0 || at == 0;) {
    auto const begin = at - at % kCachedBytes;
    if (at == begin) fetched = file->expect(begin, std::min(kCachedBytes, print.size_bytes - begin));
    SLUICE_TRY(got, range.read(block));
    visit(std::span(block).first(got));
    at += got;
    if (fetched && (at - begin >= kCachedBytes || range.left_bytes() == 0)) file->release(begin, at - begin);
    if (got == 0) break;
  }
  return {};
}

Result<std::vector<std::byte>> read_piece(ports::OpenFile const& file, std::uint64_t offset_bytes,
                                          std::uint64_t bytes) {
  std::vector<std::byte> piece(static_cast<std::size_t>(bytes));
  for (std::size_t done = 0; done < piece.size();) {
    SLUICE_TRY(got, file.read_at(std::span(piece).subspan(done), offset_bytes + done));
    if (got == 0) return fail(Fault::kSourceChanged, "the file is shorter than it was", "source_changed");
    done += got;
  }
  return piece;
}

}  // namespace

Result<std::string> digest_of(std::shared_ptr<ports::OpenFile> const& file, ports::FilePrint const& print,
                              source::DigestKind kind) {
  std::unique_ptr<EVP_MD_CTX, ContextCloser> const context(EVP_MD_CTX_new());
  EVP_DigestInit_ex(context.get(), kind == source::DigestKind::kMd5 ? EVP_md5() : EVP_sha256(), nullptr);
  SLUICE_CHECK(visit_whole(file, print, [&](std::span<std::byte const> bytes) {
    EVP_DigestUpdate(context.get(), bytes.data(), bytes.size());
  }));
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_DigestFinal_ex(context.get(), digest.data(), &size);
  return hex_of(digest.data(), size);
}

Result<std::string> content_key_of(std::shared_ptr<ports::OpenFile> const& file, ports::FilePrint const& print) {
  LeafHasher leaves(print.size_bytes, 0);
  SLUICE_CHECK(visit_whole(file, print, [&](std::span<std::byte const> bytes) { leaves.update(bytes); }));
  ContentKey key(print.size_bytes);
  key.add(leaves.hashes());
  return key.hex().value_or("");
}

Result<std::int64_t> ends_hash_of(ports::OpenFile const& file, std::uint64_t size_bytes) {
  auto const head_bytes = std::min(size_bytes, kEndBytes);
  auto const tail_bytes = std::min(size_bytes - head_bytes, kEndBytes);
  SLUICE_TRY(head, read_piece(file, 0, head_bytes));
  SLUICE_TRY(tail, read_piece(file, size_bytes - tail_bytes, tail_bytes));
  return ends_hash(head, tail);
}

}  // namespace sluice::upload

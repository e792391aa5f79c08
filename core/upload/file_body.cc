#include "core/upload/file_body.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "core/base/text.h"

namespace sluice::upload {

// MD5 is here to be compared with ETags (R33), not for safety.
struct FileBody::Digest {
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context{EVP_MD_CTX_new()};
  // A host in FIPS mode has no MD5; then there is no digest, and so no comparison.
  bool usable = context != nullptr && EVP_DigestInit_ex(context.get(), EVP_md5(), nullptr) == 1;

  void add(std::span<std::byte const> bytes) {
    usable = usable && EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1;
  }
  std::optional<std::string> finish() {
    std::array<std::byte, 16> md5{};
    usable = usable && EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(md5.data()), nullptr) == 1;
    return usable ? std::optional(to_hex(md5)) : std::nullopt;
  }
};

FileBody::FileBody(std::shared_ptr<ports::OpenFile> file, ports::FilePrint admitted, std::uint64_t offset_bytes,
                   std::uint64_t length_bytes, bool hashed)
    : file_(std::move(file)), admitted_(admitted), offset_bytes_(offset_bytes), length_bytes_(length_bytes) {
  if (hashed) digest_ = std::make_unique<Digest>();
}

FileBody::~FileBody() = default;

Result<std::size_t> FileBody::read(std::span<std::byte> into) {
  // A body that failed once stays failed: the bytes handed out before belong to no whole any more.
  if (failure_) return std::unexpected(*failure_);
  auto got = read_next(into);
  if (!got) failure_ = got.error();
  return got;
}

Result<std::size_t> FileBody::read_next(std::span<std::byte> into) {
  assert(!into.empty());
  if (!started_) {
    SLUICE_CHECK(check_print());
    started_ = true;
  }
  auto const wanted = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), length_bytes_ - done_bytes_));
  SLUICE_CHECK(fill(into.first(wanted)));
  if (digest_) digest_->add(into.first(wanted));
  done_bytes_ += wanted;
  if (done_bytes_ == length_bytes_ && !ended_) {
    SLUICE_CHECK(check_print());  // before the last piece leaves this function (D33)
    ended_ = true;
    if (digest_) md5_hex_ = digest_->finish();
  }
  return wanted;
}

// Reads until `into` is full; a file that ends before is not the one that was admitted.
Result<void> FileBody::fill(std::span<std::byte> into) const {
  auto at = offset_bytes_ + done_bytes_;
  while (!into.empty()) {
    SLUICE_TRY(got, file_->read_at(into, at));
    if (got == 0) {
      return fail(Fault::kSourceChanged, "the file ends at byte " + std::to_string(at) + ", before its admitted size",
                  "source_changed");
    }
    assert(got <= into.size());
    into = into.subspan(got);
    at += got;
  }
  return {};
}

Result<void> FileBody::check_print() const {
  SLUICE_TRY(print, file_->print());
  if (print == admitted_) return {};
  return fail(Fault::kSourceChanged, "the file changed after it was admitted", "source_changed");
}

}  // namespace sluice::upload

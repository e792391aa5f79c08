// digest.h - MD5, SHA-256 and HMAC-SHA256, by OpenSSL.
//
// The one home of OpenSSL in the emulator. MD5 is what the object store's ETags are made of (R33);
// SHA-256 is the ledger's proof of what arrived. A failure of OpenSSL itself (no memory, MD5 switched
// off by policy) throws std::runtime_error: the emulator cannot go on without its digests.

#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX; declared here so that users of this header need no OpenSSL.

namespace sluice::emulator {

// A digest that is fed piece by piece.
class Digest {
 public:
  enum class Kind { kMd5, kSha256 };
  explicit Digest(Kind kind);

  void update(std::span<std::byte const> bytes);
  void update(std::string_view text);

  // Returns the digest in lower-case hexadecimal. Requires: called once, and no update afterwards.
  std::string hex();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

std::string md5_hex(std::string_view text);
std::string sha256_hex(std::string_view text);

// Returns the 32 raw bytes, not hexadecimal: SigV4 chains them as keys.
std::string hmac_sha256(std::string_view key, std::string_view text);

std::string to_hex(std::string_view bytes);

}  // namespace sluice::emulator

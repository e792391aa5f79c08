#include "digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <stdexcept>

namespace sluice::emulator {

namespace {

void check(int ok, char const* what) {
  if (ok != 1) throw std::runtime_error(std::string("OpenSSL: ") + what + " failed");
}

}  // namespace

Digest::Digest(Kind kind) : context_(EVP_MD_CTX_new()) {
  check(context_ ? 1 : 0, "EVP_MD_CTX_new");
  check(EVP_DigestInit_ex(context_.get(), kind == Kind::kMd5 ? EVP_md5() : EVP_sha256(), nullptr), "EVP_DigestInit_ex");
}

void Digest::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

void Digest::update(std::span<std::byte const> bytes) {
  check(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()), "EVP_DigestUpdate");
}

void Digest::update(std::string_view text) { update(std::as_bytes(std::span(text))); }

std::string Digest::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
  unsigned int length = 0;
  check(EVP_DigestFinal_ex(context_.get(), raw.data(), &length), "EVP_DigestFinal_ex");
  return to_hex({reinterpret_cast<char const*>(raw.data()), length});
}

std::string md5_hex(std::string_view text) {
  Digest digest(Digest::Kind::kMd5);
  digest.update(text);
  return digest.hex();
}

std::string sha256_hex(std::string_view text) {
  Digest digest(Digest::Kind::kSha256);
  digest.update(text);
  return digest.hex();
}

std::string hmac_sha256(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
  unsigned int length = 0;
  auto const* const done = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                                reinterpret_cast<unsigned char const*>(text.data()), text.size(), raw.data(), &length);
  check(done != nullptr ? 1 : 0, "HMAC");
  return {reinterpret_cast<char const*>(raw.data()), length};
}

std::string to_hex(std::string_view bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (char const c : bytes) {
    auto const u = static_cast<unsigned char>(c);
    out += kDigits[u >> 4U];
    out += kDigits[u & 0x0FU];
  }
  return out;
}

}  // namespace sluice::emulator

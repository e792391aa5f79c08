#include "tests/sim/digests.h"

#include <openssl/evp.h>

#include <array>
#include <cstdlib>

namespace sluice::sim {
namespace {

std::string digest_hex(EVP_MD const* kind, std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
  unsigned int length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), raw.data(), &length, kind, nullptr) != 1) std::abort();
  std::string hex;
  for (unsigned int i = 0; i < length; ++i) {
    hex += "0123456789abcdef"[raw[i] >> 4];
    hex += "0123456789abcdef"[raw[i] & 15];
  }
  return hex;
}

}  // namespace

std::string md5_hex_of(std::string_view bytes) { return digest_hex(EVP_md5(), bytes); }
std::string sha256_hex_of(std::string_view bytes) { return digest_hex(EVP_sha256(), bytes); }

}  // namespace sluice::sim

#include "core/base/hmac.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cassert>
#include <cstddef>
#include <span>

#include "core/base/text.h"

namespace sluice {

std::string hmac_sha256_hex(std::string_view secret, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  [[maybe_unused]] auto const* made =
      HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<unsigned char const*>(text.data()), text.size(), digest.data(), &size);
  assert(made != nullptr && size == 32);
  return to_hex(std::as_bytes(std::span(digest.data(), size)));
}

}  // namespace sluice

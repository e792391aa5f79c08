#include "core/base/sha256.h"

#include <openssl/evp.h>

#include <cstdlib>

namespace sluice {

std::array<std::byte, 32> sha256(std::string_view bytes) {
  // Looked up once: OpenSSL 3 takes longer to find the algorithm by its name than to sum up a URL.
  static EVP_MD const* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  std::array<std::byte, 32> sum{};
  unsigned size = 0;
  if (algorithm == nullptr || EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(sum.data()),
                                         &size, algorithm, nullptr) != 1)
    std::abort();
  return sum;
}

}  // namespace sluice

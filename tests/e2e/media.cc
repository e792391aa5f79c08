#include "media.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <vector>

namespace sluice::e2e {

namespace {

constexpr std::size_t kBlock = 1U << 20U;

struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new()) { EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr); }
  void update(std::string_view bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }
  std::string hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned length = 0;
    EVP_DigestFinal_ex(context_.get(), digest.data(), &length);
    std::string text;
    for (unsigned i = 0; i < length; ++i) {
      text += "0123456789abcdef"[digest[i] >> 4U];
      text += "0123456789abcdef"[digest[i] & 15U];
    }
    return text;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, FreeDigest> context_;
};

// splitmix64: fast, and no two seeds give the same file.
void fill(std::vector<char>& block, std::uint64_t& state) {
  for (std::size_t at = 0; at < block.size(); at += sizeof state) {
    auto word = (state += 0x9E3779B97F4A7C15U);
    word = (word ^ (word >> 30U)) * 0xBF58476D1CE4E5B9U;
    word = (word ^ (word >> 27U)) * 0x94D049BB133111EBU;
    word ^= word >> 31U;
    std::memcpy(block.data() + at, &word, std::min(sizeof word, block.size() - at));
  }
}

}  // namespace

std::string write_media(std::string const& path, std::uint64_t bytes, std::uint64_t seed, std::string_view head) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  Sha256 digest;
  std::vector<char> block(static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, bytes)));
  auto state = seed * 0xD1342543DE82EF95U + 1;
  for (std::uint64_t written = 0; written < bytes; written += block.size()) {
    block.resize(static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), bytes - written)));
    fill(block, state);
    if (written == 0) std::copy_n(head.begin(), std::min(head.size(), block.size()), block.begin());
    file.write(block.data(), static_cast<std::streamsize>(block.size()));
    digest.update({block.data(), block.size()});
  }
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
  return digest.hex();
}

std::uint64_t run_seed() {
  static auto const clock = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  auto const seed = setting("SLUICE_SEED", clock % 1'000'000);
  std::printf("seed: SLUICE_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

std::uint64_t setting(char const* name, std::uint64_t otherwise) {
  auto const* const text = std::getenv(name);
  if (text == nullptr || *text == '\0') return otherwise;
  char* end = nullptr;
  auto const number = std::strtoull(text, &end, 10);
  std::string_view const unit(end);
  if (unit == "KiB") return number << 10U;
  if (unit == "MiB") return number << 20U;
  if (unit == "GiB") return number << 30U;
  if (!unit.empty()) throw std::runtime_error(std::string(name) + ": a whole number, with KiB, MiB or GiB or nothing");
  return number;
}

}  // namespace sluice::e2e

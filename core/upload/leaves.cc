#include "core/upload/leaves.h"

#define XXH_STATIC_LINKING_ONLY  // for the state as a member
#include <xxhash.h>
#if defined(__x86_64__)
#include <xxh_x86dispatch.h>  // AVX2 or AVX-512 where the processor has them: 50 GB/s for the 18 of SSE2 (measured)
#endif

#include <algorithm>
#include <array>
#include <cassert>

#include "core/base/text.h"

namespace sluice::upload {

struct Xxh3 {
  XXH3_state_t state;
  Xxh3() { reset(); }
  void reset() { XXH3_128bits_reset(&state); }
  void update(void const* bytes, std::size_t count) { XXH3_128bits_update(&state, bytes, count); }
  std::array<unsigned char, kLeafHashBytes> digest() const {
    XXH128_canonical_t canonical;  // the same on every machine
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state));
    return std::to_array(canonical.digest);
  }
};

LeafHasher::LeafHasher(std::uint64_t file_bytes, std::uint64_t offset_bytes)
    : file_bytes_(file_bytes), at_bytes_(offset_bytes), leaf_(std::make_unique<Xxh3>()) {}
LeafHasher::~LeafHasher() = default;
LeafHasher::LeafHasher(LeafHasher&&) noexcept = default;
LeafHasher& LeafHasher::operator=(LeafHasher&&) noexcept = default;

void LeafHasher::update(std::span<std::byte const> bytes) {
  while (!bytes.empty()) {
    auto const into_leaf = at_bytes_ % kLeafBytes;
    if (into_leaf == 0) {
      leaf_->reset();
      whole_ = true;
    }
    auto const end = std::min(at_bytes_ - into_leaf + kLeafBytes, file_bytes_);
    assert(end > at_bytes_);
    auto const count = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), end - at_bytes_));
    if (whole_) leaf_->update(bytes.data(), count);
    at_bytes_ += count;
    bytes = bytes.subspan(count);
    if (at_bytes_ < end || !whole_) continue;
    auto const digest = leaf_->digest();
    hashes_.append(reinterpret_cast<char const*>(digest.data()), digest.size());
    whole_ = false;
  }
}

ContentKey::ContentKey(std::uint64_t file_bytes)
    : leaves_left_((file_bytes + kLeafBytes - 1) / kLeafBytes), all_(std::make_unique<Xxh3>()) {
  std::array<unsigned char, 8> size{};
  for (std::size_t i = 0; i < size.size(); ++i) size[i] = static_cast<unsigned char>(file_bytes >> (8 * i));
  all_->update(size.data(), size.size());
}
ContentKey::~ContentKey() = default;

void ContentKey::add(std::string_view hashes) {
  auto const leaves = hashes.size() / kLeafHashBytes;
  too_many_ = too_many_ || leaves > leaves_left_;
  if (too_many_) return;
  leaves_left_ -= leaves;
  all_->update(hashes.data(), hashes.size());
}

std::optional<std::string> ContentKey::hex() const {
  if (too_many_ || leaves_left_ > 0) return std::nullopt;
  auto const digest = all_->digest();
  return to_hex(std::as_bytes(std::span(digest)));
}

std::int64_t ends_hash(std::span<std::byte const> head, std::span<std::byte const> tail) {
  Xxh3 ends;
  ends.update(head.data(), head.size());
  ends.update(tail.data(), tail.size());
  auto const digest = ends.digest();
  std::uint64_t half = 0;
  for (std::size_t i = 0; i < 8; ++i) half = half << 8 | digest[i];
  return static_cast<std::int64_t>(half);
}

}  // namespace sluice::upload

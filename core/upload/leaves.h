// leaves.h - what a file holds, whatever its name and place: hashes of its leaves of 1 MiB, and the content key made of
// them (D38).
//
// The leaves are hashed in the pass that reads a range for sending, each by itself, so that neither the order of
// chunks nor a restart matters. The hash is XXH3-128: it finds equal files, and protects from nobody who wants two
// to look equal. A leaf that lies in two ranges belongs to neither: with chunks of whole MiB there is none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluice::upload {

inline constexpr std::uint64_t kLeafBytes = 1 << 20;
inline constexpr std::size_t kLeafHashBytes = 16;

struct Xxh3;  // the library's state

// Hashes the leaves that lie whole in a range of a file, while the range is read from its begin to its end.
class LeafHasher {
 public:
  // Requires  the range lies within the file.
  LeafHasher(std::uint64_t file_bytes, std::uint64_t offset_bytes);
  ~LeafHasher();
  LeafHasher(LeafHasher&&) noexcept;
  LeafHasher& operator=(LeafHasher&&) noexcept;

  void update(std::span<std::byte const> bytes);
  // The hashes so far, one behind the other, kLeafHashBytes each.
  std::string const& hashes() const { return hashes_; }

 private:
  std::uint64_t file_bytes_;
  std::uint64_t at_bytes_;
  bool whole_ = false;  // the leaf at at_bytes_ was hashed from its first byte
  std::unique_ptr<Xxh3> leaf_;
  std::string hashes_;
};

// The content key: XXH3-128 of the file's size (8 bytes, the least first) and of all its leaves' hashes in their order.
class ContentKey {
 public:
  explicit ContentKey(std::uint64_t file_bytes);
  ~ContentKey();
  ContentKey(ContentKey const&) = delete;
  ContentKey& operator=(ContentKey const&) = delete;

  void add(std::string_view hashes);  // of the leaves that follow those before
  // 32 lower-case hex digits; nothing unless exactly the file's leaves were added.
  std::optional<std::string> hex() const;

 private:
  std::uint64_t leaves_left_;
  bool too_many_ = false;
  std::unique_ptr<Xxh3> all_;
};

// The first and the last bytes of a file, at most kEndBytes each; all of a file that is not longer than both.
inline constexpr std::uint64_t kEndBytes = 64 * 1024;
// Half of the XXH3-128 of them: files of one size that differ in it are different; equal ones may be the same (D38).
std::int64_t ends_hash(std::span<std::byte const> head, std::span<std::byte const> tail);

}  // namespace sluice::upload

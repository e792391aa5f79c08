// gunzip.h - unpacks a gzip file as it is read, within bounds (M8). The one home of zlib.
//
// Several members behind one another are one file, as gzip has it. A file that ends in the middle of a member is one
// that still grows: what there is comes out, and the rest once it is there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "core/base/error.h"

namespace sluice::source::manifest {

class Gunzip {
 public:
  static constexpr std::uint64_t kUnpackedMax = 64ull << 30;
  // Deflate can do 1,032 to 1; a list of different URLs is far from that.
  static constexpr std::uint64_t kRatioMax = 200;
  static constexpr std::uint64_t kRatioFrom = 16ull << 20;  // unpacked bytes before which the ratio says nothing

  Gunzip();
  ~Gunzip();
  Gunzip(Gunzip const&) = delete;
  Gunzip& operator=(Gunzip const&) = delete;

  struct Moved {
    std::size_t read = 0;     // of `packed`
    std::size_t written = 0;  // into `into`
  };
  // Unpacks what fits. Neither read nor written: more packed bytes are needed.
  // Fails  kRejected: no gzip, damaged, or beyond a bound.
  // Zeros behind a member are passed over, as gzip does.
  Result<Moved> run(std::span<std::byte const> packed, std::span<std::byte> into);

  // Whether what was read ends in the middle of a member: more is to come, or is missing.
  bool is_inside() const { return read_ > 0 && !between_members_; }

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
  std::uint64_t read_ = 0;
  std::uint64_t written_ = 0;
  bool between_members_ = false;
};

}  // namespace sluice::source::manifest

// stream.h - the bytes of a manifest in their order, unpacked where it is compressed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/ports/files.h"
#include "core/source/manifest/gunzip.h"

namespace sluice::source::manifest {

class Stream {
 public:
  static constexpr std::size_t kBytesPerRead = 256 * 1024;

  Stream(std::shared_ptr<ports::OpenFile> file, bool packed);

  // The next bytes, kBytesPerRead at the most, in `into`; none where the file has no more for now.
  // Fails  kSourceIo; kRejected for a compressed file that is broken or beyond a bound.
  Result<std::size_t> read(std::string& into);
  // Goes on at that byte, and need not read what is before it. Requires  can_seek().
  void seek(std::uint64_t offset) { file_at_ = at_ = offset; }
  bool can_seek() const { return !gunzip_; }

  // Whether a compressed file ends, as far as it was read, in the middle of what was compressed.
  bool is_inside() const { return gunzip_ && gunzip_->is_inside(); }

  std::uint64_t at() const { return at_; }            // unpacked bytes handed out, or passed over
  std::uint64_t file_at() const { return file_at_; }  // bytes of the file that were read
  ports::OpenFile const& file() const { return *file_; }

 private:
  Result<std::size_t> read_packed(std::span<std::byte> into);

  std::shared_ptr<ports::OpenFile> file_;
  std::optional<Gunzip> gunzip_;
  std::vector<std::byte> packed_;  // read and not yet unpacked, from packed_at_ on
  std::size_t packed_at_ = 0;
  std::uint64_t at_ = 0;
  std::uint64_t file_at_ = 0;
};

}  // namespace sluice::source::manifest

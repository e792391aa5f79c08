#include "core/source/manifest/stream.h"

#include <span>
#include <utility>

namespace sluice::source::manifest {

Stream::Stream(std::shared_ptr<ports::OpenFile> file, bool packed) : file_(std::move(file)) {
  if (packed) gunzip_.emplace();
}

Result<std::size_t> Stream::read_packed(std::span<std::byte> into) {
  for (;;) {
    if (packed_at_ == packed_.size()) {
      packed_.resize(kBytesPerRead / 4);
      SLUICE_TRY(got, file_->read_at(packed_, file_at_));
      packed_.resize(got);
      packed_at_ = 0;
      file_at_ += got;
      if (got == 0) return 0;
    }
    SLUICE_TRY(moved, gunzip_->run(std::span(packed_).subspan(packed_at_), into));
    packed_at_ += moved.read;
    if (moved.written > 0) return moved.written;
  }
}

Result<std::size_t> Stream::read(std::string& into) {
  into.resize(kBytesPerRead);
  auto const bytes = std::as_writable_bytes(std::span(into));
  auto got = gunzip_ ? read_packed(bytes) : file_->read_at(bytes, file_at_);
  if (!got) return std::unexpected(std::move(got).error());
  into.resize(*got);
  if (!gunzip_) file_at_ += *got;
  at_ += *got;
  return *got;
}

}  // namespace sluice::source::manifest

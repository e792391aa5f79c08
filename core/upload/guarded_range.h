// guarded_range.h - reads a range of an open source file, and proves that it stayed the file that was admitted.
//
// The file is fstat'ed before the first byte of the range is read and again after the last, and both
// prints must equal the one that was admitted (D33). The last piece is handed out only after the
// second fstat, so who sends only what was handed out can never complete a torn chunk. A short read is a
// change too. Where the file's lease is held, it must hold still after the last byte: that shows a writer whose changes
// no print shows yet (D32), and lets a changed ctime pass. No thread, no buffer and no digest of its own: it belongs to
// whoever reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "core/ports/reader.h"

namespace sluice::upload {

class GuardedRange {
 public:
  GuardedRange(std::shared_ptr<ports::OpenFile> file, ports::FileRange const& range);

  std::uint64_t left_bytes() const { return range_.length_bytes - done_bytes_; }

  // Fills `into` from where the last read ended, and returns how much: less than its size only at the end of the
  // range, 0 behind it.
  // Fails     kSourceChanged, kSourceIo, kLocal with kBeingWritten. From then on every read fails the same way: the
  // bytes handed out before
  //           belong to no whole any more.
  // Requires  into is not empty.
  Result<std::size_t> read(std::span<std::byte> into);

 private:
  Result<std::size_t> read_next(std::span<std::byte> into);
  Result<void> fill(std::span<std::byte> into) const;
  Result<void> check_print() const;

  std::shared_ptr<ports::OpenFile> file_;
  ports::FileRange range_;
  std::uint64_t done_bytes_ = 0;
  bool started_ = false;          // the first fstat was clean
  bool ended_ = false;            // the second one too
  std::optional<Error> failure_;  // kept: no later read may succeed
};

}  // namespace sluice::upload

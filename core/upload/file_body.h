// file_body.h - a range of an open source file as a Body, guarded and hashed while it is read.
//
// The file is fstat'ed before the first byte of the range is read and again after the last, and both
// prints must equal the one that was admitted (D33). The last piece is handed out only after the
// second fstat, so a wire that obeys Body::read can never complete a torn chunk. A short read is a
// change too. The MD5 is of the bytes that were handed out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/ports/files.h"
#include "core/ports/wire.h"

namespace sluice::upload {

class FileBody final : public ports::Body {
 public:
  // `hashed` false spares the MD5 (transfer.verify: none).
  FileBody(std::shared_ptr<ports::OpenFile> file, ports::FilePrint admitted, std::uint64_t offset_bytes,
           std::uint64_t length_bytes, bool hashed);
  ~FileBody() override;
  FileBody(FileBody const&) = delete;
  FileBody& operator=(FileBody const&) = delete;

  std::uint64_t size_bytes() const override { return length_bytes_; }
  Result<std::size_t> read(std::span<std::byte> into) override;

  // The MD5 in lower-case hex once the whole range was read; nothing before, or when not hashed.
  std::optional<std::string> md5_hex() const { return md5_hex_; }

 private:
  Result<std::size_t> read_next(std::span<std::byte> into);
  Result<void> fill(std::span<std::byte> into) const;
  Result<void> check_print() const;

  std::shared_ptr<ports::OpenFile> file_;
  ports::FilePrint admitted_;
  std::uint64_t offset_bytes_;
  std::uint64_t length_bytes_;
  std::uint64_t done_bytes_ = 0;
  bool started_ = false;          // the first fstat was clean
  bool ended_ = false;            // the second one too
  std::optional<Error> failure_;  // kept: no later read may succeed
  struct Digest;
  std::unique_ptr<Digest> digest_;
  std::optional<std::string> md5_hex_;
};

}  // namespace sluice::upload

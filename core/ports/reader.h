// reader.h - the way out for the bytes of source files: read ahead and hashed while they go up.
//
// Production: daemon/file_workers, threads of their own, so that no disk and no digest ever holds up the
// loop. Tests: a reader that reads where it is asked.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/ports/files.h"
#include "core/ports/wire.h"

namespace sluice::ports {

// Which bytes of a file, and the print that it must have before the first of them is read and after the last (D33).
struct FileRange {
  FilePrint admitted = {};
  std::uint64_t offset_bytes = 0;
  std::uint64_t length_bytes = 0;
  bool hashed = false;  // with MD5; false spares it (transfer.verify: none; direct requests have no ETag)
};

class FileBody : public Body {
 public:
  // The MD5 in lower-case hex of the bytes handed out, once they were all handed out; nothing before, or when
  // not hashed. It is there to be compared with ETags (R33), not for safety.
  virtual std::optional<std::string> md5_hex() const = 0;
  // The hashes of the leaves that lie whole in the range (core/upload/leaves.h), once all bytes were handed out;
  // nothing before.
  virtual std::optional<std::string> leaf_hashes() const = 0;
};

class Reader {
 public:
  virtual ~Reader() = default;

  // The range as a body that may be sent. Reading may begin at once, and ends when the body is let go.
  // Its read() fails as GuardedRange::read(): another print, a file that ends early, a writer, an I/O error.
  // Requires  length_bytes > 0, within the admitted size.
  virtual std::shared_ptr<FileBody> read(std::shared_ptr<OpenFile> file, FileRange range) = 0;
};

}  // namespace sluice::ports

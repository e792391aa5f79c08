// files.h - the way out to the file system, for sources only (the journal has its own file).
//
// Every open goes beneath its root's descriptor with symlinks refused (F1, D31): a path string is
// never resolved from the top after discovery. Names are bytes (D42); a relative path uses '/', has
// no empty, "." or ".." component and does not begin with '/'. Production: daemon/files_linux.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/base/error.h"

namespace sluice::ports {

enum class FileType : std::uint8_t { kRegular, kDirectory, kSymlink, kOther };

// What a change of content shows in (D22, D33). Two equal prints mean: not visibly changed. The device is no part of
// that: many file systems get another number at each mount.
struct FilePrint {
  std::uint64_t size_bytes = 0;
  std::int64_t mtime_ns = 0;
  std::int64_t ctime_ns = 0;
  std::uint64_t inode = 0;
  std::uint64_t device = 0;
  // A rename, a chmod, a hard link; or another content whose writer put the mtime back.
  bool differs_in_ctime_only(FilePrint const& other) const {
    auto same = *this;
    same.ctime_ns = other.ctime_ns;
    return same == other && ctime_ns != other.ctime_ns;
  }
  friend bool operator==(FilePrint const& a, FilePrint const& b) {
    return a.size_bytes == b.size_bytes && a.mtime_ns == b.mtime_ns && a.ctime_ns == b.ctime_ns && a.inode == b.inode;
  }
};

struct DirEntry {
  std::string name;  // bytes; never "." or ".."
  FileType type = FileType::kOther;
  FilePrint print;        // of the entry itself, links not followed
  bool has_print = true;  // false behind the first thousands of a long folder: ask stat()
};

// A folder while it is being listed. What comes or goes meanwhile may be in the list or not.
class Listing {
 public:
  virtual ~Listing() = default;
  // Up to `max` of the entries that are left, in no order; none only at the end. Fails as Files::list().
  virtual Result<std::vector<DirEntry>> next(std::size_t max) = 0;
};

// One whose entries are all there.
class WholeListing final : public Listing {
 public:
  explicit WholeListing(std::vector<DirEntry> entries) : entries_(std::move(entries)) {}
  Result<std::vector<DirEntry>> next(std::size_t max) override {
    auto const end = std::min(entries_.size(), next_ + max);
    std::vector<DirEntry> some(entries_.begin() + static_cast<std::ptrdiff_t>(next_),
                               entries_.begin() + static_cast<std::ptrdiff_t>(end));
    next_ = end;
    return some;
  }

 private:
  std::vector<DirEntry> entries_;
  std::size_t next_ = 0;
};

enum class Writer : std::uint8_t { kNone, kPresent, kUnknown };  // kUnknown: no proof to be had (D23)

// What is read after it was seen that a program has the file open for writing: wait, and look whether it changed.
inline constexpr char kBeingWritten[] = "being_written";

class OpenFile {
 public:
  virtual ~OpenFile() = default;
  virtual Result<FilePrint> print() const = 0;  // fstat
  // Reads at an offset, as pread; returns 0 at the end of the file.
  // Fails with kSourceIo.
  virtual Result<std::size_t> read_at(std::span<std::byte> into, std::uint64_t offset_bytes) const = 0;
  // Says that a range is about to be read whole. Returns whether it lies on the disk only and not in memory;
  // then the kernel was asked to fetch it, and release() is due once it was read.
  virtual bool expect(std::uint64_t offset_bytes, std::uint64_t length_bytes) const {
    static_cast<void>(offset_bytes), static_cast<void>(length_bytes);
    return false;
  }
  // The range is not needed in memory any more (D37).
  virtual void release(std::uint64_t offset_bytes, std::uint64_t length_bytes) const {
    static_cast<void>(offset_bytes), static_cast<void>(length_bytes);
  }
  // Whether another process has it open for writing, by a read lease taken and dropped.
  virtual Writer writer() const = 0;

  // Takes a read lease and keeps it until the file is closed (D32): whoever wants to write to the file then waits in
  // his open() until writer_since() has noticed him, and whatever is read until then is one content.
  // Returns  kNone: it is held. kPresent: a program has the file open for writing. kUnknown: there are no leases here.
  virtual Writer keep_writers_out() { return Writer::kUnknown; }
  // kNone: nobody could write since keep_writers_out(). kPresent: one came, and is let in by this very call, so ask
  // after a read, not before it; it stays kPresent. kUnknown: no lease was to be had. Never waits.
  virtual Writer writer_since() const { return Writer::kUnknown; }
};

class Files {
 public:
  virtual ~Files() = default;

  // `root` is an absolute path, opened anew for each call and not held: a folder can be unmounted, and one that was
  // replaced is seen at once. `relative` may be "" for the root itself in list().
  // Fails with kGone (no such file or folder), kLocal (this process has no descriptor or memory left), kSourceIo
  // (all else: the text names errno and path; the code is "io" or "busy" where trying again may help).
  virtual Result<std::shared_ptr<OpenFile>> open(std::string const& root, std::string const& relative) = 0;
  virtual Result<FilePrint> stat(std::string const& root, std::string const& relative) = 0;
  virtual Result<std::unique_ptr<Listing>> list(std::string const& root, std::string const& relative) = 0;

  // What the content is by its first bytes: a MIME type such as "video/mp4"; "" if nothing is known.
  // Fails as read_at().
  virtual Result<std::string> sniff(OpenFile const& file) = 0;
};

}  // namespace sluice::ports

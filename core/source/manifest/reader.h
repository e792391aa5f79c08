// reader.h - reads a manifest on from where it stood, some lines at a time (M4, M5, M7).
//
// It lives in a lane (core/source/scout.h), which may hang on its file; the journal knows how far it came, by the Mark
// that comes with each batch. A reader that is lost costs nothing: another one goes on from the mark in the journal.
//
// A file is known again by its first and its last bytes before the mark. What is not the file that was read is read
// from its beginning, and lines that are known already are known by their keys: that an old line is read twice is
// harmless, that a new one is passed over is not. So is a file that was replaced by another (another inode).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/ports/files.h"
#include "core/source/manifest/entry.h"
#include "core/source/manifest/format.h"
#include "core/source/manifest/lines.h"
#include "core/source/manifest/stream.h"

namespace sluice::source::manifest {

// How far a manifest was read.
struct Mark {
  Place place = {};
  std::string fingerprint = {};  // of what is before it: 32 hex digits; "" at the beginning
  std::uint64_t inode = 0;       // of the file that was read; 0 for none
};

struct Batch {
  Found found = {};         // entries are finished ones (finish_entry.h)
  std::uint64_t lines = 0;  // that were read, comments and all
  Mark mark = {};           // what is before it need not be read again
  bool began_anew = false;  // it was another file than the one that was read before: all of this is from its beginning
  bool at_end = false;      // nothing more is there, for now
  bool has_rest = false;    // ... but for the beginning of a line, or the end of a compressed file
  std::string unfinished = {};  // what was asked for by take_rest and cannot be taken as it is: why, for people
  ports::FilePrint print = {};  // of the file, before it was read
};

class Reader {
 public:
  static constexpr std::size_t kBytesPerStep = 4 << 20;
  static constexpr std::size_t kPassedPerStep = 256 << 20;  // of what was read before, in a compressed file
  // While a line or a record does not end the mark stands still, and only so much behind it is kept: more than one of
  // them may have.
  static constexpr std::size_t kRecentKept = 8 * kLineBytesMax;
  static constexpr std::size_t kPrintedBytes = 4096;  // of the beginning and of the end, in the fingerprint

  // `name` is a path beneath the root whose extension tells the format.
  Reader(std::string root, std::string name, Mark mark);

  // Reads up to about `lines_max` lines. `take_rest`: the file has been quiet for long enough that a last line without
  // an end is taken for whole, if it says something whole. It may go on all the same: the mark stays before it, and it
  // is read anew when more of it is there. A compressed file that ends in its middle has no such line.
  // Fails  as Files::open() and OpenFile::read_at(); kRejected for a broken compressed file.
  Result<Batch> step(ports::Files& files, std::size_t lines_max, bool take_rest);

  // Of what was read; for tests of its bound.
  std::size_t remembered_bytes() const { return head_.size() + recent_.size() + before_mark_.size(); }

 private:
  Result<void> open(ports::Files& files, ports::FilePrint const& print, Batch& batch);
  Result<void> begin(Batch& batch);
  Result<bool> find_mark(Batch& batch);
  Result<void> prime(Batch& batch);
  Result<void> read_lines(std::size_t lines_max, bool take_rest, Batch& batch);
  Result<std::size_t> read_on();
  void take(Line const& line, Found& found);
  void take_last(Batch& batch);
  void finish(Batch& batch);
  void keep_recent();
  std::string fingerprint() const;
  bool is_other(ports::FilePrint const& print);
  void forget_file();

  std::string root_, name_;
  Mark mark_;
  std::unique_ptr<Stream> stream_ = {};
  std::unique_ptr<Format> format_ = {};
  Lines lines_ = Lines();
  ports::FilePrint print_ = {};   // of the open file, when it was looked at last
  std::string head_ = {};         // the file's first bytes, kPrintedBytes at most
  std::string recent_ = {};       // bytes up to stream_->at(); from the mark's last kPrintedBytes on, or kRecentKept
  std::string before_mark_ = {};  // those last bytes, where recent_ does not reach back to them
  std::uint64_t before_at_ = 0;   // the mark that they are of
  std::string chunk_ = {};
  bool found_mark_ = false;               // what is read next is behind it
  std::optional<Place> again_from_ = {};  // the last line was taken without its end: where it begins
};

}  // namespace sluice::source::manifest

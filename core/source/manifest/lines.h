// lines.h - cuts what is read of a manifest into its lines.
//
// UTF-8 with or without a byte-order mark, ended by LF or CRLF. What comes behind the last end of a line may be half of
// one, and is handed out only by rest(), when the caller takes the file for finished (M5). A line longer than
// kLineBytesMax is handed out without its text, so that no line costs more memory than that.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/source/manifest/entry.h"

namespace sluice::source::manifest {

struct Line {
  std::string_view text = {};  // without its end; valid until the next call of feed()
  Place place = {};
  bool too_long = false;  // then there is no text
};

class Lines {
 public:
  // Begins at a place, which is the first byte of a line.
  explicit Lines(Place const& begin = {}) : next_(begin) {}

  void feed(std::string_view bytes);

  // The next whole line; nothing where the rest has no end yet.
  std::optional<Line> next();
  // What is left, as if it had an end; nothing if nothing is left.
  std::optional<Line> rest();

  // Where the first line begins that was not handed out.
  Place const& place() const { return next_; }

 private:
  Line cut(std::size_t text_bytes, std::size_t end_bytes);

  std::string buffer_ = {};
  std::size_t used_ = 0;       // bytes of buffer_ that were handed out
  std::size_t scanned_ = 0;    // bytes of buffer_ known to hold no end of a line behind used_
  std::uint64_t dropped_ = 0;  // bytes of a line that is too long, gone from the buffer
  Place next_;
};

}  // namespace sluice::source::manifest

// format.h - what the readers of all formats have in common: lines in, entries and errors out.
//
// A format may hold lines back: options may follow a URL, and a quoted field may go on in the next line. What it holds
// back has not been read, as far as the journal goes: a resumed import begins there again.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "core/source/manifest/entry.h"
#include "core/source/manifest/lines.h"

namespace sluice::source::manifest {

class Format {
 public:
  virtual ~Format() = default;

  // The next line, which is UTF-8 and not too long.
  virtual void take(Line const& line, Found& found) = 0;
  // No more lines for now: what is held back is all there is of it.
  virtual void finish(Found& found) = 0;
  // Where what is held back begins; nothing where nothing is.
  virtual std::optional<Place> held() const = 0;
  // Whether it needs the first lines of the file, even where reading begins further on: a header.
  virtual bool needs_head() const { return false; }
};

// The format of a file by its name, ".gz" left away; nothing where no format has that extension.
std::unique_ptr<Format> format_for(std::string_view file_name);
bool is_packed(std::string_view file_name);  // ".gz"

}  // namespace sluice::source::manifest

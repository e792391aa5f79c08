// acts.h - the way out to the file system for what is done to a file after its item's end: the only one that writes
// near the sources.
//
// Small steps, so that what follows from them is decided in core (core/source/put_away.h) and every step can be the
// last one before a crash. Each step finds its place anew, beneath the descriptor of the place's folder, following no
// link and never leaving it (F1, D62). Nothing is ever overwritten but by replace(). Called in lanes, never by the
// loop, and from several at a time. Production: daemon/acts_linux.
//
// All fail with
//   kGone      the folders on the way to a place are not there (look() then finds nothing)
//   kLocal     "no_folder": a place's folder itself is not there; "full": no space or quota; "descriptors"
//   kRejected  what no retry mends: "read_only", "permission", "symlink", "name" (too long), "not_regular"
//   kSourceIo  "io", "busy": trying again may help
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/error.h"
#include "core/ports/files.h"

namespace sluice::ports {

struct Place {
  std::string folder = {};  // absolute, by the configuration: links in it are the operator's and are followed
  std::string path = {};    // beneath it; of the form that ports/files.h asks for, and not ""
  friend bool operator==(Place const&, Place const&) = default;
};

struct Standing {
  FileType type = FileType::kRegular;
  FilePrint print = {};
};

inline constexpr char kNoFolder[] = "no_folder";        // the code where a place's own folder is not there
inline constexpr char kOtherDevice[] = "other_device";  // the code of a rename that is none within one file system

inline constexpr std::size_t kNamesBesideMax = 100'000;

class Acts {
 public:
  virtual ~Acts() = default;

  // What stands at a place, a link not followed; nothing if nothing does.
  virtual Result<std::optional<Standing>> look(Place const& at) = 0;
  // Returns  false, and does nothing, if something stands at `to`.
  // Fails    also with kSourceIo and kOtherDevice.
  virtual Result<bool> rename(Place const& from, Place const& to) = 0;
  // The same over a regular file that stands there. Requires  one folder for both.
  virtual Result<void> replace(Place const& from, Place const& to) = 0;
  virtual Result<void> remove(Place const& at) = 0;  // a regular file; nothing there is fine
  // Nothing is done.
  // Fails    also with kRejected and "bad_target": the place is within a folder whose files are taken, so that what is
  //          moved there would come back as a new file.
  virtual Result<void> stands_apart(Place const& to) = 0;
  // Makes the folders that lead to a place, as far as they are missing, but not the place's own folder.
  virtual Result<void> make_way(Place const& to) = 0;
  // A new file with the bytes, the mode and the mtime of another; on the disk when this returns. What a dead process
  // left at `to` goes first.
  // Fails    also with kSourceChanged: the file is not of that print, before or after it was read.
  virtual Result<void> copy(Place const& from, FilePrint const& print, Place const& to) = 0;
  // Whether both are regular files of the same bytes; reads them.
  virtual Result<bool> same_bytes(Place const& one, Place const& other) = 0;
  // A new file with this text; on the disk when this returns. What a dead process left at `to` goes first.
  virtual Result<void> write(Place const& to, std::string_view text) = 0;
  // The first bytes of a regular file, at most so many; "" of anything else.
  virtual Result<std::string> head(Place const& at, std::size_t bytes_max) = 0;
  // The names in the folder that a place is in are on the disk when this returns.
  virtual Result<void> sync(Place const& at) = 0;
  // Whether one of the names in the folder that a place is in fits.
  // Fails    also with kLocal and "too_many": there are more than kNamesBesideMax, and none of so many fits.
  virtual Result<bool> any_beside(Place const& at, std::function<bool(std::string_view name)> const& fits) = 0;
};

}  // namespace sluice::ports

// spool.h - the way out to the spool: files that Sluice downloads before it uploads them.
//
// A folder of Sluice's own (state_dir/spool), whose files are named by the journal's rows. What was written is on the
// disk when write() returns. Used in lanes only, since a disk may hang. Production: daemon/spool_linux. Tests: in
// memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"

namespace sluice::ports {

// Codes of Errors of write(): the disk is full, or nearly; the file that was begun is not there any more.
inline constexpr char kNoSpace[] = "no_space";
inline constexpr char kSpoolLost[] = "spool_lost";

// A part of a file.
struct SpoolPart {
  std::uint64_t total_bytes = 0;   // of the file
  std::uint64_t offset_bytes = 0;  // of the part
  std::string_view bytes = {};
  bool is_first = false;  // nothing of the file was written so far
};

class Spool {
 public:
  virtual ~Spool() = default;

  // Writes a part and syncs; for the first one, makes the file with room for all of it. Some of the disk is left to the
  // journal. Links are not followed.
  // Fails  kLocal: no space (kNoSpace); there is no file of that size, and this is not the first part of it
  // (kSpoolLost);
  //        or anything else.
  virtual Result<void> write(std::string const& folder, std::string const& name, SpoolPart const& part) = 0;
  // One that is not there is removed. Fails  kLocal.
  virtual Result<void> remove(std::string const& folder, std::string const& name) = 0;
  // Of all files; none where there is no folder. Fails  kLocal.
  virtual Result<std::vector<std::string>> names(std::string const& folder) = 0;
};

}  // namespace sluice::ports

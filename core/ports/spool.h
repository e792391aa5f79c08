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

// The code of an Error of write(): the disk is full; it is waited for.
inline constexpr char kNoSpace[] = "no_space";

class Spool {
 public:
  virtual ~Spool() = default;

  // Makes the file with room for `total_bytes` where it is not there, writes at an offset, and syncs. Links are not
  // followed.
  // Fails  kLocal: no space (kNoSpace), or anything else.
  virtual Result<void> write(std::string const& folder, std::string const& name, std::uint64_t total_bytes,
                             std::uint64_t offset_bytes, std::string_view bytes) = 0;
  // One that is not there is removed. Fails  kLocal.
  virtual Result<void> remove(std::string const& folder, std::string const& name) = 0;
  // Of all files; none where there is no folder. Fails  kLocal.
  virtual Result<std::vector<std::string>> names(std::string const& folder) = 0;
};

}  // namespace sluice::ports

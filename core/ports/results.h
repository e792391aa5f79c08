// results.h - the way out to the files in which the results of manifests are written.
//
// A results file is appended to by one writer, which remembers how long it is as far as it counts: what is behind that
// was left by a crash and is cut off before anything is written. Links are never followed, and a file that somebody
// else made is never written to. Production: daemon/results_linux. Tests: in memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/error.h"

namespace sluice::ports {

struct ResultsFile {
  std::string path = {};    // absolute, bytes
  std::uint64_t inode = 0;  // it is this file and no other of that name
  std::uint64_t bytes = 0;  // its length as far as it counts
};

class Results {
 public:
  virtual ~Results() = default;

  // Makes a new file, or takes an empty one that is there. `with_folder`: its folder is made too where only that one is
  // missing; never in a source, whose folder may be away for a moment.
  // Fails  kLocal: there is one with content ("taken"), or it cannot be made.
  virtual Result<ResultsFile> make(std::string const& path, bool with_folder) = 0;

  // Cuts the file to `file.bytes`, appends `text` and syncs. One that somebody cut is only appended to.
  // Returns  its length after that. Fails  kGone: the file of that inode is not there; kLocal: anything else.
  virtual Result<std::uint64_t> append(ResultsFile const& file, std::string_view text) = 0;
};

}  // namespace sluice::ports

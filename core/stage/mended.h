// mended.h - part of DISCOVER: failed files that somebody mended without touching them (D36, D25).
//
// The mode of a folder above a file, or the checksum file beside it, leaves no mark on the file itself. So the sweep
// names the failed files for which that may be, each is looked at once more, and those that can be read now, or whose
// checksum file says something else or is gone, go on. One that would only fail again stays as it is.
//
// Bounded: kLooksMax looks for each sweep of a whole source; the next one goes on behind them. Memory only.
#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "core/stage/stage.h"

namespace sluice::stage {

class Mended {
 public:
  static constexpr std::size_t kLooksMax = 64;

  struct File {
    journal::ItemRow item;
    ports::FilePrint print;  // as it was looked at
  };

  // The sweep met the file of an item at its end, which is as it was then.
  void met(journal::ItemRow const& item, WallTime now);
  // The sweep is over; `whole`: it was of the whole source.
  void swept(bool whole);
  // Asks what is to be asked. Returns the files that go on.
  std::vector<File> look(Context& ctx, SourcePolicy const& source);

 private:
  std::size_t met_ = 0;                            // by this sweep
  std::size_t skipped_ = 0;                        // at its begin: looked at by the ones before, in vain
  std::map<journal::RowId, WallTime> looks_ = {};  // under way, and since when
};

}  // namespace sluice::stage

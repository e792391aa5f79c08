// follow_rename.h - a file of a live item that has another name now (D11).
//
// Whoever renames a file within its folder gives it no new content: the item goes on under the new name, with all that
// is up already. A file is the same where inode and folder are, and nothing stands under the old name any more (a name
// more is a hard link), and where size and mtime are as they were.
#pragma once

#include <cstdint>

#include "core/source/sweep.h"
#include "core/stage/stage.h"

namespace sluice::stage {

enum class Rename : std::uint8_t {
  kNone,      // a file of its own
  kFollowed,  // an item has it for its path now
  kAsked,     // whether the old name is gone is not known yet: come again with the same candidate
  kUnclear,   // it cannot be found out now: the next sweep comes again
};

// `latest` is the item that had the candidate's path last, or 0: no older one is given that path, so that the newest
// item of a path always is the one that stands for it.
// Requires  no live item has the candidate's path.
// Writes    the item's path and print. One whose upload has not begun settles anew, and its plan is made of its new
//           name; one that is up, or going up, keeps the name that it has on the platform.
Rename follow_rename(Context& ctx, SourcePolicy const& source, source::Candidate const& candidate,
                     journal::RowId latest);

}  // namespace sluice::stage

// follow_rename.h - a file of a live item that has another name now (D11).
//
// Whoever renames a file within its folder gives it no new content: the item goes on under the new name, with all that
// is up already. A file is the same where inode and folder are, and nothing stands under the old name any more (a name
// more is a hard link); once its bytes are asked for, size and mtime must be as they were, too.
#pragma once

#include <cstdint>

#include "core/source/sweep.h"
#include "core/stage/stage.h"

namespace sluice::stage {

enum class Rename : std::uint8_t {
  kNone,      // a file of its own
  kFollowed,  // an item has it for its path now
  kAsked,     // whether the old name is gone is not known yet: come again with the same candidate
};

// Requires  no live item has the candidate's path.
// Writes    the item's path and print. One whose upload has not begun settles anew, since its plan may be made of its
//           name; one that is up, or going up, keeps the name that it has on the platform.
Rename follow_rename(Context& ctx, SourcePolicy const& source, source::Candidate const& candidate);

}  // namespace sluice::stage

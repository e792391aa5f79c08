// prune.h - forgets the chunks of uploads that ended long ago, a slice at a time, so that the journal does not grow
// with every byte that was ever sent.
//
//   takes   chunk rows of sessions that are not open, of items that ended Policy::keep_chunks ago; and what the story
//           of these items tells of single chunks
//           and what failed downloads left in the spool as long ago
//   writes  deletes them; the item, its sessions, its steps and the rest of its story stay
//   remote  nothing
//
// Runs in turns that had nothing else to write. Memory only: after a restart a walk begins anew, at the oldest session
// that has chunks left.
#pragma once

#include <optional>

#include "core/base/time.h"
#include "core/stage/stage.h"

namespace sluice::stage {

class Pruning {
 public:
  static constexpr int kRowsPerSlice = 500;  // a few milliseconds of a turn

  void run(Context& ctx);  // one slice, when its time has come
  // When it wants to run next; nothing before the first run.
  std::optional<WallTime> next_at() const { return next_at_; }

 private:
  bool prune_slice(Context& ctx);

  std::optional<WallTime> next_at_ = {};
  journal::RowId walked_ = 0;  // sessions up to this one were looked at
};

}  // namespace sluice::stage

// poll_round.h - when the platform is next asked about items whose readiness takes long.
//
// A young item has its next poll in its row. Once its interval has grown to the longest, a row written for every poll
// would be all that an idle daemon does; so it has no due time any more, and all such items are asked about in
// rounds: fifty at a time, each item once in about Policy::poll_max, the polls spread evenly. Memory only: after a
// restart a round begins anew, at the same pace.
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/time.h"
#include "core/journal/journal.h"

namespace sluice::stage {

struct PollRound {
  journal::UndatedPlace place = {};      // behind the last item asked about
  std::optional<WallTime> next_at = {};  // nothing: at once
};

// The pause between two polls of a round over `items`, `per_poll` at a time. Pure. Requires  per_poll > 0.
Millis round_pause(std::int64_t items, std::size_t per_poll, Millis poll_max);

}  // namespace sluice::stage

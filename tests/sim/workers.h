// workers.h - shares work out to processes of its own, and adds up what they found.
#pragma once

#include <functional>

#include "tests/sim/tally.h"

namespace sluice::sim {

// Runs `work` with 0 to `workers` - 1, each in a process of its own; with one worker, in this process.
// A process that ends without its tally counts as one of "broken_workers".
Tally share_out(unsigned workers, std::function<Tally(unsigned worker)> const& work);

}  // namespace sluice::sim

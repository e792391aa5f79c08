// day_acts.h - what becomes of a day's files after their ends, in some of all days.
//
// They are moved, deleted and described, some have sidecars, and the folders that all that needs are away for a while.
#pragma once

#include <cstdint>

#include "tests/sim/day.h"

namespace sluice::sim {

void add_acts(Day& day, std::uint64_t seed, Millis length);

}  // namespace sluice::sim

// day.h - a day in a daemon's life, made up from one number: files come and change, everything breaks.
//
// The same number gives the same day. All sizes are small and all times are virtual.
#pragma once

#include <cstdint>

#include "tests/sim/scenario.h"
#include "tests/sim/world.h"

namespace sluice::sim {

struct Day {
  Scenario scenario = {};
  RunOptions options = {};
};

// `length`: how long files come and troubles last; after it everything must come to its end.
Day day_of(std::uint64_t seed, Millis length);

}  // namespace sluice::sim

// trial.h - runs one World as a test, counts it, and tells its story when it breaks a promise.
//
// SLUICE_SEED=41 in the environment makes the tests of sim_test use that seed.
#pragma once

#include <cstdint>
#include <string>

#include "tests/sim/campaign.h"
#include "tests/sim/world.h"

namespace sluice::sim {

struct Tried {
  std::uint64_t creates = 0;
  bool sound = true;
};

// Runs it and fails the current test, with seed and story, for every broken promise.
Tried try_out(Scenario scenario, RunOptions options);

std::uint64_t seed_or(std::uint64_t otherwise);  // SLUICE_SEED

}  // namespace sluice::sim

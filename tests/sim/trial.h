// trial.h - runs one World as a test, counts it, and says how to repeat it when it breaks a promise.
//
// The environment may narrow a test down: SLUICE_SEED=41 (with SLUICE_CRASH_AT=17, if one is named)
// repeats one run; SLUICE_SEEDS=1000 makes the random tests try so many; SLUICE_SIM_TALK=1 prints every line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/world.h"

namespace sluice::sim {

// All that this process has tried, for the last line of the tests.
struct Tally {
  std::uint64_t crash_points = 0;  // runs in which the daemon died at a chosen moment
  std::uint64_t lost_answers = 0;
  std::uint64_t seeds = 0;       // runs by dice
  std::uint64_t violations = 0;  // that no test expected
};
Tally& tally();

struct Outcome {
  std::uint64_t crashes = 0;
  std::uint64_t creates = 0;
  bool sound = true;
};

// Runs it and fails the current test, with seed and story, for every broken promise.
Outcome try_out(Scenario scenario, RunOptions options);

// A scenario by its name; aborts on any other.
Scenario scenario_named(std::string const& name);
std::vector<std::string> const& scenario_names();

std::uint64_t seed_or(std::uint64_t otherwise);  // SLUICE_SEED
std::optional<std::uint64_t> chosen_crash();     // SLUICE_CRASH_AT
std::optional<std::uint64_t> chosen_seed();
std::uint64_t seeds_or(std::uint64_t otherwise);   // SLUICE_SEEDS
std::uint64_t stride_or(std::uint64_t otherwise);  // SLUICE_STRIDE: 1 tries every moment of the large scenarios too

}  // namespace sluice::sim

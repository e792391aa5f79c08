// What the simulation promises, in words that anyone can read; run it with --gtest_list_tests.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <tuple>

#include "tests/sim/trial.h"

namespace sluice::sim {
namespace {

using testing::Combine;
using testing::Range;
using testing::TestParamInfo;
using testing::ValuesIn;

constexpr std::uint64_t kSeed = 7;
constexpr int kSlices = 2;  // crash points are dealt out to so many tests, which run side by side

// --- without faults

class EveryScenario : public testing::TestWithParam<std::string> {};

TEST_P(EveryScenario, EndsWellWithoutFaults) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) try_out(scenario_named(GetParam()), {.seed = seed});
}

TEST_P(EveryScenario, IsTheSameRunForTheSameSeed) {
  auto const hash_of = [&](std::uint64_t seed) {
    RunOptions options{.seed = seed, .more_crashes = 2};
    options.mishaps.by_dice(seed, 0.1, 10);
    World world(scenario_named(GetParam()), std::move(options));
    world.run();
    return world.hash();
  };
  EXPECT_EQ(hash_of(kSeed), hash_of(kSeed));
  EXPECT_NE(hash_of(kSeed), hash_of(kSeed + 1));
}

INSTANTIATE_TEST_SUITE_P(Sim, EveryScenario, ValuesIn(scenario_names()), [](auto const& param) { return param.param; });

// --- the daemon dies at every moment

// Of the two large scenarios, whose small sisters die at every moment, only some moments are tried.
std::uint64_t stride_of(std::string const& name) {
  return name == "fifty_photos" || name == "short_lives_of_many_chunks" ? stride_or(24) : 1;
}

class EveryMoment : public testing::TestWithParam<std::tuple<std::string, int>> {};

TEST_P(EveryMoment, MayBeTheDaemonsLast) {
  auto const& [name, slice] = GetParam();
  if (chosen_crash()) {
    try_out(scenario_named(name), {.seed = seed_or(kSeed), .crash_at = *chosen_crash()});
    return;
  }
  std::uint64_t points = 0;
  auto const stride = stride_of(name);
  for (auto k = static_cast<std::uint64_t>(slice) * stride + 1;; k += kSlices * stride) {
    auto const outcome = try_out(scenario_named(name), {.seed = seed_or(kSeed), .crash_at = k});
    if (outcome.crashes == 0) break;  // the run ended before that moment came
    ++points;
    ASSERT_TRUE(outcome.sound) << "crash point " << k;
  }
  tally().crash_points += points;
  std::printf("%s: %llu crash points in slice %d of %d\n", name.c_str(), static_cast<unsigned long long>(points),
              slice + 1, kSlices);
}

INSTANTIATE_TEST_SUITE_P(Sim, EveryMoment, Combine(ValuesIn(scenario_names()), Range(0, kSlices)),
                         [](auto const& param) {
                           return std::get<0>(param.param) + "_slice_" + std::to_string(std::get<1>(param.param) + 1);
                         });

// --- the answer to every call that must not be repeated is lost once

using LagSeconds = int;
class EveryLostAnswer : public testing::TestWithParam<std::tuple<std::string, Mishap, LagSeconds>> {};

TEST_P(EveryLostAnswer, IsLookedForAndNothingIsMadeTwice) {
  auto const& [name, mishap, lag] = GetParam();
  auto scenario = scenario_named(name);
  scenario.policy.limits.list_lag = scenario.traits.list_lag_max = std::chrono::seconds(lag);
  scenario.requests_max *= 2;
  for (std::uint64_t n = 1;; ++n) {
    RunOptions options{.seed = seed_or(kSeed)};
    options.mishaps.at_create(n, mishap);
    auto const outcome = try_out(scenario, std::move(options));
    ASSERT_TRUE(outcome.sound) << name_of(mishap) << " at call " << n;
    if (outcome.creates < n) break;
    ++tally().lost_answers;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Sim, EveryLostAnswer,
    Combine(testing::Values("main_job", "main_job_on_an_old_platform", "ten_photos", "direct_uploads",
                            "direct_uploads_on_an_old_platform", "short_lives", "changing_files", "failing_asset",
                            "vanishing_assets", "vanishing_assets_on_an_old_platform", "vanishing_places",
                            "forgotten_after_72_hours", "asset_that_never_stays"),
            testing::Values(Mishap::kLostAfter, Mishap::kLostBefore, Mishap::kLateEffect, Mishap::kErrorAfter),
            testing::Values(0, 30, 120)),
    [](auto const& param) {
      return std::get<0>(param.param) + "_" + std::string(name_of(std::get<1>(param.param))) + "_lag_" +
             std::to_string(std::get<2>(param.param)) + "s";
    });

// --- everything at once, by dice

class ManySeeds : public testing::TestWithParam<std::tuple<std::string, int>> {};

RunOptions by_dice(std::uint64_t seed) {
  SimRandom dice(seed, 9);
  RunOptions options{.seed = seed,
                     .more_crashes = static_cast<std::uint32_t>(dice.between(0, 3)),
                     .downtime_max = dice.chance(0.2) ? Millis(2 * 3'600'000) : Millis(3'000)};
  options.mishaps.by_dice(seed, 0.02 + 0.18 * dice.unit(), static_cast<std::uint32_t>(dice.between(3, 40)));
  if (dice.chance(0.2)) {
    auto const from = dice.between(Millis(0), Millis(20'000));
    options.mishaps.refuse_key(from, from + dice.between(Millis(1'000), Millis(90'000)));
  }
  if (dice.chance(0.2)) {
    auto const from = dice.between(Millis(0), Millis(20'000));
    options.mishaps.unplug(from, from + dice.between(Millis(1'000), Millis(600'000)));
  }
  return options;
}

Scenario varied(Scenario scenario, std::uint64_t seed) {
  SimRandom dice(seed, 10);
  scenario.traits.clock_ahead = dice.between(Millis(-90'000), Millis(90'000));
  scenario.traits.shows_reservations = dice.chance(0.5);
  scenario.traits.forgets_sessions = dice.chance(0.5);
  scenario.traits.initial_urls = static_cast<std::uint32_t>(dice.between(0, 9));
  scenario.traits.list_lag_max = dice.chance(0.3) ? Millis(22'000) : Millis(8'000);
  scenario.policy.files_max = static_cast<std::uint32_t>(dice.between(1, 8));
  if (scenario.changes.empty())
    for (auto& drop : scenario.drops) drop.at += dice.between(Millis(0), Millis(dice.chance(0.1) ? 70'000 : 1'500));
  std::ranges::stable_sort(scenario.drops, {}, &Drop::at);
  scenario.requests_max *= 3;
  return scenario;
}

TEST_P(ManySeeds, EndWellWhateverTheDiceBring) {
  auto const& [name, slice] = GetParam();
  if (chosen_seed()) {
    try_out(varied(scenario_named(name), *chosen_seed()), by_dice(*chosen_seed()));
    return;
  }
  for (std::uint64_t i = 0; i < seeds_or(10); ++i) {
    auto const seed = 1'000 * (static_cast<std::uint64_t>(slice) + 1) + i;
    auto const outcome = try_out(varied(scenario_named(name), seed), by_dice(seed));
    ++tally().seeds;
    ASSERT_TRUE(outcome.sound) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Sim, ManySeeds, Combine(ValuesIn(scenario_names()), Range(0, 2)), [](auto const& param) {
  return std::get<0>(param.param) + "_slice_" + std::to_string(std::get<1>(param.param) + 1);
});

// The last line of the tests, and a file for whoever runs them.
class LastLine final : public testing::Environment {
 public:
  void TearDown() override {
    auto const& all = tally();
    auto const line = "sim: " + std::to_string(all.crash_points) + " crash points, " + std::to_string(all.seeds) +
                      " seeds, " + std::to_string(all.violations) + " violations; " + std::to_string(all.lost_answers) +
                      " lost answers";
    std::printf("%s\n", line.c_str());
    // A run of all tests writes the file anew; a part of them, as ctest runs them, adds its own line.
    auto const whole = GTEST_FLAG_GET(filter) == "*";
    std::ofstream("sim-summary.txt", whole ? std::ios::trunc : std::ios::app) << line << '\n';
  }
};

}  // namespace
}  // namespace sluice::sim

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  testing::AddGlobalTestEnvironment(new sluice::sim::LastLine);
  return RUN_ALL_TESTS();
}

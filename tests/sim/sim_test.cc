// What the simulation promises beside the large runs of sluice-sim, in words that anyone can read.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <tuple>

#include "tests/sim/day.h"
#include "tests/sim/trial.h"

namespace sluice::sim {
namespace {

using testing::Combine;
using testing::ValuesIn;

constexpr std::uint64_t kSeed = 7;

constexpr std::uint64_t kStride = 5;  // with sanitizers only every so manieth moment; `make sim` tries all

// What these tests tried, for the last line of `make test`.
Tally total;

// Broken runs have told their stories by themselves, with the lines that repeat them.
void expect_unbroken(Tally const& tally) {
  EXPECT_EQ(tally.count("violations"), 0u);
  total.add(tally);
}

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

TEST_P(EveryScenario, MayDieAtEveryMomentByKillOrPowerCut) {
  auto const tally = crash_everywhere({GetParam()}, {.stride = kStride});
  EXPECT_GT(tally.count("points"), 0u);
  expect_unbroken(tally);
}

TEST(ASecondDeath, MayComeAtAnyMomentOfTheRecovery) {
  auto const tally = crash_everywhere({"main_job"}, {.stride = 15 * kStride, .pairs = 10});
  EXPECT_GT(tally.count("pairs"), 0u);
  expect_unbroken(tally);
}

TEST(AFailedCall, OfDiskOrFilesLosesNothingAndDoublesNothing) {
  auto const tally = torture({"main_job"}, {.stride = 41});
  EXPECT_GT(tally.count("failed_calls"), 50u);
  expect_unbroken(tally);
}

class ManyDays : public testing::TestWithParam<std::uint64_t> {};

TEST_P(ManyDays, EndWellWhateverTheDiceBring) {
  auto const tally = live_days({.first = 1'000 * GetParam(), .count = 60});
  total.bump("days", tally.count("runs"));
  expect_unbroken(tally);
}

INSTANTIATE_TEST_SUITE_P(Sim, ManyDays, testing::Values(1, 2, 3, 4));

TEST(ADay, IsTheSameDayForTheSameSeed) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    auto const first = run({.scenario = "day", .seed = seed});
    EXPECT_EQ(first.hash, run({.scenario = "day", .seed = seed}).hash) << "seed " << seed;
    EXPECT_NE(first.hash, run({.scenario = "day", .seed = seed + 1}).hash) << "seed " << seed;
  }
}

TEST(ADay, IsRepeatedByTheLineThatAFailurePrints) {
  EXPECT_EQ((Trial{.scenario = "day", .seed = 41}.how_to_repeat()), "sluice-sim --seed 41");
  EXPECT_EQ(
      (Trial{.scenario = "main_job", .seed = 7, .crash_at = 12, .second_crash_at = 3, .power = true}.how_to_repeat()),
      "sluice-sim --seed 7 --scenario main_job --crash-at 12 --then-at 3 --power");
}

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
    total.bump("lost_answers");
  }
}

std::string name_of_lost_answer(testing::TestParamInfo<std::tuple<std::string, Mishap, LagSeconds>> const& param) {
  auto const& [name, mishap, lag] = param.param;
  return name + "_" + std::string(name_of(mishap)) + "_lag_" + std::to_string(lag) + "s";
}

INSTANTIATE_TEST_SUITE_P(Sim, EveryLostAnswer,
                         Combine(testing::Values("main_job", "main_job_on_an_old_platform", "ten_photos", "four_people",
                                                 "direct_uploads", "direct_uploads_on_an_old_platform", "urls",
                                                 "urls_on_an_old_platform"),
                                 testing::Values(Mishap::kLostAfter, Mishap::kLostBefore, Mishap::kLateEffect,
                                                 Mishap::kErrorAfter, Mishap::kTruncated, Mishap::kSilentAfter),
                                 testing::Values(0, 30, 120)),
                         name_of_lost_answer);
INSTANTIATE_TEST_SUITE_P(InTrouble, EveryLostAnswer,
                         Combine(testing::Values("short_lives", "changing_files", "failing_asset", "vanishing_assets",
                                                 "vanishing_assets_on_an_old_platform", "vanishing_places",
                                                 "forgotten_after_72_hours", "asset_that_never_stays"),
                                 testing::Values(Mishap::kLostAfter, Mishap::kLostBefore), testing::Values(30)),
                         name_of_lost_answer);

// For the last line of `make test`.
class LastLine final : public testing::Environment {
 public:
  void TearDown() override {
    std::ofstream out("sim-summary.txt", std::ios::app);
    for (auto const* const name : {"days", "points", "pairs", "failed_calls", "lost_answers", "violations"})
      out << name << ' ' << total.count(name) << '\n';
  }
};

}  // namespace
}  // namespace sluice::sim

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  testing::AddGlobalTestEnvironment(new sluice::sim::LastLine);
  return RUN_ALL_TESTS();
}

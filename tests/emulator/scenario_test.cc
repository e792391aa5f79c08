#include "scenario.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::emulator {
namespace {

// Judges `count` POSTs to /assets and writes 'x' where the rule fired.
std::string pattern(std::string const& rule, int count) {
  Scenario scenario(7);
  scenario.arm("{\"rules\": [" + rule + "]}");
  std::string out;
  for (int i = 0; i < count; ++i) out += scenario.judge("POST", "/assets", false).action == Action::kNone ? '.' : 'x';
  return out;
}

TEST(Scenario, NthFiresOnceUnlessToldOtherwise) {
  EXPECT_EQ(pattern(R"({"nth": 3, "action": "cut_after"})", 6), "..x...");
  EXPECT_EQ(pattern(R"({"nth": 3, "times": 2, "action": "cut_after"})", 6), "..xx..");
}

TEST(Scenario, EveryAndTimesBoundEachOther) {
  EXPECT_EQ(pattern(R"({"every": 2, "action": "cut_before"})", 6), ".x.x.x");
  EXPECT_EQ(pattern(R"({"every": 2, "times": 1, "action": "cut_before"})", 6), ".x....");
  EXPECT_EQ(pattern(R"({"action": "cut_before"})", 3), "xxx");
}

TEST(Scenario, ProbabilityFollowsTheSeed) {
  auto const rule = R"({"probability": 0.5, "action": "throttle"})";
  EXPECT_EQ(pattern(rule, 200), pattern(rule, 200));
  auto const hits = std::ranges::count(pattern(rule, 200), 'x');
  EXPECT_GT(hits, 60);
  EXPECT_LT(hits, 140);
}

TEST(Scenario, MatchesMethodPathAndReuse) {
  EXPECT_EQ(pattern(R"({"method": "GET", "action": "cut_after"})", 2), "..");
  EXPECT_EQ(pattern(R"({"path": "/assets/*", "action": "cut_after"})", 2), "..");
  EXPECT_EQ(pattern(R"({"reused_only": true, "action": "cut_after"})", 2), "..");
}

TEST(Scenario, DelaysAddUpAndLeaveRoomForAnotherFault) {
  Scenario scenario(1);
  scenario.arm(R"([{"action": "delay", "ms": 5}, {"action": "status", "status": 500}, {"action": "delay", "ms": 7}])");
  auto const verdict = scenario.judge("GET", "/indexes", false);
  EXPECT_EQ(verdict.delay_ms, 12);
  EXPECT_EQ(verdict.action, Action::kStatus);
  EXPECT_EQ(verdict.status, 500);
}

TEST(Scenario, RefusesWhatItDoesNotKnowAndKeepsTheOldRules) {
  Scenario scenario(1);
  scenario.arm(R"([{"action": "cut_after"}])");
  EXPECT_THROW(scenario.arm(R"([{"action": "explode"}])"), BadScenario);
  EXPECT_THROW(scenario.arm(R"([{"action": "cut_after", "nht": 3}])"), BadScenario);
  EXPECT_THROW(scenario.arm(R"([{"nth": 3}])"), BadScenario);
  EXPECT_THROW(scenario.arm("no JSON"), BadScenario);
  EXPECT_EQ(scenario.judge("GET", "/", false).action, Action::kCutAfter);
}

}  // namespace
}  // namespace sluice::emulator

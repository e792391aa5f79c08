#include "core/budget/pace.h"

#include <gtest/gtest.h>

#include "core/budget/traffic.h"

namespace sluice::budget {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kNow{Millis(1'795'262'400'000)};

// Calls leave evenly; returns when the last second is over.
WallTime send_evenly(Pace& pace, int per_second, std::chrono::seconds for_long, WallTime from = kNow) {
  for (int i = 0; i < per_second * for_long.count(); ++i) pace.sent(from + i * 1'000ms / per_second);
  return from + for_long;
}

// How many calls leave within a time, by turns of ten milliseconds that send all they may.
int sent_within(Pace& pace, WallTime from, Millis time) {
  int count = 0;
  for (auto now = from; now < from + time; now += 10ms)
    for (; pace.next(now) <= now; ++count) pace.sent(now);
  return count;
}

TEST(Pace, HoldsNothingBackWhileNoCallIsRefused) {
  Pace pace;
  auto const end = send_evenly(pace, 1'000, 3s);
  EXPECT_EQ(pace.next(end), end);
  EXPECT_FALSE(pace.per_second(end));
}

TEST(Pace, HalvesWhatWasSentInTheLastSeconds) {
  for (auto const seconds : {2s, 9s, 15s, 40s}) {
    Pace pace;
    auto const end = send_evenly(pace, 20, seconds);
    pace.refused(end);
    EXPECT_NEAR(*pace.per_second(end), 10, 1) << seconds.count();
  }
}

TEST(Pace, ForgetsWhatWasSentBeforeItWasQuiet) {
  Pace pace;
  send_evenly(pace, 500, 5s);
  auto const end = send_evenly(pace, 10, 4s, kNow + 1h);
  pace.refused(end);
  EXPECT_NEAR(*pace.per_second(end), 5, 0.5);
}

TEST(Pace, TakesABurstForTheRateOfASecond) {
  Pace pace;
  for (int i = 0; i < 32; ++i) pace.sent(kNow);
  pace.refused(kNow + 50ms);
  EXPECT_EQ(*pace.per_second(kNow + 50ms), 16);
}

TEST(Pace, IsNeverBelowOneCallASecond) {
  Pace pace;
  pace.sent(kNow);
  for (int i = 0; i < 5; ++i) pace.refused(kNow + 9s);
  EXPECT_EQ(*pace.per_second(kNow + 9s), 1);
}

TEST(Pace, HalvesItselfWhenItIsRefusedAgain) {
  Pace pace;
  auto const first = send_evenly(pace, 100, 9s);
  pace.refused(first);
  auto const learned = *pace.per_second(first);
  sent_within(pace, first, 9s);
  auto const before = *pace.per_second(first + 9s);
  pace.refused(first + 9s);
  EXPECT_LE(*pace.per_second(first + 9s), before / 2);
  EXPECT_GE(*pace.per_second(first + 9s), learned / 3);
}

TEST(Pace, LetsCallsLeaveAtItsRateWhateverTheStepsOfTheTurns) {
  for (auto const rate : {4, 40, 400}) {
    Pace pace;
    auto const begun = send_evenly(pace, 2 * rate, 9s);
    pace.refused(begun);
    auto const count = sent_within(pace, begun, 9s);
    EXPECT_NEAR(count, 9 * rate, rate) << rate;
    EXPECT_GT(pace.next(begun + 9s - 10ms), begun + 9s - 10ms) << "the last turn took all that there was";
  }
}

TEST(Pace, GrowsByATwentiethEveryTenSecondsUntilItIsNoLimitAnyMore) {
  Pace pace;
  auto const end = send_evenly(pace, 20, 9s);
  pace.refused(end);
  auto const learned = *pace.per_second(end);
  EXPECT_NEAR(*pace.per_second(end + 10s), learned * 1.05, 1e-6);
  EXPECT_NEAR(*pace.per_second(end + 20s), learned * 1.05 * 1.05, 1e-6);
  EXPECT_FALSE(pace.per_second(end + 1h));
}

TEST(Pace, HoldsACallBackForNoLongerThanOneIntervalAfterTheClockWasSetBack) {
  Pace pace;
  auto const end = send_evenly(pace, 8, 9s);
  pace.refused(end);
  pace.sent(end);
  EXPECT_GT(pace.next(end), end);
  auto const earlier = end - 24h;
  EXPECT_LE(pace.next(earlier), earlier + 260ms);
  EXPECT_LE(*pace.per_second(earlier), 4.1);
}

TEST(Traffic, SlowsDownTheGroupThatWasRefusedOnceForABurst) {
  Traffic traffic;
  for (int i = 0; i < 32; ++i) traffic.send({.group = Group::kAssets}, {}, kNow);
  for (int i = 0; i < 4; ++i) traffic.send({.group = Group::kEntities}, {}, kNow);
  for (int i = 0; i < 32; ++i) traffic.throttled(Group::kAssets, kNow, kNow + 2s);
  EXPECT_EQ(traffic.calls_per_second(Group::kAssets, kNow), 16);
  EXPECT_FALSE(traffic.calls_per_second(Group::kEntities, kNow));
  EXPECT_FALSE(traffic.may_call(Group::kAssets, kNow + 1s, 100));
  EXPECT_TRUE(traffic.may_call(Group::kEntities, kNow + 1s, 100));
  EXPECT_EQ(traffic.next_pause_end(kNow), kNow + 2s);
}

TEST(Traffic, LetsOneCallAfterTheOtherLeaveAfterThePause) {
  Traffic traffic;
  for (int i = 0; i < 8; ++i) traffic.send({.group = Group::kAssets}, {}, kNow);
  traffic.throttled(Group::kAssets, kNow, kNow + 2s);
  auto const end = kNow + 2s;
  ASSERT_TRUE(traffic.may_call(Group::kAssets, end, 100));
  traffic.send({.group = Group::kAssets}, {}, end);
  EXPECT_FALSE(traffic.may_call(Group::kAssets, end, 100));
  auto const next = traffic.next_pause_end(end);
  ASSERT_TRUE(next);
  EXPECT_GT(*next, end + 100ms);
  EXPECT_LE(*next, end + 250ms);
  EXPECT_TRUE(traffic.may_call(Group::kAssets, *next, 100));
}

TEST(Traffic, HasNoPaceForTheStorage) {
  Traffic traffic;
  for (int i = 0; i < 8; ++i) traffic.send({.group = Group::kStorage}, {}, kNow);
  traffic.throttled(Group::kStorage, kNow, kNow + 2s);
  EXPECT_EQ(traffic.paused_until(Group::kStorage, kNow), kNow + 2s);
  EXPECT_FALSE(traffic.calls_per_second(Group::kStorage, kNow));
}

}  // namespace
}  // namespace sluice::budget

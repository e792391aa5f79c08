// Who pays for a failure, how long it waits, and when a lost answer means "it did not happen".
#include "core/stage/effort.h"

#include <gtest/gtest.h>

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;

auto const kNoon = from_unix_ms(1'800'000'000'000);

TEST(Effort, BackoffStaysBetweenATenthAndItsCeiling) {
  Policy const policy{.retry_initial = 1s, .retry_max = 60s};
  for (std::uint32_t tries = 0; tries < 40; ++tries)
    for (auto const jitter : {0.0, 0.5, 0.999}) {
      auto const wait = backoff(tries, policy, jitter);
      EXPECT_LE(wait, 60s);
      EXPECT_GE(wait, 100ms);
    }
}

TEST(Effort, WaitsAtLeastAsLongAsThePlatformAsked) {
  Error const throttled{.fault = Fault::kThrottled, .text = "429", .retry_after = 30s};
  EXPECT_EQ(after_failure({}, throttled, Policy{}, kNoon, 0.0).due_at, kNoon + 30s);
}

TEST(Effort, OnlyAnswersAboutTheRowItselfAreCharged) {
  for (auto const free :
       {Fault::kOffline, Fault::kThrottled, Fault::kUrlExpired, Fault::kKeyRefused, Fault::kSourceChanged})
    EXPECT_EQ(after_failure({}, Error{free, "x"}, Policy{}, kNoon, 0.5).attempts, 0u) << name_of(free);
  for (auto const charged :
       {Fault::kTransient, Fault::kOutcomeUnknown, Fault::kSourceIo, Fault::kCorrupt, Fault::kProtocol})
    EXPECT_EQ(after_failure({}, Error{charged, "x"}, Policy{}, kNoon, 0.5).attempts, 1u) << name_of(charged);
}

TEST(Effort, ARefusedKeyDelaysNobodyBeyondTheCommonPause) {
  auto const effort = after_failure({.tries = 7}, Error{Fault::kKeyRefused, "401"}, Policy{}, kNoon, 0.9);
  EXPECT_EQ(effort.due_at, kNoon);
  EXPECT_EQ(effort.tries, 7u);
}

TEST(Effort, WhatOthersMeetAsWellChargesNobody) {
  auto const effort = after_failure(
      {.tries = 2}, Error{.fault = Fault::kTransient, .text = "500", .spread = Spread::kSeveral}, Policy{}, kNoon, 0.5);
  EXPECT_EQ(effort.attempts, 0u);
  EXPECT_EQ(effort.tries, 3u);
  EXPECT_EQ(effort.due_at, kNoon + 2s);
}

TEST(Effort, WhatHoldsAllBackDelaysNobodyBeyondIt) {
  auto const effort = after_failure({.tries = 7}, Error{.fault = Fault::kOffline, .text = "x", .spread = Spread::kAll},
                                    Policy{}, kNoon, 0.9);
  EXPECT_EQ(effort.due_at, kNoon);
  EXPECT_EQ(effort.tries, 7u);
  EXPECT_EQ(effort.attempts, 0u);
}

TEST(Effort, PollsMoreSlowlyUpToTheMost) {
  Policy const policy{.poll_min = 2s, .poll_max = 60s};
  EXPECT_EQ(poll_interval(0, policy), 2s);
  EXPECT_EQ(poll_interval(1, policy), 3s);
  EXPECT_EQ(poll_interval(100, policy), 60s);
}

TEST(Looking, DoesNotBelieveOneEmptyLook) {
  auto const intent = outcome_unknown({.at = kNoon}, kNoon);
  auto const verdict = after_empty_look(intent, kNoon + 1h, 30s);
  EXPECT_FALSE(verdict.did_not_happen);
  EXPECT_EQ(verdict.intent.looks, 1u);
}

TEST(Looking, DoesNotBelieveTwoLooksBeforeTheListLagIsOver) {
  journal::Intent const intent{.at = kNoon, .unknown_at = kNoon, .looks = 5};
  auto const verdict = after_empty_look(intent, kNoon + 29s, 30s);
  EXPECT_FALSE(verdict.did_not_happen);
  EXPECT_GE(verdict.next_look, kNoon + 30s);
}

TEST(Looking, BelievesTheSecondLookAfterTheLag) {
  journal::Intent const intent{.at = kNoon, .unknown_at = kNoon, .looks = 1};
  EXPECT_TRUE(after_empty_look(intent, kNoon + 30s, 30s).did_not_happen);
}

}  // namespace
}  // namespace sluice::stage

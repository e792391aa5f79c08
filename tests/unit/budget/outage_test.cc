// Outages: when a host counts as lost and a service as failing, what may still leave, and when it is over.
#include <gtest/gtest.h>

#include "core/budget/traffic.h"

namespace sluice::budget {
namespace {

using namespace std::chrono_literals;

auto const kNow = from_unix_ms(1'800'000'000'000);
constexpr char kHost[] = "storage.example";

Flight put(journal::RowId item, std::uint32_t chunk, std::string host = kHost) {
  return {.errand = Errand::kPutChunk,
          .group = Group::kStorage,
          .row = 1,
          .item = item,
          .chunk_index = chunk,
          .host = std::move(host)};
}

TEST(Link, IsDownAfterThreeFailuresInARowAndSaysSinceTheFirst) {
  Link link;
  link.failed(kNow, "a");
  link.failed(kNow + 1s, "b");
  link.reached();
  link.failed(kNow + 2s, "c");
  link.failed(kNow + 3s, "d");
  EXPECT_FALSE(link.down_since());
  link.failed(kNow + 4s, "connect: refused");
  EXPECT_EQ(link.down_since(), kNow + 2s);
  EXPECT_EQ(link.text(), "connect: refused");
  link.reached();
  EXPECT_FALSE(link.down_since());
  EXPECT_FALSE(link.probe_at(kNow));
}

TEST(Link, IsTriedAtMostEveryThirtySecondsWhenItStaysDown) {
  Link link;
  auto now = kNow;
  for (int i = 0; i < 3; ++i) link.failed(now, "x");
  int probes = 0;
  while (now < kNow + 24h) {
    now = *link.probe_at(now);
    link.failed(now, "x");
    ++probes;
  }
  EXPECT_LE(probes, 24 * 120 + 5);  // the first come after 1, 2, 4, 8, 16 s
  EXPECT_GE(probes, 24 * 120);
}

TEST(Link, CountsNoFailureOfACallThatLeftBeforeTheOutageWasKnown) {
  Link link;
  for (int i = 0; i < 40; ++i) link.failed(kNow, "x");
  EXPECT_EQ(link.probe_at(kNow), kNow + 1s);
}

TEST(Link, IsTriedAtOnceWhenTheNetworkOfTheHostChanged) {
  Link link;
  link.network_changed(kNow);
  EXPECT_FALSE(link.probe_at(kNow));
  auto now = kNow;
  for (int i = 0; i < 3; ++i) link.failed(now, "x");
  for (int i = 0; i < 9; ++i) link.failed(now = *link.probe_at(now), "x");
  EXPECT_EQ(link.probe_at(now), now + 30s);
  link.network_changed(now + 1s);
  EXPECT_EQ(link.probe_at(now + 1s), now + 1s);
  link.failed(now + 1s, "x");
  EXPECT_EQ(link.probe_at(now + 1s), now + 3s);
  EXPECT_EQ(link.down_since(), kNow);
}

TEST(Link, WaitsOneIntervalAtMostAfterTheClockWasSetBack) {
  Link link;
  for (int i = 0; i < 3; ++i) link.failed(kNow, "x");
  EXPECT_EQ(link.probe_at(kNow - 24h), kNow - 24h + 1s);
}

TEST(Breaker, OpensWhenHalfOfTwentyCallsFailedForSeveral) {
  Breaker breaker;
  for (std::uint64_t i = 0; i < 10; ++i) {
    breaker.succeeded();
    EXPECT_FALSE(breaker.open_since());
  }
  for (std::uint64_t i = 0; i < 9; ++i) breaker.failed({.item = static_cast<journal::RowId>(i)}, kNow + i * 1s);
  EXPECT_FALSE(breaker.open_since());
  breaker.failed({.item = 9}, kNow + 9s);
  EXPECT_EQ(breaker.open_since(), kNow);
  EXPECT_EQ(breaker.probe_at(kNow + 9s), kNow + 10s);
}

TEST(Breaker, StaysClosedForWhatFailsForOneAlone) {
  Breaker breaker;
  for (int i = 0; i < 100; ++i) breaker.failed({.item = 7}, kNow);
  EXPECT_FALSE(breaker.open_since());
  EXPECT_FALSE(breaker.is_shared());
  breaker.failed({.item = 8}, kNow);
  EXPECT_TRUE(breaker.is_shared());
  EXPECT_TRUE(breaker.open_since());
}

TEST(Breaker, TakesTwoFailuresWithASuccessBetweenThemForEachOnesOwn) {
  Breaker breaker;
  breaker.failed({.item = 7}, kNow);
  breaker.succeeded();
  breaker.failed({.item = 8}, kNow);
  EXPECT_FALSE(breaker.is_shared());
}

// Fails every `nth` call of many; returns how many calls it let through before it opened, or all.
int calls_before_open(int nth) {
  Breaker breaker;
  for (int i = 1; i <= 10'000; ++i) {
    if (breaker.open_since()) return i;
    i % nth == 0 ? breaker.failed({.item = i}, kNow) : breaker.succeeded();
  }
  return 10'000;
}

TEST(Breaker, OpensWhenTheRetryBudgetIsSpent) {
  EXPECT_EQ(calls_before_open(6), 10'000) << "every sixth call may fail for ever";
  auto const every_third = calls_before_open(3);
  EXPECT_GT(every_third, 300) << "and more of them for a while";
  EXPECT_LT(every_third, 700);
}

TEST(Breaker, GivesAServiceThatFailsOftenBurstsBetweenItsProbes) {
  Breaker breaker;
  int failures = 0;
  for (int i = 0; i < 3'000 && !breaker.open_since(); ++i)
    i % 2 == 0 ? (++failures, breaker.failed({.item = i}, kNow)) : breaker.succeeded();
  ASSERT_TRUE(breaker.open_since());
  breaker.succeeded();
  EXPECT_FALSE(breaker.open_since());
  int calls = 0;
  for (; !breaker.open_since(); ++calls) calls % 3 == 0 ? breaker.failed({.item = calls}, kNow) : breaker.succeeded();
  EXPECT_GE(calls, 20);
  EXPECT_LE(calls, 120);
}

TEST(Breaker, ClosesWithOneSuccessAndNeedsTwentyCallsToOpenAgain) {
  Breaker breaker;
  for (std::uint64_t i = 0; i < 20; ++i) breaker.failed({.item = static_cast<journal::RowId>(i)}, kNow);
  ASSERT_TRUE(breaker.open_since());
  breaker.failed({.item = 3}, kNow + 1s);
  EXPECT_EQ(breaker.probe_at(kNow + 1s), kNow + 3s);
  breaker.succeeded();
  EXPECT_FALSE(breaker.open_since());
  for (std::uint64_t i = 0; i < 18; ++i) breaker.failed({.item = static_cast<journal::RowId>(i)}, kNow + 4s);
  EXPECT_FALSE(breaker.open_since());
  breaker.failed({.item = 18}, kNow + 4s);
  EXPECT_TRUE(breaker.open_since());
}

TEST(OutageTraffic, LetsOneProbePassWhileThePlatformIsOutOfReach) {
  Traffic traffic;
  for (int i = 0; i < 3; ++i) traffic.unreachable("", kNow, "x");
  EXPECT_EQ(traffic.offline_since(), kNow);
  EXPECT_EQ(traffic.lost_hosts(), 1u);
  EXPECT_FALSE(traffic.may_call(Group::kAssets, kNow, 16));
  EXPECT_EQ(traffic.next_pause_end(kNow), kNow + 1s);
  ASSERT_TRUE(traffic.may_call(Group::kIndexing, kNow + 1s, 16));
  traffic.send({.group = Group::kIndexing}, {}, kNow + 1s);
  EXPECT_FALSE(traffic.may_call(Group::kIndexing, kNow + 1s, 16));
  EXPECT_FALSE(traffic.may_call(Group::kAssets, kNow + 2s, 16)) << "one of any group";
  EXPECT_TRUE(traffic.may_put(kHost, kNow)) << "the storage may well be within reach";
  traffic.reached("");
  EXPECT_TRUE(traffic.may_call(Group::kAssets, kNow + 2s, 16));
}

TEST(OutageTraffic, HoldsNoProbeBackForCallsThatHangSinceBeforeTheOutage) {
  Traffic traffic;
  for (int i = 0; i < 5; ++i) traffic.send({.group = Group::kAssets}, {}, kNow);
  for (int i = 0; i < 3; ++i) traffic.unreachable("", kNow, "x");
  ASSERT_TRUE(traffic.may_call(Group::kAssets, kNow + 1s, 16));
  EXPECT_FALSE(traffic.may_call(Group::kAssets, kNow + 1s, 5)) << "but they have their slots";
  traffic.send({.group = Group::kAssets}, {}, kNow + 1s);
  EXPECT_FALSE(traffic.may_call(Group::kAssets, kNow + 9s, 16));
}

TEST(OutageTraffic, HoldsNoProbeBackForOneThatHangsSinceBeforeTheNetworkChanged) {
  Traffic traffic;
  for (int i = 0; i < 3; ++i) traffic.unreachable("", kNow, "x");
  traffic.send({.group = Group::kAssets}, {}, kNow + 1s);
  auto const ticket = traffic.release().calls.front().ticket;
  EXPECT_FALSE(traffic.may_call(Group::kAssets, kNow + 9s, 16));
  traffic.network_changed(kNow + 9s);
  ASSERT_TRUE(traffic.may_call(Group::kAssets, kNow + 9s, 16));
  traffic.send({.group = Group::kAssets}, {}, kNow + 9s);
  traffic.landed(ticket);
  EXPECT_FALSE(traffic.may_call(Group::kAssets, kNow + 9s, 16)) << "the new one is still under way";
}

TEST(OutageTraffic, LetsOneChunkPassToAHostOutOfReachAndAllToOthers) {
  Traffic traffic;
  for (int i = 0; i < 3; ++i) traffic.unreachable(kHost, kNow, "x");
  EXPECT_FALSE(traffic.offline_since());
  EXPECT_EQ(traffic.lost_hosts(), 1u);
  EXPECT_FALSE(traffic.may_put(kHost, kNow));
  EXPECT_TRUE(traffic.may_put("other.example", kNow));
  EXPECT_TRUE(traffic.may_call(Group::kAssets, kNow, 16));
  ASSERT_TRUE(traffic.may_put(kHost, kNow + 1s));
  traffic.send(put(1, 1), {}, kNow + 1s);
  EXPECT_FALSE(traffic.may_put(kHost, kNow + 1s));
  traffic.discard();
  EXPECT_TRUE(traffic.may_put(kHost, kNow + 1s));
  traffic.reached(kHost);
  EXPECT_EQ(traffic.lost_hosts(), 0u);
}

TEST(OutageTraffic, RemembersNoMoreThanSixtyFourLostHosts) {
  Traffic traffic;
  for (int i = 0; i < 1'000; ++i) traffic.unreachable("host" + std::to_string(i), kNow, "x");
  EXPECT_EQ(traffic.storage().size(), 64u);
}

TEST(OutageTraffic, TellsTheChunksOfOneFileApartSoThatALoneFileKnowsAnOutage) {
  Traffic traffic;
  for (std::uint32_t chunk = 1; chunk <= 20; ++chunk) traffic.failed(put(1, chunk), kNow);
  EXPECT_TRUE(traffic.breaker(Group::kStorage).open_since());
  EXPECT_FALSE(traffic.breaker(Group::kStorage).is_shared()) << "it pays for its probes, and has an end";
  EXPECT_EQ(traffic.room_for_chunks(kNow, 32), 0u);
  EXPECT_EQ(traffic.room_for_chunks(kNow + 1s, 32), 1u);
  traffic.send(put(1, 1), {}, kNow + 1s);
  EXPECT_EQ(traffic.room_for_chunks(kNow + 1s, 32), 0u);
  EXPECT_TRUE(traffic.may_call(Group::kAssets, kNow, 16));
  traffic.succeeded(Group::kStorage);
  EXPECT_EQ(traffic.room_for_chunks(kNow + 1s, 32), 31u);
}

TEST(OutageTraffic, TakesAFailedCallAboutManyForOneThatSeveralMet) {
  Traffic traffic;
  std::vector<journal::RowId> const many(50, 7);
  traffic.failed({.group = Group::kAssets, .rows = many}, kNow);
  EXPECT_TRUE(traffic.breaker(Group::kAssets).is_shared());
  EXPECT_FALSE(traffic.breaker(Group::kAssets).open_since()) << "it is one call";
  EXPECT_FALSE(traffic.breaker(Group::kIndexing).is_shared());
}

TEST(OutageTraffic, LetsOneCallOfAFailingGroupPassAndAllOfOthers) {
  Traffic traffic;
  for (journal::RowId item = 1; item <= 20; ++item) traffic.failed({.group = Group::kIndexing, .item = item}, kNow);
  EXPECT_FALSE(traffic.may_call(Group::kIndexing, kNow, 16));
  EXPECT_TRUE(traffic.may_call(Group::kAssets, kNow, 16));
  ASSERT_TRUE(traffic.may_call(Group::kIndexing, kNow + 1s, 16));
  traffic.send({.group = Group::kAssets}, {}, kNow + 1s);
  EXPECT_TRUE(traffic.may_call(Group::kIndexing, kNow + 1s, 16)) << "another group's call is no probe of this one";
  traffic.send({.group = Group::kIndexing}, {}, kNow + 1s);
  EXPECT_FALSE(traffic.may_call(Group::kIndexing, kNow + 1s, 16));
}

TEST(RefusedKey, IsTriedAfterOneTwoFourAndAtLastEveryFifteenMinutes) {
  Traffic traffic;
  traffic.key_refused(1, kNow);
  traffic.key_refused(1, kNow);  // of the same burst
  auto now = kNow;
  for (auto const pause : {1min, 2min, 4min, 8min, 15min, 15min}) {
    EXPECT_FALSE(traffic.may_call(Group::kAssets, now + pause - 1s, 16));
    ASSERT_TRUE(traffic.may_call(Group::kAssets, now + pause, 16)) << pause;
    traffic.key_refused(1, now += pause);
  }
  EXPECT_EQ(traffic.key_refused_since(), kNow);
  traffic.key_replaced(now + 1s);
  EXPECT_TRUE(traffic.may_call(Group::kAssets, now + 1s, 16));
  traffic.key_accepted();
  EXPECT_FALSE(traffic.key_refused_since());
}

TEST(RefusedKey, IsNotTriedWhileThePlatformIsOutOfReach) {
  Traffic traffic;
  traffic.key_refused(1, kNow);
  auto const due = kNow + 61s;
  ASSERT_TRUE(traffic.may_call(Group::kAssets, due, 16));
  for (int i = 0; i < 3; ++i) traffic.unreachable("", due, "x");
  EXPECT_FALSE(traffic.may_call(Group::kAssets, due, 16));
  EXPECT_TRUE(traffic.may_call(Group::kAssets, due + 1s, 16));
}

TEST(RefusedKey, IsNotTheOneThatWasPutInItsPlace) {
  Traffic traffic;
  traffic.send({.group = Group::kAssets}, {}, kNow);
  auto const old = traffic.release().calls.front().ticket;
  traffic.key_refused(old, kNow);
  traffic.key_replaced(kNow + 1s);
  traffic.key_refused(old, kNow + 2s);
  EXPECT_TRUE(traffic.may_call(Group::kAssets, kNow + 2s, 16)) << "a late answer to the last key";
  traffic.key_accepted();
  traffic.key_refused(old, kNow + 3s);
  EXPECT_FALSE(traffic.key_refused_since());
}

TEST(OutageTraffic, ForgetsAHostThatNobodyCallsAnyMore) {
  Traffic traffic;
  for (int i = 0; i < 3; ++i) traffic.unreachable(kHost, kNow, "x");
  traffic.unreachable("once.example", kNow, "x");
  traffic.send(put(1, 1), {}, kNow + 1s);
  traffic.release();
  traffic.forget_unused_hosts(kNow + 11min);
  EXPECT_EQ(traffic.storage().size(), 1u) << "a probe is under way";
  traffic.network_changed(kNow + 11min);
  traffic.forget_unused_hosts(kNow + 20min);
  EXPECT_EQ(traffic.lost_hosts(), 1u);
  traffic.forget_unused_hosts(kNow + 22min);
  EXPECT_EQ(traffic.lost_hosts(), 0u);
}

}  // namespace
}  // namespace sluice::budget

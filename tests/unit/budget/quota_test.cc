// What may be spent in a minute, an hour and a day.
#include "core/budget/quota.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>

#include "core/budget/traffic.h"

namespace sluice::budget {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kNow{Millis(1'795'262'400'000)};

TEST(Quota, IsSpentAndComesBackAfterItsWindow) {
  Quota quota(10, 24h);
  EXPECT_TRUE(quota.fits(10, kNow));
  quota.spend(10, kNow);
  EXPECT_FALSE(quota.fits(1, kNow));
  auto const back = quota.fits_at(1, kNow);
  EXPECT_GE(back, kNow + 24h);
  EXPECT_LE(back, kNow + 24h + 864s);
  EXPECT_FALSE(quota.fits(1, back - 1ms));
  EXPECT_TRUE(quota.fits(10, back));
  EXPECT_EQ(quota.spent(back), 0u);
}

TEST(Quota, ComesBackInTheOrderInWhichItWasSpent) {
  Quota quota(10, 1h);
  quota.spend(4, kNow);
  quota.spend(6, kNow + 30min);
  auto const first = quota.fits_at(4, kNow + 31min);
  EXPECT_GE(first, kNow + 1h);
  EXPECT_LT(first, kNow + 61min);
  EXPECT_GE(quota.fits_at(5, kNow + 31min), kNow + 90min) << "four are not enough";
}

TEST(Quota, LetsWhatIsLargerThanItselfPassOnceNothingElseIsSpent) {
  Quota quota(10, 1h);
  quota.spend(1, kNow);
  auto const at = quota.fits_at(100, kNow);
  EXPECT_GE(at, kNow + 1h);
  EXPECT_LT(at, kNow + 61min);
}

TEST(Quota, TakesBackWhatDidNotLeave) {
  Quota quota(10, 1h);
  quota.spend(10, kNow);
  quota.give_back(3, kNow);
  EXPECT_EQ(quota.spent(kNow), 7u);
  quota.give_back(100, kNow);
  EXPECT_EQ(quota.spent(kNow), 0u);
  quota.spend(5, kNow + 3h);
  quota.give_back(5, kNow);  // of a window long gone
  EXPECT_EQ(quota.spent(kNow + 3h), 5u);
}

TEST(Quota, SpendsInItsNewestMomentWhenTheClockGoesBack) {
  Quota quota(10, 1h);
  quota.spend(9, kNow);
  quota.spend(1, kNow - 20min);
  EXPECT_FALSE(quota.fits(1, kNow - 20min));
  EXPECT_TRUE(quota.fits(10, kNow + 61min));
}

TEST(Quota, IsTheSameAfterARestart) {
  Quota quota(1'000, 24h);
  std::mt19937_64 random(7);
  auto now = kNow;
  for (int i = 0; i < 300; ++i) {
    now += Millis(random() % 600'000);
    quota.spend(random() % 4, now);
  }
  Quota again(1'000, 24h);
  again.restore(quota.saved(), now);
  for (auto later = now; later < now + 25h; later += 7min) {
    EXPECT_EQ(again.spent(later), quota.spent(later));
    EXPECT_EQ(again.fits_at(990, later), quota.fits_at(990, later));
  }
}

TEST(Quota, KeepsItsAgeWhenTheClockWasSet) {
  Quota quota(10, 24h);
  quota.spend(10, kNow - 20h);
  auto const text = Quota::shifted(quota.saved(), -48h);
  Quota again(10, 24h);
  again.restore(text, kNow - 48h);
  EXPECT_EQ(again.spent(kNow - 48h), 10u);
  EXPECT_TRUE(again.fits(10, kNow - 48h + 5h));
}

TEST(Quota, CountsWhatIsSaidToBeOfTheFutureAsSpentNow) {
  Quota quota(10, 24h);
  quota.spend(10, kNow + 48h);
  Quota again(10, 24h);
  again.restore(quota.saved(), kNow);
  EXPECT_EQ(again.spent(kNow), 10u);
  EXPECT_TRUE(again.fits(10, kNow + 25h)) << "and not until the day after the day after";
}

TEST(Quota, TakesATextThatIsNoneForNothingSpent) {
  for (auto const* text : {"", "x", "1 2 3", "864000 -5 1", "864000", "99999999999999999999 1 1"}) {
    Quota quota(10, 24h);
    quota.restore(text, kNow);
    EXPECT_EQ(quota.spent(kNow), 0u) << text;
    EXPECT_EQ(Quota::shifted(text, 1h).empty(), std::string(text).empty());
  }
}

// A platform that counts calls over every minute and every day, sliding or by the clock's, and refuses what is more.
class StrictPlatform {
 public:
  StrictPlatform(std::size_t per_minute, std::size_t per_day) : per_minute_(per_minute), per_day_(per_day) {}
  bool takes(WallTime now) {
    calls_.push_back(now);
    while (calls_.front() <= now - 24h) calls_.pop_front();
    auto const minute_ago = std::lower_bound(calls_.begin(), calls_.end(), now - 1min + 1ms);
    ++all_;
    return calls_.size() <= per_day_ && static_cast<std::size_t>(calls_.end() - minute_ago) <= per_minute_;
  }
  std::uint64_t all() const { return all_; }

 private:
  std::size_t per_minute_, per_day_;
  std::deque<WallTime> calls_;
  std::uint64_t all_ = 0;
};

// Sends as much as it may; turns come when next_pause_end() says, or by dice. Returns how many were refused.
int send_all_that_may(Traffic& traffic, StrictPlatform& platform, WallTime from, Millis time) {
  std::mt19937_64 random(3);
  int refused = 0;
  for (auto now = from; now < from + time;) {
    while (traffic.may_call(Group::kAssets, now, 1'000'000)) {
      traffic.send({.errand = Errand::kLookAsset, .row = 1}, {}, now);
      refused += platform.takes(now) ? 0 : 1;
      for (auto const& call : traffic.release().calls) traffic.landed(call.ticket);
      traffic.release();
    }
    auto const next = traffic.next_pause_end(now).value_or(now + 1s);
    now = std::max(next, now + 10ms) + Millis(random() % 20);
  }
  return refused;
}

TEST(Quota, OfAMinuteIsNeverPassedAndUsedByMoreThanNinetyFivePercent) {
  for (std::uint64_t const per_minute : {30, 60, 600, 6'000}) {
    Traffic traffic;
    traffic.allow(Group::kAssets, {.calls_per_minute = per_minute});
    StrictPlatform platform(per_minute, SIZE_MAX);
    EXPECT_EQ(send_all_that_may(traffic, platform, kNow, 30min), 0) << per_minute;
    EXPECT_GE(platform.all(), per_minute * 30 * 95 / 100) << per_minute;
  }
}

TEST(Quota, OfADayIsNeverPassedAndUsedByMoreThanNinetyFivePercent) {
  Traffic traffic;
  traffic.allow(Group::kAssets, {.calls_per_minute = 60, .calls_per_day = 20'000});
  StrictPlatform platform(60, 20'000);
  EXPECT_EQ(send_all_that_may(traffic, platform, kNow, 72h), 0);
  EXPECT_GE(platform.all(), 3u * 20'000 * 95 / 100);
  EXPECT_LE(platform.all(), 3u * 20'000);
}

TEST(Quota, OfADayIsHalfForPolls) {
  Traffic traffic;
  traffic.allow(Group::kIndexing, {.calls_per_day = 10});
  int polls = 0, others = 0;
  for (; traffic.may_poll(Group::kIndexing, kNow, 99); ++polls)
    traffic.send({.errand = Errand::kAwaitStep, .group = Group::kIndexing, .row = 1}, {}, kNow);
  EXPECT_EQ(polls, 5);
  EXPECT_TRUE(traffic.next_pause_end(kNow));
  for (; traffic.may_call(Group::kIndexing, kNow, 99); ++others)
    traffic.send({.errand = Errand::kCreateStep, .group = Group::kIndexing, .row = 1}, {}, kNow);
  EXPECT_EQ(others, 5);
}

TEST(Quota, GivesBackTheMediaOfACallThatWasRefusedAndAllOfOneThatCameToNothing) {
  Traffic traffic;
  traffic.allow(Group::kIndexing, {.calls_per_day = 10, .media_per_day = 1h});
  Flight const flight{.errand = Errand::kCreateStep, .group = Group::kIndexing, .media = 50min, .sent_at = kNow};
  auto const& parts = traffic.allowance(Group::kIndexing).parts();
  traffic.send(flight, {}, kNow);
  traffic.was_refused(flight);
  EXPECT_TRUE(traffic.may_spend(Group::kIndexing, 1h, kNow));
  EXPECT_EQ(parts.at(0).quota.spent(kNow), 1u);
  traffic.send(flight, {}, kNow);
  traffic.came_to_nothing(flight);
  EXPECT_TRUE(traffic.may_spend(Group::kIndexing, 1h, kNow));
  EXPECT_EQ(parts.at(0).quota.spent(kNow), 1u);
}

TEST(Quota, OfAGroupHoldsNoOtherBack) {
  Traffic traffic;
  traffic.allow(Group::kIndexing, {.calls_per_day = 1});
  traffic.send({.errand = Errand::kCreateStep, .group = Group::kIndexing, .row = 1}, {}, kNow);
  EXPECT_FALSE(traffic.may_call(Group::kIndexing, kNow, 16));
  EXPECT_TRUE(traffic.may_call(Group::kAssets, kNow, 16));
  ASSERT_TRUE(traffic.next_pause_end(kNow));
  EXPECT_GE(*traffic.next_pause_end(kNow), kNow + 24h);
  EXPECT_FALSE(traffic.calls_per_second(Group::kIndexing, kNow)) << "nothing was refused";
}

TEST(Quota, IsNotSpentByATurnThatFailed) {
  Traffic traffic;
  traffic.allow(Group::kIndexing, {.calls_per_day = 1, .media_per_hour = 1h});
  traffic.send({.errand = Errand::kCreateStep, .group = Group::kIndexing, .row = 1, .media = 50min}, {}, kNow);
  traffic.discard();
  EXPECT_TRUE(traffic.may_call(Group::kIndexing, kNow, 16));
  EXPECT_TRUE(traffic.may_spend(Group::kIndexing, 50min, kNow));
}

TEST(Quota, OfMediaHoldsTheLongBackAndSaysUntilWhen) {
  Traffic traffic;
  traffic.allow(Group::kIndexing, {.media_per_hour = 1h});
  traffic.send({.errand = Errand::kCreateStep, .group = Group::kIndexing, .row = 1, .media = 50min}, {}, kNow);
  EXPECT_TRUE(traffic.may_call(Group::kIndexing, kNow, 16)) << "calls that hand in nothing go on";
  EXPECT_TRUE(traffic.may_spend(Group::kIndexing, 10min, kNow));
  EXPECT_FALSE(traffic.may_spend(Group::kIndexing, 11min, kNow));
  auto const reached = traffic.exhausted(Group::kIndexing, kNow);
  ASSERT_TRUE(reached);
  EXPECT_EQ(reached->of, Allowance::Of::kMediaPerHour);
  EXPECT_EQ(traffic.next_pause_end(kNow), reached->until);
  EXPECT_TRUE(traffic.may_spend(Group::kIndexing, 60min, reached->until));
}

}  // namespace
}  // namespace sluice::budget

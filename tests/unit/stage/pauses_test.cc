// The pauses that the platform asks for, and what a restart remembers of them.
#include "core/stage/pauses.h"

#include <map>
#include <random>

#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using budget::Group;

class Pauses : public StageTest {
 protected:
  void refuse(Millis retry_after) {
    within([&](Context& ctx) {
      pause_group(ctx, Group::kIndexing, {.fault = Fault::kThrottled, .text = "429", .retry_after = retry_after});
    });
  }
  // What a daemon that is started at `at` knows.
  std::optional<WallTime> remembered(WallTime at) {
    budget::Traffic fresh;
    std::swap(fresh, traffic);
    now = at;
    within([](Context& ctx) { remember_pauses(ctx); });
    return traffic.paused_until(Group::kIndexing, at);
  }
};

TEST_F(Pauses, AreLongerThanAskedForByADiceOfATenth) {
  refuse(100s);
  EXPECT_EQ(traffic.paused_until(Group::kIndexing, now), now + 105s) << "the dice fall on the middle";
  EXPECT_FALSE(traffic.paused_until(Group::kAssets, now));
}

TEST_F(Pauses, OutliveARestartForHours) {
  auto const refused_at = now;
  refuse(3h);
  EXPECT_EQ(remembered(refused_at + 1min), refused_at + 3h + 9min);
  EXPECT_FALSE(remembered(refused_at + 3h + 9min));
}

TEST_F(Pauses, AreNotCutShortByALaterOneThatAsksForLess) {
  auto const refused_at = now;
  refuse(3h);
  refuse(10s);
  EXPECT_EQ(remembered(refused_at + 1min), refused_at + 3h + 9min);
}

// Groups are refused at random, for seconds and for hours, daemons die and start: nobody calls too early.
TEST_F(Pauses, AreKeptByAHundredThousandRefusedCallsAndManyRestarts) {
  std::mt19937_64 random(4);
  std::map<Group, WallTime> asked;  // until when the platform wants to hear nothing of the group
  std::uint64_t refused = 0, sent = 0;
  while (refused < 100'000) {
    within([&](Context& ctx) {
      for (int i = 0; i < 1'000; ++i) {
        ctx.now += Millis(random() % 2'000);
        auto const group = budget::kAllGroups[random() % budget::kGroups];
        if (!ctx.traffic.may_call(group, ctx.now, 16)) {
          ctx.now = std::max(ctx.now, random() % 8 == 0 ? *ctx.traffic.next_pause_end(ctx.now) : ctx.now);
          continue;
        }
        ASSERT_LE(asked[group], ctx.now) << "a call left before its time";
        ++sent;
        if (random() % 4 == 0) continue;
        auto const wait = random() % 50 == 0 ? Millis(random() % 7'200'000) : Millis(random() % 20'000);
        pause_group(ctx, group, {.fault = Fault::kThrottled, .text = "429", .retry_after = wait});
        asked[group] = std::max(asked[group], ctx.now + wait);
        ++refused;
      }
      now = ctx.now;
    });
    ASSERT_FALSE(HasFatalFailure());
    if (random() % 4 == 0) {
      traffic = budget::Traffic();
      now += 5s;  // no daemon dies and is there again in less
      within([](Context& ctx) { remember_pauses(ctx); });
    }
  }
  EXPECT_GT(sent, refused);
}

TEST_F(Pauses, FromAClockThatWasAheadAreNotBelieved) {
  auto const refused_at = now;
  refuse(3h);
  EXPECT_FALSE(remembered(refused_at - 30 * 24h));
}

TEST_F(Pauses, OfLessThanFiveSecondsCostTheJournalNothing) {
  auto const rows = journal.rows_written();
  refuse(2s);
  refuse(4'761ms);
  EXPECT_EQ(traffic.paused_until(Group::kIndexing, now), now + 4'999ms);
  EXPECT_EQ(journal.rows_written(), rows);
  refuse(4'762ms);
  EXPECT_EQ(remembered(now), now + 5s);
}

}  // namespace
}  // namespace sluice::stage

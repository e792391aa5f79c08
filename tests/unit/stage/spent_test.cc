// What was spent of rate_limits, over restarts.
#include "core/stage/spent.h"

#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using budget::Errand;
using budget::Group;

class Spent : public StageTest {
 protected:
  void SetUp() override { start(); }

  // A daemon that knows nothing yet, and then what the journal says.
  void start() {
    budget::Traffic fresh;
    std::swap(fresh, traffic);
    traffic.allow(Group::kIndexing, {.calls_per_day = 1'000, .media_per_day = 10h});
    within([](Context& ctx) { remember_spent(ctx); });
  }
  void call(Millis media, bool turn_writes) {
    within([&](Context& ctx) {
      ctx.traffic.send({.errand = Errand::kCreateStep, .group = Group::kIndexing, .row = 1, .media = media}, {}, now);
      save_spent(ctx, turn_writes);
    });
    traffic.release();
  }
  std::uint64_t calls_spent() { return traffic.allowance(Group::kIndexing).parts().at(0).quota.spent(now); }
  std::uint64_t media_spent() { return traffic.allowance(Group::kIndexing).parts().at(2).quota.spent(now); }
};

TEST_F(Spent, OutlivesARestart) {
  call(9h, true);
  spent_is_saved(traffic);
  now += 20h;
  start();
  EXPECT_EQ(calls_spent(), 1u);
  EXPECT_FALSE(traffic.may_spend(Group::kIndexing, 2h, now));
  EXPECT_TRUE(traffic.may_spend(Group::kIndexing, 2h, now + 5h));
}

TEST_F(Spent, CostsNoCommitOfItsOwnUntilItIsAHundredth) {
  for (int i = 0; i < 9; ++i) call(0ms, false);
  EXPECT_FALSE(journal.meta("spent:indexing:calls_per_day"));
  call(0ms, false);
  EXPECT_TRUE(journal.meta("spent:indexing:calls_per_day"));
  spent_is_saved(traffic);
  start();
  EXPECT_EQ(calls_spent(), 10u);
}

TEST_F(Spent, CostsNoCommitForWhatIsOverBeforeARestart) {
  traffic.allow(Group::kIndexing, {.calls_per_minute = 10, .calls_per_day = 1'000, .media_per_day = 10h});
  call(0ms, false);
  EXPECT_FALSE(journal.meta("spent:indexing:calls_per_day"));
  call(0ms, true);
  EXPECT_TRUE(journal.meta("spent:indexing:calls_per_day"));
  EXPECT_FALSE(journal.meta("spent:indexing:calls_per_minute"));
  EXPECT_FALSE(journal.meta("spent:indexing:media_per_day")) << "nothing of it was spent";
}

TEST_F(Spent, CostsNoCommitForASmallLimitOfWhichNothingIsSpent) {
  traffic.allow(Group::kAssets, {.calls_per_day = 50});
  call(0ms, false);
  EXPECT_FALSE(journal.meta("spent:indexing:calls_per_day"));
}

TEST_F(Spent, KeepsItsAgeWhenTheClockIsSet) {
  call(9h, true);
  within([](Context& ctx) { shift_spent(ctx.journal, -72h); });
  now -= 52h;  // twenty hours later, by a clock that was set back by three days
  start();
  EXPECT_EQ(media_spent(), static_cast<std::uint64_t>(Millis(9h).count()));
  now += 5h;
  EXPECT_EQ(media_spent(), 0u);
}

}  // namespace
}  // namespace sluice::stage

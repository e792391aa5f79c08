// The host's clock was set between two lives: waits last as long as they would have, and history stays.
#include "core/stage/clock_step.h"

#include "core/stage/pauses.h"
#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using journal::ItemState;

constexpr char kBoot[] = "boot-1";
auto const kBegan = kNoon - 30 * 24h;

TEST(ClockStep, IsTheMoveOfTheBeginningOfOneBoot) {
  ClockAnchor const before{.boot_id = kBoot, .boot_began = kBegan};
  EXPECT_EQ(clock_step(before, {kBoot, kBegan - 24h}, kNoon, kNoon), -24h);
  EXPECT_EQ(clock_step(before, {kBoot, kBegan + 24h}, kNoon, kNoon + 24h), 24h);
  EXPECT_EQ(clock_step(before, {kBoot, kBegan + 59s}, kNoon, kNoon), 0s) << "slewing";
  EXPECT_EQ(clock_step(before, {kBoot, kBegan - 59s}, kNoon, kNoon), 0s);
  EXPECT_EQ(clock_step(before, {kBoot, kBegan + 1min}, kNoon, kNoon), 1min);
  EXPECT_EQ(clock_step(before, {kBoot, kBegan - 1min}, kNoon, kNoon), -1min);
}

TEST(ClockStep, AcrossABootIsKnownOnlyByWhatIsInTheFuture) {
  ClockAnchor const before{.boot_id = kBoot, .boot_began = kBegan};
  EXPECT_EQ(clock_step(before, {"boot-2", kNoon}, kNoon, kNoon + 8h), 0s) << "the host was off";
  EXPECT_EQ(clock_step(before, {"boot-2", from_unix_ms(0)}, kNoon, from_unix_ms(60'000)), from_unix_ms(60'000) - kNoon);
  EXPECT_EQ(clock_step(std::nullopt, {"boot-2", kNoon}, kNoon, kNoon - 1h), -1h);
  EXPECT_EQ(clock_step(std::nullopt, {"", kNoon}, std::nullopt, kNoon), 0s);
  EXPECT_EQ(clock_step(ClockAnchor{"", kBegan}, {"", kNoon}, kNoon, kNoon + 1s), 0s) << "a kernel without boot ids";
}

class ClockStepTest : public StageTest {
 protected:
  void start(WallTime boot_began, WallTime at) {
    take_clock_step(journal, {.boot_id = kBoot, .boot_began = boot_began}, at, log);
  }
};

TEST_F(ClockStepTest, MovesEveryWaitAndEveryTraceOfALostCreate) {
  start(kBegan, kNoon);
  auto waiting = put_item(ItemState::kSent, 1);
  auto sending = journal::item_in(ItemState::kSending, 2);
  sending.intent = {.at = kNoon - 5s, .unknown_at = kNoon - 1s, .looks = 1};
  sending.effort.due_at = kNoon + 5min;
  sending.id = put(sending);
  auto const opened = put_item(ItemState::kOpened, 3);
  auto const session = put_session(opened.id);
  set_chunk(session.id, 1, journal::ChunkState::kHasUrl);
  auto const done = put_item(ItemState::kDone, 4);
  auto gone = journal::item_in(ItemState::kCancelled, 5);
  gone.intent = {.at = kNoon - 7s, .unknown_at = kNoon - 6s, .looks = 0};
  gone.id = put(gone);
  within([&](Context& ctx) {
    waiting.effort.due_at = kNoon + 5min;
    ctx.journal.update(waiting, ItemState::kSent, ctx.now);
    pause_group(ctx, budget::Group::kIndexing, {.fault = Fault::kThrottled, .text = "429", .retry_after = 1h});
  });
  auto const chunk = *journal.chunk(session.id, 1);
  auto const finished = item(done.id).finished_at;

  start(kBegan - 24h, kNoon - 24h);
  EXPECT_EQ(item(waiting.id).effort.due_at, kNoon - 24h + 5min);
  EXPECT_EQ(item(sending.id).intent.at, kNoon - 24h - 5s);
  EXPECT_EQ(item(sending.id).intent.unknown_at, kNoon - 24h - 1s);
  EXPECT_EQ(journal.session(session.id)->expires_at, session.expires_at - 24h);
  EXPECT_EQ(journal.session(session.id)->due_at, session.due_at - 24h);
  EXPECT_EQ(journal.chunk(session.id, 1)->due_at, chunk.due_at - 24h);
  EXPECT_EQ(journal.next_due(kNoon - 24h), kNoon - 24h + 5min);
  EXPECT_EQ(item(done.id).finished_at, finished) << "history stays";
  EXPECT_EQ(item(gone.id).intent.at, kNoon - 24h - 7s) << "a retry looks by it";
  traffic = budget::Traffic();
  now = kNoon - 24h;
  within([](Context& ctx) { remember_pauses(ctx); });
  EXPECT_EQ(traffic.paused_until(budget::Group::kIndexing, now), kNoon - 24h + 63min);

  start(kBegan, kNoon);  // and right again
  EXPECT_EQ(item(waiting.id).effort.due_at, kNoon + 5min);
}

TEST_F(ClockStepTest, ThatIsNoneWritesNothing) {
  start(kBegan, kNoon);
  auto const rows = journal.rows_written();
  start(kBegan + 2s, kNoon + 1h);
  EXPECT_EQ(journal.rows_written(), rows);
  EXPECT_TRUE(log.lines.empty());
}

TEST_F(ClockStepTest, IsToldWithItsDirection) {
  start(kBegan, kNoon);
  start(kBegan - 24h, kNoon - 24h);
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_TRUE(log.tells("the host's clock was set back by " + to_words(24h)));
  start(kBegan, kNoon);
  ASSERT_EQ(log.lines.size(), 2u);
  EXPECT_TRUE(log.tells("the host's clock was set forward by " + to_words(24h)));
}

}  // namespace
}  // namespace sluice::stage

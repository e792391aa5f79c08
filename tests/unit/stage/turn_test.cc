// The turn: what outcomes say beyond their own row, when it commits, and when the next one is due.
#include "core/stage/turn.h"

#include <gmock/gmock.h>

#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using budget::Errand;
using budget::Group;
using journal::ItemState;
using journal::NamedKind;
using journal::NamedState;
using journal::StepKind;
using journal::StepState;
using testing::HasSubstr;

class HandClock final : public ports::Clock {
 public:
  WallTime wall() override { return now; }
  BootTime boot() override { return BootTime(now.time_since_epoch()); }
  WallTime now = kNoon;
};

// Keeps what is sent; outcomes are put in by the test.
class PlayedWire final : public ports::Wire {
 public:
  void send(ports::Call call) override { sent.push_back(std::move(call)); }
  std::vector<ports::Outcome> collect() override { return std::exchange(outcomes, {}); }
  void cancel(std::uint64_t ticket) override { cancelled.push_back(ticket); }
  std::uint64_t progress_bytes(std::uint64_t ticket) const override { return ticket == idle ? 7 : 1'000; }
  std::optional<ports::Quiet> quiet(std::uint64_t ticket) const override {
    if (ticket == unseen) return std::nullopt;
    return ports::Quiet{.lasts = ticket == idle ? idle_for : Millis(0)};
  }
  std::vector<ports::Call> sent;
  std::vector<ports::Outcome> outcomes;
  std::vector<std::uint64_t> cancelled = {};
  std::uint64_t unseen = 0;  // a call that no look finds on its way
  std::uint64_t idle = 0;    // the call of which the other side takes nothing, and for how long
  Millis idle_for{0};
};

class CountedMoments final : public ports::Witness {
 public:
  void reached(ports::Moment moment) override { ++counts[static_cast<std::size_t>(moment)]; }
  int counts[4] = {};
  int of(ports::Moment moment) const { return counts[static_cast<std::size_t>(moment)]; }
};

class TurnTest : public StageTest {
 protected:
  std::uint64_t sent_ticket(std::size_t n = 0) const { return wire.sent.at(n).ticket; }
  void answer(std::uint64_t ticket, int status, std::string body = "{}",
              std::vector<std::pair<std::string, std::string>> headers = {}) {
    wire.outcomes.push_back(
        {.ticket = ticket,
         .answer = ports::Reply{.status = status, .headers = std::move(headers), .body = std::move(body)},
         .body_error = {}});
  }
  void unreachable(std::uint64_t ticket) {
    wire.outcomes.push_back({.ticket = ticket,
                             .answer = std::unexpected(ports::WireFailure{
                                 .phase = ports::WireFailure::Phase::kBeforeSend, .text = "connect: refused"}),
                             .body_error = {}});
  }
  // An item whose poll left in the turn that ran here.
  journal::ItemRow polled() {
    auto const row = put_item(ItemState::kSent, ++number_);
    turn.run();
    return row;
  }
  // The ticket of a chunk PUT whose file was opened for it.
  std::uint64_t put_in_the_air() {
    auto const row = put_item(ItemState::kOpened, ++number_);
    auto const session = put_session(row.id);
    set_chunk(session.id, 1, journal::ChunkState::kHasUrl);
    turn.run();
    return turn.traffic().flights(Errand::kPutChunk).at(0).first;
  }
  static std::size_t count(KeptLog const& log, std::string const& part) {
    return static_cast<std::size_t>(std::ranges::count_if(
        log.lines, [&](auto const& line) { return line.second.find(part) != std::string::npos; }));
  }

  HandClock clock;
  PlayedWire wire;
  CountedMoments witness;
  Turn turn{journal,
            {.clock = clock,
             .wire = wire,
             .files = files,
             .lanes = lanes,
             .acts = acts,
             .reader = reader,
             .random = dice,
             .log = log,
             .witness = &witness},
            policy};
  std::int64_t number_ = 0;
  std::uint64_t sent_ = 0;
};

TEST_F(TurnTest, WaitsForAQuotaThatAnAnswerSaysIsSpentButNotForLong) {
  polled();
  auto const second = std::chrono::floor<std::chrono::seconds>(clock.now).time_since_epoch().count();
  answer(sent_ticket(), 200, R"({"data":[],"page_info":{"page":1,"total_page":1}})",
         {{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", std::to_string(second + 20)}});
  turn.run();
  auto const until = turn.traffic().paused_until(budget::Group::kAssets, clock.now);
  ASSERT_TRUE(until);
  EXPECT_GT(*until, clock.now + 18s);
  EXPECT_LE(*until, clock.now + 20s);
  EXPECT_FALSE(turn.traffic().calls_per_second(budget::Group::kAssets, clock.now)) << "nothing was refused";
}

TEST_F(TurnTest, GivesBackWhatACallCostThatCameToNothing) {
  turn.traffic().allow(budget::Group::kAssets, {.calls_per_day = 10});
  polled();
  auto const spent = [&] {
    return turn.traffic().allowance(budget::Group::kAssets).parts().at(0).quota.spent(clock.now);
  };
  EXPECT_EQ(spent(), 1u);
  unreachable(sent_ticket());
  turn.run();
  EXPECT_EQ(spent(), 0u);
  clock.now += 1min;
  turn.run();
  answer(sent_ticket(1), 500);
  turn.run();
  EXPECT_EQ(spent(), 1u) << "this one arrived";
}

// Two chunks are on their way, and one of them hangs.
TEST_F(TurnTest, CutsAChunkThatHangsAloneLongBeforeItsStallLimit) {
  auto const first = put_in_the_air();
  put_in_the_air();
  wire.idle = first;
  EXPECT_EQ(turn.next_due(), clock.now + 1s) << "when the first look is worth it";
  clock.now += 1'900ms;
  wire.idle_for = 1'900ms;
  turn.run();
  EXPECT_TRUE(wire.cancelled.empty());
  clock.now += 600ms;
  wire.idle_for = 2'500ms;
  turn.run();
  EXPECT_EQ(wire.cancelled, std::vector{first});
  ASSERT_EQ(turn.traffic().flights(Errand::kPutChunk).size(), 1u);
  auto const cut = chunk(1, 1);
  EXPECT_EQ(cut.state, journal::ChunkState::kNeedsUrl);
  EXPECT_EQ(cut.attempts, 0u) << "a connection's matter";
  EXPECT_LE(cut.due_at, clock.now + 1s);
  EXPECT_EQ(cut.last_error,
            "no byte was taken for 2 s while other chunks went on: cut, to be sent by another connection");
}

TEST_F(TurnTest, TakesAChunkThatArrivedForOneThatWentOn) {
  auto const first = put_in_the_air();
  put_in_the_air();
  wire.idle = first;
  wire.unseen = turn.traffic().flights(Errand::kPutChunk).at(1).first;
  clock.now += 2s;
  wire.idle_for = 2s;
  answer(wire.unseen, 200, "", {{"etag", "abc-1"}});
  turn.run();
  EXPECT_TRUE(wire.cancelled.empty()) << "nothing was seen to go on when it was looked at";
  clock.now += 600ms;
  wire.idle_for = 2'600ms;
  turn.run();
  EXPECT_EQ(wire.cancelled, std::vector{first});
}

TEST_F(TurnTest, CutsNothingWhereAllHang) {
  auto const only = put_in_the_air();
  wire.idle = only;
  for (int i = 0; i < 50; ++i) {
    clock.now += 1s;
    wire.idle_for += 1s;
    turn.run();
  }
  EXPECT_TRUE(wire.cancelled.empty()) << "the stall limit is the wire's";
}

TEST_F(TurnTest, ThatChangesNothingDoesNotCommit) {
  EXPECT_FALSE(turn.run());
  EXPECT_EQ(witness.of(ports::Moment::kBeforeCommit), 0);
  polled();
  EXPECT_EQ(wire.sent.size(), 1u);
  put_item(ItemState::kAssetReady, 50);
  EXPECT_TRUE(turn.run());
  EXPECT_EQ(witness.of(ports::Moment::kBeforeCommit), 1);
  EXPECT_EQ(witness.of(ports::Moment::kAfterCommit), 1);
  EXPECT_EQ(witness.of(ports::Moment::kAfterSend), 1);
  EXPECT_EQ(witness.of(ports::Moment::kReceived), 0);
  answer(sent_ticket(), 500);
  turn.run();
  EXPECT_EQ(witness.of(ports::Moment::kReceived), 1);
}

TEST_F(TurnTest, WhoseOutcomesChangeNoRowAsksForNoOther) {
  answer(77, 200);  // of a call that was cancelled meanwhile
  EXPECT_FALSE(turn.run());
}

TEST_F(TurnTest, NeedsNoWitness) {
  Turn alone{journal,
             {.clock = clock,
              .wire = wire,
              .files = files,
              .lanes = lanes,
              .acts = acts,
              .reader = reader,
              .random = dice,
              .log = log},
             policy};
  put_item(ItemState::kSent);
  put_item(ItemState::kAssetReady, 2);
  EXPECT_TRUE(alone.run());
  EXPECT_EQ(wire.sent.size(), 1u);
}

TEST_F(TurnTest, CarriesOutOrdersEvenWhileItDrains) {
  turn.drain();
  auto const row = put_item(ItemState::kSent);
  bool asked = false;
  turn.run([&](Context&) { asked = true; });
  EXPECT_TRUE(asked);
  EXPECT_TRUE(wire.sent.empty());
  EXPECT_EQ(item(row.id).state, ItemState::kSent);
}

TEST_F(TurnTest, ThatFailsIsAsIfItHadNotBeen) {
  auto const row = put_item(ItemState::kSent);
  EXPECT_THROW(turn.run([](Context&) { throw std::runtime_error("the disk"); }), std::runtime_error);
  EXPECT_TRUE(wire.sent.empty());
  EXPECT_FALSE(journal.in_transaction());
  turn.run();
  EXPECT_EQ(wire.sent.size(), 1u);
  (void)row;
}

TEST_F(TurnTest, SaysOnceThatTheKeyIsRefusedAndThatItWorksAgain) {
  polled();
  answer(sent_ticket(), 401);
  turn.run();
  EXPECT_EQ(turn.traffic().key_refused_since(), clock.now);
  EXPECT_EQ(count(log, "refuses the API key"), 1u);
  clock.now += 1min;  // the probe
  turn.run();
  answer(sent_ticket(1), 401);
  turn.run();
  EXPECT_EQ(count(log, "refuses the API key"), 1u);
  EXPECT_EQ(count(log, "works again"), 0u);
  clock.now += 2min;
  turn.run();
  answer(sent_ticket(2), 200);
  turn.run();
  EXPECT_FALSE(turn.traffic().key_refused_since());
  EXPECT_EQ(count(log, "works again"), 1u);
}

TEST_F(TurnTest, DoesNotSayThatAKeyWorksAgainThatAlwaysDid) {
  polled();
  answer(sent_ticket(), 200);
  turn.run();
  EXPECT_EQ(count(log, "works again"), 0u);
}

TEST_F(TurnTest, SaysOnceThatItIsOfflineUntilAnAnswerComes) {
  polled();
  auto const since = clock.now;
  for (std::size_t n = 0; n < 3; ++n) {
    EXPECT_FALSE(turn.traffic().offline_since());
    unreachable(sent_ticket(n));
    turn.run();
    clock.now += 5s;  // longer than any wait so far
    turn.run();
  }
  EXPECT_EQ(turn.traffic().offline_since(), since);
  EXPECT_EQ(count(log, "offline:"), 1u);
  unreachable(sent_ticket(3));  // the probe
  turn.run();
  EXPECT_EQ(turn.traffic().offline_since(), since);
  EXPECT_EQ(count(log, "offline:"), 1u);
  clock.now += 10min;
  turn.run();
  answer(sent_ticket(4), 500);  // any answer
  turn.run();
  EXPECT_FALSE(turn.traffic().offline_since());
  EXPECT_EQ(count(log, "the platform can be reached again"), 1u);
}

TEST_F(TurnTest, ChargesNobodyWhileItIsOfflineAndGoesOnAtOnceAfterwards) {
  auto const row = polled();
  for (std::size_t n = 0; n < 12; ++n) {
    unreachable(sent_ticket(n));
    turn.run();
    clock.now += 1min;
    turn.run();
  }
  EXPECT_EQ(item(row.id).effort.attempts, 0u);
  EXPECT_LE(item(row.id).effort.due_at, clock.now);
  auto const more = put_item(ItemState::kSent, 70);
  (void)more;
  EXPECT_EQ(wire.sent.size(), 13u) << "one probe at a time";
}

// A night and a day without network, with ten thousand items that want something of the platform.
TEST_F(TurnTest, ComesThroughADayOfflineWithOneProbeInThirtySeconds) {
  constexpr std::int64_t kItems = 10'000;
  within([&](Context& ctx) {
    for (std::int64_t i = 0; i < kItems; ++i) {
      auto row = journal::item_in(i % 2 == 0 ? ItemState::kSent : ItemState::kStable, 1'000 + i);
      row.effort.due_at = kNoon;
      ctx.journal.insert(row);
    }
  });
  auto const end = kNoon + 24h;
  while (clock.now < end) {
    turn.run();
    for (auto const& call : std::exchange(wire.sent, {})) {
      unreachable(call.ticket);
      ++sent_;
    }
    if (!wire.outcomes.empty()) continue;
    auto const next = turn.next_due();
    ASSERT_TRUE(next);
    clock.now = std::max(*next, clock.now + 1ms);
  }
  EXPECT_LE(sent_, policy.api_calls_max * 3 + 24 * 120);
  EXPECT_GE(sent_, 24 * 120u);
  for (auto const& row : journal.items_in(ItemState::kSent, kItems)) ASSERT_EQ(row.effort.attempts, 0u);
  for (auto const& row : journal.items_in(ItemState::kStable, kItems)) ASSERT_EQ(row.effort.attempts, 0u);
  EXPECT_EQ(journal.count_items(ItemState::kFailed), 0);

  turn.traffic().network_changed(clock.now);
  turn.run();
  ASSERT_EQ(wire.sent.size(), 1u);
  answer(wire.sent.front().ticket, 500);
  for (int i = 0; i < 5; ++i) turn.run();
  EXPECT_GT(wire.sent.size(), 5u) << "all go on at once";
}

TEST_F(TurnTest, NotesOnceWhatAnOutcomeShowsHoweverOftenItsTurnFails) {
  polled();
  unreachable(sent_ticket());
  for (int i = 0; i < 5; ++i)
    EXPECT_THROW(turn.run([](Context&) { throw std::runtime_error("the disk"); }), std::runtime_error);
  turn.run();
  EXPECT_FALSE(turn.traffic().offline_since()) << "one failure, seen six times";
}

TEST_F(TurnTest, TakesASignInPageForNoAnswerOfThePlatform) {
  polled();
  for (std::size_t n = 0; n < 3; ++n) {
    answer(sent_ticket(n), 200, "<html>Please sign in</html>", {{"content-type", "text/html"}});
    turn.run();
    clock.now += 5s;
    turn.run();
  }
  EXPECT_TRUE(turn.traffic().offline_since());
  EXPECT_EQ(count(log, "captive portal"), 4u);  // each poll's own line, and one for all
}

TEST_F(TurnTest, OpensTheBreakerOfTheStorageWhenChunkAfterChunkFails) {
  auto const row = put_item(ItemState::kOpened, 5);
  auto const session = put_session(row.id);
  for (std::uint32_t index = 1; index <= 10; ++index) set_chunk(session.id, index, journal::ChunkState::kHasUrl);
  turn.run();
  auto const chunks = [&] { return turn.traffic().flights(Errand::kPutChunk); };
  ASSERT_EQ(chunks().size(), 10u);
  for (auto const& [ticket, flight] : chunks()) answer(ticket, 500, "");
  turn.run();
  EXPECT_FALSE(turn.traffic().breaker(Group::kStorage).open_since()) << "twenty calls are asked for";
  for (std::uint32_t index = 1; index <= 10; ++index) {
    EXPECT_EQ(journal.chunk(session.id, index)->attempts, 1u) << "of one file alone: it may be its own fault";
    set_chunk(session.id, index, journal::ChunkState::kHasUrl);
  }
  clock.now += 1min;
  turn.run();
  for (auto const& [ticket, flight] : chunks()) answer(ticket, 500, "");
  turn.run();
  EXPECT_TRUE(turn.traffic().breaker(Group::kStorage).open_since());
  EXPECT_EQ(count(log, "a single one is tried now and then"), 1u);
}

TEST_F(TurnTest, LearnsThePlatformsClockFromItsAnswersAndNotFromTheStorages) {
  polled();
  answer(sent_ticket(), 200, "{}", {{"date", "Sat, 21 Nov 2026 12:00:30 GMT"}});
  turn.run();
  EXPECT_EQ(turn.traffic().clock_offset(), 30s);
  answer(put_in_the_air(), 200, "", {{"date", "Sat, 21 Nov 2026 14:47:10 GMT"}, {"etag", "abc-1"}});
  turn.run();
  EXPECT_EQ(turn.traffic().clock_offset(), 30s);
}

TEST_F(TurnTest, PausesTheGroupThatWasThrottled) {
  polled();
  answer(sent_ticket(), 429, "{}", {{"retry-after", "20"}});
  turn.run();
  EXPECT_EQ(turn.traffic().paused_until(Group::kAssets, clock.now), clock.now + 21s);  // and the dice's half of a tenth
  EXPECT_FALSE(turn.traffic().paused_until(Group::kIndexing, clock.now));
}

TEST_F(TurnTest, IsDueAtOnceWhileFoldersAreToBeListed) {
  policy.sources.push_back({.name = "drop", .root = "/srv/drop"});
  Turn sweeping{journal,
                {.clock = clock,
                 .wire = wire,
                 .files = files,
                 .lanes = lanes,
                 .acts = acts,
                 .reader = reader,
                 .random = dice,
                 .log = log},
                policy};
  sweeping.discovery().want_all();
  EXPECT_EQ(sweeping.next_due(), clock.now);
  sweeping.run();
  EXPECT_EQ(sweeping.next_due(), clock.now + policy.rescan);
}

TEST_F(TurnTest, IsDueWhenTheNextRowIsOrHalfAMinuteLaterForRowsThatWaitForASlot) {
  EXPECT_FALSE(turn.next_due());
  auto const row = put_item(ItemState::kStable);
  EXPECT_EQ(turn.next_due(), clock.now + 30s);
  change(row, [&](auto& later) { later.effort.due_at = clock.now + 100ms; });
  EXPECT_EQ(turn.next_due(), clock.now + 100ms);
  auto const blocked = put_item(ItemState::kStable, 2);
  EXPECT_EQ(turn.next_due(), clock.now + 100ms);
  change(row, [&](auto& later) { later.effort.due_at = clock.now + 300ms; });
  EXPECT_EQ(turn.next_due(), clock.now + 300ms);
  change(blocked, [&](auto& later) { later.effort.due_at = clock.now + 1h; });
  EXPECT_EQ(turn.next_due(), clock.now + 300ms);
  turn.traffic().throttled(Group::kAssets, clock.now, clock.now + 200ms);
  EXPECT_EQ(turn.next_due(), clock.now + 200ms);
}

TEST_F(TurnTest, IsDueForTheNextRoundOfPollsOrHalfAMinuteLaterWhereItMayNotBegin) {
  policy.poll_max = 20s;
  auto const row = put_item(ItemState::kSent);
  change(row, [](auto& undated) { undated.effort.due_at.reset(); });
  turn.run();
  EXPECT_EQ(turn.next_due(), clock.now + 20s);
  clock.now += 20s;
  EXPECT_EQ(turn.next_due(), clock.now + 30s);
}

}  // namespace
}  // namespace sluice::stage

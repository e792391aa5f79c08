#include "core/stage/prune.h"

#include <gtest/gtest.h>

#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using journal::ChunkState;
using journal::ItemState;
using journal::SessionState;

class Prune : public StageTest {
 protected:
  // An upload of ten chunks, all of them reported, of an item that ended `ago`.
  RowId ended(Millis ago, std::int64_t number = 1, SessionState state = SessionState::kCompleted) {
    auto row = journal::item_in(ItemState::kDone, number);
    row.finished_at = now - ago;
    row.id = put(row);
    auto session = put_session(row.id);
    for (std::uint32_t index = 1; index <= 10; ++index) {
      set_chunk(session.id, index, ChunkState::kStored);
      set_chunk(session.id, index, ChunkState::kReported);
    }
    change(session, [&](auto& ended) { ended.state = state; });
    return session.id;
  }
  void run() {
    within([&](Context& ctx) { pruning.run(ctx); });
  }
  // Runs slices until it wants to rest, and returns how many there were.
  int run_to_the_end() {
    run();
    now = *pruning.next_at();
    for (int slices = 1;; ++slices) {
      run();
      if (*pruning.next_at() - now > 1min) return slices;
      now = *pruning.next_at();
    }
  }
  std::size_t chunks(RowId session) const { return journal.chunks_in(session, ChunkState::kReported).size(); }
  bool story_tells_of_chunks(RowId session) const {
    for (auto const& event : journal.events_of(item_of(session), 1'000))
      if (event.subject.starts_with("chunk ")) return true;
    return false;
  }

  Pruning pruning;
};

TEST_F(Prune, ForgetsTheChunksOfWhatEndedLongAgoAndNothingElse) {
  auto const old = ended(8 * 24h);
  auto const item = item_of(old);
  ASSERT_TRUE(story_tells_of_chunks(old));
  run_to_the_end();
  EXPECT_EQ(chunks(old), 0u);
  EXPECT_FALSE(story_tells_of_chunks(old));
  EXPECT_EQ(session(old).state, SessionState::kCompleted);
  EXPECT_EQ(this->item(item).state, ItemState::kDone);
  EXPECT_FALSE(journal.events_of(item, 10).empty()) << "the session's own event stays";
}

TEST_F(Prune, KeepsTheChunksOfWhatEndedLatelyOrIsAliveOrHasAnOpenSession) {
  auto const lately = ended(7 * 24h - 1h);
  auto const open = ended(30 * 24h, 2, SessionState::kOpen);
  auto const alive = put_session(put_item(ItemState::kOpened, 3).id);
  set_chunk(alive.id, 1, ChunkState::kReported);
  change(alive, [](auto& row) { row.state = SessionState::kAbandoned; });  // of an earlier content
  run_to_the_end();
  EXPECT_EQ(chunks(lately), 10u);
  EXPECT_EQ(chunks(open), 10u);
  EXPECT_EQ(chunks(alive.id), 1u);
}

TEST_F(Prune, ForgetsThemAtTheVeryMomentThatTheyHaveBeenKeptLongEnough) {
  run();
  now = *pruning.next_at();
  auto const just = ended(policy.keep_chunks);
  auto const almost = ended(policy.keep_chunks - 1ms, 2);
  run();
  EXPECT_EQ(chunks(just), 0u);
  EXPECT_EQ(chunks(almost), 10u);
}

TEST_F(Prune, RestsAfterAWalkHoweverOftenItIsAsked) {
  run_to_the_end();
  auto const next = pruning.next_at();
  run();
  EXPECT_EQ(pruning.next_at(), next);
}

TEST_F(Prune, TakesALargeUploadSliceBySlice) {
  auto const old = ended(8 * 24h);
  auto const item = item_of(old);
  within([&](Context& ctx) {
    auto large = journal::session_of(item);
    large.state = SessionState::kExpired;
    large.total_chunks = 3 * Pruning::kRowsPerSlice - 11;  // and the ten of the first
    ctx.journal.insert_chunks(ctx.journal.insert(large), large.total_chunks, now);
  });
  EXPECT_EQ(run_to_the_end(), 3);
  EXPECT_FALSE(journal.next_session_with_chunks(0));
}

TEST_F(Prune, GoesOnBehindWhatItKeepsAndLooksAgainHoursLater) {
  auto const kept = ended(1h);
  auto const old = ended(8 * 24h, 2);
  run_to_the_end();
  EXPECT_EQ(chunks(kept), 10u);
  EXPECT_EQ(chunks(old), 0u);
  EXPECT_GE(*pruning.next_at() - now, 1h);
  now += 7 * 24h;
  run_to_the_end();
  EXPECT_EQ(chunks(kept), 0u);
}

TEST_F(Prune, WritesNothingAtTheStart) {
  auto const old = ended(8 * 24h);
  run();
  EXPECT_EQ(chunks(old), 10u);
  EXPECT_GT(*pruning.next_at(), now);
}

TEST_F(Prune, RunsAlsoAfterTheClockWasSetBack) {
  auto const old = ended(8 * 24h);
  run_to_the_end();
  ASSERT_EQ(chunks(old), 0u);
  now -= 48h;
  auto const older = ended(8 * 24h, 2);
  run_to_the_end();
  EXPECT_EQ(chunks(older), 0u);
}

}  // namespace
}  // namespace sluice::stage

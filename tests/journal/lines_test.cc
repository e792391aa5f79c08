// What the journal remembers of its lines is what its rows say, whatever was written, and also after a rollback.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include "tests/journal/samples.h"

namespace sluice::journal {
namespace {

constexpr std::array kLive{ItemState::kSeen, ItemState::kStable,     ItemState::kOpening,  ItemState::kOpened,
                           ItemState::kSent, ItemState::kAssetReady, ItemState::kReported, ItemState::kSending};
constexpr std::array kUnfinished{StepState::kWaiting, StepState::kCreating, StepState::kCreated};

// A journal in which anything may be written next, and the truth about it, read row by row.
class Lines : public testing::Test {
 protected:
  Lines() { journal_.begin(); }

  int dice(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }
  WallTime some_time() { return at(kNoon + dice(100)); }
  std::optional<WallTime> perhaps_a_time() { return dice(4) == 0 ? std::nullopt : std::optional(some_time()); }
  RowId some_item() { return dice(static_cast<int>(items_)) + 1; }

  void write_item() {
    auto row = item_in(kLive[static_cast<std::size_t>(dice(kLive.size()))], ++number_);
    if (items_ > 0 && dice(12) == 0) row = item_in(ItemState::kDone, number_);
    row.priority = dice(3) * 10;
    row.effort.due_at = perhaps_a_time();
    if (items_ < 5 || (items_ < 20 && dice(4) == 0)) {
      ASSERT_EQ(journal_.insert(row), ++items_);
      return;
    }
    row.id = some_item();
    auto const was = *journal_.item(row.id);
    journal_.update(row, was.state, at(kNoon));
  }
  void write_steps() {
    auto const item = some_item();
    auto steps = journal_.steps_of(item);
    if (steps.empty() || dice(5) == 0) {
      auto row = step_of(item, static_cast<std::int64_t>(steps.size()));
      row.effort.due_at = perhaps_a_time();
      journal_.insert(row);
    } else if (dice(5) == 0) {
      journal_.delete_steps_of(item);
    } else {
      auto row = steps.front();
      auto const was = row.state;
      row.effort.due_at = perhaps_a_time();
      row.intent.at = at(kNoon);
      row.remote_id = "remote";
      row.state = dice(4) == 0 ? StepState::kReady : kUnfinished[static_cast<std::size_t>(dice(3))];
      journal_.update(row, was, at(kNoon));
    }
  }
  void write_named() {
    auto row = journal_.ensure_named(named_called("index " + std::to_string(dice(4))));
    named_ = std::max(named_, row.id);
    auto const was = row.state;
    row.effort.due_at = perhaps_a_time();
    row.intent.at = at(kNoon);
    row.state = static_cast<NamedState>(dice(3));
    row.remote_id.clear();
    if (row.state == NamedState::kPresent) row.remote_id = "remote";
    journal_.update(row, was, at(kNoon));
  }
  void write_session() {
    auto const item = some_item();
    if (auto session = journal_.open_session(item)) {
      session->due_at = some_time();
      session->state = dice(4) == 0 ? SessionState::kAbandoned : SessionState::kOpen;
      return journal_.update(*session, SessionState::kOpen, at(kNoon));
    }
    auto row = session_of(item);
    row.upload_id += "/" + std::to_string(++number_);
    row.due_at = some_time();
    journal_.insert_chunks(journal_.insert(row), 3, some_time());
  }
  void write_chunk() {
    auto const session = journal_.open_session(some_item());
    if (!session) return;
    auto row = *journal_.chunk(session->id, 1 + static_cast<std::uint32_t>(dice(3)));
    auto const was = row.state;
    row.state = dice(2) == 0 ? ChunkState::kNeedsUrl : ChunkState::kPutting;
    row.due_at = some_time();
    journal_.update(row, was, 1, at(kNoon));
  }
  void write_anything() {
    switch (items_ == 0 ? 0 : dice(7)) {
      case 0:
      case 1: return write_item();
      case 2: return write_steps();
      case 3: return write_named();
      case 4: return write_session();
      case 5: return write_chunk();
      default: break;
    }
    auto const id = items_;
    dice(2) == 0 ? journal_.commit() : journal_.rollback();
    journal_.begin();
    while (items_ > 0 && !journal_.item(items_)) --items_;
    EXPECT_LE(items_, id);
  }

  // Every due time of a row that waits for one.
  std::vector<WallTime> all_due() const {
    std::vector<WallTime> found;
    auto const take = [&](std::optional<WallTime> due) {
      if (due) found.push_back(*due);
    };
    for (RowId id = 1; id <= items_; ++id) {
      auto const item = *journal_.item(id);
      if (!is_end(item.state)) take(item.effort.due_at);
      for (auto const& step : journal_.steps_of(id))
        if (step.state < StepState::kReady) take(step.effort.due_at);
      auto const session = journal_.open_session(id);
      if (!session || is_end(item.state)) continue;
      take(session->due_at);
      for (auto const& chunk : journal_.chunks_in(session->id, ChunkState::kNeedsUrl)) take(chunk.due_at);
    }
    for (RowId id = 1; id <= named_; ++id)
      if (auto const named = journal_.named(id); named && named->state != NamedState::kPresent)
        take(named->effort.due_at);
    return found;
  }
  static std::optional<WallTime> first_after(std::vector<WallTime> const& due, WallTime after) {
    std::optional<WallTime> first;
    for (auto const time : due)
      if (time > after && (!first || time < *first)) first = time;
    return first;
  }
  std::size_t items_due(ItemState state, WallTime now) const {
    std::size_t count = 0;
    for (RowId id = 1; id <= items_; ++id) {
      auto const item = *journal_.item(id);
      if (item.state == state && item.effort.due_at && *item.effort.due_at <= now) ++count;
    }
    return count;
  }
  std::size_t steps_due(StepState state, WallTime now) const {
    std::size_t count = 0;
    for (RowId id = 1; id <= items_; ++id)
      for (auto const& step : journal_.steps_of(id))
        if (step.state == state && step.effort.due_at && *step.effort.due_at <= now) ++count;
    return count;
  }
  std::size_t named_due(NamedState state, WallTime now) const {
    std::size_t count = 0;
    for (RowId id = 1; id <= named_; ++id)
      if (auto const row = journal_.named(id); row && row->state == state && row->effort.due_at)
        if (*row->effort.due_at <= now) ++count;
    return count;
  }

  std::mt19937 random_{20'261'122};
  Scratch scratch_;
  Journal journal_{scratch_.file()};
  RowId items_ = 0;  // their ids are 1 to this
  RowId named_ = 0;
  std::int64_t number_ = 0;
};

TEST_F(Lines, AreWhatTheRowsSayWhateverIsWritten) {
  for (int i = 0; i < 3'000 && !HasFailure(); ++i) {
    write_anything();
    if (dice(3) > 0) continue;  // some writes come together
    auto const due = all_due();
    auto const now = some_time();
    ASSERT_EQ(journal_.next_due(), first_after(due, at(0))) << "write " << i;
    ASSERT_EQ(journal_.next_due(now), first_after(due, now)) << "write " << i;
    for (auto const state : kLive) ASSERT_EQ(journal_.due_items(state, now, 100).size(), items_due(state, now)) << i;
    for (auto const state : kUnfinished) {
      std::size_t found = 0;
      for (auto const kind : kStepKinds) found += journal_.due_steps(state, kind, now, 100).size();
      ASSERT_EQ(found, steps_due(state, now));
    }
    for (auto const state : {NamedState::kWanted, NamedState::kCreating})
      ASSERT_EQ(journal_.due_named(state, now, 100).size(), named_due(state, now)) << i;
  }
}

// Before the first of a line is due its rows are asked for by nobody: that is what a turn with nothing to do costs.
class LinesThatAreNotDue : public testing::Test {
 protected:
  LinesThatAreNotDue() {
    journal_.begin();
    auto row = item_in(ItemState::kStable);
    row.method = "direct";
    row.effort.due_at = at(kNoon + 5);
    item_ = journal_.insert(row);
  }
  bool uploads_may_be_due(std::int64_t ms) const { return journal_.may_have_due(ItemState::kStable, at(ms)); }
  // Whether the journal found out when the first row of the table is due.
  bool is_known_of(std::string const& table) const {
    return std::ranges::any_of(journal_.query_plans(), [&](std::string const& plan) {
      return plan.starts_with("SELECT min(due_at_ms) FROM " + table + " ");
    });
  }

  Scratch scratch_;
  Journal journal_{scratch_.file()};
  RowId item_ = 0;
};

TEST_F(LinesThatAreNotDue, AreKnownOnceItemsWereAskedFor) {
  EXPECT_TRUE(uploads_may_be_due(kNoon)) << "nobody has looked";
  EXPECT_TRUE(journal_.due_items(ItemState::kStable, at(kNoon), 5).empty());
  EXPECT_FALSE(uploads_may_be_due(kNoon));
  EXPECT_TRUE(uploads_may_be_due(kNoon + 5));
}

TEST_F(LinesThatAreNotDue, AreKnownOnceUploadsWereAskedFor) {
  EXPECT_TRUE(journal_.uploads_waiting("direct", 50, at(kNoon), 5).empty());
  EXPECT_FALSE(uploads_may_be_due(kNoon));
}

TEST_F(LinesThatAreNotDue, AreKnownOnceAnUploadOfAnotherMethodWasAskedFor) {
  EXPECT_FALSE(journal_.next_upload_priority("multipart", std::nullopt));
  EXPECT_FALSE(uploads_may_be_due(kNoon));
}

TEST_F(LinesThatAreNotDue, AreKnownOnceNamesWereAskedFor) {
  journal_.ensure_named(named_called("footage"));
  EXPECT_TRUE(journal_.due_named(NamedState::kWanted, at(kNoon - 1), 5).empty());
  EXPECT_TRUE(is_known_of("named"));
}

TEST_F(LinesThatAreNotDue, AreKnownOnceStepsWereAskedFor) {
  journal_.insert(step_of(item_, 0));
  EXPECT_TRUE(journal_.due_steps(StepState::kWaiting, StepKind::kIndex, at(kNoon), 5).empty());
  EXPECT_TRUE(is_known_of("step"));
}

TEST(LinesOfWhatIsFinished, AreNotCountedAtTheStartAndFoundAllTheSame) {
  Scratch scratch;
  {
    Journal journal(scratch.file());
    journal.begin();
    auto step = step_of(journal.insert(item_in(ItemState::kAssetReady)), 0);
    step.state = StepState::kReady;
    step.remote_id = "indexed1";
    journal.insert(step);
    auto name = journal.ensure_named(named_called("footage"));
    name.state = NamedState::kPresent;
    name.remote_id = "index1";
    journal.update(name, NamedState::kWanted, at(kNoon));
    journal.commit();
  }
  Journal const again(scratch.file());
  EXPECT_EQ(again.steps_in(StepState::kReady, 5).size(), 1u);
  EXPECT_EQ(again.named_in(NamedState::kPresent).size(), 1u);
}

}  // namespace
}  // namespace sluice::journal

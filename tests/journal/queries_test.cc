// What the journal finds, in which order, and by which index.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "tests/journal/samples.h"

namespace sluice::journal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class Queries : public testing::Test {
 protected:
  Queries() { journal_.begin(); }

  RowId add(ItemState state, std::int64_t number, std::int64_t priority = 50, std::optional<WallTime> due = at(kNoon)) {
    auto row = item_in(state, number);
    row.priority = priority;
    row.effort.due_at = due;
    return journal_.insert(row);
  }
  // An opened item with a session of `chunks`, all in needs_url and due at noon.
  RowId add_session(std::int64_t number, std::uint32_t chunks, std::int64_t priority = 50) {
    auto const session = journal_.insert(session_of(add(ItemState::kOpened, number, priority, std::nullopt)));
    journal_.insert_chunks(session, chunks, at(kNoon));
    return session;
  }
  void set_chunk(RowId session, std::uint32_t index, ChunkState state, WallTime due = at(kNoon)) {
    auto row = *journal_.chunk(session, index);
    auto const before = row.state;
    row.state = state;
    row.due_at = due;
    row.url = SecretUrl(state == ChunkState::kHasUrl ? "https://s/x" : "");
    row.etag = state >= ChunkState::kStored ? "etag" : "";
    journal_.update(row, before, 1, at(kNoon));
  }
  template <class Row>
  static std::vector<RowId> ids(std::vector<Row> const& rows) {
    std::vector<RowId> found;
    for (auto const& row : rows) found.push_back(row.id);
    return found;
  }
  static std::vector<std::uint32_t> indexes(std::vector<ChunkRow> const& rows) {
    std::vector<std::uint32_t> found;
    for (auto const& row : rows) found.push_back(row.index);
    return found;
  }
  void ask_for_twins(RowId item) {
    auto twin = *journal_.item(item);
    twin.ends_hash = 1;
    journal_.items_of_ends(twin);
    journal_.done_before(twin);
    journal_.live_items_of_inode("/srv", 1);
    journal_.due_seen_items(at(kNoon), 5);
  }
  // The queries so far that look for open rows of a table.
  std::vector<std::string> asked_of(std::string const& table) const {
    auto plans = journal_.query_plans();
    std::erase_if(plans, [&](std::string const& plan) {
      auto const looks = plan.starts_with("SELECT min(") || plan.find("t.state = 'open' AND i.state") != plan.npos;
      return !looks || plan.find("FROM " + table + " ") == plan.npos;
    });
    return plans;
  }

  Scratch scratch_;
  Journal journal_{scratch_.file()};
};

TEST_F(Queries, ItemsWithoutADueTimeAreWalkedOverOnceAPiece) {
  std::vector<RowId> made;
  for (auto const state : {ItemState::kCompleted, ItemState::kSent})
    for (auto const priority : {90, 50, 10})
      for (int i = 0; i < 3; ++i)
        made.push_back(add(state, static_cast<std::int64_t>(made.size()), priority, std::nullopt));
  add(ItemState::kSent, 100, 50);                  // has one
  add(ItemState::kStable, 101, 50, std::nullopt);  // another state
  for (auto const limit : {1, 2, 3, 4, 7, 18, 50}) {
    UndatedPlace place;
    std::vector<RowId> walked;
    for (auto more = true; more;) {
      auto const some = journal_.undated_items(std::array{ItemState::kCompleted, ItemState::kSent}, place, limit);
      for (auto const& item : some) walked.push_back(item.id);
      more = static_cast<int>(some.size()) == limit;
    }
    EXPECT_EQ(walked, made) << "by " << limit;
  }
}

TEST_F(Queries, DueItemsComeByPriorityThenByAge) {
  auto const low = add(ItemState::kStable, 1, 10);
  auto const later = add(ItemState::kStable, 2, 50, at(kNoon + 5));
  auto const first = add(ItemState::kStable, 3, 50, at(kNoon));
  auto const second = add(ItemState::kStable, 4, 50, at(kNoon));
  auto const high = add(ItemState::kStable, 5, 90, at(kNoon + 9));
  add(ItemState::kStable, 6, 99, at(kNoon + 11));  // not yet
  add(ItemState::kStable, 7, 99, std::nullopt);    // waits for another row
  add(ItemState::kSeen, 8, 99);                    // another state
  EXPECT_THAT(ids(journal_.due_items(ItemState::kStable, at(kNoon + 10), 10)),
              ElementsAre(high, first, second, later, low));
  EXPECT_THAT(ids(journal_.due_items(ItemState::kStable, at(kNoon + 10), 2)), ElementsAre(high, first));
  EXPECT_THAT(ids(journal_.due_items(ItemState::kSending, at(kNoon + 10), 2)), IsEmpty());
}

TEST_F(Queries, ItemsAreFoundByPrefixOfTheirUlid) {
  auto const one = add(ItemState::kSeen, 12);
  auto const two = add(ItemState::kDone, 13);
  add(ItemState::kSeen, 20);
  auto const prefix = ulid_of(12).substr(0, 25);
  EXPECT_THAT(ids(journal_.items_by_prefix(prefix, 10)), ElementsAre(one, two));
  EXPECT_THAT(ids(journal_.items_by_prefix(ulid_of(13), 10)), ElementsAre(two));
  EXPECT_THAT(ids(journal_.items_by_prefix(prefix, 1)), ElementsAre(one));
  EXPECT_THAT(ids(journal_.items_by_prefix("Z", 10)), IsEmpty());
}

TEST_F(Queries, ItemsAreFoundByWholePathAbsoluteOrRelative) {
  auto row = item_in(ItemState::kSkipped, 1);
  row.root = "/srv/drop";
  row.path = "day1/" + kOddBytes;
  auto const old = journal_.insert(row);
  row.ulid = ulid_of(2);
  row.state = ItemState::kFailed;
  auto const young = journal_.insert(row);
  row.ulid = ulid_of(3);
  row.root = "/srv/drop2";
  auto const other = journal_.insert(row);
  row.ulid = ulid_of(4);
  row.root = "/";
  row.path = "srv/drop/day1/" + kOddBytes;
  auto const from_top = journal_.insert(row);
  EXPECT_THAT(ids(journal_.items_by_path("/srv/drop/day1/" + kOddBytes, 10)), ElementsAre(from_top, young, old));
  EXPECT_THAT(ids(journal_.items_by_path("day1/" + kOddBytes, 10)), ElementsAre(young, old, other));
  EXPECT_THAT(ids(journal_.items_by_path("day1/" + kOddBytes, 1)), ElementsAre(young));
  EXPECT_THAT(ids(journal_.items_by_path("day1", 10)), IsEmpty());
  EXPECT_THAT(ids(journal_.items_by_path("/srv/dropday1", 10)), IsEmpty());
  EXPECT_EQ(journal_.latest_item("/srv/drop", "day1/" + kOddBytes)->id, young);
  EXPECT_FALSE(journal_.latest_item("/srv", "drop/day1/" + kOddBytes));
}

TEST_F(Queries, AnAssetIsKnownByItsItemOrItsSession) {
  auto const item = add(ItemState::kDone, 1);
  journal_.insert(session_of(item));
  EXPECT_TRUE(journal_.asset_known("asset1"));
  EXPECT_TRUE(journal_.asset_known("reserved" + std::to_string(item)));
  EXPECT_FALSE(journal_.asset_known("asset2"));
  EXPECT_FALSE(journal_.asset_known(""));
}

TEST_F(Queries, ListsByFilterAndCursor) {
  auto const one = add(ItemState::kSeen, 1);
  auto const two = add(ItemState::kOpened, 2);
  auto const three = add(ItemState::kSending, 3);
  auto const indexing = add(ItemState::kAssetReady, 4);
  auto const registering = add(ItemState::kAssetReady, 5);
  auto const failed = add(ItemState::kFailed, 6);
  journal_.insert(step_of(indexing, 0, StepKind::kIndex));
  journal_.insert(step_of(registering, 0, StepKind::kEntity));
  auto const list = [&](Journal::ItemFilter const& filter) { return ids(journal_.list_items(filter)); };
  EXPECT_THAT(list({}), ElementsAre(one, two, three, indexing, registering, failed));
  EXPECT_THAT(list({.after_id = two, .limit = 2}), ElementsAre(three, indexing));
  EXPECT_THAT(list({.stage = StageWord::kUpload}), ElementsAre(two, three));
  EXPECT_THAT(list({.stage = StageWord::kIndex}), ElementsAre(indexing));
  EXPECT_THAT(list({.stage = StageWord::kRegister}), ElementsAre(registering));
  EXPECT_THAT(list({.state = ItemState::kFailed, .source = "drop"}), ElementsAre(failed));
  EXPECT_THAT(list({.state = ItemState::kFailed, .source = "other"}), IsEmpty());
  EXPECT_THAT(ids(journal_.items_in(ItemState::kFailed, 5)), ElementsAre(failed));
  EXPECT_THAT(ids(journal_.items_in(ItemState::kSending, 5)), ElementsAre(three));
  auto const done = add(ItemState::kDone, 7);
  EXPECT_THAT(ids(journal_.items_in(ItemState::kDone, 5)), ElementsAre(done));
}

TEST_F(Queries, ListsTheItemsOfEveryEnd) {
  auto const done = add(ItemState::kDone, 1);
  auto const failed = add(ItemState::kFailed, 2);
  auto const cancelled = add(ItemState::kCancelled, 3);
  auto const list = [&](ItemState state) { return ids(journal_.list_items({.state = state})); };
  EXPECT_THAT(list(ItemState::kDone), ElementsAre(done));
  EXPECT_THAT(list(ItemState::kFailed), ElementsAre(failed));
  EXPECT_THAT(list(ItemState::kCancelled), ElementsAre(cancelled));
}

TEST_F(Queries, CountsByStageWithWhatWaits) {
  add(ItemState::kSeen, 1, 50, at(kNoon));
  add(ItemState::kSeen, 2, 60, at(kNoon + 5));
  add(ItemState::kOpened, 3, 50, std::nullopt);
  auto const indexing = add(ItemState::kAssetReady, 4, 50, std::nullopt);
  journal_.insert(step_of(indexing, 0, StepKind::kIndex));
  add(ItemState::kAssetReady, 5, 50, at(kNoon));
  add(ItemState::kDone, 6);
  std::vector<std::string> lines;
  for (auto const& count : journal_.count_by_stage(at(kNoon + 1)))
    lines.push_back(std::string(word(count.stage)) + " " + std::to_string(count.total) + " " +
                    std::to_string(count.waiting));
  EXPECT_THAT(lines, ElementsAre("settle 2 1", "upload 1 1", "ready 0 0", "index 1 1", "register 1 0", "done 1 0",
                                 "failed 0 0", "cancelled 0 0", "skipped 0 0"));
}

TEST_F(Queries, CountersFollowEveryMoveAndEveryOpening) {
  auto row = item_in(ItemState::kSeen, 1);
  row.id = journal_.insert(row);
  add(ItemState::kSeen, 2);
  row.state = ItemState::kStable;
  journal_.update(row, ItemState::kSeen, at(kNoon));
  EXPECT_EQ(journal_.count_items(ItemState::kSeen), 1);
  EXPECT_EQ(journal_.count_items(ItemState::kStable), 1);
  journal_.commit();
  std::filesystem::copy(scratch_.folder(), scratch_.folder() / "again");
  Journal again(scratch_.folder() / "again" / "journal.db");
  EXPECT_EQ(again.count_items(ItemState::kSeen), 1);
  EXPECT_EQ(again.count_items(ItemState::kStable), 1);
}

TEST_F(Queries, OpenSessionsAreThoseOfOpenedItems) {
  auto const low = add_session(1, 1, 10);
  auto const high = add_session(2, 1, 90);
  auto expired = session_of(journal_.session(high)->item_id);
  expired.state = SessionState::kExpired;
  journal_.insert(expired);
  auto const reported = journal_.insert(session_of(add(ItemState::kReported, 3)));
  EXPECT_THAT(ids(journal_.open_sessions(10)), ElementsAre(high, low));
  EXPECT_THAT(ids(journal_.open_sessions(1)), ElementsAre(high));
  EXPECT_EQ(journal_.open_session(journal_.session(reported)->item_id)->id, reported);
  EXPECT_EQ(journal_.sessions_of(journal_.session(high)->item_id).size(), 2u);
}

TEST_F(Queries, DueChunksComeInTheirOrder) {
  auto const session = add_session(1, 5);
  set_chunk(session, 1, ChunkState::kHasUrl);
  set_chunk(session, 3, ChunkState::kNeedsUrl, at(kNoon + 10));
  EXPECT_THAT(indexes(journal_.due_chunks(session, ChunkState::kNeedsUrl, at(kNoon), 10)), ElementsAre(2, 4, 5));
  EXPECT_THAT(indexes(journal_.due_chunks(session, ChunkState::kNeedsUrl, at(kNoon + 10), 2)), ElementsAre(2, 3));
  EXPECT_THAT(indexes(journal_.due_chunks(session, ChunkState::kHasUrl, at(kNoon), 10)), ElementsAre(1));
  EXPECT_THAT(indexes(journal_.chunks_in(session, ChunkState::kNeedsUrl)), ElementsAre(2, 3, 4, 5));
  set_chunk(session, 4, ChunkState::kReported);
  EXPECT_THAT(indexes(journal_.chunks_in(session, ChunkState::kReported)), ElementsAre(4));
}

TEST_F(Queries, ChunksAreCountedByState) {
  auto const session = add_session(1, 7);
  set_chunk(session, 1, ChunkState::kHasUrl);
  set_chunk(session, 2, ChunkState::kPutting);
  set_chunk(session, 3, ChunkState::kStored);
  set_chunk(session, 4, ChunkState::kReported);
  set_chunk(session, 5, ChunkState::kReported);
  auto const counts = journal_.count_chunks(session);
  EXPECT_EQ(counts.needs_url, 2u);
  EXPECT_EQ(counts.has_url, 1u);
  EXPECT_EQ(counts.putting, 1u);
  EXPECT_EQ(counts.stored, 1u);
  EXPECT_EQ(counts.reported, 2u);
  EXPECT_EQ(journal_.count_chunks(99).reported, 0u);
  EXPECT_THAT(journal_.sessions_with_putting(), ElementsAre(session));
}

TEST_F(Queries, AChunkIsThereOrNotInAnyOfSomeStates) {
  auto const session = add_session(1, 2);
  set_chunk(session, 1, ChunkState::kPutting);
  set_chunk(session, 2, ChunkState::kReported);
  EXPECT_TRUE(journal_.has_chunks(session, {ChunkState::kPutting}));
  EXPECT_TRUE(journal_.has_chunks(session, {ChunkState::kStored, ChunkState::kHasUrl, ChunkState::kPutting}));
  EXPECT_FALSE(journal_.has_chunks(session, {ChunkState::kStored, ChunkState::kHasUrl, ChunkState::kNeedsUrl}));
  EXPECT_FALSE(journal_.has_chunks(99, {ChunkState::kPutting}));
}

TEST_F(Queries, TheLeavesOfASessionComeInTheOrderOfItsChunks) {
  auto const session = add_session(1, 3);
  for (auto const index : {3u, 1u}) {
    auto row = *journal_.chunk(session, index);
    row.leaves = std::to_string(index) + kOddBytes;
    journal_.update(row, row.state, 1, at(kNoon));
  }
  std::vector<std::string> leaves;
  journal_.visit_leaves(session, [&](std::string_view some) { leaves.emplace_back(some); });
  EXPECT_THAT(leaves, ElementsAre("1" + kOddBytes, "", "3" + kOddBytes));
}

TEST_F(Queries, NamedThingsAreFoundByStateTimeAndParent) {
  auto const cast = journal_.ensure_named(named_called("Cast", NamedKind::kCollection));
  auto wish = named_called("Ada", NamedKind::kEntity, cast.id);
  wish.effort.due_at = at(kNoon + 5);
  auto const ada = journal_.ensure_named(wish);
  wish.name = "Bob";
  wish.effort.due_at.reset();
  auto const bob = journal_.ensure_named(wish);
  auto present = journal_.ensure_named(named_called("footage"));
  present.state = NamedState::kPresent;
  present.remote_id = "index1";
  journal_.update(present, NamedState::kWanted, at(kNoon));
  EXPECT_THAT(ids(journal_.due_named(NamedState::kWanted, at(kNoon), 10)), ElementsAre(cast.id));
  EXPECT_THAT(ids(journal_.due_named(NamedState::kWanted, at(kNoon + 5), 10)), ElementsAre(cast.id, ada.id));
  EXPECT_THAT(ids(journal_.named_in(NamedState::kWanted)), UnorderedElementsAre(cast.id, ada.id, bob.id));
  EXPECT_THAT(ids(journal_.named_in(NamedState::kPresent)), ElementsAre(present.id));
  EXPECT_THAT(ids(journal_.named_children(cast.id)), ElementsAre(ada.id, bob.id));
}

TEST_F(Queries, StepsAreFoundByStateTimeAndName) {
  auto const item = add(ItemState::kAssetReady, 1);
  auto const index = journal_.ensure_named(named_called("footage"));
  auto step = step_of(item, 1);
  step.named_id = index.id;
  step.effort.due_at = at(kNoon + 5);
  auto const timed = journal_.insert(step);
  step.ordinal = 0;
  step.effort.due_at.reset();
  auto const waiting = journal_.insert(step);
  step.ordinal = 2;
  step.state = StepState::kReady;
  step.remote_id = "x";
  auto const ready = journal_.insert(step);
  EXPECT_THAT(ids(journal_.due_steps(StepState::kWaiting, StepKind::kIndex, at(kNoon), 10)), IsEmpty());
  EXPECT_THAT(ids(journal_.due_steps(StepState::kWaiting, StepKind::kIndex, at(kNoon + 5), 10)), ElementsAre(timed));
  EXPECT_THAT(ids(journal_.steps_in(StepState::kWaiting, 10)), UnorderedElementsAre(timed, waiting));
  EXPECT_THAT(ids(journal_.steps_in(StepState::kReady, 10)), ElementsAre(ready));
  EXPECT_THAT(ids(journal_.steps_on(index.id, StepState::kWaiting, 10)), ElementsAre(timed, waiting));
  EXPECT_THAT(ids(journal_.steps_of(item)), ElementsAre(waiting, timed, ready));
  journal_.delete_steps_of(item);
  EXPECT_THAT(journal_.steps_of(item), IsEmpty());
}

TEST_F(Queries, TheNextDueIsTheEarliestOfAllTables) {
  EXPECT_FALSE(journal_.next_due());
  auto const item = add(ItemState::kAssetReady, 1, 10, at(kNoon + 900));
  add(ItemState::kSeen, 2, 90, at(kNoon + 950));
  EXPECT_EQ(journal_.next_due(), at(kNoon + 900));
  auto step = step_of(item, 0);
  step.effort.due_at = at(kNoon + 800);
  journal_.insert(step);
  EXPECT_EQ(journal_.next_due(), at(kNoon + 800));
  auto wish = named_called("footage");
  wish.effort.due_at = at(kNoon + 700);
  journal_.ensure_named(wish);
  EXPECT_EQ(journal_.next_due(), at(kNoon + 700));
  auto session = session_of(add(ItemState::kOpened, 3, 50, std::nullopt));
  session.due_at = at(kNoon + 600);
  session.id = journal_.insert(session);
  EXPECT_EQ(journal_.next_due(), at(kNoon + 600));
  journal_.insert_chunks(session.id, 2, at(kNoon + 500));
  EXPECT_EQ(journal_.next_due(), at(kNoon + 500));
}

TEST_F(Queries, TheNextDueAfterAMomentPassesOverWhatIsDueAlready) {
  auto const session = add_session(1, 2);  // chunks and session due at noon
  add(ItemState::kStable, 2, 50, at(kNoon));
  add(ItemState::kStable, 3, 50, at(kNoon + 7));
  add(ItemState::kStable, 4, 40, at(kNoon + 6));
  EXPECT_EQ(journal_.next_due(), at(kNoon));
  EXPECT_EQ(journal_.next_due(at(kNoon)), at(kNoon + 6));
  set_chunk(session, 2, ChunkState::kNeedsUrl, at(kNoon + 3));
  EXPECT_EQ(journal_.next_due(at(kNoon)), at(kNoon + 3));
  EXPECT_FALSE(journal_.next_due(at(kNoon + 7)));
}

TEST_F(Queries, WhatHasEndedIsNeverDue) {
  add(ItemState::kDone, 1);
  auto const session = add_session(2, 3);
  auto row = *journal_.session(session);
  row.state = SessionState::kAbandoned;
  journal_.update(row, SessionState::kOpen, at(kNoon));
  EXPECT_FALSE(journal_.next_due());
}

// What the counters say is none there is asked for by no query: this runs before every sleep.
TEST_F(Queries, AskForNothingThatIsNotThere) {
  journal_.next_due();
  EXPECT_THAT(asked_of("session"), IsEmpty());
  EXPECT_THAT(asked_of("named"), IsEmpty());
  EXPECT_THAT(asked_of("step"), IsEmpty());
  journal_.insert(session_of(add(ItemState::kReported, 1)));
  journal_.open_sessions(5);
  EXPECT_THAT(asked_of("session"), IsEmpty()) << "no item of an open session goes up";
}

TEST_F(Queries, AskForNoSessionOnceTheLastHasEnded) {
  auto row = *journal_.session(add_session(1, 1));
  row.state = SessionState::kAbandoned;
  journal_.update(row, SessionState::kOpen, at(kNoon));
  journal_.open_sessions(5);
  journal_.next_due();
  EXPECT_THAT(asked_of("session"), IsEmpty());
}

void ask_of_acts(Journal& journal, RowId item) {
  journal.update(*journal.act(journal.insert(act_of(item, 1))), ActState::kWanted, at(kNoon));
  journal.acts_of(item);
  journal.due_acts(ActState::kWanted, at(kNoon), 5);
  journal.due_hooks("b", ActState::kWanted, at(kNoon), 5);
  journal.open_of_hook("b", 5);
  journal.open_hooks();
  journal.count_open("b");
  journal.held_act("/srv/nas");
  journal.release_acts("/srv/nas", at(kNoon));
  journal.count_refused();
  journal.first_refused();
  journal.items_with_refused(0, 5);
}

void ask_of_downloads(Journal& journal, RowId item) {
  DownloadRow row{.item_id = item};
  row.id = journal.insert(row);
  row.state = DownloadState::kFetching;
  journal.update(row, DownloadState::kWanted, at(kNoon));
  journal.fetching_downloads();
  journal.reserved_bytes();
  journal.owns_in_spool("01ARZ3NDEKTSV4RRFFQ69G5FAV");
  journal.delete_download(journal.download_of(item)->item_id);
}

// Every statement that a turn runs must be served by an index: a scan that takes a moment with ten rows
// stops the daemon for seconds with a million.
TEST_F(Queries, ScanNoTableButWhereThatIsMeant) {
  auto const session = add_session(1, 2);
  auto const item = journal_.session(session)->item_id;
  auto const name = journal_.ensure_named(named_called("footage"));
  set_chunk(session, 1, ChunkState::kPutting);
  ask_for_twins(item);
  journal_.update(*journal_.session(session), SessionState::kOpen, at(kNoon));
  journal_.update(name, NamedState::kWanted, at(kNoon));
  journal_.update(*journal_.item(item), ItemState::kOpened, at(kNoon));
  auto step = step_of(item, 0);
  step.id = journal_.insert(step);
  journal_.update(step, StepState::kWaiting, at(kNoon));
  for (int i = 0; i < static_cast<int>(ItemState::kDone); ++i) {
    journal_.due_items(static_cast<ItemState>(i), at(kNoon), 5);
    journal_.items_in(static_cast<ItemState>(i), 5);
  }
  for (auto const state : {ItemState::kFailed, ItemState::kCancelled, ItemState::kSkipped}) journal_.items_in(state, 5);
  for (auto const* method : {"direct", "multipart"})
    journal_.next_upload_priority(method, std::nullopt), journal_.uploads_waiting(method, 50, at(kNoon), 5);
  UndatedPlace place;
  journal_.undated_items(std::array{ItemState::kOpened}, place, 5);
  journal_.latest_item("/srv", "a");
  journal_.items_by_prefix("0", 5);
  journal_.items_by_path("a", 5);
  journal_.asset_known("a");
  journal_.count_by_stage(at(kNoon));
  journal_.list_items({.state = ItemState::kFailed});
  journal_.open_session(item), journal_.sessions_of(item);
  journal_.count_chunks(session);
  journal_.has_chunks(session, {ChunkState::kStored});
  journal_.visit_leaves(session, [](std::string_view) {});
  for (auto const state : {ChunkState::kNeedsUrl, ChunkState::kHasUrl, ChunkState::kStored})
    journal_.due_chunks(session, state, at(kNoon), 5), journal_.chunks_in(session, state);
  journal_.named(name.id);
  journal_.named_children(name.id);
  journal_.named_in(NamedState::kWanted);
  journal_.due_named(NamedState::kWanted, at(kNoon), 5);
  journal_.step(step.id);
  journal_.steps_of(item);
  journal_.steps_on(name.id, StepState::kWaiting, 5);
  journal_.steps_in(StepState::kWaiting, 5);
  journal_.due_steps(StepState::kCreated, StepKind::kIndex, at(kNoon), 5);
  ask_of_acts(journal_, item), ask_of_downloads(journal_, item);
  journal_.delete_steps_of(item);
  journal_.events_of(item, 5);
  journal_.events_of(0, 5);
  journal_.next_due();
  journal_.set_meta("a", "b");
  journal_.meta("a");
  journal_.losses_of(1);
  journal_.write_progress(*journal_.item(item));
  auto ended = *journal_.next_session_with_chunks(0);
  ended.state = SessionState::kAbandoned;
  journal_.forget_chunks(ended, 5);
  auto const turn = journal_.query_plans();
  journal_.open_sessions(5);
  journal_.sessions_with_putting();
  EXPECT_GT(turn.size(), 40u);
  for (auto const& plan : turn) {
    if (plan.starts_with("SELECT state, count(*) FROM item GROUP BY state")) continue;  // once, at opening
    for (auto const* table : {"item", "session", "chunk", "named", "step", "event", "meta", "t", "i", "s", "c", "n"})
      EXPECT_EQ((plan + "\n").find("\n  SCAN " + std::string(table) + "\n"), std::string::npos) << plan;
    EXPECT_EQ(plan.find("TEMP B-TREE"), std::string::npos) << plan;
  }
  // These two may sort or walk: the few opened items; the chunks left unreported, once at start.
  for (auto const& plan : journal_.query_plans()) {
    if (!plan.starts_with("SELECT DISTINCT session_id")) continue;
    EXPECT_NE(plan.find("USING COVERING INDEX chunk_active"), std::string::npos) << plan;
  }
}

}  // namespace
}  // namespace sluice::journal

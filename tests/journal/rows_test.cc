// Every column of every row comes back as it went in; guarded writes are guarded.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/journal/sqlite.h"
#include "tests/journal/samples.h"

namespace sluice::journal {
namespace {

using testing::ElementsAre;

void expect_same(Intent const& a, Intent const& b) {
  EXPECT_EQ(a.at, b.at);
  EXPECT_EQ(a.unknown_at, b.unknown_at);
  EXPECT_EQ(a.looks, b.looks);
}

void expect_same(Effort const& a, Effort const& b) {
  EXPECT_EQ(a.attempts, b.attempts);
  EXPECT_EQ(a.tries, b.tries);
  EXPECT_EQ(a.due_at, b.due_at);
  EXPECT_EQ(a.last_error, b.last_error);
}

void expect_same(ItemRow const& a, ItemRow const& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.ulid, b.ulid);
  EXPECT_EQ(a.source, b.source);
  EXPECT_EQ(a.root, b.root);
  EXPECT_EQ(a.path, b.path);
  EXPECT_EQ(a.key, b.key);
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.url, b.url);
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.pipeline, b.pipeline);
  EXPECT_EQ(a.generation, b.generation);
  EXPECT_EQ(a.state, b.state);
  EXPECT_EQ(a.method, b.method);
  EXPECT_EQ(a.print, b.print);
  EXPECT_EQ(a.print.device, b.print.device);
  EXPECT_EQ(a.quiet_since, b.quiet_since);
  EXPECT_EQ(a.plan, b.plan);
  EXPECT_EQ(a.content_type, b.content_type);
  EXPECT_EQ(a.client_op, b.client_op);
  EXPECT_EQ(a.asset_id, b.asset_id);
  EXPECT_EQ(a.content_key, b.content_key);
  expect_same(a.intent, b.intent);
  expect_same(a.effort, b.effort);
  EXPECT_EQ(a.reason, b.reason);
  EXPECT_EQ(a.failed_from, b.failed_from);
  EXPECT_EQ(a.priority, b.priority);
  EXPECT_EQ(a.bytes_sent, b.bytes_sent);
  EXPECT_EQ(a.bytes_acked, b.bytes_acked);
  EXPECT_EQ(a.created_at, b.created_at);
  EXPECT_EQ(a.finished_at, b.finished_at);
}

void expect_same(SessionRow const& a, SessionRow const& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.item_id, b.item_id);
  EXPECT_EQ(a.generation, b.generation);
  EXPECT_EQ(a.state, b.state);
  EXPECT_EQ(a.upload_id, b.upload_id);
  EXPECT_EQ(a.asset_id, b.asset_id);
  EXPECT_EQ(a.file_bytes, b.file_bytes);
  EXPECT_EQ(a.chunk_size_bytes, b.chunk_size_bytes);
  EXPECT_EQ(a.total_chunks, b.total_chunks);
  EXPECT_EQ(a.upload_headers, b.upload_headers);
  EXPECT_EQ(a.opened_at, b.opened_at);
  EXPECT_EQ(a.expires_at, b.expires_at);
  EXPECT_EQ(a.due_at, b.due_at);
  EXPECT_EQ(a.tries, b.tries);
}

void expect_same(ChunkRow const& a, ChunkRow const& b) {
  EXPECT_EQ(a.session_id, b.session_id);
  EXPECT_EQ(a.index, b.index);
  EXPECT_EQ(a.state, b.state);
  EXPECT_TRUE(a.url == b.url);
  EXPECT_EQ(a.url_renew_at, b.url_renew_at);
  EXPECT_EQ(a.etag, b.etag);
  EXPECT_EQ(a.leaves, b.leaves);
  EXPECT_EQ(a.attempts, b.attempts);
  EXPECT_EQ(a.tries, b.tries);
  EXPECT_EQ(a.refusals, b.refusals);
  EXPECT_EQ(a.mismatches, b.mismatches);
  EXPECT_EQ(a.due_at, b.due_at);
  EXPECT_EQ(a.last_error, b.last_error);
}

void expect_same(NamedRow const& a, NamedRow const& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.parent_id, b.parent_id);
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.state, b.state);
  EXPECT_EQ(a.remote_id, b.remote_id);
  EXPECT_EQ(a.params, b.params);
  EXPECT_EQ(a.client_op, b.client_op);
  EXPECT_EQ(a.seed_step_id, b.seed_step_id);
  EXPECT_EQ(a.created_by_us, b.created_by_us);
  expect_same(a.intent, b.intent);
  expect_same(a.effort, b.effort);
}

void expect_same(ActRow const& a, ActRow const& b) {
  EXPECT_EQ(a.item_id, b.item_id);
  EXPECT_EQ(a.generation, b.generation);
  EXPECT_EQ(a.ordinal, b.ordinal);
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.state, b.state);
  EXPECT_EQ(a.target_folder, b.target_folder);
  EXPECT_EQ(a.target_path, b.target_path);
  expect_same(a.effort, b.effort);
  EXPECT_EQ(a.reason, b.reason);
}

void expect_same(StepRow const& a, StepRow const& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.item_id, b.item_id);
  EXPECT_EQ(a.ordinal, b.ordinal);
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.state, b.state);
  EXPECT_EQ(a.params, b.params);
  EXPECT_EQ(a.client_op, b.client_op);
  EXPECT_EQ(a.named_id, b.named_id);
  EXPECT_EQ(a.remote_id, b.remote_id);
  EXPECT_EQ(a.remote_status, b.remote_status);
  expect_same(a.intent, b.intent);
  expect_same(a.effort, b.effort);
  EXPECT_EQ(a.reason, b.reason);
}

class Rows : public testing::Test {
 protected:
  Rows() { journal_.begin(); }

  Scratch scratch_;
  Journal journal_{scratch_.file()};
};

TEST_F(Rows, AnItemComesBackAsItWasInserted) {
  for (auto row : {full_item(), url_item_in(ItemState::kStable, 2), item_in(ItemState::kSeen)}) {
    row.id = journal_.insert(row);
    expect_same(*journal_.item(row.id), row);
  }
}

TEST_F(Rows, AnItemComesBackAsItWasUpdated) {
  auto const made = item_in(ItemState::kSeen);
  auto const id = journal_.insert(made);
  auto row = full_item();
  row.id = id;
  journal_.update(row, ItemState::kSeen, at(kNoon));
  // What names it stays as it was made.
  row.ulid = made.ulid;
  row.source = made.source;
  row.root = made.root;
  row.path = made.path;
  row.created_at = made.created_at;
  expect_same(*journal_.item(id), row);
}

TEST_F(Rows, AnItemThatEndsAndComesBackIsLiveAgain) {
  auto row = item_in(ItemState::kSeen);
  row.id = journal_.insert(row);
  for (auto const state : {ItemState::kStable, ItemState::kCancelled, ItemState::kStable, ItemState::kSkipped}) {
    auto const was = row.state;
    row.state = state;
    row.reason = "it was asked for";
    row.finished_at = is_end(state) ? std::optional(at(kNoon)) : std::nullopt;
    journal_.update(row, was, at(kNoon));
    expect_same(*journal_.item(row.id), row);
  }
}

TEST_F(Rows, AnItemThatEndsAnotherWayEndsAnew) {
  auto row = item_in(ItemState::kFailed);
  row.id = journal_.insert(row);
  row.state = ItemState::kCancelled;
  row.finished_at = at(kNoon + 9);
  journal_.update(row, ItemState::kFailed, at(kNoon + 9));
  EXPECT_EQ(journal_.item(row.id)->finished_at, at(kNoon + 9));
}

TEST_F(Rows, EveryItemStateIsAccepted) {
  for (int i = 0; i <= static_cast<int>(ItemState::kSkipped); ++i) {
    auto const state = static_cast<ItemState>(i);
    EXPECT_EQ(journal_.item(journal_.insert(item_in(state, i)))->state, state);
  }
}

TEST_F(Rows, ASessionComesBack) {
  auto const item = journal_.insert(item_in(ItemState::kOpened));
  auto row = full_session(item);
  row.id = journal_.insert(row);
  expect_same(*journal_.session(row.id), row);
  for (auto const state :
       {SessionState::kOpen, SessionState::kCompleted, SessionState::kAbandoned, SessionState::kExpired}) {
    auto const before = row.state;
    row.state = state;
    row.tries += 1;
    journal_.update(row, before, at(kNoon));
    expect_same(*journal_.session(row.id), row);
  }
}

TEST_F(Rows, AChunkComesBackInEveryState) {
  auto const item = journal_.insert(item_in(ItemState::kOpened));
  auto const session = journal_.insert(session_of(item));
  journal_.insert_chunks(session, 3, at(kNoon));
  auto row = full_chunk(session, 2);
  journal_.update(row, ChunkState::kNeedsUrl, item, at(kNoon));
  expect_same(*journal_.chunk(session, 2), row);
  row.url = {};
  row.state = ChunkState::kPutting;
  journal_.update(row, ChunkState::kHasUrl, item, at(kNoon));
  expect_same(*journal_.chunk(session, 2), row);
  for (auto const state : {ChunkState::kStored, ChunkState::kReported}) {
    auto const before = row.state;
    row.state = state;
    row.etag = "9b2cf535f27731c974343645a3985328";
    row.leaves = kOddBytes;
    journal_.update(row, before, item, at(kNoon));
    expect_same(*journal_.chunk(session, 2), row);
  }
  EXPECT_EQ(journal_.chunk(session, 1)->state, ChunkState::kNeedsUrl);
  EXPECT_FALSE(journal_.chunk(session, 4));
}

TEST_F(Rows, ANamedThingComesBackInEveryState) {
  auto const parent = journal_.ensure_named(named_called("Cast", NamedKind::kCollection));
  auto row = full_named(parent.id);
  row.id = journal_.ensure_named(row).id;
  expect_same(*journal_.named(row.id), row);
  row.state = NamedState::kCreating;
  journal_.update(row, NamedState::kWanted, at(kNoon));
  row.state = NamedState::kPresent;
  row.remote_id = "entity1";
  row.effort.due_at.reset();
  journal_.update(row, NamedState::kCreating, at(kNoon));
  expect_same(*journal_.named(row.id), row);
}

TEST_F(Rows, AStepComesBackInEveryState) {
  auto const item = journal_.insert(item_in(ItemState::kAssetReady));
  auto const named = journal_.ensure_named(named_called("footage"));
  auto row = full_step(item, named.id);
  row.id = journal_.insert(row);
  expect_same(*journal_.step(row.id), row);
  row.reason.clear();
  for (auto const state : {StepState::kWaiting, StepState::kCreating, StepState::kCreated, StepState::kReady}) {
    auto const before = journal_.step(row.id)->state;
    row.state = state;
    journal_.update(row, before, at(kNoon));
    expect_same(*journal_.step(row.id), row);
  }
}

TEST_F(Rows, AnActComesBackInEveryState) {
  auto const item = journal_.insert(item_in(ItemState::kDone));
  auto row = full_act(item);
  row.id = journal_.insert(row);
  expect_same(*journal_.act(row.id), row);
  row.reason.clear();
  for (auto const state : {ActState::kWanted, ActState::kActing, ActState::kDone}) {
    auto const before = journal_.act(row.id)->state;
    row.state = state;
    journal_.update(row, before, at(kNoon));
    expect_same(*journal_.act(row.id), row);
  }
  EXPECT_EQ(journal_.events_of(item, 9).back().subject, "act 2 hook");
}

TEST_F(Rows, ANamedThingIsMadeOnce) {
  auto wish = named_called("footage");
  auto const first = journal_.ensure_named(wish);
  wish.client_op = "another";
  auto const second = journal_.ensure_named(wish);
  EXPECT_EQ(second.id, first.id);
  EXPECT_EQ(second.client_op, "op");
  EXPECT_NE(journal_.ensure_named(named_called("footage", NamedKind::kCollection)).id, first.id);
}

TEST_F(Rows, TheLastEventTellsHowFarTheJournalHasComeAndWhen) {
  EXPECT_EQ(journal_.last_event(), 0);
  EXPECT_FALSE(journal_.last_event_at());
  for (auto const when : {kNoon + 5, kNoon + 2}) journal_.add_event({0, at(when), 0, "named index a", "a", "b", ""});
  EXPECT_EQ(journal_.last_event(), 2);
  EXPECT_EQ(journal_.last_event_at(), at(kNoon + 2)) << "the newest, not the latest";
}

TEST_F(Rows, AStateChangeTellsItsStory) {
  auto row = item_in(ItemState::kSeen);
  row.id = journal_.insert(row);
  row.state = ItemState::kStable;
  journal_.update(row, ItemState::kSeen, at(kNoon + 5), "quiet for 5 s");
  row.effort.tries = 1;
  journal_.update(row, ItemState::kStable, at(kNoon + 6), "no change of state, no event");
  auto const events = journal_.events_of(row.id, 10);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].at, at(kNoon + 5));
  EXPECT_EQ(events[0].subject, "item");
  EXPECT_EQ(events[0].was, "seen");
  EXPECT_EQ(events[0].became, "stable");
  EXPECT_EQ(events[0].note, "quiet for 5 s");
}

TEST_F(Rows, EventsNameTheirSubject) {
  auto const item = journal_.insert(item_in(ItemState::kOpened));
  auto session = session_of(item);
  session.id = journal_.insert(session);
  session.state = SessionState::kExpired;
  journal_.update(session, SessionState::kOpen, at(kNoon));
  auto step = step_of(item, 1);
  step.id = journal_.insert(step);
  step.state = StepState::kFailed;
  step.reason = "refused";
  journal_.update(step, StepState::kWaiting, at(kNoon));
  auto named = journal_.ensure_named(named_called("footage"));
  named.state = NamedState::kPresent;
  named.remote_id = "index1";
  journal_.update(named, NamedState::kWanted, at(kNoon));

  auto const events = journal_.events_of(item, 10);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].subject, "session upload" + std::to_string(item));
  EXPECT_EQ(events[1].subject, "step 1 index");
  auto const shared = journal_.events_of(0, 10);  // about no item
  ASSERT_EQ(shared.size(), 1u);
  EXPECT_EQ(shared[0].subject, "named index footage");
}

TEST_F(Rows, AChunkTellsOnlyOfSuccessAndFailure) {
  auto const item = journal_.insert(item_in(ItemState::kOpened));
  auto const session = journal_.insert(session_of(item));
  journal_.insert_chunks(session, 1, at(kNoon));
  auto const move = [&](ChunkState from, ChunkState to, std::string const& error) {
    auto row = *journal_.chunk(session, 1);
    row.state = to;
    row.url = SecretUrl(to == ChunkState::kHasUrl ? "https://s/x" : "");
    row.etag = to >= ChunkState::kStored ? "etag" : "";
    row.last_error = error;
    journal_.update(row, from, item, at(kNoon));
  };
  move(ChunkState::kNeedsUrl, ChunkState::kHasUrl, "");
  move(ChunkState::kHasUrl, ChunkState::kPutting, "");
  move(ChunkState::kPutting, ChunkState::kNeedsUrl, "reset by peer");
  move(ChunkState::kNeedsUrl, ChunkState::kPutting, "reset by peer");
  move(ChunkState::kPutting, ChunkState::kNeedsUrl, "");  // found in the air at a start: no failure
  move(ChunkState::kNeedsUrl, ChunkState::kStored, "");
  move(ChunkState::kStored, ChunkState::kReported, "");
  auto const events = journal_.events_of(item, 10);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].subject, "chunk 1");
  EXPECT_EQ(events[0].became, "needs_url");
  EXPECT_EQ(events[0].note, "reset by peer");
  EXPECT_EQ(events[1].became, "stored");
}

TEST_F(Rows, AChunksEventTellsTheNoteBeforeTheError) {
  auto const item = journal_.insert(item_in(ItemState::kOpened));
  auto const session = journal_.insert(session_of(item));
  journal_.insert_chunks(session, 1, at(kNoon));
  auto row = *journal_.chunk(session, 1);
  row.state = ChunkState::kPutting;
  journal_.update(row, ChunkState::kNeedsUrl, item, at(kNoon));
  row.state = ChunkState::kNeedsUrl;
  row.last_error = "reset by peer";
  journal_.update(row, ChunkState::kPutting, item, at(kNoon), "the last try");
  row.state = ChunkState::kStored;  // of a success the old error is no part
  row.etag = "etag";
  journal_.update(row, ChunkState::kNeedsUrl, item, at(kNoon));
  auto const events = journal_.events_of(item, 10);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].note, "the last try");
  EXPECT_EQ(events[1].note, "");
}

TEST_F(Rows, UploadHeadersThatAreNoPairsOfTextAreDamage) {
  Scratch scratch;
  RowId session = 0;
  {
    Journal journal(scratch.file());
    journal.begin();
    session = journal.insert(session_of(journal.insert(item_in(ItemState::kOpened))));
    journal.commit();
  }
  for (auto const* headers :
       {R"([["a"]])", R"([["a","b","c"]])", R"([[1,"b"]])", R"([["a",1]])", R"([[1,2]])", "nonsense"}) {
    Database(scratch.file().string()).run(std::string("UPDATE session SET upload_headers = '") + headers + "'");
    Journal journal(scratch.file());
    try {
      journal.session(session);
      ADD_FAILURE() << headers << " was taken";
    } catch (JournalError const& error) {
      EXPECT_EQ(error.kind(), JournalError::Kind::kDamaged) << headers;
    }
  }
}

TEST_F(Rows, TheLastEventsComeOldestFirst) {
  for (int i = 0; i < 5; ++i) journal_.add_event({0, at(i), 3, "item", "a", "b", std::to_string(i)});
  std::vector<std::string> notes;
  for (auto const& event : journal_.events_of(3, 2)) notes.push_back(event.note);
  EXPECT_THAT(notes, ElementsAre("3", "4"));
}

using RowsDeathTest = Rows;

TEST_F(RowsDeathTest, AWriteThatExpectsAnotherStateAborts) {
  auto row = item_in(ItemState::kSeen);
  row.id = journal_.insert(row);
  row.state = ItemState::kStable;
  EXPECT_DEATH(journal_.update(row, ItemState::kOpened, at(kNoon)), "item 1 is not in state 'opened'");
}

TEST_F(RowsDeathTest, AWriteToAMissingRowAborts) {
  ChunkRow row;
  row.session_id = 4;
  row.index = 2;
  EXPECT_DEATH(journal_.update(row, ChunkState::kPutting, 1, at(kNoon)), "chunk 4/2 is not in state 'putting'");
  auto step = step_of(1, 1);
  step.id = 9;
  EXPECT_DEATH(journal_.update(step, StepState::kWaiting, at(kNoon)), "step 9 is not in state 'waiting'");
}

TEST_F(RowsDeathTest, ARowThatTheSchemaForbidsAborts) {
  auto row = item_in(ItemState::kDone);
  row.finished_at.reset();
  EXPECT_DEATH(journal_.insert(row), "broke a rule of the schema");
}

TEST_F(RowsDeathTest, TwoLiveItemsOfOnePathAbort) {
  auto row = item_in(ItemState::kSeen, 1);
  journal_.insert(row);
  row.ulid = ulid_of(2);
  EXPECT_DEATH(journal_.insert(row), "item.root, item.path");
}

TEST_F(Rows, AnEndedItemLeavesItsPathFree) {
  auto row = item_in(ItemState::kSkipped, 1);
  journal_.insert(row);
  auto again = item_in(ItemState::kSeen, 2);
  again.path = row.path;
  auto const id = journal_.insert(again);
  EXPECT_EQ(journal_.latest_item(row.root, row.path)->id, id);
}

TEST_F(RowsDeathTest, AWriteOutsideATransactionAborts) {
  journal_.commit();
  EXPECT_DEATH(journal_.insert(item_in(ItemState::kSeen)), "in_transaction");
}

}  // namespace
}  // namespace sluice::journal

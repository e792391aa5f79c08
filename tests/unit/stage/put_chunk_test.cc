// PUT_CHUNK: a chunk goes up by a fresh URL, its ETag is compared, and failures are paid for.
#include "core/stage/put_chunk.h"

#include <gmock/gmock.h>

#include <array>

#include "core/platform/requests.h"
#include "core/upload/leaves.h"
#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using budget::Errand;
using budget::Group;
using journal::ChunkState;
using journal::ItemState;
using journal::SessionState;
using testing::HasSubstr;

class PutChunk : public StageTest {
 protected:
  PutChunk() {
    item_ = put_item(ItemState::kOpened);
    session_ = put_session(item_.id);
  }
  void with_urls(RowId session, std::uint32_t count) {
    for (std::uint32_t index = 1; index <= count; ++index) set_chunk(session, index, ChunkState::kHasUrl);
  }
  // A chunk in the air whose ten bytes were all read, and their MD5.
  std::string put(std::uint32_t index) {
    set_chunk(session_.id, index, ChunkState::kPutting);
    auto file = files.open("", item_.path);
    body_ = reader.read(*file, {.admitted = item_.print, .length_bytes = 10, .hashed = policy.verify_etag});
    std::array<std::byte, 10> bytes{};
    while (body_->read(bytes)->value() > 0) {
    }
    return body_->md5_hex().value_or("");
  }
  void answered(std::uint32_t index, Result<ports::Reply> answer, std::uint64_t bytes_sent = 10) {
    land({.errand = Errand::kPutChunk,
          .row = session_.id,
          .item = item_.id,
          .chunk_index = index,
          .host = "s",
          .body = body_},
         std::move(answer), bytes_sent);
  }
  static ports::Reply etag(std::string const& value) {
    return {.status = 200, .headers = {{"etag", "\"" + value + "\""}}, .body = {}};
  }
  journal::ChunkRow at(std::uint32_t index) const { return chunk(session_.id, index); }

  journal::ItemRow item_;
  journal::SessionRow session_;
  std::shared_ptr<ports::FileBody> body_;
};

std::string const kOtherMd5(32, '0');

TEST_F(PutChunk, SendsByAUrlOnceAndForgetsIt) {
  with_urls(session_.id, 1);
  choose(choose_put_chunk);
  EXPECT_EQ(left.size(), 1u);
  EXPECT_EQ(at(1).state, ChunkState::kPutting);
  EXPECT_EQ(shown(at(1).url), "");
  choose(choose_put_chunk);
  EXPECT_TRUE(left.empty());
}

TEST_F(PutChunk, JournalsTheLeavesOfWhatIsStored) {
  item_.print.size_bytes = 10;  // one short leaf, all in the first chunk
  files.files[item_.path].print = item_.print;
  answered(1, etag(put(1)));
  EXPECT_EQ(at(1).state, ChunkState::kStored);
  EXPECT_EQ(at(1).leaves.size(), upload::kLeafHashBytes);
  EXPECT_EQ(at(1).leaves, body_->leaf_hashes());
}

TEST_F(PutChunk, FillsItsSlotsAndNoMore) {
  policy.chunks_max = 3;
  with_urls(session_.id, 5);
  choose(choose_put_chunk);
  EXPECT_EQ(left.size(), 3u);
  choose(choose_put_chunk);
  EXPECT_TRUE(left.empty());
}

TEST_F(PutChunk, SharesItsSlotsAmongTheSessions) {
  policy.chunks_max = 4;
  auto const other = put_session(put_item(ItemState::kOpened, 2).id);
  with_urls(session_.id, 5);
  with_urls(other.id, 5);
  choose(choose_put_chunk);
  EXPECT_EQ(journal.count_chunks(session_.id).putting, 2u);
  EXPECT_EQ(journal.count_chunks(other.id).putting, 2u);
}

TEST_F(PutChunk, LeavesASessionWaitingForWhichNoSlotIsLeft) {
  policy.chunks_max = 1;
  auto const other = put_session(put_item(ItemState::kOpened, 2).id);
  with_urls(session_.id, 1);
  with_urls(other.id, 1);
  choose(choose_put_chunk);
  EXPECT_EQ(left.size(), 1u);
}

TEST_F(PutChunk, SendsNothingWhileTheStorageAsksForAPause) {
  with_urls(session_.id, 1);
  traffic.throttled(Group::kStorage, now, now + 1s);
  choose(choose_put_chunk);
  EXPECT_TRUE(left.empty());
  now += 1s;
  choose(choose_put_chunk);
  EXPECT_EQ(left.size(), 1u);
}

TEST_F(PutChunk, SendsNothingIntoASessionThatEndsAtThisVeryMoment) {
  with_urls(session_.id, 1);
  change(session_, [&](auto& row) { row.expires_at = now; });
  choose(choose_put_chunk);
  EXPECT_TRUE(left.empty());
  change(session(session_.id), [&](auto& row) { row.expires_at = now + 1ms; });
  choose(choose_put_chunk);
  EXPECT_EQ(left.size(), 1u);
}

TEST_F(PutChunk, PutsNoUrlToUseThatIsDueToBeRenewed) {
  with_urls(session_.id, 2);
  change_chunk(session_.id, 1, [&](auto& row) { row.url_renew_at = now; });
  change_chunk(session_.id, 2, [&](auto& row) { row.url_renew_at = now + 1ms; });
  choose(choose_put_chunk);
  EXPECT_EQ(at(1).state, ChunkState::kNeedsUrl);
  EXPECT_EQ(at(2).state, ChunkState::kPutting);
}

TEST_F(PutChunk, SendsNothingBeforeItsFileIsOpen) {
  lanes.at_once = false;
  with_urls(session_.id, 1);
  choose(choose_put_chunk);
  EXPECT_TRUE(left.empty());
  EXPECT_EQ(at(1).state, ChunkState::kHasUrl);
  lanes.finish(item_.root);
  choose(choose_put_chunk);
  EXPECT_EQ(left.size(), 1u);
}

TEST_F(PutChunk, TriesAFileWhoseFolderIsAwayNoSoonerThanItIsDue) {
  with_urls(session_.id, 3);
  files.files.clear();
  files.list_error = Error{Fault::kGone, "no such folder"};
  choose(choose_put_chunk);
  EXPECT_EQ(item(item_.id).reason, kSourceDown);
  auto const rows = journal.rows_written();
  for (int turn = 0; turn < 10; ++turn) choose(choose_put_chunk);
  EXPECT_EQ(journal.rows_written(), rows);
  now = *item(item_.id).effort.due_at;
  choose(choose_put_chunk);
  EXPECT_GT(journal.rows_written(), rows);
}

TEST_F(PutChunk, StopsAtAFileThatChanged) {
  with_urls(session_.id, 2);
  files.files[item_.path].print.mtime_ns = 99;
  choose(choose_put_chunk);
  EXPECT_TRUE(left.empty());
  EXPECT_EQ(item(item_.id).state, ItemState::kSeen);
  EXPECT_EQ(item(item_.id).generation, 2);
}

TEST_F(PutChunk, KeepsItsSessionWhileTheFolderIsAway) {
  with_urls(session_.id, 2);
  files.files.clear();
  files.list_error = Error{Fault::kGone, "no such folder"};
  choose(choose_put_chunk);
  EXPECT_TRUE(left.empty());
  EXPECT_EQ(item(item_.id).state, ItemState::kOpened);
  EXPECT_EQ(item(item_.id).generation, 1);
  EXPECT_EQ(item(item_.id).reason, kSourceDown);
  EXPECT_EQ(item(item_.id).effort.attempts, 0u);
  EXPECT_EQ(session(session_.id).state, journal::SessionState::kOpen);
}

TEST_F(PutChunk, KeepsTheEtagOfAChunkThatArrivedWhole) {
  auto const md5 = put(3);
  answered(3, etag(md5));
  EXPECT_EQ(at(3).state, ChunkState::kStored);
  EXPECT_EQ(at(3).etag, md5);
  EXPECT_EQ(item(item_.id).bytes_acked, 10u);
  EXPECT_EQ(item(item_.id).bytes_sent, 10u);
  EXPECT_EQ(journal.meta("etags_of:s"), "matched");
}

TEST_F(PutChunk, LearnsNothingOfAHostFromWhatCannotBeCompared) {
  put(1);
  answered(1, etag("abc-2"));
  policy.verify_etag = false;
  put(2);
  answered(2, etag(kOtherMd5));
  EXPECT_EQ(at(2).state, ChunkState::kStored);
  EXPECT_FALSE(journal.meta("etags_of:s"));
}

TEST_F(PutChunk, KeepsWhatItLearnedOfAHost) {
  within([](Context& ctx) { ctx.journal.set_meta("etags_of:s", "opaque"); });
  auto const md5 = put(1);
  answered(1, etag(md5));
  EXPECT_EQ(journal.meta("etags_of:s"), "opaque");
}

TEST_F(PutChunk, SendsOnceMoreAndThenStopsComparingWithAHostThatNeverMatched) {
  put(1);
  answered(1, etag(kOtherMd5));
  EXPECT_EQ(at(1).state, ChunkState::kNeedsUrl);
  EXPECT_EQ(at(1).mismatches, 1u);
  put(1);
  answered(1, etag(kOtherMd5));
  EXPECT_EQ(at(1).state, ChunkState::kStored);
  EXPECT_EQ(journal.meta("etags_of:s"), "opaque");
}

TEST_F(PutChunk, FailsAnItemWhoseBytesChangeOnTheWayToAHostThatMatchedBefore) {
  within([](Context& ctx) { ctx.journal.set_meta("etags_of:s", "matched"); });
  for (int i = 0; i < 2; ++i) {
    put(1);
    answered(1, etag(kOtherMd5));
  }
  EXPECT_EQ(item(item_.id).state, ItemState::kFailed);
  EXPECT_EQ(item(item_.id).reason, "corrupt_in_transit");
}

TEST_F(PutChunk, AnAnswerWithoutAnEtagIsAFailedTry) {
  put(1);
  answered(1, reply(""));
  EXPECT_EQ(at(1).state, ChunkState::kNeedsUrl);
  EXPECT_EQ(at(1).attempts, 1u);
}

TEST_F(PutChunk, FailsTheItemAtTheLastAttemptAndNotBefore) {
  policy.retry_attempts = 2;
  put(1);
  answered(1, fail(Fault::kTransient, "500"));
  EXPECT_EQ(item(item_.id).state, ItemState::kOpened);
  EXPECT_EQ(item(item_.id).reason, "transient");
  put(1);
  answered(1, fail(Fault::kTransient, "500"));
  EXPECT_EQ(item(item_.id).state, ItemState::kFailed);
}

TEST_F(PutChunk, FailsTheItemForARefusal) {
  put(1);
  answered(1, fail(Fault::kRejected, "400", "EntityTooLarge"));
  EXPECT_EQ(item(item_.id).reason, "EntityTooLarge");
}

TEST_F(PutChunk, ARefusalWithoutACodeIsARefusalAllTheSame) {
  put(1);
  answered(1, fail(Fault::kRejected, "400"));
  EXPECT_EQ(item(item_.id).reason, "refused");
}

TEST_F(PutChunk, LetsTheStatusTellOfAnUploadThatTheStorageForgot) {
  put(1);
  set_chunk(session_.id, 2, ChunkState::kPutting);
  answered(1, fail(Fault::kGone, "NoSuchUpload"));
  EXPECT_EQ(item(item_.id).state, ItemState::kReported);
  EXPECT_EQ(at(2).state, ChunkState::kNeedsUrl);
}

TEST_F(PutChunk, CountsTheBytesOfACallThatNobodyWaitsForAndNothingElse) {
  auto const md5 = put(1);
  change(item(item_.id), [](auto& row) { row.state = ItemState::kStable; });
  answered(1, etag(md5), 7);
  EXPECT_EQ(item(item_.id).bytes_sent, 7u);
  EXPECT_EQ(at(1).state, ChunkState::kPutting);
  change(item(item_.id), [](auto& row) { row.state = ItemState::kOpened; });
  change(session(session_.id), [](auto& row) { row.state = SessionState::kAbandoned; });
  answered(1, etag(md5), 7);
  EXPECT_EQ(item(item_.id).bytes_sent, 14u);
  EXPECT_EQ(at(1).state, ChunkState::kPutting);
}

TEST_F(PutChunk, LeavesAChunkAloneThatIsNotInTheAir) {
  auto const md5 = put(1);
  set_chunk(session_.id, 1, ChunkState::kNeedsUrl);
  answered(1, etag(md5));
  EXPECT_EQ(at(1).state, ChunkState::kNeedsUrl);
  answered(99, etag(md5));
  session_.id = 99;
  answered(1, etag(md5));
}

TEST_F(PutChunk, OfAnItemThatWentOnSendsNothing) {
  with_urls(session_.id, 1);
  change(item(item_.id), [](auto& row) { row.state = ItemState::kReported; });
  choose(choose_put_chunk);
  EXPECT_TRUE(left.empty());
}

TEST(FailedPutEdge, TakesThreeRefusedUrlsInARowForOldOnes) {
  journal::ChunkRow chunk;
  Error const refused{Fault::kUrlExpired, "403"};
  for (std::uint32_t n = 1; n <= 3; ++n) {
    chunk = after_failed_put(chunk, refused, Policy{}, kNoon, 0.5);
    EXPECT_EQ(chunk.attempts, 0u);
    EXPECT_EQ(chunk.tries, 0u);
    EXPECT_EQ(chunk.due_at, kNoon);
  }
  chunk = after_failed_put(chunk, refused, Policy{}, kNoon, 0.5);
  EXPECT_EQ(chunk.attempts, 1u);
  EXPECT_EQ(chunk.tries, 1u);
  EXPECT_GT(chunk.due_at, kNoon);
}

}  // namespace
}  // namespace sluice::stage

// CONFIRM_SESSION: what the platform says of a session whose chunks are all reported.
#include "core/stage/confirm_session.h"

#include <gmock/gmock.h>

#include "core/upload/leaves.h"
#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {
namespace {

using budget::Errand;
using journal::ChunkState;
using journal::ItemState;
using journal::SessionState;
using testing::HasSubstr;

class ConfirmSession : public StageTest {
 protected:
  ConfirmSession() {
    item_ = put_item(ItemState::kReported);
    change(item_, [](auto& row) { row.bytes_acked = 100; });
    session_ = put_session(item_.id);
    for (std::uint32_t index = 1; index <= 10; ++index) set_chunk(session_.id, index, ChunkState::kReported);
  }
  // Page `page` of so many, in a status of that word; `chunks` are rows of uploaded_chunks.
  void says(std::string const& word, std::string const& chunks = "", int page = 1, int pages = 1) {
    land({.errand = Errand::kConfirmSession, .row = item_.id, .item = item_.id, .page = page},
         reply(R"({"status":")" + word + R"(","uploaded_chunks":[)" + chunks + R"(],"page_info":{"page":)" +
               std::to_string(page) + R"(,"total_page":)" + std::to_string(pages) + "}}"));
  }
  void fails(Fault fault) {
    land({.errand = Errand::kConfirmSession, .row = item_.id, .item = item_.id}, fail(fault, "no"));
  }
  static std::string row(int index, std::string const& state, std::string const& error = "") {
    return R"({"index":)" + std::to_string(index) + R"(,"status":")" + state + R"(","error":")" + error + R"("})";
  }

  journal::ItemRow item_;
  journal::SessionRow session_;
};

TEST_F(ConfirmSession, AsksOnceAtATime) {
  choose(choose_confirm_session);
  EXPECT_THAT(target(), HasSubstr("/upload"));
  choose(choose_confirm_session);
  EXPECT_TRUE(left.empty());
}

TEST_F(ConfirmSession, BeginsAgainWhereNoSessionIsLeft) {
  change(session_, [](auto& row) { row.state = SessionState::kExpired; });
  choose(choose_confirm_session);
  EXPECT_EQ(item(item_.id).state, ItemState::kStable);
}

TEST_F(ConfirmSession, CompletesTheItemWithTheSession) {
  says("completed");
  EXPECT_EQ(item(item_.id).state, ItemState::kCompleted);
  EXPECT_EQ(session(session_.id).state, SessionState::kCompleted);
}

TEST_F(ConfirmSession, KnowsTheContentKeyOnceAllChunksAreThere) {
  std::string const leaf(upload::kLeafHashBytes, 'x');  // a file of 100 bytes has one
  auto first = chunk(session_.id, 1);
  first.leaves = leaf;
  within([&](Context& ctx) { ctx.journal.update(first, first.state, item_.id, now); });
  says("completed");
  upload::ContentKey key(100);
  key.add(leaf);
  EXPECT_EQ(item(item_.id).content_key, key.hex());
}

TEST_F(ConfirmSession, KnowsNoContentKeyWhereALeafWasSplitBetweenChunks) {
  says("completed");
  EXPECT_EQ(item(item_.id).state, ItemState::kCompleted);
  EXPECT_EQ(item(item_.id).content_key, "");
}

TEST_F(ConfirmSession, WaitsWhileThePlatformAssembles) {
  says("active", row(1, "completed"));
  EXPECT_EQ(item(item_.id).state, ItemState::kReported);
  EXPECT_EQ(item(item_.id).effort.tries, 1u);
  EXPECT_EQ(item(item_.id).effort.due_at, now + policy.poll_min);
  EXPECT_TRUE(left.empty());
}

TEST_F(ConfirmSession, ReadsAllPagesBeforeItBelieves) {
  says("active", row(1, "completed"), 1, 2);
  EXPECT_THAT(target(), HasSubstr("page=2"));
  EXPECT_EQ(item(item_.id).effort.tries, 0u);
}

TEST_F(ConfirmSession, SendsAChunkAgainThatThePlatformFailed) {
  says("active", row(3, "failed", "checksum") + "," + row(4, "failed"));
  EXPECT_EQ(item(item_.id).state, ItemState::kOpened);
  EXPECT_EQ(item(item_.id).bytes_acked, 80u);
  EXPECT_EQ(chunk(session_.id, 3).state, ChunkState::kNeedsUrl);
  EXPECT_EQ(chunk(session_.id, 3).last_error, "checksum");
  EXPECT_EQ(chunk(session_.id, 4).last_error, "the platform could not use it");
  EXPECT_EQ(chunk(session_.id, 5).state, ChunkState::kReported);
}

TEST_F(ConfirmSession, TakesAChunkThatItSentAlreadyNotBackTwice) {
  set_chunk(session_.id, 3, ChunkState::kStored);
  says("active", row(3, "failed") + "," + row(99, "failed"));
  EXPECT_EQ(chunk(session_.id, 3).state, ChunkState::kStored);
  EXPECT_EQ(item(item_.id).bytes_acked, 100u);
  EXPECT_EQ(item(item_.id).state, ItemState::kOpened);  // not every chunk is reported: it is reported now
}

TEST_F(ConfirmSession, ReportsAPendingChunkAgainOnlyAfterPatience) {
  auto row4 = item(item_.id);
  change(row4, [](auto& row) { row.effort.tries = 4; });
  says("active", row(3, "pending"));
  EXPECT_EQ(chunk(session_.id, 3).state, ChunkState::kReported);
  EXPECT_EQ(item(item_.id).state, ItemState::kReported);
  EXPECT_EQ(item(item_.id).effort.tries, 5u);
  says("active", row(3, "pending"));
  EXPECT_EQ(chunk(session_.id, 3).state, ChunkState::kStored);
  EXPECT_EQ(item(item_.id).state, ItemState::kOpened);
}

TEST_F(ConfirmSession, SendsAChunkAgainWhileItHasAttemptsLeft) {
  policy.retry_attempts = 2;
  says("active", row(3, "failed"));
  EXPECT_EQ(item(item_.id).state, ItemState::kOpened);
}

TEST_F(ConfirmSession, FailsTheItemAtTheLastAttemptOfAChunk) {
  policy.retry_attempts = 1;
  says("active", row(3, "failed"));
  EXPECT_EQ(item(item_.id).state, ItemState::kFailed);
  EXPECT_EQ(item(item_.id).reason, "chunk_failed");
}

TEST_F(ConfirmSession, ReplacesASessionThatDied) {
  says("expired");
  EXPECT_EQ(item(item_.id).state, ItemState::kStable);
  EXPECT_EQ(session(session_.id).state, SessionState::kExpired);
}

TEST_F(ConfirmSession, LetsTheAssetDecideOfAForgottenSessionThatHadEverything) {
  set_chunk(session_.id, 10, ChunkState::kStored);  // its report may have been taken in
  fails(Fault::kGone);
  EXPECT_EQ(item(item_.id).state, ItemState::kCompleted);
  EXPECT_EQ(session(session_.id).state, SessionState::kExpired);
}

TEST_F(ConfirmSession, ReplacesAForgottenSessionThatLackedAChunk) {
  set_chunk(session_.id, 10, ChunkState::kNeedsUrl);
  fails(Fault::kGone);
  EXPECT_EQ(item(item_.id).state, ItemState::kStable);
}

TEST_F(ConfirmSession, TriesAgainAfterTroubleOnTheWay) {
  fails(Fault::kTransient);
  EXPECT_EQ(item(item_.id).state, ItemState::kReported);
  EXPECT_EQ(item(item_.id).reason, "transient");
  land({.errand = Errand::kConfirmSession, .row = item_.id}, reply("<html>"));
  EXPECT_EQ(item(item_.id).state, ItemState::kReported);
  EXPECT_EQ(item(item_.id).reason, "protocol");
}

TEST_F(ConfirmSession, LeavesAnItemAloneThatWentOnMeanwhile) {
  change(item(item_.id), [](auto& row) { row.state = ItemState::kOpened; });
  says("completed");
  EXPECT_EQ(item(item_.id).state, ItemState::kOpened);
  land({.errand = Errand::kConfirmSession, .row = 999}, reply("{}"));  // an item that is not there
}

}  // namespace
}  // namespace sluice::stage

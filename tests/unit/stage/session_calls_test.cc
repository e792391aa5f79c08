// The calls around an upload session: OPEN_SESSION, LEASE_URLS, REPORT_CHUNKS.
#include <gmock/gmock.h>

#include "core/platform/requests.h"
#include "core/stage/lease_urls.h"
#include "core/stage/moves.h"
#include "core/stage/open_session.h"
#include "core/stage/report_chunks.h"
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
using testing::Not;

std::string urls_of(std::vector<int> const& indexes, WallTime expires_at) {
  std::string rows;
  for (auto const index : indexes)
    rows += std::string(rows.empty() ? "" : ",") + R"({"chunk_index":)" + std::to_string(index) +
            R"(,"url":"https://storage/c","expires_at":")" + to_rfc3339(expires_at) + "\"}";
  return "[" + rows + "]";
}

class OpenSession : public StageTest {
 protected:
  void lands(RowId item, Result<ports::Reply> answer, int mode = kTagged) {
    land({.errand = Errand::kOpenSession, .row = item, .item = item, .mode = mode}, std::move(answer));
  }
  ports::Reply session_of(int chunks, std::string const& urls = "[]") const {
    return reply(R"({"upload_id":"u","asset_id":"a","chunk_size":10,"total_chunks":)" + std::to_string(chunks) +
                 R"(,"upload_urls":)" + urls + R"(,"expires_at":")" + to_rfc3339(now + 24h) + "\"}");
  }
  std::int64_t number_ = 0;
};

TEST_F(OpenSession, OpensAsManyAsThereAreSlots) {
  policy.files_max = 3;  // one of them for small files
  for (int i = 1; i <= 3; ++i) put_item(ItemState::kStable, i);
  choose(choose_open_session);
  EXPECT_EQ(left.size(), 2u);
  EXPECT_EQ(journal.count_items(ItemState::kOpening), 2);
  choose(choose_open_session);
  EXPECT_TRUE(left.empty());
}

TEST_F(OpenSession, LeavesDirectUploadsToTheirStage) {
  change(put_item(ItemState::kStable), [](auto& row) { row.method = "direct"; });
  choose(choose_open_session);
  EXPECT_TRUE(left.empty());
}

TEST_F(OpenSession, SendsTheTagUnlessThePlatformTakesNone) {
  put_item(ItemState::kStable, 1);
  choose(choose_open_session);
  EXPECT_THAT(left.at(0).text_body, HasSubstr("client_op"));
  EXPECT_EQ(traffic.flights(Errand::kOpenSession).at(0).second.mode, kTagged);
  within([](Context& ctx) { metadata_refused(ctx); });
  put_item(ItemState::kStable, 2);
  choose(choose_open_session);
  EXPECT_THAT(left.at(0).text_body, Not(HasSubstr("client_op")));
  EXPECT_EQ(traffic.flights(Errand::kOpenSession).at(1).second.mode, kUntagged);
}

TEST_F(OpenSession, OpensNothingForAFileThatChanged) {
  auto const row = put_item(ItemState::kStable);
  files.files[row.path].print.mtime_ns = 99;
  choose(choose_open_session);
  EXPECT_TRUE(left.empty());
  EXPECT_EQ(item(row.id).state, ItemState::kSeen);
}

TEST_F(OpenSession, TakesTheUrlsOfTheAnswerThatAreStillGood) {
  auto const row = put_item(ItemState::kOpening);
  lands(row.id, session_of(10, urls_of({1, 2}, now + 1s)));
  EXPECT_EQ(item(row.id).state, ItemState::kOpened);
  auto const session = journal.open_session(row.id);
  EXPECT_EQ(journal.count_chunks(session->id).has_url, 2u);
  auto const late = put_item(ItemState::kOpening, 2);
  lands(late.id, session_of(10, urls_of({1}, now)));
  EXPECT_EQ(journal.count_chunks(journal.open_session(late.id)->id).has_url, 0u);
}

TEST_F(OpenSession, ForgetsAnOldTroubleButNotThatAnAssetWasLost) {
  for (auto const& [reason, kept] : {std::pair{"transient", ""}, std::pair{"asset_gone", "asset_gone"}}) {
    auto const row = put_item(ItemState::kOpening, ++number_);
    change(row, [&](auto& again) { again.reason = reason; });
    lands(row.id, session_of(10));
    EXPECT_EQ(item(row.id).reason, kept);
  }
}

TEST_F(OpenSession, OpensOneMoreForAChunkPlanThatDoesNotFitAndThenFails) {
  auto const row = put_item(ItemState::kOpening);
  lands(row.id, session_of(9));
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
  EXPECT_EQ(item(row.id).reason, "chunk_plan");
  change(item(row.id), [&](auto& again) {
    again.state = ItemState::kOpening;
    again.intent.at = now;
  });
  lands(row.id, session_of(9));
  EXPECT_EQ(item(row.id).state, ItemState::kFailed);
  EXPECT_EQ(item(row.id).reason, "chunk_plan");
}

TEST_F(OpenSession, AnAnswerThatCannotBeReadIsALostOneAndOpenedAgainUntilTheAttemptsAreUsedUp) {
  policy.retry_attempts = 2;
  auto const row = put_item(ItemState::kOpening);
  lands(row.id, reply("<html>"));
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
  EXPECT_EQ(item(row.id).effort.attempts, 1u);
  EXPECT_GT(item(row.id).effort.due_at, now);
  EXPECT_NE(item(row.id).effort.last_error, "");
  EXPECT_FALSE(item(row.id).intent.at);
  EXPECT_EQ(journal.meta("orphan_reservations"), "1");
  change(item(row.id), [&](auto& again) {
    again.state = ItemState::kOpening;
    again.intent.at = now;
  });
  lands(row.id, reply("<html>"));
  EXPECT_EQ(item(row.id).state, ItemState::kFailed);
  EXPECT_EQ(item(row.id).reason, "outcome_unknown");
  EXPECT_EQ(item(row.id).failed_from, "stable");
  EXPECT_EQ(journal.meta("orphan_reservations"), "2");
}

TEST_F(OpenSession, TriesAgainWithoutTheTagThatWasRefused) {
  auto const tagged = put_item(ItemState::kOpening, 1);
  lands(tagged.id, fail(Fault::kRejected, "400", "parameter_unknown"));
  EXPECT_EQ(item(tagged.id).state, ItemState::kStable);
  auto const untagged = put_item(ItemState::kOpening, 2);
  lands(untagged.id, fail(Fault::kRejected, "400", "parameter_unknown"), kUntagged);
  EXPECT_EQ(item(untagged.id).reason, "parameter_unknown");
}

TEST_F(OpenSession, FailsForWhatNoRetryMends) {
  auto const mute = put_item(ItemState::kOpening, 1);
  lands(mute.id, fail(Fault::kRejected, "400"));
  EXPECT_EQ(item(mute.id).reason, "refused");
  auto const gone = put_item(ItemState::kOpening, 2);
  lands(gone.id, fail(Fault::kGone, "404", "not_found"));
  EXPECT_EQ(item(gone.id).reason, "not_found");
  auto const slow = put_item(ItemState::kOpening, 3);
  lands(slow.id, fail(Fault::kThrottled, "429"));
  EXPECT_EQ(item(slow.id).state, ItemState::kStable);
}

TEST_F(OpenSession, CountsAReservationWhoseAnswerWasLost) {
  auto const row = put_item(ItemState::kOpening);
  lands(row.id, fail(Fault::kOutcomeUnknown, "cut"));
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
  EXPECT_EQ(journal.meta("orphan_reservations"), "1");
}

TEST_F(OpenSession, LeavesAnItemAloneThatWentOn) {
  auto const row = put_item(ItemState::kStable);
  lands(row.id, session_of(10));
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
  lands(999, session_of(10));
}

class LeaseUrls : public StageTest {
 protected:
  LeaseUrls() {
    item_ = put_item(ItemState::kOpened);
    session_ = put_session(item_.id);
  }
  void lands(Result<ports::Reply> answer) {
    land({.errand = Errand::kLeaseUrls, .row = session_.id, .item = item_.id}, std::move(answer));
  }
  void leased(std::vector<int> const& indexes) {
    lands(reply(R"({"upload_urls":)" + urls_of(indexes, now + 1h) + "}"));
  }
  void all_chunks(ChunkState state) {
    for (std::uint32_t index = 1; index <= 10; ++index) set_chunk(session_.id, index, state);
  }

  journal::ItemRow item_;
  journal::SessionRow session_;
};

TEST_F(LeaseUrls, AsksForUrlsOnceAtATime) {
  choose(choose_lease_urls);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_THAT(left[0].text_body, HasSubstr(R"("start":1)"));
  EXPECT_THAT(left[0].text_body, HasSubstr(R"("count":10)"));
  choose(choose_lease_urls);
  EXPECT_TRUE(left.empty());
}

TEST_F(LeaseUrls, AsksForNoMoreThanMayFlySoon) {
  policy.chunks_max = 4;
  for (std::uint32_t index = 1; index <= 4; ++index) set_chunk(session_.id, index, ChunkState::kHasUrl);
  choose(choose_lease_urls);
  EXPECT_TRUE(left.empty());
  set_chunk(session_.id, 4, ChunkState::kPutting);
  choose(choose_lease_urls);
  EXPECT_EQ(left.size(), 1u);
  EXPECT_THAT(left.at(0).text_body, HasSubstr(R"("start":5)"));
}

TEST_F(LeaseUrls, WaitsForItsTime) {
  change(session_, [&](auto& row) { row.due_at = now + 1ms; });
  choose(choose_lease_urls);
  EXPECT_TRUE(left.empty());
  now += 1ms;
  choose(choose_lease_urls);
  EXPECT_EQ(left.size(), 1u);
}

TEST_F(LeaseUrls, ReplacesASessionThatEndsAtThisVeryMoment) {
  change(session_, [&](auto& row) { row.expires_at = now; });
  choose(choose_lease_urls);
  EXPECT_EQ(item(item_.id).state, ItemState::kStable);
  EXPECT_EQ(session(session_.id).state, SessionState::kExpired);
  EXPECT_TRUE(left.empty());
}

TEST_F(LeaseUrls, ReplacesAForgottenSessionThatLacksAChunk) {
  all_chunks(ChunkState::kReported);
  set_chunk(session_.id, 10, ChunkState::kHasUrl);
  lands(fail(Fault::kGone, "404"));
  EXPECT_EQ(item(item_.id).state, ItemState::kStable);
}

TEST_F(LeaseUrls, LetsTheStatusTellOfAForgottenSessionThatHadEverything) {
  all_chunks(ChunkState::kReported);
  set_chunk(session_.id, 10, ChunkState::kStored);
  lands(fail(Fault::kGone, "404"));
  EXPECT_EQ(item(item_.id).state, ItemState::kReported);
  EXPECT_EQ(session(session_.id).state, SessionState::kOpen);
  EXPECT_EQ(item(item_.id).effort.due_at, now + policy.poll_min);
}

TEST_F(LeaseUrls, KeepsTheUrlsAndForgetsItsTries) {
  change(session_, [](auto& row) { row.tries = 3; });
  leased({1, 2});
  EXPECT_EQ(chunk(session_.id, 2).state, ChunkState::kHasUrl);
  EXPECT_EQ(chunk(session_.id, 3).state, ChunkState::kNeedsUrl);
  EXPECT_EQ(session(session_.id).tries, 0u);
  EXPECT_EQ(item(item_.id).reason, "");
}

TEST_F(LeaseUrls, AnAnswerWithoutAUrlOfUseIsAFailureWhileChunksWait) {
  leased({});
  EXPECT_EQ(session(session_.id).tries, 1u);
  EXPECT_EQ(item(item_.id).reason, "protocol");
  EXPECT_EQ(item(item_.id).effort.attempts, 1u);
}

TEST_F(LeaseUrls, AnAnswerThatComesTooLateForAllChunksIsNone) {
  all_chunks(ChunkState::kStored);
  leased({1});
  EXPECT_EQ(session(session_.id).tries, 0u);
  EXPECT_EQ(item(item_.id).reason, "");
}

TEST_F(LeaseUrls, FailsForARefusal) {
  lands(fail(Fault::kRejected, "400", "api_not_allowed"));
  EXPECT_EQ(item(item_.id).reason, "api_not_allowed");
}

TEST_F(LeaseUrls, ARefusalWithoutACodeIsARefusalAllTheSame) {
  lands(fail(Fault::kRejected, "400"));
  EXPECT_EQ(item(item_.id).reason, "refused");
}

TEST_F(LeaseUrls, ChargesTheItemOnlyForItsOwnTroubleAndFailsInTheEnd) {
  policy.retry_attempts = 2;
  lands(fail(Fault::kThrottled, "429"));
  EXPECT_EQ(item(item_.id).effort.attempts, 0u);
  lands(fail(Fault::kTransient, "503"));
  EXPECT_EQ(item(item_.id).effort.attempts, 1u);
  EXPECT_EQ(session(session_.id).tries, 2u);
  EXPECT_GT(session(session_.id).due_at, now);
  lands(reply("<html>"));
  EXPECT_EQ(item(item_.id).state, ItemState::kFailed);
  EXPECT_EQ(item(item_.id).reason, "protocol");
}

TEST_F(LeaseUrls, LeavesASessionAloneThatHasEnded) {
  change(session_, [](auto& row) { row.state = SessionState::kAbandoned; });
  leased({1});
  EXPECT_EQ(chunk(session_.id, 1).state, ChunkState::kNeedsUrl);
  session_.id = 999;
  leased({1});
}

class ReportChunks : public LeaseUrls {
 protected:
  void reported(std::vector<std::uint32_t> chunks, Result<ports::Reply> answer) {
    land({.errand = Errand::kReportChunks, .row = session_.id, .item = item_.id, .chunks = std::move(chunks)},
         std::move(answer));
  }
  static ports::Reply taken(int total, std::string const& url = "") {
    return reply(R"({"total_completed":)" + std::to_string(total) + R"(,"url":")" + url + "\"}");
  }
};

TEST_F(ReportChunks, WaitsUntilNothingIsLeftToSend) {
  for (auto const unsent : {ChunkState::kNeedsUrl, ChunkState::kHasUrl, ChunkState::kPutting}) {
    all_chunks(ChunkState::kStored);
    set_chunk(session_.id, 5, unsent);
    choose(choose_report_chunks);
    EXPECT_TRUE(left.empty()) << word(unsent);
  }
  all_chunks(ChunkState::kStored);
  choose(choose_report_chunks);
  EXPECT_EQ(left.size(), 1u);
  choose(choose_report_chunks);
  EXPECT_TRUE(left.empty());  // it is on its way
}

TEST_F(ReportChunks, ReportsAFullBatchAtOnce) {
  auto big = journal::session_of(put_item(ItemState::kOpened, 2).id);
  big.file_bytes = 10'000;
  big.total_chunks = 1'000;
  big.id = put(big);
  within([&](Context& ctx) { ctx.journal.insert_chunks(big.id, big.total_chunks, now); });
  auto const most = static_cast<std::uint32_t>(platform::kReportMax);
  for (std::uint32_t index = 1; index < most; ++index) set_chunk(big.id, index, ChunkState::kStored);
  choose(choose_report_chunks);
  EXPECT_TRUE(left.empty());
  set_chunk(big.id, most, ChunkState::kStored);
  choose(choose_report_chunks);
  EXPECT_EQ(left.size(), 1u);
}

TEST_F(ReportChunks, WaitsForItsTime) {
  all_chunks(ChunkState::kStored);
  change(session_, [&](auto& row) { row.due_at = now + 1ms; });
  choose(choose_report_chunks);
  EXPECT_TRUE(left.empty());
  now += 1ms;
  choose(choose_report_chunks);
  EXPECT_EQ(left.size(), 1u);
}

TEST_F(ReportChunks, LooksAtTheFileOnceMoreBeforeTheLastReport) {
  all_chunks(ChunkState::kStored);
  files.files[item_.path].print.mtime_ns = 99;
  choose(choose_report_chunks);
  EXPECT_TRUE(left.empty());
  EXPECT_EQ(item(item_.id).reason, "source_changed");
}

TEST_F(ReportChunks, LooksAtTheFileBeforeALastReportOfFiftyToo) {
  auto const second = put_item(ItemState::kOpened, 2);
  auto const fifty = put_long_session(second.id, 50);
  for (std::uint32_t index = 1; index <= 50; ++index) set_chunk(fifty.id, index, ChunkState::kStored);
  files.files[second.path].print.mtime_ns = 99;
  choose(choose_report_chunks);
  EXPECT_TRUE(left.empty());
  EXPECT_EQ(item(second.id).reason, "source_changed");
}

TEST_F(ReportChunks, GoesOnWhereTheDaemonDiedAfterTheLastReport) {
  all_chunks(ChunkState::kReported);
  choose(choose_report_chunks);
  EXPECT_TRUE(left.empty());
  EXPECT_EQ(item(item_.id).state, ItemState::kReported);
}

TEST_F(ReportChunks, ThePlatformsWordEndsTheUploadWhenEveryChunkIsIn) {
  all_chunks(ChunkState::kStored);
  reported({1, 2, 3, 4, 5, 6, 7, 8, 9}, taken(9));
  EXPECT_EQ(item(item_.id).state, ItemState::kOpened);
  EXPECT_EQ(chunk(session_.id, 9).state, ChunkState::kReported);
  EXPECT_EQ(chunk(session_.id, 10).state, ChunkState::kStored);
  reported({9, 10, 99}, taken(10));  // 9 was reported already, and 99 is not there
  EXPECT_EQ(item(item_.id).state, ItemState::kReported);
  EXPECT_THAT(journal.events_of(item_.id, 1).at(0).note, HasSubstr("still assembling"));
}

TEST_F(ReportChunks, SaysNothingOfAssemblingWhereItIsDone) {
  all_chunks(ChunkState::kStored);
  reported({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, taken(10, "https://platform/asset"));
  EXPECT_EQ(item(item_.id).state, ItemState::kReported);
  EXPECT_EQ(journal.events_of(item_.id, 1).at(0).note, "");
}

TEST_F(ReportChunks, AFailedReportIsRepeatedLater) {
  all_chunks(ChunkState::kStored);
  reported({1}, fail(Fault::kTransient, "503"));
  EXPECT_EQ(session(session_.id).tries, 1u);
  reported({1}, reply("<html>"));
  EXPECT_EQ(session(session_.id).tries, 2u);
  EXPECT_EQ(chunk(session_.id, 1).state, ChunkState::kStored);
}

TEST_F(ReportChunks, LeavesAloneWhatHasEnded) {
  all_chunks(ChunkState::kStored);
  change(item(item_.id), [](auto& row) { row.state = ItemState::kStable; });
  reported({1}, taken(1));
  choose(choose_report_chunks);
  EXPECT_TRUE(left.empty());
  change(item(item_.id), [](auto& row) { row.state = ItemState::kOpened; });
  change(session(session_.id), [](auto& row) { row.state = SessionState::kAbandoned; });
  reported({1}, taken(1));
  EXPECT_EQ(chunk(session_.id, 1).state, ChunkState::kStored);
  session_.id = 999;
  reported({1}, taken(1));
}

}  // namespace
}  // namespace sluice::stage

// Uploads that may be complete although their file is not what it was: core/stage/doubted_upload.h.
#include "core/stage/doubted_upload.h"

#include <gmock/gmock.h>

#include "core/stage/admit.h"
#include "core/stage/confirm_session.h"
#include "core/stage/discover.h"
#include "core/stage/moves.h"
#include "core/stage/orders.h"
#include "core/stage/report_chunks.h"
#include "core/stage/why.h"
#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using budget::Errand;
using journal::ChunkState;
using journal::ItemState;
using journal::SessionState;
using testing::HasSubstr;

// Ten chunks are stored, and the report that completes the upload may have left.
class DoubtedUpload : public StageTest {
 protected:
  DoubtedUpload() {
    item_ = put_item(ItemState::kOpened);
    session_ = put_session(item_.id);
    for (std::uint32_t index = 1; index <= 10; ++index) set_chunk(session_.id, index, ChunkState::kStored);
    policy.sources.push_back({.name = item_.source, .root = item_.root, .rescan = 60s});
  }
  void look_before_the_report() { choose(choose_report_chunks); }
  void touch() { files.files[item_.path].print.mtime_ns += 1; }
  void doubt() {
    touch();
    look_before_the_report();
  }
  // The answer to the last report is lost, until the attempts are used up.
  void lose_the_last_answer() {
    policy.retry_attempts = 1;
    look_before_the_report();
    land({.errand = Errand::kReportChunks, .row = session_.id, .item = item_.id, .chunks = {1, 2, 3}},
         fail(Fault::kTransient, "no answer"));
  }
  // Page `page` of so many, with chunks `first` to `last`.
  void says(std::string const& word, int first = 1, int last = 0, int page = 1, int pages = 1) {
    std::string rows;
    for (auto index = first; index <= last; ++index)
      rows += (rows.empty() ? "" : ",") + (R"({"index":)" + std::to_string(index) + R"(,"status":"completed"})");
    land({.errand = Errand::kConfirmSession, .row = item_.id, .item = item_.id, .page = page},
         reply(R"({"status":")" + word + R"(","uploaded_chunks":[)" + rows + R"(],"page_info":{"page":)" +
               std::to_string(page) + R"(,"total_page":)" + std::to_string(pages) + "}}"));
  }
  void look_fails(Error error) {
    land({.errand = Errand::kConfirmSession, .row = item_.id, .item = item_.id}, std::unexpected(std::move(error)));
  }
  void sweep() {
    Discovery discovery(files, policy);
    do within([&](Context& ctx) { discovery.run(ctx); });
    while (discovery.at_work());
  }
  ItemState state() { return item(item_.id).state; }
  std::string reason() { return item(item_.id).reason; }

  journal::ItemRow item_;
  journal::SessionRow session_;
};

TEST_F(DoubtedUpload, IsAskedAboutBeforeItIsAbandoned) {
  doubt();
  EXPECT_TRUE(left.empty()) << "nothing is reported";
  EXPECT_EQ(state(), ItemState::kReported);
  EXPECT_EQ(reason(), "source_changed");
  EXPECT_EQ(session(session_.id).state, SessionState::kOpen);
  choose(choose_confirm_session);
  EXPECT_THAT(target(), HasSubstr("/upload"));
}

TEST_F(DoubtedUpload, IsKeptWhereItWasComplete) {
  doubt();
  says("completed");
  EXPECT_EQ(state(), ItemState::kCompleted);
  EXPECT_EQ(item(item_.id).generation, 1);
  EXPECT_FALSE(item(item_.id).intent.unknown_at);
}

TEST_F(DoubtedUpload, IsAbandonedOnceNoReportCanBeOnItsWayAnyMore) {
  doubt();
  says("active", 1, 9);
  EXPECT_EQ(state(), ItemState::kReported);
  EXPECT_EQ(item(item_.id).effort.due_at, now + policy.limits.late_effect);
  now += policy.limits.late_effect;
  says("active", 1, 9);
  EXPECT_EQ(state(), ItemState::kSeen);
  EXPECT_EQ(item(item_.id).generation, 2);
  EXPECT_EQ(session(session_.id).state, SessionState::kAbandoned);
}

TEST_F(DoubtedUpload, IsWaitedForWhileThePlatformPutsItTogether) {
  doubt();
  for (int looks = 0; looks < 5; ++looks) {
    says("active", 1, 10);
    EXPECT_EQ(state(), ItemState::kReported);
    EXPECT_GT(*item(item_.id).effort.due_at, now);
    now += 1h;
  }
  says("completed");
  EXPECT_EQ(state(), ItemState::kCompleted);
}

TEST_F(DoubtedUpload, HasEveryPageReadBeforeItsChunksCount) {
  item_ = put_item(ItemState::kOpened, 2);
  session_ = put_long_session(item_.id, 60);
  for (std::uint32_t index = 1; index <= 60; ++index)
    set_chunk(session_.id, index, index <= 50 ? ChunkState::kReported : ChunkState::kStored);
  doubt();
  now += policy.limits.late_effect;
  says("active", 1, 50, 1, 2);
  EXPECT_THAT(target(), HasSubstr("page=2"));
  EXPECT_EQ(item(item_.id).intent.looks, 0u);
  says("active", 51, 60, 2, 2);
  EXPECT_EQ(item(item_.id).intent.looks, 0u) << "all are in";
  says("active", 51, 59, 2, 2);
  EXPECT_EQ(item(item_.id).intent.looks, 1u) << "one that is not listed is missing";
}

TEST_F(DoubtedUpload, IsAbandonedAtOnceWhereItsSessionEnded) {
  doubt();
  says("expired");
  EXPECT_EQ(state(), ItemState::kSeen);
  EXPECT_EQ(session(session_.id).state, SessionState::kAbandoned);
}

TEST_F(DoubtedUpload, IsAskedAboutTooWhereItsFileIsGone) {
  files.files.clear();
  look_before_the_report();
  EXPECT_EQ(state(), ItemState::kReported);
  says("failed");
  EXPECT_EQ(state(), ItemState::kFailed);
  EXPECT_EQ(reason(), kSourceGone);
}

TEST_F(DoubtedUpload, IsAskedAboutTooWhereItsFileCannotBeReadAnyMore) {
  files.files[item_.path].open_error = Error{Fault::kSourceIo, "permission denied", "permission"};
  look_before_the_report();
  EXPECT_EQ(reason(), "source_io");
  says("completed");
  EXPECT_EQ(state(), ItemState::kCompleted);
}

TEST_F(DoubtedUpload, OfAFileThatCannotBeReadFailsWithItsOwnReasonOnceItsAttemptsAreUsedUp) {
  policy.retry_attempts = 2;
  files.files[item_.path].open_error = Error{Fault::kSourceIo, "permission denied", "permission"};
  for (int attempt = 0; attempt < 2; ++attempt) {
    now += 1h;
    look_before_the_report();
    ASSERT_EQ(state(), ItemState::kReported);
    look_fails({Fault::kTransient, "no answer"});
    says("active");
    now += policy.limits.late_effect;
    says("active");
  }
  EXPECT_EQ(state(), ItemState::kFailed);
  EXPECT_EQ(reason(), "source_io");
  EXPECT_EQ(item(item_.id).failed_from, "opened");
  EXPECT_EQ(item(item_.id).effort.last_error, "permission denied");
  EXPECT_EQ(session(session_.id).state, SessionState::kOpen) << "a retry goes on with it";
}

TEST_F(DoubtedUpload, StaysDoubtedThroughTroubleOnTheWay) {
  policy.retry_attempts = 1;
  doubt();
  look_fails({Fault::kTransient, "no answer"});
  land({.errand = Errand::kConfirmSession, .row = item_.id, .item = item_.id}, reply("<html>"));
  EXPECT_EQ(state(), ItemState::kReported);
  EXPECT_EQ(reason(), "source_changed");
  EXPECT_TRUE(is_doubted(item(item_.id)));
  EXPECT_GT(item(item_.id).effort.due_at, now);
}

TEST_F(DoubtedUpload, IsNotAskedAboutForEverWhereThePlatformRefusesTheLook) {
  doubt();
  look_fails({Fault::kRejected, "HTTP 400 parameter_invalid", "parameter_invalid"});
  EXPECT_EQ(state(), ItemState::kSeen);
}

TEST_F(DoubtedUpload, IsTakenAnewAtOnceWhereAChunkWasNeverSent) {
  set_chunk(session_.id, 3, ChunkState::kNeedsUrl);
  within([&](Context& ctx) {
    source_trouble(ctx, item(item_.id), {Fault::kSourceChanged, "it changed"}, ItemState::kOpened);
  });
  EXPECT_EQ(state(), ItemState::kSeen);
}

TEST_F(DoubtedUpload, ThatFailedIsAskedAboutWhenItsFileIsTouched) {
  lose_the_last_answer();
  ASSERT_EQ(state(), ItemState::kFailed);
  touch();
  sweep();
  EXPECT_EQ(session(session_.id).state, SessionState::kOpen);
  EXPECT_EQ(state(), ItemState::kReported);
  EXPECT_FALSE(item(item_.id).finished_at);
  says("completed");
  EXPECT_EQ(state(), ItemState::kCompleted);
}

TEST_F(DoubtedUpload, ThatFailedAndWasNotCompleteIsTakenAnew) {
  lose_the_last_answer();
  touch();
  sweep();
  says("expired");
  EXPECT_EQ(state(), ItemState::kSeen);
  EXPECT_EQ(item(item_.id).generation, 2);
}

TEST_F(DoubtedUpload, ThatWasCancelledIsAskedAboutByARetryADayLater) {
  look_before_the_report();
  ASSERT_EQ(left.size(), 1u);
  within([&](Context& ctx) { EXPECT_TRUE(cancel_order(ctx, item_.id)); });
  now += 25h;
  within([&](Context& ctx) { EXPECT_TRUE(retry_order(ctx, item_.id)); });
  EXPECT_EQ(state(), ItemState::kReported);
  EXPECT_EQ(session(session_.id).state, SessionState::kOpen);
}

TEST_F(DoubtedUpload, WithSomethingLeftToSendIsOpenedAnewByARetryADayLater) {
  set_chunk(session_.id, 3, ChunkState::kNeedsUrl);
  within([&](Context& ctx) { EXPECT_TRUE(cancel_order(ctx, item_.id)); });
  now += 25h;
  within([&](Context& ctx) { EXPECT_TRUE(retry_order(ctx, item_.id)); });
  EXPECT_EQ(state(), ItemState::kStable);
}

TEST_F(DoubtedUpload, IsNotReportedWithTheChangedFileAfterACancelAndARetry) {
  doubt();
  within([&](Context& ctx) { EXPECT_TRUE(cancel_order(ctx, item_.id)); });
  within([&](Context& ctx) { EXPECT_TRUE(retry_order(ctx, item_.id)); });
  says("active");
  look_before_the_report();
  EXPECT_TRUE(left.empty());
}

TEST_F(DoubtedUpload, SaysWhatItsFileHasAndThatThePlatformIsAsked) {
  doubt();
  says("active");
  auto const said = why(item(item_.id), {}, session(session_.id), {}, now);
  EXPECT_EQ(said->code, "source_changed");
  EXPECT_EQ(said->whose, "file");
  EXPECT_THAT(said->text, HasSubstr("the file changed after it was admitted, after every chunk was sent"));
  EXPECT_TRUE(said->heals);
  EXPECT_EQ(said->until, now + policy.limits.late_effect);
}

}  // namespace
}  // namespace sluice::stage

// act_away_test.cc - acts whose folder is not there: they wait as long as it takes, and cost nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/stage/recover.h"
#include "tests/unit/stage/act_fixture.h"

namespace sluice::stage {
namespace {

using testing::Each;
using testing::HasSubstr;

class ActAway : public Act {
 protected:
  ActAway() {
    source().after_failure = move_to("/mnt/nas/{path}");
    acts.missing = {"/mnt/nas"};
  }
  void put_failed_ones(std::int64_t count) {
    for (std::int64_t n = 1; n <= count; ++n) {
      auto const row = put_item(ItemState::kAssetReady, n);
      acts.files["/srv/drop/" + row.path] = {.print = row.print, .text = "film"};
      within([&](Context& ctx) { fail_item(ctx, row, "asset_failed", "it is broken", ItemState::kStable); });
    }
  }
  void turn_for(Millis time) {
    for (auto const end = now + time; now < end; now += std::chrono::seconds(20)) choose(choose_act);
  }
  std::vector<std::string> moves() const {
    std::vector<std::string> all;
    for (auto const& [path, file] : acts.files) all.push_back(path);
    return all;
  }
};

TEST_F(ActAway, ATargetThatIsAwayIsWaitedForWithoutEndAndChargesNobody) {
  put_failed_ones(1);
  turn_for(std::chrono::hours(80));
  EXPECT_THAT(outbox(), testing::ElementsAre("move wanted", "error_note wanted"));
  EXPECT_EQ(act(0).effort.attempts, 0u);
  EXPECT_THAT(act(0).effort.last_error, HasSubstr("/mnt/nas"));
  acts.missing.clear();
  turn_for(std::chrono::minutes(3));
  EXPECT_THAT(outbox(), testing::ElementsAre("move done", "error_note done"));
}

TEST_F(ActAway, ManyThatWaitForOneFolderWriteAndSayNothingWhileItIsAway) {
  put_failed_ones(100);
  turn_for(std::chrono::minutes(10));
  auto const rows = journal.rows_written();
  auto const lines = log.lines.size();
  turn_for(std::chrono::hours(2));
  EXPECT_EQ(journal.rows_written(), rows);
  EXPECT_EQ(log.lines.size(), lines);
  EXPECT_FALSE(journal.next_due()) << "none of them brings a turn about";
  EXPECT_TRUE(traffic.next_pause_end(now)) << "the next look for the folder does";
  acts.missing.clear();
  turn_for(std::chrono::minutes(30));
  EXPECT_THAT(moves(), Each(HasSubstr("/mnt/nas/")));
  EXPECT_TRUE(traffic.away_folders().all().empty());
}

TEST_F(ActAway, OneFolderHoldsUpNoOther) {
  put_failed_ones(100);
  choose(choose_act);
  choose(choose_act);
  source().after_failure = move_to("/srv/failed/{path}");
  auto const row = put_item(ItemState::kAssetReady, 101);
  acts.files["/srv/drop/" + row.path] = {.print = row.print, .text = "film"};
  within([&](Context& ctx) { fail_item(ctx, row, "asset_failed", "it is broken", ItemState::kStable); });
  turn_for(std::chrono::minutes(2));
  EXPECT_TRUE(acts.files.contains("/srv/failed/" + row.path));
}

TEST_F(ActAway, ANoteBesideAFileOnItWaitsToo) {
  acts.missing.clear();
  put_failed_ones(1);
  choose(choose_act);  // its intent
  choose(choose_act);  // it is moved
  ASSERT_THAT(outbox(), testing::Contains("move done"));
  acts.missing = {"/mnt/nas"};
  turn_for(std::chrono::hours(30));
  EXPECT_THAT(outbox(), testing::ElementsAre("move done", "error_note wanted"));
  acts.missing.clear();
  turn_for(std::chrono::minutes(3));
  EXPECT_THAT(outbox(), testing::ElementsAre("move done", "error_note done"));
}

TEST_F(ActAway, AFolderOfFilesThatComesBackIsSeenToo) {
  source().after_failure = move_to("/srv/failed/{path}");
  put_failed_ones(3);
  auto const there = std::exchange(files.files, {});
  files.list_error = Error{Fault::kGone, "no such folder"};
  turn_for(std::chrono::hours(30));
  EXPECT_THAT(outbox(), testing::ElementsAre("move wanted", "error_note wanted"));
  files.files = there;
  files.list_error.reset();
  turn_for(std::chrono::minutes(3));
  EXPECT_THAT(outbox(), testing::ElementsAre("move done", "error_note done"));
}

TEST_F(ActAway, AFolderThatGoesAwayUnderADeletionIsWaitedFor) {
  source().after_success = {.what = AfterEnd::What::kDelete};
  put_done();
  acts.missing = {"/srv/drop", ""};  // the file itself could still be opened; and there is no folder without a name
  settle();
  EXPECT_THAT(outbox(), testing::ElementsAre("delete wanted"));
  EXPECT_TRUE(traffic.away_folders().is_away("/srv/drop"));
  acts.missing = {""};
  turn_for(std::chrono::minutes(3));
  settle();
  EXPECT_THAT(outbox(), testing::ElementsAre("delete done"));
}

TEST_F(ActAway, ALastLookAtASidecarWaitsForItsFolderToo) {
  source().after_success = {.what = AfterEnd::What::kDelete};
  source().sidecars = true;
  auto const row = put_ready();
  choose(choose_finish);
  auto const there = std::exchange(files.files, {});
  files.list_error = Error{Fault::kGone, "no such folder"};
  turn_for(std::chrono::minutes(5));
  auto const rows = journal.rows_written();
  auto const lines = log.lines.size();
  turn_for(std::chrono::hours(3));
  EXPECT_EQ(journal.rows_written(), rows);
  EXPECT_EQ(log.lines.size(), lines);
  EXPECT_THAT(outbox(), testing::ElementsAre("amend wanted", "delete wanted"));
  files.files = there;
  files.list_error.reset();
  turn_for(std::chrono::minutes(3));
  settle();
  EXPECT_THAT(outbox(), testing::ElementsAre("amend done", "delete done"));
}

TEST_F(ActAway, AFolderThatIsFoundWhileTheDiskIsFullIsFoundAgain) {
  put_failed_ones(3);
  turn_for(std::chrono::minutes(3));
  acts.missing.clear();
  disk_is_full = true;
  turn_for(std::chrono::minutes(3));
  disk_is_full = false;
  turn_for(std::chrono::minutes(3));
  EXPECT_THAT(outbox(), testing::ElementsAre("move done", "error_note done"));
  EXPECT_THAT(moves(), Each(HasSubstr("/mnt/nas/")));
}

TEST_F(ActAway, AStartForgetsWhatWasAwayAndSeesForItself) {
  put_failed_ones(2);
  turn_for(std::chrono::minutes(10));
  traffic = budget::Traffic();
  acts.missing.clear();
  within([&](Context& ctx) { recover(ctx); });
  turn_for(std::chrono::minutes(1));
  EXPECT_THAT(outbox(), testing::ElementsAre("move done", "error_note done"));
}

TEST_F(ActAway, AFolderIsLookedForAtTheVeryMomentThatItsLookIsDue) {
  put_failed_ones(1);
  for (int turn = 0; turn < 3; ++turn) choose(choose_act);
  ASSERT_TRUE(traffic.away_folders().is_away("/mnt/nas"));
  acts.missing.clear();
  now = *traffic.away_folders().next_look(now);
  choose(choose_act);
  EXPECT_FALSE(traffic.away_folders().is_away("/mnt/nas"));
}

}  // namespace
}  // namespace sluice::stage

#include "core/stage/act.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/stage/orders.h"
#include "tests/unit/stage/act_fixture.h"

namespace sluice::stage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(Act, AnItemThatIsKeptHasNoActs) {
  put_done();
  EXPECT_THAT(outbox(), ElementsAre());
}

TEST_F(Act, TheActsAreWrittenWithTheEndAndDoneOneAfterTheOther) {
  source().after_success = move_to("/srv/done/{source}/{path}");
  source().receipt = {.where = ReceiptWish::Where::kBeside};
  auto const row = put_done();
  EXPECT_THAT(outbox(), ElementsAre("move wanted", "receipt wanted"));
  EXPECT_FALSE(act(1).effort.due_at) << "it waits for the move";
  settle();
  EXPECT_THAT(outbox(), ElementsAre("move done", "receipt done"));
  EXPECT_EQ(act(0).target_path, "drop/" + row.path);
  EXPECT_TRUE(acts.files.contains("/srv/done/drop/" + row.path));
  auto const receipt = json_at("/srv/done/drop/" + row.path + ".sluice.json");
  EXPECT_EQ(*receipt.find("id")->as_text(), row.ulid);
  EXPECT_EQ(*receipt.find("asset_id")->as_text(), row.asset_id);
  EXPECT_EQ(*receipt.find("file")->as_text(), "/srv/done/drop/" + row.path);
  EXPECT_EQ(acts.files.size(), 2u);
}

TEST_F(Act, ASharedSidecarWhoseNameIsNoTextGoesWithItsFile) {
  source().after_success = {.what = AfterEnd::What::kDelete};
  auto row = journal::item_in(ItemState::kAssetReady, 1);
  row.path = "clip\xff.mp4";
  row.client_op = row.ulid + ".1";
  row.print = {.size_bytes = 100, .mtime_ns = 1, .ctime_ns = 2, .inode = 3, .device = 4};
  row.plan = Plan{.filename = "clip.mp4"}.to_json();
  row.sidecar = source::Sidecar{.files = {"clip\xff.json"}, .index = "films"}.to_json().dump();
  put(row);
  files.files[row.path] = {.print = row.print};
  for (auto const* const name : {"clip\xff.mp4", "clip\xff.json", "other\xff.json"})
    acts.files[std::string("/srv/drop/") + name] = {.print = row.print, .text = "film"};
  choose(choose_finish);
  settle();
  EXPECT_EQ(acts.files.size(), 1u);
  EXPECT_TRUE(acts.files.contains("/srv/drop/other\xff.json"));
}

TEST_F(Act, ATargetMayHoldGroupsOfThePath) {
  source().match = PathMatch::parse("^(?P<first>.)").value();
  source().after_success = move_to("/srv/done/{match.first}/{name}");
  auto const row = put_done();
  EXPECT_EQ(act(0).target_path, row.path.substr(0, 1) + "/" + row.path);
}

TEST_F(Act, AGroupThatLeavesAFolderOfTheTargetWithoutANameMovesNothing) {
  source().match = PathMatch::parse("(?P<none>)").value();
  source().after_success = move_to("/srv/done/{match.none}/{name}");
  put_done();
  EXPECT_EQ(act(0).reason, "bad_target");
}

TEST_F(Act, NothingIsDoneBeforeThePlatformHasShownTheAsset) {
  source().after_success = {.what = AfterEnd::What::kDelete};
  put_done();
  choose(choose_act);
  EXPECT_THAT(target(), HasSubstr("/assets/"));
  choose(choose_act);
  EXPECT_EQ(acts.changes, 0u);
  EXPECT_THAT(outbox(), ElementsAre("delete wanted"));
  settle();
  EXPECT_THAT(outbox(), ElementsAre("delete done"));
  EXPECT_TRUE(acts.files.empty());
}

TEST_F(Act, AFileIsKeptWhereThePlatformHasNoAssetOrNoneThatIsReady) {
  for (auto const& [said, reason] : std::vector<std::pair<Result<ports::Reply>, std::string>>{
           {fail(Fault::kGone, "404"), "asset_gone"},
           {fail(Fault::kRejected, "400"), "not_verified"},
           {reply(R"({"_id":"a","status":"failed"})"), "not_verified"}}) {
    source().after_success = {.what = AfterEnd::What::kDelete};
    auto const row = put_item(ItemState::kAssetReady, ++number_);
    choose(choose_finish);
    choose(choose_act);
    auto const id = journal.acts_of(row.id).at(0).id;
    answer(id, said);
    EXPECT_EQ(journal.act(id)->state, ActState::kRefused);
    EXPECT_EQ(journal.act(id)->reason, reason);
  }
  EXPECT_EQ(acts.changes, 0u);
}

TEST_F(Act, AFailedLookAtTheAssetIsRepeatedLater) {
  source().after_success = {.what = AfterEnd::What::kDelete};
  put_done();
  choose(choose_act);
  answer(act(0).id, fail(Fault::kTransient, "503"));
  EXPECT_THAT(outbox(), ElementsAre("delete wanted"));
  EXPECT_GT(*act(0).effort.due_at, now);
  EXPECT_EQ(act(0).effort.attempts, 0u);
}

TEST_F(Act, TheIntentIsCommittedBeforeTheFileIsTouched) {
  source().after_failure = move_to("/srv/failed/{path}");
  put_failed();
  choose(choose_act);
  EXPECT_THAT(outbox(), ElementsAre("move acting", "error_note wanted"));
  EXPECT_EQ(acts.changes, 0u);
}

TEST_F(Act, AFailedItemIsMovedWithItsReasonBesideIt) {
  source().after_failure = move_to("/srv/failed/{path}");
  auto const row = put_failed();
  settle();
  EXPECT_THAT(outbox(), ElementsAre("move done", "error_note done"));
  auto const note = json_at("/srv/failed/" + row.path + ".error.json");
  EXPECT_EQ(*note.find("code")->as_text(), "asset_failed");
  EXPECT_EQ(*note.find("text")->as_text(), "it cannot be decoded");
  EXPECT_FALSE(note.find("remedy")->as_text()->empty());
}

TEST_F(Act, AFileThatChangedIsLeftAndSaidWhy) {
  source().after_success = {.what = AfterEnd::What::kDelete};
  source().receipt = {.where = ReceiptWish::Where::kBeside};
  auto const row = put_done();
  acts.files["/srv/drop/" + row.path].print.mtime_ns += 1;
  settle();
  EXPECT_THAT(outbox(), ElementsAre("delete refused", "receipt done"));
  EXPECT_EQ(act(0).reason, "changed");
  EXPECT_TRUE(acts.files.contains("/srv/drop/" + row.path));
}

TEST_F(Act, WhatMayPassIsTriedAgainWithAnEnd) {
  source().after_success = {.what = AfterEnd::What::kDelete};
  put_done();
  acts.trouble = Error{Fault::kLocal, "no space", "full"};
  for (int day = 0; day < 400 && !is_over(act(0).state); ++day) {
    settle();
    now += std::chrono::minutes(6);
  }
  EXPECT_EQ(act(0).reason, "gave_up");
  EXPECT_EQ(act(0).effort.attempts, 300u);
}

TEST_F(Act, AReadOnlyFolderIsNotTriedAgain) {
  source().after_success = {.what = AfterEnd::What::kDelete};
  put_done();
  acts.trouble = Error{Fault::kRejected, "EROFS", "read_only"};
  settle();
  EXPECT_THAT(outbox(), ElementsAre("delete refused"));
  EXPECT_EQ(act(0).reason, "read_only");
}

TEST_F(Act, AFolderThatIsAwayIsWaitedFor) {
  source().after_success = {.what = AfterEnd::What::kDelete};
  auto const row = put_done();
  files.files.erase(row.path);
  files.list_error = Error{Fault::kGone, "no such folder"};
  settle();
  EXPECT_THAT(outbox(), ElementsAre("delete wanted"));
  EXPECT_EQ(act(0).effort.attempts, 0u);
  EXPECT_TRUE(acts.files.contains("/srv/drop/" + row.path));
}

TEST_F(Act, AFileThatIsOpenForWritingIsWaitedFor) {
  source().after_success = {.what = AfterEnd::What::kDelete};
  auto const row = put_done();
  files.files[row.path].writer = ports::Writer::kPresent;
  settle();
  EXPECT_THAT(outbox(), ElementsAre("delete wanted"));
  EXPECT_EQ(acts.changes, 0u);
}

TEST_F(Act, AnItemThatGoesOnHasNoActsOfItsLastEnd) {
  source().after_failure = move_to("/srv/failed/{path}");
  auto const row = put_failed();
  within([&](Context& ctx) { EXPECT_TRUE(retry_order(ctx, row.id)); });
  EXPECT_THAT(outbox(), ElementsAre("move refused", "error_note refused"));
  EXPECT_EQ(act(0).reason, "withdrawn");
}

TEST_F(Act, AnActOfAnEarlierContentIsNotDoneToALaterOne) {
  source().after_failure = move_to("/srv/failed/{path}");
  auto const row = put_failed();
  choose(choose_act);
  change(item(row.id), [](ItemRow& later) { later.generation += 1; });
  settle();
  EXPECT_EQ(act(0).reason, "superseded");
  EXPECT_EQ(acts.changes, 0u);
}

TEST_F(Act, RetryOfAFileThatWasMovedSaysWhereItIs) {
  source().after_failure = move_to("/srv/failed/{path}");
  auto const row = put_failed();
  settle();
  within([&](Context& ctx) {
    auto const retried = retry_order(ctx, row.id);
    ASSERT_FALSE(retried);
    EXPECT_EQ(retried.error().code, "moved_away");
    EXPECT_THAT(retried.error().text, HasSubstr("/srv/failed/" + row.path));
  });
}

TEST_F(Act, ALaterSuccessTakesTheErrorNoteAwayAndLeavesTheFileWhereItIs) {
  source().after_failure = move_to("/srv/failed/{path}");
  source().after_success = {.what = AfterEnd::What::kDelete};
  source().receipt = {.where = ReceiptWish::Where::kFolder, .folder = "/srv/receipts"};
  auto row = put_ready();
  within([&](Context& ctx) { fail_item(ctx, row, "refused", "the index is full", ItemState::kAssetReady); });
  settle();
  ASSERT_TRUE(acts.files.contains("/srv/failed/" + row.path + ".error.json"));
  within([&](Context& ctx) { EXPECT_TRUE(retry_order(ctx, row.id)); });
  choose(choose_finish);
  settle();
  EXPECT_THAT(outbox(), ElementsAre("move done", "error_note done", "clear_note done", "receipt done"));
  EXPECT_FALSE(acts.files.contains("/srv/failed/" + row.path + ".error.json"));
  EXPECT_TRUE(acts.files.contains("/srv/failed/" + row.path));
  EXPECT_TRUE(acts.files.contains("/srv/receipts/" + row.path + ".sluice.json"));
}

TEST_F(Act, AReceiptOfBytesThatAreNoTextHasThemInBase64) {
  source().receipt = {.where = ReceiptWish::Where::kFolder, .folder = "/srv/receipts"};
  auto row = journal::item_in(ItemState::kAssetReady, 1);
  row.path = "a\xff.mp4";
  row.id = put(row);
  choose(choose_finish);
  settle();
  auto const receipt = json_at("/srv/receipts/a\xff.mp4.sluice.json");
  EXPECT_EQ(*receipt.find("name_b64")->as_text(), "Yf8ubXA0");
}

TEST_F(Act, ManyActsOfOneFolderWaitForRoom) {
  source().after_failure = move_to("/srv/failed/{path}");
  lanes.at_once = false;
  for (std::int64_t n = 1; n <= 40; ++n) {
    auto const row = put_item(ItemState::kStable, n);
    within([&](Context& ctx) { fail_item(ctx, row, "refused", "x", ItemState::kStable); });
  }
  choose(choose_act);
  choose(choose_act);
  EXPECT_EQ(journal.count_acts(ActState::kActing), 16);
  auto const before = journal.rows_written();
  choose(choose_act);
  EXPECT_EQ(journal.rows_written(), before) << "an answer brings the next one on, and no row";
}

TEST_F(Act, AFullFolderHoldsUpNoOther) {
  policy.sources.push_back({.name = "other", .root = "/srv/other", .pipelines = {}});
  for (auto& source : policy.sources) source.after_failure = move_to("/srv/failed/{path}");
  lanes.at_once = false;
  auto const fail_one = [&](ItemRow row, std::string const& source) {
    row.source = source;
    row.root = "/srv/" + source;
    row.id = put(row);
    within([&](Context& ctx) { fail_item(ctx, row, "refused", "x", ItemState::kStable); });
  };
  for (std::int64_t n = 1; n <= 100; ++n) fail_one(journal::item_in(ItemState::kStable, n), "drop");
  fail_one(journal::item_in(ItemState::kStable, 101), "other");
  choose(choose_act);
  choose(choose_act);
  EXPECT_EQ(journal.count_acts(ActState::kActing), 17);
}

// As a rebuild adopts them: nobody has compared the bytes.
TEST_F(Act, AFileThatOnlyResemblesAnAssetIsKept) {
  source().after_success = {.what = AfterEnd::What::kDelete};
  auto const row = put_ready();
  change(row, [](auto& it) { it.client_op.clear(); });
  choose(choose_finish);
  settle();
  EXPECT_THAT(outbox(), ElementsAre());
}

}  // namespace
}  // namespace sluice::stage

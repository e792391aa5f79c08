// act_care_test.cc - which file is moved or deleted: the one that was sent, or repeats it, and that nobody writes to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/stage/admit.h"
#include "core/stage/find_duplicate.h"
#include "core/stage/orders.h"
#include "core/upload/file_digest.h"
#include "tests/unit/stage/act_fixture.h"

namespace sluice::stage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ActCare : public Act {
 protected:
  ActCare() { source().after_success = {.what = AfterEnd::What::kDelete}; }

  std::string path_of(ItemRow const& row) const { return "/srv/drop/" + row.path; }
  void put_print(ItemRow const& row, ports::FilePrint const& print) {
    acts.files[path_of(row)].print = print;
    files.files[row.path].print = print;
  }
  std::string key_of(ItemRow const& row) {
    return *upload::content_key_of(*files.open(row.root, row.path), files.files[row.path].print);
  }
  // Another file with the content of a done item's, and its item.
  ItemRow put_duplicate(ItemRow const& twin, std::string const& path = "again.mp4", std::uint64_t inode = 7) {
    auto row = journal::item_in(ItemState::kSkipped, 2);
    row.path = path;
    row.reason = kDuplicate;
    row.duplicate_of = twin.ulid;
    row.content_key = "xxh3-128-of-both";
    row.print = {.size_bytes = 100, .mtime_ns = 1, .ctime_ns = 6, .inode = inode, .device = 4};
    files.files[row.path] = {.print = row.print};
    acts.files[path_of(row)] = {.print = row.print, .text = "film"};
    row.id = put(row);
    within([&](Context& ctx) { plan_acts(ctx, row); });
    return row;
  }
  std::vector<std::string> outbox_of(RowId id) const {
    std::vector<std::string> all;
    for (auto const& row : journal.acts_of(id))
      all.push_back(std::string(word(row.kind)) + " " + std::string(word(row.state)));
    return all;
  }
};

TEST_F(ActCare, WhereWritersCannotBeSeenAFileRestsForTenMinutesFirst) {
  auto const row = put_done();
  files.files[row.path].writer = ports::Writer::kUnknown;
  settle();
  EXPECT_THAT(outbox(), ElementsAre("delete wanted"));
  EXPECT_EQ(act(0).effort.due_at, row.quiet_since + std::chrono::minutes(10));
  EXPECT_THAT(act(0).effort.last_error, HasSubstr("CAP_LEASE"));
  EXPECT_EQ(act(0).effort.attempts, 0u);
  now += std::chrono::minutes(10);
  settle();
  EXPECT_THAT(outbox(), ElementsAre("delete done"));
}

TEST_F(ActCare, ThatWritersCannotBeSeenIsSaidOnceOfASource) {
  for (std::int64_t n = 1; n <= 3; ++n)
    files.files[put_item(ItemState::kSeen, n).path].writer = ports::Writer::kUnknown;
  now += std::chrono::minutes(1);
  choose(choose_admit);
  choose(choose_admit);
  auto const said = std::ranges::count_if(
      log.lines, [](auto const& line) { return line.second.find("CAP_LEASE") != std::string::npos; });
  EXPECT_EQ(said, 1);
}

TEST_F(ActCare, TheTenMinutesBeginWithTheFilesLastChange) {
  auto row = put_ready();
  row.print.mtime_ns = std::chrono::nanoseconds((now + std::chrono::minutes(4)).time_since_epoch()).count();
  change(row, [&](auto& it) { it.print = row.print; });
  put_print(row, row.print);
  files.files[row.path].writer = ports::Writer::kUnknown;
  choose(choose_finish);
  now += std::chrono::minutes(11);
  settle();
  EXPECT_THAT(outbox(), ElementsAre("delete wanted"));
  EXPECT_EQ(act(0).effort.due_at, kNoon + std::chrono::minutes(14));
}

TEST_F(ActCare, AFileThatIsWrittenOnMeanwhileIsLeft) {
  auto const row = put_done();
  files.files[row.path].writer = ports::Writer::kUnknown;
  settle();
  auto grown = row.print;
  grown.size_bytes += 1;
  put_print(row, grown);
  now += std::chrono::minutes(11);
  settle();
  EXPECT_EQ(act(0).reason, "changed");
  EXPECT_TRUE(acts.files.contains(path_of(row)));
}

TEST_F(ActCare, AFileThatItsMarkerProvedWholeDoesNotRest) {
  source().ready_marker = *parse_template("{name}.done");
  auto const row = put_done();
  files.files[row.path].writer = ports::Writer::kUnknown;
  settle();
  EXPECT_THAT(outbox(), ElementsAre("delete done"));
}

TEST_F(ActCare, AChmodAfterTheUploadIsReadThroughOnceAndTheFileGoes) {
  auto row = put_ready();
  change(row, [&](auto& it) { it.content_key = key_of(row); });
  choose(choose_finish);
  auto print = row.print;
  print.ctime_ns += 9;
  put_print(row, print);
  settle();
  EXPECT_THAT(outbox(), ElementsAre("delete done"));
  EXPECT_EQ(item(row.id).print, print);
  EXPECT_FALSE(acts.files.contains(path_of(row)));
}

TEST_F(ActCare, AnotherContentWithTheOldTimesIsLeft) {
  auto row = put_ready();
  change(row, [&](auto& it) { it.content_key = key_of(row); });
  choose(choose_finish);
  auto print = row.print;
  print.ctime_ns += 9;
  put_print(row, print);
  files.files[row.path].bytes = std::string(100, 'x');
  settle();
  EXPECT_EQ(act(0).reason, "changed");
  EXPECT_TRUE(acts.files.contains(path_of(row)));
}

TEST_F(ActCare, ADuplicateOfADoneItemGoesAsItsTwinDid) {
  source().receipt = {.where = ReceiptWish::Where::kFolder, .folder = "/srv/receipts"};
  auto const twin = put_done();
  settle();
  auto const row = put_duplicate(twin);
  EXPECT_THAT(outbox_of(row.id), ElementsAre("delete wanted", "receipt wanted"));
  choose(choose_act);
  EXPECT_THAT(target(), HasSubstr(twin.asset_id)) << "the asset that has its content is looked at first";
  answer(journal.acts_of(row.id).at(0).id, reply(kReady));
  for (int turn = 0; turn < 4; ++turn) choose(choose_act);
  EXPECT_THAT(outbox_of(row.id), ElementsAre("delete done", "receipt done"));
  EXPECT_FALSE(acts.files.contains(path_of(row)));
  EXPECT_EQ(*json_at("/srv/receipts/" + row.path + ".sluice.json").find("duplicate_of")->as_text(), twin.ulid);
}

TEST_F(ActCare, ADuplicateThatWasPutAwayStaysSoWhenItsReceiptIsTriedAgain) {
  source().receipt = {.where = ReceiptWish::Where::kFolder, .folder = "/srv/receipts"};
  auto const twin = put_done();
  settle();
  auto const row = put_duplicate(twin);
  choose(choose_act);
  answer(journal.acts_of(row.id).at(0).id, reply(kReady));
  choose(choose_act);
  within([&](Context& ctx) { refuse_act(ctx, journal.acts_of(row.id).at(1), "permission", "it is read-only"); });
  within([&](Context& ctx) { EXPECT_TRUE(retry_order(ctx, row.id)); });
  EXPECT_THAT(outbox_of(row.id), ElementsAre("delete done", "receipt refused", "receipt wanted"));
}

TEST_F(ActCare, AFileThatIsDroppedAgainUnderItsNameGoesToo) {
  auto const twin = put_done();
  settle();
  EXPECT_THAT(outbox_of(put_duplicate(twin, twin.path).id), ElementsAre("delete wanted"));
}

// What is done with it is what its source wants of a success, and never more.
TEST_F(ActCare, ADuplicateIsMovedWhereSuccessesAreAndKeptWhereTheyAre) {
  auto const twin = put_done();
  settle();
  auto const skipped = [&](std::int64_t number) {
    auto row = journal::item_in(ItemState::kSkipped, number);
    row.reason = kDuplicate;
    row.duplicate_of = twin.ulid;
    row.content_key = "xxh3-128-of-both";
    row.id = put(row);
    within([&](Context& ctx) { plan_acts(ctx, row); });
    return outbox_of(row.id);
  };
  source().after_success = move_to("/srv/done/{path}");
  EXPECT_THAT(skipped(2), ElementsAre("move wanted"));
  source().after_success = {};
  EXPECT_THAT(skipped(3), ElementsAre());
  source().receipt = {.where = ReceiptWish::Where::kBeside};
  EXPECT_THAT(skipped(4), ElementsAre("receipt wanted"));
}

TEST_F(ActCare, ADuplicateThatIsItsTwinsOwnFileIsLeftToIt) {
  source().after_success = {};
  auto const twin = put_done();
  source().after_success = {.what = AfterEnd::What::kDelete};
  EXPECT_THAT(outbox_of(put_duplicate(twin, twin.path, twin.print.inode).id), ElementsAre());
}

TEST_F(ActCare, AnotherNameOfItsTwinsFileIsACopyToo) {
  source().after_success = {};
  auto const twin = put_done();
  source().after_success = {.what = AfterEnd::What::kDelete};
  EXPECT_THAT(outbox_of(put_duplicate(twin, "again.mp4", twin.print.inode).id), ElementsAre("delete wanted"));
}

TEST_F(ActCare, ADuplicateThatChangedSinceItWasReadIsLeft) {
  auto const row = put_duplicate(put_done());
  acts.files[path_of(row)].print.mtime_ns += 1;
  choose(choose_act);
  answer(journal.acts_of(row.id).at(0).id, reply(kReady));
  for (int turn = 0; turn < 4; ++turn) choose(choose_act);
  EXPECT_EQ(journal.acts_of(row.id).at(0).reason, "changed");
  EXPECT_TRUE(acts.files.contains(path_of(row)));
}

TEST_F(ActCare, WhatIsSkippedForAnotherReasonIsKept) {
  auto const twin = put_done();
  auto row = journal::item_in(ItemState::kSkipped, 2);
  row.reason = "no_pipeline";
  row.id = put(row);
  within([&](Context& ctx) { plan_acts(ctx, row); });
  EXPECT_THAT(outbox_of(row.id), ElementsAre());
}

TEST_F(ActCare, ADuplicateOfWhatIsNotDoneOrWasNotReadIsKept) {
  auto const unread = [&](std::int64_t number, std::string const& of, std::string key) {
    auto row = journal::item_in(ItemState::kSkipped, number);
    row.reason = kDuplicate;
    row.duplicate_of = of;
    row.content_key = std::move(key);
    row.id = put(row);
    within([&](Context& ctx) { plan_acts(ctx, row); });
    return outbox_of(row.id);
  };
  auto const twin = put_done();
  EXPECT_THAT(unread(2, twin.ulid, ""), ElementsAre());
  EXPECT_THAT(unread(3, put_item(ItemState::kSent, 9).ulid, "key"), ElementsAre());
  change(twin, [](auto& it) { it.client_op.clear(); });  // a rebuild recognised it
  EXPECT_THAT(unread(4, twin.ulid, "key"), ElementsAre());
}

TEST_F(ActCare, RetryOfADuplicateWhoseFileIsGoneSaysWhatHasItsContent) {
  auto const twin = put_done();
  auto const row = put_duplicate(twin);
  choose(choose_act);
  answer(journal.acts_of(row.id).at(0).id, reply(kReady));
  for (int turn = 0; turn < 4; ++turn) choose(choose_act);
  within([&](Context& ctx) {
    auto const retried = retry_order(ctx, row.id);
    ASSERT_FALSE(retried);
    EXPECT_EQ(retried.error().code, "put_away");
    EXPECT_THAT(retried.error().text, HasSubstr(twin.ulid));
  });
}

class TwoReceipts : public ActCare {
 protected:
  // An older file waits with its receipt until the newer one of its name has had its own.
  void stay_with_the_newer(ReceiptWish const& wish, std::string const& receipts) {
    source().after_success = {};
    source().receipt = wish;
    auto const older = put_done();
    auto const newer = put_item(ItemState::kAssetReady, 2);
    within([&](Context& ctx) {
      ctx.journal.rename(newer.id, older.path);
      auto waits = ctx.journal.acts_of(older.id).front();
      waits.effort.due_at = now + std::chrono::hours(1);
      ctx.journal.update(waits, waits.state, now);
    });
    choose(choose_finish);
    settle();
    now += std::chrono::hours(2);
    settle();
    EXPECT_EQ(journal.acts_of(newer.id).front().state, ActState::kDone);
    EXPECT_EQ(journal.acts_of(older.id).front().reason, "superseded");
    EXPECT_THAT(acts.files.at(receipts + older.path + ".sluice.json").text, HasSubstr(newer.ulid));
  }
};

TEST_F(TwoReceipts, OfOneNameInTheirFolderStayWithTheNewerFile) {
  stay_with_the_newer({.where = ReceiptWish::Where::kFolder, .folder = "/srv/receipts"}, "/srv/receipts/");
}

TEST_F(TwoReceipts, OfOneNameBesideTheirFileStayWithTheNewerFile) {
  stay_with_the_newer({.where = ReceiptWish::Where::kBeside}, "/srv/drop/");
}

// The older one's stands meanwhile, and the newer one's is written over it.
TEST_F(TwoReceipts, AReceiptGivesWayToANewerOneThatIsBeingWrittenAndNotToOneThatWaits) {
  source().after_success = {};
  source().receipt = {.where = ReceiptWish::Where::kFolder, .folder = "/srv/receipts"};
  lanes.at_once = false;
  for (bool const waits : {true, false}) {
    auto const older = put_item(ItemState::kAssetReady, ++number_);
    choose(choose_finish);
    auto const newer = put_item(ItemState::kAssetReady, ++number_);
    within([&](Context& ctx) { ctx.journal.rename(newer.id, older.path); });
    choose(choose_finish);
    auto const first = journal.acts_of(older.id).front();
    change(waits ? journal.acts_of(newer.id).front() : first,
           [&](ActRow& later) { later.effort.due_at = now + std::chrono::hours(1); });
    choose(choose_act);
    if (!waits) change(journal.acts_of(older.id).front(), [&](ActRow& due) { due.effort.due_at = now; });
    choose(choose_act);
    EXPECT_EQ(journal.act(first.id)->state, waits ? ActState::kActing : ActState::kRefused);
    EXPECT_EQ(journal.act(first.id)->reason, waits ? "" : "superseded");
  }
}

// As where its asset was lost, and it was sent again.
TEST_F(TwoReceipts, OfOneItemTheLaterIsWrittenOverTheEarlier) {
  source().after_success = {};
  source().receipt = {.where = ReceiptWish::Where::kFolder, .folder = "/srv/receipts"};
  auto const row = put_done();
  settle();
  ASSERT_EQ(act(0).state, ActState::kDone);
  auto later = journal::act_of(row.id, 2, ActKind::kReceipt);
  later.target_folder = act(0).target_folder;
  later.target_path = act(0).target_path;
  later.generation = row.generation;
  put(later);
  settle();
  EXPECT_EQ(act(1).state, ActState::kDone);
}

}  // namespace
}  // namespace sluice::stage

#include "core/stage/refusals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/stage/orders.h"
#include "core/stage/send_hook.h"
#include "tests/unit/stage/act_fixture.h"

namespace sluice::stage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Refusals : public Act {
 protected:
  ItemRow put_refused(char const* code = "permission") {
    auto const row = put_done();
    acts.trouble = Error{Fault::kRejected, "rename /srv/drop: Permission denied", code};
    settle();
    acts.trouble.reset();
    return item(row.id);
  }
  std::string retry(RowId id) {
    std::string code;
    within([&](Context& ctx) {
      auto const done = retry_order(ctx, id);
      if (!done) code = done.error().code;
    });
    return code;
  }
};

TEST_F(Refusals, RetryOfADoneItemDoesWhatWasRefused) {
  source().after_success = move_to("/srv/done/{path}");
  auto const row = put_refused();
  ASSERT_THAT(outbox(), ElementsAre("move refused"));
  EXPECT_EQ(journal.count_refused(), 1);
  EXPECT_EQ(retry(row.id), "");
  settle();
  EXPECT_THAT(outbox(), ElementsAre("move refused", "move done"));
  EXPECT_TRUE(acts.files.contains("/srv/done/" + row.path));
  EXPECT_EQ(journal.count_refused(), 0);
  EXPECT_EQ(item(row.id).state, ItemState::kDone);
}

TEST_F(Refusals, AReceiptIsWrittenAgainBesideTheNewPlace) {
  source().after_success = move_to("/srv/done/{path}");
  auto const row = put_refused();
  source().receipt = {.where = ReceiptWish::Where::kBeside};
  EXPECT_EQ(retry(row.id), "");
  settle();
  EXPECT_EQ(*json_at("/srv/done/" + row.path + ".sluice.json").find("file")->as_text(), "/srv/done/" + row.path);
}

TEST_F(Refusals, WhatIsDoneAfterAllFollowsTheConfigurationOfNow) {
  source().after_success = {.what = AfterEnd::What::kDelete};
  auto const row = put_refused();
  source().after_success = {};
  EXPECT_EQ(retry(row.id), "");
  settle();
  EXPECT_THAT(outbox(), ElementsAre("delete refused"));
  EXPECT_EQ(acts.changes, 0u);
  EXPECT_EQ(journal.count_refused(), 0) << "nobody wants it any more";
  EXPECT_EQ(retry(row.id), "not_failed");
}

TEST_F(Refusals, AnItemWithoutRefusedActsIsNotRetried) {
  source().after_success = {.what = AfterEnd::What::kDelete};
  auto const row = put_done();
  settle();
  EXPECT_EQ(retry(row.id), "not_failed");
}

TEST_F(Refusals, EachHasARemedyButForWhatIsNobodysTrouble) {
  source().after_success = {.what = AfterEnd::What::kDelete};
  auto const row = put_refused();
  EXPECT_THAT(remedy_of(act(0), row), HasSubstr("sluice retry " + row.ulid));
  for (auto const* reason : {"changed", "gone", "withdrawn", "superseded"}) {
    auto other = act(0);
    other.reason = reason;
    EXPECT_THAT(remedy_of(other, row), IsEmpty()) << reason;
  }
}

TEST_F(Refusals, AFileThatWasReplacedIsNobodysTrouble) {
  source().after_success = {.what = AfterEnd::What::kDelete};
  auto const row = put_done();
  acts.files["/srv/drop/" + row.path].print.mtime_ns += 1;
  settle();
  EXPECT_EQ(act(0).reason, "changed");
  EXPECT_EQ(journal.count_refused(), 0);
}

TEST_F(Refusals, AFailedItemThatGoesOnLeavesNoneBehind) {
  source().after_failure = move_to("/srv/failed/{path}");
  auto const row = put_failed();
  acts.trouble = Error{Fault::kRejected, "Permission denied", "permission"};
  settle();
  EXPECT_GT(journal.count_refused(), 0);
  EXPECT_EQ(retry(row.id), "");
  EXPECT_EQ(journal.count_refused(), 0);
}

TEST_F(Refusals, AHookThatGaveUpIsToldAfterAllByTheSameId) {
  policy.hooks.push_back({.hook = {.name = "notify", .events = {"done"}, .exec = {"/usr/bin/notify"}}, .secret = {}});
  auto const row = put_done();
  within([&](Context& ctx) {
    ctx.journal.set_meta(kHooksGivenUp, "1");
    refuse_act(ctx, journal.acts_of(row.id).front(), "gave_up", "exit code 1");
  });
  EXPECT_EQ(retry(row.id), "");
  EXPECT_THAT(outbox(), ElementsAre("hook wanted"));
  EXPECT_EQ(act(0).effort.due_at, now);
  EXPECT_EQ(journal.meta(kHooksGivenUp), "0");
}

TEST_F(Refusals, AHookThatGaveUpTellsAfterAllOfItsOwnEndAlthoughTheItemCameToAnother) {
  policy.hooks.push_back({.hook = {.name = "notify", .events = {"failed"}, .exec = {"/usr/bin/notify"}}, .secret = {}});
  auto const row = put_ready();
  within([&](Context& ctx) { fail_item(ctx, row, "asset_failed", "it cannot be decoded", ItemState::kAssetReady); });
  choose(choose_send_hook);
  within([&](Context& ctx) { refuse_act(ctx, act(0), "gave_up", "exit code 1"); });
  ASSERT_EQ(retry(row.id), "");
  choose(choose_finish);
  ASSERT_EQ(item(row.id).state, ItemState::kDone);
  ASSERT_EQ(retry(row.id), "");
  choose(choose_send_hook);
  ASSERT_THAT(outbox(), ElementsAre("hook acting"));
  auto const told = parse_json(act(0).payload);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->text("event").value().value_or(""), "failed");
  EXPECT_EQ(told->text("event_id").value().value_or(""), row.ulid + ".1");
}

}  // namespace
}  // namespace sluice::stage

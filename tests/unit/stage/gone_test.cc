// What becomes of an item when the platform no longer has what it was given (R41).
#include "core/stage/gone.h"

#include <gmock/gmock.h>

#include "core/stage/await_asset.h"
#include "core/stage/await_step.h"
#include "core/stage/create_step.h"
#include "core/stage/look_asset.h"
#include "core/stage/orders.h"
#include "core/stage/plan.h"
#include "core/stage/resolve_named.h"
#include "core/stage/send_direct.h"
#include "tests/unit/stage/bench.h"

namespace sluice::stage {
namespace {

using budget::Errand;
using journal::ItemRow;
using journal::ItemState;
using journal::NamedKind;
using journal::NamedRow;
using journal::NamedState;
using journal::RowId;
using journal::StepKind;
using journal::StepRow;
using journal::StepState;
using testing::HasSubstr;

using namespace std::chrono_literals;

constexpr char kNoAssets[] = R"({"data":[],"page_info":{"page":1,"total_page":0}})";
constexpr char kReady[] = R"({"data":[{"_id":"asset1","status":"ready"}],"page_info":{"page":1,"total_page":1}})";

class Gone : public testing::Test {
 protected:
  ItemRow add(ItemState state) {
    auto row = journal::item_in(state);
    row.method = "direct";
    row.print = {.size_bytes = 100, .mtime_ns = 7, .ctime_ns = 8, .inode = 9};
    row.plan = Plan{.filename = "clip1.mp4"}.to_json();
    row.client_op = "op.1";
    row.bytes_acked = 100;
    row.id = bench_.journal.insert(row);
    bench_.files.there[row.path] = row.print;
    return row;
  }
  NamedRow present(std::string name, NamedKind kind = NamedKind::kIndex, RowId parent = 0) {
    auto row = bench_.journal.ensure_named(journal::named_called(std::move(name), kind, parent));
    row.state = NamedState::kPresent;
    row.remote_id = "old-" + row.name;
    row.effort.due_at.reset();
    bench_.journal.update(row, NamedState::kWanted, bench_.now);
    return row;
  }
  StepRow add_step(ItemRow const& item, NamedRow const& named, StepState state, StepKind kind = StepKind::kIndex) {
    auto row = journal::step_of(item.id, static_cast<std::int64_t>(bench_.journal.steps_of(item.id).size()) + 1, kind);
    row.params = PlannedStep{.kind = kind, .name = named.name}.to_json();
    row.named_id = named.id;
    row.state = state;
    if (state == StepState::kCreating) row.intent.at = bench_.now;
    if (state == StepState::kCreated || state == StepState::kReady) row.remote_id = "record";
    row.id = bench_.journal.insert(row);
    return row;
  }
  void poll(ItemRow const& item, char const* answer) {
    bench_.land(settle_await_asset, {.errand = Errand::kAwaitAsset, .rows = {item.id}}, Bench::says(answer));
  }
  void read_alone(ItemRow const& item, Result<ports::Reply> reply) {
    bench_.land(settle_await_asset, {.errand = Errand::kAwaitAsset, .rows = {item.id}, .mode = kReadAlone},
                std::move(reply));
  }
  void lose(ItemRow const& item) {
    auto ctx = bench_.context();
    upload_again(ctx, now_of(item), "the platform no longer has the asset");
  }
  ItemRow now_of(ItemRow const& item) const { return *bench_.journal.item(item.id); }
  StepRow now_of(StepRow const& step) const { return *bench_.journal.step(step.id); }
  NamedRow now_of(NamedRow const& named) const { return *bench_.journal.named(named.id); }

  Bench bench_;
};

TEST_F(Gone, AMissingAssetIsLookedForOverTheLagAndThenReadBeforeItsFileGoesUpAgain) {
  auto const item = add(ItemState::kSent);
  poll(item, kNoAssets);
  bench_.now += 29s;
  poll(item, kNoAssets);
  EXPECT_EQ(now_of(item).reason, "asset_missing");
  EXPECT_TRUE(bench_.traffic.idle()) << "the list may be late";
  bench_.now += 1s;
  poll(item, kNoAssets);
  EXPECT_EQ(now_of(item).state, ItemState::kSent);
  EXPECT_FALSE(bench_.traffic.idle());
  read_alone(item, Bench::gone());
  EXPECT_EQ(now_of(item).state, ItemState::kStable);
}

TEST_F(Gone, AnAssetThatOnlyTheListHidesIsNotUploadedAgain) {
  auto const item = add(ItemState::kSent);
  read_alone(item, Bench::says(R"({"_id":"asset1","status":"ready"})"));
  EXPECT_EQ(now_of(item).state, ItemState::kAssetReady);
  EXPECT_TRUE(bench_.journal.losses_of(item.id).empty());
}

TEST_F(Gone, AReadThatFailsSaysNothingAboutTheAsset) {
  auto const item = add(ItemState::kSent);
  read_alone(item, fail(Fault::kTransient, "HTTP 500"));
  EXPECT_EQ(now_of(item).state, ItemState::kSent);
}

TEST_F(Gone, ALateListIsNoLoss) {
  auto const item = add(ItemState::kSent);
  poll(item, kNoAssets);
  bench_.now += 20s;
  poll(item, kReady);
  EXPECT_EQ(now_of(item).state, ItemState::kAssetReady);
  EXPECT_EQ(now_of(item).reason, "");
  EXPECT_TRUE(bench_.journal.losses_of(item.id).empty());
}

TEST_F(Gone, ALossIsSaidInTheStoryTheLogAndTheReason) {
  auto const item = add(ItemState::kSent);
  lose(item);
  EXPECT_EQ(now_of(item).reason, "asset_gone");
  auto const losses = bench_.journal.losses_of(item.id);
  ASSERT_EQ(losses.size(), 1u);
  EXPECT_EQ(losses.front().was, "asset1");
  EXPECT_THAT(bench_.log.text, HasSubstr("item=" + item.ulid + " path=\"clip1.mp4\" asset is gone from the platform"));
}

TEST_F(Gone, TheNextUploadIsANewGenerationWithTagsOfItsOwn) {
  auto const item = add(ItemState::kSent);
  auto const step = add_step(item, present("footage"), StepState::kWaiting);
  lose(item);
  EXPECT_EQ(now_of(item).generation, 2);
  EXPECT_EQ(now_of(item).asset_id, "");
  EXPECT_EQ(now_of(item).bytes_acked, 0u);
  EXPECT_EQ(now_of(step).client_op, item.ulid + ".2.s1");
}

TEST_F(Gone, TheFourthLossIsForAPersonAndARetryBeginsAnew) {
  auto const item = add(ItemState::kSent);
  for (int i = 0; i < 3; ++i) {
    lose(item);
    EXPECT_EQ(now_of(item).state, ItemState::kStable) << i;
  }
  lose(item);
  EXPECT_EQ(now_of(item).state, ItemState::kFailed);
  EXPECT_EQ(now_of(item).reason, "asset_gone");
  EXPECT_THAT(now_of(item).effort.last_error, HasSubstr("keeps happening"));
  auto ctx = bench_.context();
  ASSERT_TRUE(retry_order(ctx, item.id));
  lose(item);
  EXPECT_EQ(now_of(item).state, ItemState::kStable);
}

TEST_F(Gone, AFileThatIsNotThereAnyMoreFailsWithWhatToDo) {
  auto const item = add(ItemState::kSent);
  bench_.files.there.clear();
  lose(item);
  EXPECT_EQ(now_of(item).state, ItemState::kFailed);
  EXPECT_EQ(now_of(item).reason, "asset_gone");
  EXPECT_THAT(now_of(item).effort.last_error, HasSubstr("put it back, then retry"));
}

TEST_F(Gone, AFileWithOtherContentIsNotTakenForTheOneThatWasLost) {
  auto const item = add(ItemState::kSent);
  bench_.files.there[item.path].mtime_ns += 1;
  lose(item);
  EXPECT_EQ(now_of(item).reason, "asset_gone");
  EXPECT_EQ(now_of(item).state, ItemState::kFailed);
}

TEST_F(Gone, AChmodDoesNotKeepAFileFromGoingUpAgain) {
  auto const item = add(ItemState::kSent);
  bench_.files.there[item.path].ctime_ns += 1;
  lose(item);
  EXPECT_EQ(now_of(item).state, ItemState::kStable);
  EXPECT_EQ(now_of(item).print, bench_.files.there[item.path]);
}

TEST_F(Gone, ACallWithoutAnAnswerIsDecidedWhileTheAssetsIdIsKnown) {
  auto const item = add(ItemState::kSent);
  auto const step = add_step(item, present("footage"), StepState::kCreating);
  read_alone(item, Bench::gone());
  EXPECT_EQ(now_of(item).state, ItemState::kSent);
  auto decided = now_of(step);
  decided.state = StepState::kWaiting;
  bench_.journal.update(decided, StepState::kCreating, bench_.now);
  read_alone(item, Bench::gone());
  EXPECT_EQ(now_of(item).state, ItemState::kStable);
}

TEST_F(Gone, ARecordThatMayOutliveItsAssetIsReadBeforeAnotherIsMade) {
  auto const item = add(ItemState::kSent);
  auto const cast = present("Cast", NamedKind::kCollection);
  auto const index = add_step(item, present("footage"), StepState::kReady);
  auto const entity = add_step(item, present("Ada", NamedKind::kEntity, cast.id), StepState::kReady, StepKind::kEntity);
  lose(item);
  EXPECT_EQ(now_of(index).state, StepState::kCreated);
  EXPECT_EQ(now_of(index).remote_id, "record");
  EXPECT_EQ(now_of(entity).state, StepState::kWaiting) << "a place in an entity is lost with the asset";
  EXPECT_EQ(now_of(entity).remote_id, "");
}

TEST_F(Gone, StepsThatFailedOrHaveACallInTheAirAreNotBegunAnew) {
  auto const item = add(ItemState::kSent);
  auto const index = present("footage");
  auto refused = add_step(item, index, StepState::kWaiting);
  refused.state = StepState::kFailed;
  refused.reason = "refused";
  bench_.journal.update(refused, StepState::kWaiting, bench_.now);
  auto const in_the_air = add_step(item, index, StepState::kCreating);
  lose(item);
  EXPECT_EQ(now_of(refused).state, StepState::kFailed) << "that is a person's retry";
  EXPECT_EQ(now_of(in_the_air).state, StepState::kCreating);
}

TEST_F(Gone, ARefusalDoubtsTheAssetFirstAndTheNameOnlyIfTheAssetIsThere) {
  auto const item = add(ItemState::kAssetReady);
  auto const index = present("footage");
  auto const step = add_step(item, index, StepState::kCreating);
  bench_.land(settle_create_step, {.errand = Errand::kCreateStep, .row = step.id}, Bench::gone());
  EXPECT_EQ(now_of(step).state, StepState::kWaiting);
  EXPECT_EQ(now_of(step).effort.attempts, 1u);
  EXPECT_EQ(now_of(item).state, ItemState::kSent);
  EXPECT_GE(now_of(item).effort.due_at, bench_.now + 30s) << "a list may show what is dead for that long";
  EXPECT_EQ(now_of(index).state, NamedState::kPresent);
  bench_.now += 30s;
  poll(item, kReady);
  EXPECT_EQ(now_of(item).state, ItemState::kAssetReady);
  EXPECT_EQ(now_of(index).state, NamedState::kWanted);
}

TEST_F(Gone, OnlyTheNameThatARefusedStepGoesIntoIsDoubted) {
  auto const item = add(ItemState::kAssetReady);
  auto const footage = present("footage");
  auto const archive = present("archive");
  auto const step = add_step(item, footage, StepState::kCreating);
  add_step(item, archive, StepState::kWaiting);
  bench_.land(settle_create_step, {.errand = Errand::kCreateStep, .row = step.id}, Bench::gone());
  poll(item, kReady);
  EXPECT_EQ(now_of(footage).state, NamedState::kWanted);
  EXPECT_EQ(now_of(archive).state, NamedState::kPresent);
}

TEST_F(Gone, TheRefusalOfAnEntityThatWasNotMadeYetDoubtsItsCollection) {
  auto const item = add(ItemState::kAssetReady);
  auto const cast = present("Cast", NamedKind::kCollection);
  auto ada = bench_.journal.ensure_named(journal::named_called("Ada", NamedKind::kEntity, cast.id));
  auto const step = add_step(item, ada, StepState::kWaiting, StepKind::kEntity);
  ada.state = NamedState::kCreating;
  ada.intent.at = bench_.now;
  ada.seed_step_id = step.id;
  bench_.journal.update(ada, NamedState::kWanted, bench_.now);
  bench_.land(settle_create_named, {.errand = Errand::kCreateNamed, .row = ada.id}, Bench::gone());
  EXPECT_EQ(now_of(item).state, ItemState::kSent) << "the asset is asked for first";
  EXPECT_EQ(now_of(cast).state, NamedState::kPresent);
  poll(item, kReady);
  EXPECT_EQ(now_of(cast).state, NamedState::kWanted);
}

TEST_F(Gone, AnEntityRefusedAsGoneChargesNoStepThatWentOnMeanwhile) {
  auto const item = add(ItemState::kAssetReady);
  auto const cast = present("Cast", NamedKind::kCollection);
  for (auto const seeded : {true, false}) {
    auto ada = bench_.journal.ensure_named(journal::named_called(seeded ? "Ada" : "Eve", NamedKind::kEntity, cast.id));
    auto const step = add_step(item, ada, StepState::kReady, StepKind::kEntity);
    ada.state = NamedState::kCreating;
    ada.intent.at = bench_.now;
    ada.seed_step_id = seeded ? step.id : 0;
    bench_.journal.update(ada, NamedState::kWanted, bench_.now);
    bench_.land(settle_create_named, {.errand = Errand::kCreateNamed, .row = ada.id}, Bench::gone());
    EXPECT_EQ(now_of(ada).state, NamedState::kWanted);
    EXPECT_EQ(now_of(step).state, StepState::kReady);
    EXPECT_EQ(now_of(item).state, ItemState::kAssetReady);
  }
}

TEST_F(Gone, ANameInDoubtIsLookedForTwiceBeforeItIsMadeAgain) {
  auto named = journal::named_called("footage");
  named.params = R"([{"model_name":"marengo3.0"}])";
  named = bench_.journal.ensure_named(named);
  named.state = NamedState::kPresent;
  named.remote_id = "old";
  bench_.journal.update(named, NamedState::kWanted, bench_.now);
  auto ctx = bench_.context();
  doubt_name(ctx, named.id, "HTTP 404");
  bench_.now += 30s;
  auto const look = [&] {
    bench_.land(settle_look_named, {.errand = Errand::kLookNamed, .row = named.id}, Bench::says(kNoAssets));
  };
  look();
  EXPECT_EQ(now_of(named).state, NamedState::kWanted);
  look();
  EXPECT_EQ(now_of(named).state, NamedState::kCreating);
  ASSERT_EQ(bench_.journal.losses_of(0).size(), 1u);
  EXPECT_EQ(bench_.journal.losses_of(0).front().subject, "named index footage");
}

TEST_F(Gone, ANameInDoubtThatIsFoundGoesOn) {
  auto const index = present("footage");
  auto const item = add(ItemState::kAssetReady);
  auto const step = add_step(item, index, StepState::kWaiting);
  auto ctx = bench_.context();
  doubt_name(ctx, index.id, "HTTP 404");
  bench_.land(settle_look_named, {.errand = Errand::kLookNamed, .row = index.id},
              Bench::says(R"({"data":[{"_id":"i1","index_name":"footage"}],"page_info":{"page":1,"total_page":1}})"));
  EXPECT_EQ(now_of(index).remote_id, "i1");
  EXPECT_EQ(now_of(step).effort.due_at, bench_.now);
  EXPECT_TRUE(bench_.journal.losses_of(0).empty());
}

TEST_F(Gone, ANameLostForTheFourthTimeInADayIsForAPerson) {
  auto const index = present("footage");
  auto ctx = bench_.context();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(name_lost(ctx, index)) << i;
  EXPECT_FALSE(name_lost(ctx, index));
  bench_.now += 24h;
  auto later = bench_.context();
  EXPECT_TRUE(name_lost(later, index));
}

TEST_F(Gone, WhatWasInALostIndexBeginsAnew) {
  auto const index = present("footage");
  auto const item = add(ItemState::kAssetReady);
  auto const made = add_step(item, index, StepState::kCreated);
  auto const in_the_air = add_step(item, index, StepState::kCreating);
  auto ctx = bench_.context();
  name_lost(ctx, index);
  EXPECT_EQ(now_of(made).state, StepState::kWaiting);
  EXPECT_EQ(now_of(in_the_air).state, StepState::kCreating) << "its own answer is on its way";
}

TEST_F(Gone, AVanishedRecordIsLookedForAndNotMadeAtOnce) {
  auto const item = add(ItemState::kAssetReady);
  auto const step = add_step(item, present("footage"), StepState::kCreated);
  bench_.land(settle_await_step, {.errand = Errand::kAwaitStep, .row = step.id}, Bench::gone());
  EXPECT_EQ(now_of(step).state, StepState::kCreating);
  EXPECT_EQ(now_of(step).intent.unknown_at, bench_.now);
  EXPECT_GE(now_of(step).effort.due_at, bench_.now + 30s);
  EXPECT_EQ(bench_.journal.losses_of(item.id).size(), 1u);
}

TEST_F(Gone, ARecordThatWasJustMadeMayBeLateToBeRead) {
  auto const item = add(ItemState::kAssetReady);
  auto step = add_step(item, present("footage"), StepState::kCreated);
  step.intent.at = bench_.now - 29s;
  bench_.journal.update(step, StepState::kCreated, bench_.now);
  bench_.land(settle_await_step, {.errand = Errand::kAwaitStep, .row = step.id}, Bench::gone());
  EXPECT_EQ(now_of(step).state, StepState::kCreated);
  EXPECT_TRUE(bench_.journal.losses_of(item.id).empty());
  bench_.now += 1s;
  bench_.land(settle_await_step, {.errand = Errand::kAwaitStep, .row = step.id}, Bench::gone());
  EXPECT_EQ(now_of(step).state, StepState::kCreating) << "the lag is over: it is looked for";
}

TEST_F(Gone, AnEntityWithoutOurPictureIsNotReady) {
  auto const item = add(ItemState::kAssetReady);
  auto const cast = present("Cast", NamedKind::kCollection);
  auto const ada = present("Ada", NamedKind::kEntity, cast.id);
  auto const step = add_step(item, ada, StepState::kCreated, StepKind::kEntity);
  auto const read = [&](std::string const& ids) {
    bench_.land(settle_await_step, {.errand = Errand::kAwaitStep, .rows = {step.id}},
                Bench::says(R"({"_id":"record","name":"Ada","status":"ready")" + ids + "}"));
  };
  read(R"(,"asset_ids":["another"])");
  EXPECT_EQ(now_of(step).state, StepState::kCreating);
}

TEST_F(Gone, AnEntityThatDoesNotListItsPicturesIsBelieved) {
  auto const item = add(ItemState::kAssetReady);
  auto const cast = present("Cast", NamedKind::kCollection);
  auto const step = add_step(item, present("Ada", NamedKind::kEntity, cast.id), StepState::kCreated, StepKind::kEntity);
  bench_.land(settle_await_step, {.errand = Errand::kAwaitStep, .rows = {step.id}},
              Bench::says(R"({"_id":"record","name":"Ada","status":"ready"})"));
  EXPECT_EQ(now_of(step).state, StepState::kReady);
}

TEST_F(Gone, NothingIsReadByAnIdThatIsInDoubt) {
  auto const index = present("footage");
  auto const item = add(ItemState::kAssetReady);
  auto step = add_step(item, index, StepState::kCreated);
  step.effort.due_at = bench_.now;
  bench_.journal.update(step, StepState::kCreated, bench_.now);
  auto ctx = bench_.context();
  doubt_name(ctx, index.id, "HTTP 404");
  choose_await_step(ctx);
  EXPECT_TRUE(bench_.traffic.idle());
}

TEST_F(Gone, AnEntityWaitsForACollectionInDoubt) {
  auto const cast = present("Cast", NamedKind::kCollection);
  auto entity = bench_.journal.ensure_named(journal::named_called("Ada", NamedKind::kEntity, cast.id));
  auto ctx = bench_.context();
  doubt_name(ctx, cast.id, "HTTP 404");
  bench_.land(settle_look_named, {.errand = Errand::kLookNamed, .row = entity.id}, Bench::says(kNoAssets));
  EXPECT_EQ(now_of(entity).state, NamedState::kWanted);
  EXPECT_FALSE(now_of(entity).effort.due_at);
  EXPECT_TRUE(bench_.traffic.idle()) << "nothing may be made in a collection whose id is not known";
}

TEST_F(Gone, ALookWithoutTagsDoesNotAdoptTheDeadAsset) {
  auto const item = add(ItemState::kSent);
  lose(item);
  bench_.journal.set_meta("platform_metadata", "refused");
  auto again = now_of(item);
  again.state = ItemState::kSending;
  again.intent = {.at = bench_.now, .unknown_at = bench_.now};
  bench_.journal.update(again, ItemState::kStable, bench_.now);
  bench_.land(settle_look_asset, {.errand = Errand::kLookAsset, .row = item.id},
              Bench::says(R"({"data":[{"_id":"asset1","status":"ready","filename":"clip1.mp4","method":"direct",)"
                          R"("size":100,"created_at":")" +
                          to_rfc3339(bench_.now) + R"("}],"page_info":{"page":1,"total_page":1}})"));
  EXPECT_EQ(now_of(item).state, ItemState::kSending);
}

// --- a person ends or begins it again while something is open

TEST_F(Gone, ACancelledCallIsLookedForByTheRetry) {
  auto const item = add(ItemState::kAssetReady);
  auto const step = add_step(item, present("footage"), StepState::kCreating);
  auto ctx = bench_.context();
  ASSERT_TRUE(cancel_order(ctx, item.id));
  ASSERT_TRUE(retry_order(ctx, item.id));
  EXPECT_EQ(now_of(step).state, StepState::kCreating);
  EXPECT_TRUE(now_of(step).intent.unknown_at);
}

TEST_F(Gone, ARecordThatWasMadeIsPolledAgainByTheRetryAndNotMadeTwice) {
  auto const item = add(ItemState::kAssetReady);
  auto const step = add_step(item, present("footage"), StepState::kCreated);
  auto ctx = bench_.context();
  ASSERT_TRUE(cancel_order(ctx, item.id));
  ASSERT_TRUE(retry_order(ctx, item.id));
  EXPECT_EQ(now_of(step).state, StepState::kCreated);
  EXPECT_EQ(now_of(step).remote_id, "record");
}

TEST_F(Gone, StepsOfANameThatIsGivenUpDoNotWaitForEver) {
  auto const index = present("footage");
  auto const item = add(ItemState::kAssetReady);
  auto const made = add_step(item, index, StepState::kCreated);
  auto ctx = bench_.context();
  doubt_name(ctx, index.id, "HTTP 404");
  bench_.land(settle_look_named, {.errand = Errand::kLookNamed, .row = index.id},
              fail(Fault::kRejected, "HTTP 403", "api_not_allowed"));
  EXPECT_EQ(now_of(made).state, StepState::kFailed);
  EXPECT_EQ(now_of(made).reason, "api_not_allowed");
}

}  // namespace
}  // namespace sluice::stage

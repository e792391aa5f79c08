// What people ask of items: add, retry, cancel.
#include "core/stage/orders.h"

#include <gmock/gmock.h>

#include "core/stage/admit.h"
#include "core/stage/create_step.h"
#include "core/stage/plan.h"
#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using budget::Errand;
using journal::ChunkState;
using journal::ItemState;
using journal::NamedKind;
using journal::NamedState;
using journal::SessionState;
using journal::StepKind;
using journal::StepState;
using testing::HasSubstr;

class AddOrder : public StageTest {
 protected:
  AddOrder() {
    policy.sources.push_back({.name = "drop", .root = "/srv/drop", .pipelines = {"footage"}});
    policy.pipelines.push_back({.name = "footage",
                                .kinds = {"video"},
                                .indexes = {{.name = "bare", .models_json = ""},
                                            {.name = "films", .models_json = R"([{"model_name":"pegasus"}])"}}});
    policy.pipelines.push_back({.name = "sounds", .kinds = {"audio"}});
    files.files["a.mp4"] = {.print = {.size_bytes = 7, .mtime_ns = 1}};
    files.files["a.mp3"] = files.files["a.bin"] = files.files["a.mp4"];
  }
  Result<Added> add(std::string const& path, Wishes const& wishes = {}, bool dry_run = false) {
    Result<Added> added = fail(Fault::kLocal, "not asked");
    Found const found{path, *files.stat(policy.sources[0].root, path), sidecar};
    within([&](Context& ctx) { added = add_item(ctx, policy.sources[0], found, wishes, dry_run); });
    return added;
  }
  void beside_it(Result<source::Sidecar> said) {
    policy.sources[0].sidecars = true;
    sidecar = source::SidecarLook{.has_own = true, .sidecar = std::move(said)};
  }
  std::string refusal(std::string const& path, Wishes const& wishes = {}) {
    auto const added = add(path, wishes);
    return added ? "(taken)" : added.error().code;
  }

  std::optional<source::SidecarLook> sidecar;
};

TEST_F(AddOrder, TakesAFileThatOnlyItsSidecarLetsIn) {
  EXPECT_EQ(refusal("a.mp3"), "no_pipeline");
  beside_it(source::Sidecar{.files = {"a.mp3.json"}, .metadata = Json::object({{"take", 1}})});
  EXPECT_EQ(refusal("a.mp3"), "no_pipeline");
  beside_it(source::Sidecar{.files = {"a.mp3.json"}, .pipeline = "footage"});
  EXPECT_EQ(refusal("a.mp3"), "no_pipeline") << "that pipeline takes no audio";
  beside_it(source::Sidecar{.files = {"a.mp3.json"}, .index = "songs"});
  EXPECT_EQ(refusal("a.mp3", {.pipeline = "footage"}), "no_pipeline") << "a person's word is before it";
  auto const previewed = add("a.mp3", {}, true);
  ASSERT_TRUE(previewed);
  EXPECT_EQ(sidecar_of(previewed->item).index, "songs") << "for the preview";
  auto const added = add("a.mp3");
  ASSERT_TRUE(added);
  EXPECT_EQ(item(added->item.id).sidecar, "") << "it is read when the file is admitted";
}

TEST_F(AddOrder, TakesAFileByTheSidecarsPipeline) {
  beside_it(source::Sidecar{.files = {"a.mp3.json"}, .pipeline = "sounds"});
  EXPECT_EQ(refusal("a.mp3"), "(taken)");
}

TEST_F(AddOrder, TakesAFileWhoseSidecarIsNotKnownOrBroken) {
  policy.sources[0].sidecars = true;
  EXPECT_EQ(refusal("a.mp3"), "(taken)") << "its folder could not say";
  files.files["b.mp3"] = files.files["a.mp3"];
  beside_it(fail(Fault::kRejected, "b.mp3.json: line 2: it is no map", source::kBadSidecar));
  EXPECT_EQ(add("b.mp3", {}, true)->sidecar_trouble, "b.mp3.json: line 2: it is no map");
  EXPECT_EQ(refusal("b.mp3"), "(taken)") << "it is held back like one that was dropped";
}

TEST_F(AddOrder, TakesAFileOfTheSourceOnce) {
  auto const first = add("a.mp4");
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->was_known);
  EXPECT_EQ(item(first->item.id).path, "a.mp4");
  auto const again = add("a.mp4");
  EXPECT_TRUE(again->was_known);
  EXPECT_EQ(again->item.id, first->item.id);
}

TEST_F(AddOrder, FindsTheItemUnderWayEvenIfItsFileChanged) {
  auto const first = add("a.mp4");
  files.files["a.mp4"].print.mtime_ns = 2;
  EXPECT_TRUE(add("a.mp4")->was_known);
  change(item(first->item.id), [](auto& row) { row.state = ItemState::kStable; });
  EXPECT_TRUE(add("a.mp4")->was_known);
}

TEST_F(AddOrder, TakesOtherContentAfterTheEndAsANewItem) {
  auto const first = add("a.mp4");
  change(item(first->item.id), [&](auto& row) {
    row.state = ItemState::kCancelled;
    row.finished_at = now;
  });
  EXPECT_TRUE(add("a.mp4")->was_known);  // the same content
  files.files["a.mp4"].print.mtime_ns = 2;
  auto const second = add("a.mp4");
  EXPECT_FALSE(second->was_known);
  EXPECT_NE(second->item.id, first->item.id);
}

TEST_F(AddOrder, OnlyChecksWhenItIsADryRun) {
  auto const added = add("a.mp4", {}, true);
  ASSERT_TRUE(added);
  EXPECT_EQ(added->item.id, 0);
  EXPECT_TRUE(journal.list_items({}).empty());
}

TEST_F(AddOrder, RefusesWhatNoPipelineOfTheSourceTakes) {
  EXPECT_EQ(refusal("a.mp3"), "no_pipeline");
  EXPECT_EQ(refusal("a.mp4", {.pipeline = "sounds"}), "no_pipeline");
  EXPECT_EQ(refusal("a.mp3", {.pipeline = "sounds"}), "(taken)");
  EXPECT_EQ(refusal("a.mp4", {.pipeline = "nonsense"}), "no_such_pipeline");
  EXPECT_EQ(refusal("a.bin"), "(taken)");  // its content decides later
}

TEST_F(AddOrder, RefusesAPathThatDoesNotFitTheMatchUnlessItsPlacesAreNamed) {
  policy.sources[0].match = PathMatch::parse("^b").value();
  EXPECT_EQ(refusal("a.mp4"), "no_match");
  EXPECT_EQ(refusal("a.mp4", {.pipeline = "footage"}), "no_match");
  EXPECT_EQ(refusal("a.mp4", {.index = "films"}), "(taken)");
}

TEST_F(AddOrder, RefusesAnEntityWithoutItsCollectionAndTheOtherWayRound) {
  EXPECT_EQ(refusal("a.mp4", {.entity = "ada"}), "entity_needs_collection");
  EXPECT_EQ(refusal("a.mp4", {.collection = "cast"}), "entity_needs_collection");
}

TEST_F(AddOrder, MakesAPlanOfTheWishesAlone) {
  auto const indexed = add("a.mp4", {.index = "films"});
  ASSERT_TRUE(indexed);
  auto steps = read_plan(indexed->item.plan).steps;
  ASSERT_EQ(steps.size(), 1u);
  EXPECT_EQ(steps[0].name, "films");
  EXPECT_THAT(steps[0].models_json, HasSubstr("pegasus"));                    // as a pipeline describes that index
  auto const person = add("a.mp3", {.collection = "cast", .entity = "ada"});  // of any kind
  ASSERT_TRUE(person);
  steps = read_plan(person->item.plan).steps;
  ASSERT_EQ(steps.size(), 1u);
  EXPECT_EQ(steps[0].kind, StepKind::kEntity);
  EXPECT_EQ(steps[0].collection, "cast");
  EXPECT_EQ(steps[0].name, "ada");
}

TEST_F(AddOrder, GivesAnIndexThatNobodyDescribesTheAdvisedModels) {
  for (auto const* index : {"bare", "unheard_of"}) {
    auto const added = add("a.mp4", {.index = index}, true);
    ASSERT_TRUE(added);
    EXPECT_THAT(read_plan(added->item.plan).steps.at(0).models_json, HasSubstr("marengo3.0")) << index;
  }
}

class RetryOrder : public StageTest {
 protected:
  journal::ItemRow put_failed(ItemState from, std::int64_t number = 1) {
    auto const row = put_item(ItemState::kFailed, number);
    change(row, [&](auto& failed) {
      failed.failed_from = word(from);
      failed.asset_id = "old";
      failed.bytes_acked = 50;
      failed.effort.attempts = 12;
    });
    return item(row.id);
  }
  std::string retry(RowId id) {
    std::string code;
    within([&](Context& ctx) {
      auto const done = retry_order(ctx, id);
      code = done ? "" : done.error().code;
    });
    return code;
  }
};

TEST_F(RetryOrder, TakesOnlyFailedAndCancelledItems) {
  EXPECT_EQ(retry(999), "no_such_item");
  EXPECT_EQ(retry(put_item(ItemState::kStable, 1).id), "not_failed");
  EXPECT_EQ(retry(put_item(ItemState::kDone, 2).id), "not_failed");
  EXPECT_EQ(retry(put_item(ItemState::kCancelled, 3).id), "");
  EXPECT_EQ(retry(put_failed(ItemState::kStable, 4).id), "");
}

TEST_F(RetryOrder, RefusesAnItemWhoseFileHasANewerOne) {
  auto const old = put_failed(ItemState::kStable);
  auto newer = journal::item_in(ItemState::kDone, 2);
  newer.path = old.path;
  put(newer);
  EXPECT_EQ(retry(old.id), "superseded");
}

TEST_F(RetryOrder, BeginsAnewWithTheNextGeneration) {
  for (auto const from : {ItemState::kSeen, ItemState::kStable}) {
    auto const number = static_cast<std::int64_t>(from) + 1;
    auto const row = put_failed(from, number);
    auto const session = put_session(row.id);
    EXPECT_EQ(retry(row.id), "");
    auto const again = item(row.id);
    EXPECT_EQ(again.state, from);
    EXPECT_EQ(again.generation, 2);
    EXPECT_EQ(again.asset_id, "");
    EXPECT_EQ(again.bytes_acked, 0u);
    EXPECT_EQ(again.effort.attempts, 0u);
    EXPECT_EQ(again.effort.due_at, now);
    EXPECT_EQ(this->session(session.id).state, SessionState::kAbandoned);
  }
}

TEST_F(RetryOrder, FromTheStartLooksAtTheFileAsItIsNow) {
  policy.sources.push_back({.name = "drop", .root = "/srv/drop"});
  auto const seen = put_failed(ItemState::kSeen, 1);
  files.files[seen.path].print.mtime_ns = 99;
  EXPECT_EQ(retry(seen.id), "");
  EXPECT_EQ(item(seen.id).effort.due_at, now) << "to be admitted";
  within(choose_admit);
  EXPECT_EQ(item(seen.id).print.mtime_ns, 99);
}

TEST_F(RetryOrder, WithoutAWordOfWhereItFailedBeginsAtTheStart) {
  auto const row = put_item(ItemState::kFailed);
  EXPECT_EQ(retry(row.id), "");
  EXPECT_EQ(item(row.id).state, ItemState::kSeen);
}

TEST_F(RetryOrder, GoesOnWithAnUploadSessionThatStillLives) {
  auto const row = put_failed(ItemState::kOpened);
  auto const session = put_session(row.id);
  change_chunk(session.id, 3, [](auto& chunk) { chunk.attempts = chunk.tries = chunk.refusals = 5; });
  EXPECT_EQ(retry(row.id), "");
  auto const again = item(row.id);
  EXPECT_EQ(again.state, ItemState::kOpened);
  EXPECT_EQ(again.generation, 1);
  EXPECT_EQ(again.bytes_acked, 50u);
  EXPECT_FALSE(again.effort.due_at);  // its chunks do the work
  EXPECT_EQ(this->session(session.id).state, SessionState::kOpen);
  EXPECT_EQ(chunk(session.id, 3).attempts, 0u);
  EXPECT_EQ(chunk(session.id, 3).refusals, 0u);
}

TEST_F(RetryOrder, OpensANewSessionForOneThatEndsAtThisVeryMoment) {
  auto const row = put_failed(ItemState::kOpened);
  auto const session = put_session(row.id);
  change(session, [&](auto& ended) { ended.expires_at = now; });
  EXPECT_EQ(retry(row.id), "");
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
  EXPECT_EQ(item(row.id).generation, 2);
  auto const none = put_failed(ItemState::kOpened, 2);
  EXPECT_EQ(retry(none.id), "");
  EXPECT_EQ(item(none.id).state, ItemState::kStable);
}

TEST_F(RetryOrder, BeginsOnlyTheStepsAgainThatFailed) {
  auto const row = put_failed(ItemState::kAssetReady);
  auto const index = put_named(NamedKind::kIndex, "footage", NamedState::kPresent).id;
  put_named(NamedKind::kIndex, "n", NamedState::kPresent);
  auto const ready = put_step(row.id, index, StepState::kReady, StepKind::kIndex, 1).id;
  auto const refused = put_step(row.id, index, StepState::kFailed, StepKind::kIndex, 2).id;
  change(step(refused), [](auto& failed) { failed.remote_id = ""; });
  auto const unindexed = put_step(row.id, index, StepState::kFailed, StepKind::kIndex, 3).id;
  change(step(unindexed), [](auto& failed) { failed.reason = "indexing_failed"; });
  EXPECT_EQ(retry(row.id), "");
  EXPECT_EQ(item(row.id).state, ItemState::kAssetReady);
  EXPECT_EQ(item(row.id).asset_id, "old");
  EXPECT_EQ(item(row.id).generation, 1);
  EXPECT_EQ(step(ready).state, StepState::kReady);
  EXPECT_EQ(step(refused).state, StepState::kWaiting);
  EXPECT_EQ(step(refused).effort.due_at, now);
  EXPECT_EQ(step(unindexed).state, StepState::kWaiting);
  EXPECT_EQ(step(unindexed).remote_id, "remote3");  // deleted before another is made (U11)
}

TEST_F(RetryOrder, PollsARecordThatStandsAndLooksForACallThatWasNeverDecided) {
  auto const row = put_failed(ItemState::kAssetReady);
  auto const index = put_named(NamedKind::kIndex, "n", NamedState::kPresent).id;
  auto const stands = put_step(row.id, index, StepState::kFailed, StepKind::kIndex, 1).id;
  auto const undecided = put_step(row.id, index, StepState::kFailed, StepKind::kIndex, 2).id;
  auto const lost = put_step(row.id, index, StepState::kFailed, StepKind::kIndex, 3).id;
  change(step(undecided), [&](auto& failed) {
    failed.remote_id = "";
    failed.intent = {.at = now - 2h, .unknown_at = now - 1h, .looks = 1};
  });
  change(step(lost), [](auto& failed) { failed.reason = "gone"; });
  EXPECT_EQ(retry(row.id), "");
  EXPECT_EQ(step(stands).state, StepState::kCreated);
  EXPECT_EQ(step(stands).remote_id, "remote1");
  EXPECT_EQ(step(stands).effort.due_at, now);
  EXPECT_EQ(step(undecided).state, StepState::kCreating);
  EXPECT_EQ(step(undecided).intent.at, now - 2h);
  EXPECT_EQ(step(undecided).intent.unknown_at, now);
  EXPECT_EQ(step(undecided).intent.looks, 0u);
  EXPECT_EQ(step(undecided).effort.due_at, now);
  EXPECT_EQ(step(lost).state, StepState::kWaiting);
  EXPECT_EQ(step(lost).remote_id, "");
}

TEST_F(RetryOrder, AStepWhoseNameIsLostWaitsForIt) {
  auto const row = put_failed(ItemState::kAssetReady);
  auto const failed = put_step(row.id, 0, StepState::kFailed).id;
  change(step(failed), [](auto& refused) { refused.remote_id = ""; });
  EXPECT_EQ(retry(row.id), "");
  EXPECT_EQ(step(failed).state, StepState::kWaiting);
  EXPECT_FALSE(step(failed).effort.due_at);
  EXPECT_EQ(named(step(failed).named_id).state, NamedState::kWanted);
  EXPECT_EQ(named(step(failed).named_id).effort.due_at, now);
}

TEST_F(RetryOrder, OfAnUploadLeavesItsStepsToTheAsset) {
  auto const row = put_failed(ItemState::kStable);
  auto const failed = put_step(row.id, 0, StepState::kFailed).id;
  EXPECT_EQ(retry(row.id), "");
  EXPECT_EQ(step(failed).state, StepState::kWaiting);
  EXPECT_EQ(step(failed).named_id, 0);
}

// What the platform has whole is not read again, wherever the file is now.
TEST_F(RetryOrder, OfAFileThatWasMovedGoesOnWhereNothingOfItIsNeededAnyMore) {
  std::int64_t number = 0;
  for (auto const& [from, goes_on] : {std::pair{ItemState::kStable, false}, std::pair{ItemState::kOpened, false},
                                      std::pair{ItemState::kSending, false}, std::pair{ItemState::kReported, true},
                                      std::pair{ItemState::kCompleted, true}, std::pair{ItemState::kSent, true}}) {
    auto const row = put_failed(from, ++number);
    auto moved = journal::act_of(row.id, 1);
    moved.state = journal::ActState::kDone;
    moved.target_folder = "/srv/failed";
    moved.target_path = row.path;
    moved.effort.due_at.reset();
    put(moved);
    EXPECT_EQ(retry(row.id), goes_on ? "" : "moved_away") << word(from);
    EXPECT_EQ(item(row.id).state, goes_on ? from : ItemState::kFailed);
  }
}

class CancelOrder : public StageTest {
 protected:
  std::string cancel(RowId id) {
    std::string code;
    within([&](Context& ctx) {
      auto const done = cancel_order(ctx, id);
      code = done ? "" : done.error().code;
    });
    return code;
  }
};

TEST_F(CancelOrder, EndsWhatIsUnderWayAndNothingElse) {
  EXPECT_EQ(cancel(999), "no_such_item");
  EXPECT_EQ(cancel(put_item(ItemState::kDone, 1).id), "at_end");
  auto const row = put_item(ItemState::kSent, 2);
  EXPECT_EQ(cancel(row.id), "");
  EXPECT_EQ(item(row.id).state, ItemState::kCancelled);
  EXPECT_EQ(item(row.id).finished_at, now);
  EXPECT_FALSE(item(row.id).effort.due_at);
}

TEST_F(CancelOrder, RemembersWhereARetryMayGoOn) {
  std::int64_t number = 0;
  for (auto const& [state, from] :
       {std::pair{ItemState::kSeen, "seen"}, std::pair{ItemState::kStable, "stable"},
        std::pair{ItemState::kOpening, "stable"}, std::pair{ItemState::kSending, "sending"},
        std::pair{ItemState::kOpened, "opened"}, std::pair{ItemState::kReported, "reported"},
        std::pair{ItemState::kCompleted, "completed"}, std::pair{ItemState::kSent, "sent"},
        std::pair{ItemState::kAssetReady, "asset_ready"}}) {
    auto const row = put_item(state, ++number);
    EXPECT_EQ(cancel(row.id), "");
    EXPECT_EQ(item(row.id).failed_from, from) << word(state);
  }
}

TEST_F(CancelOrder, KeepsThatACallMayHaveHappenedWhichMustNotBeRepeated) {
  auto const sending = put_item(ItemState::kSending, 1);
  EXPECT_EQ(cancel(sending.id), "");
  EXPECT_EQ(item(sending.id).intent.at, sending.intent.at);
  EXPECT_EQ(item(sending.id).intent.unknown_at, now);
  EXPECT_FALSE(journal.meta("orphan_reservations"));
  auto const opening = put_item(ItemState::kOpening, 2);
  EXPECT_EQ(cancel(opening.id), "");
  EXPECT_FALSE(item(opening.id).intent.at);  // its empty reservation cannot be looked for
  EXPECT_EQ(journal.meta("orphan_reservations"), "1");
}

TEST_F(CancelOrder, CallsOffWhatIsInTheAirAndTheStepsThatAreNotOver) {
  auto const row = put_item(ItemState::kAssetReady);
  auto const ready = put_step(row.id, 0, StepState::kReady, StepKind::kIndex, 1).id;
  auto const failed = put_step(row.id, 0, StepState::kFailed, StepKind::kIndex, 2).id;
  auto const waiting = put_step(row.id, 0, StepState::kWaiting, StepKind::kIndex, 3).id;
  within([&](Context& ctx) { ctx.traffic.send({.errand = Errand::kSendDirect, .item = row.id}, {}, now); });
  EXPECT_EQ(cancel(row.id), "");
  EXPECT_EQ(cancelled.size(), 1u);
  EXPECT_EQ(step(ready).state, StepState::kReady);
  EXPECT_EQ(step(failed).reason, "refused");
  EXPECT_EQ(step(waiting).state, StepState::kFailed);
  EXPECT_EQ(step(waiting).reason, "cancelled");
}

TEST_F(CancelOrder, GroundsTheChunksThatAreInTheAir) {
  auto const row = put_item(ItemState::kOpened);
  auto const session = put_session(row.id);
  set_chunk(session.id, 3, ChunkState::kPutting);
  EXPECT_EQ(cancel(row.id), "");
  EXPECT_EQ(chunk(session.id, 3).state, ChunkState::kNeedsUrl);
}

class RetriedOrder : public StageTest {};

// The call of step 3 was refused as gone, which puts the asset in doubt; steps 1 and 2 stand or are undecided.
TEST_F(RetriedOrder, MakesNothingAgainWhileItsAssetIsOnlyInDoubt) {
  auto const row = put_item(ItemState::kAssetReady);
  auto const index = put_named(NamedKind::kIndex, "n", NamedState::kPresent).id;
  auto const made = put_step(row.id, index, StepState::kCreated, StepKind::kIndex, 1).id;
  auto const undecided = put_step(row.id, index, StepState::kCreating, StepKind::kIndex, 2).id;
  auto const refused = put_step(row.id, index, StepState::kCreating, StepKind::kIndex, 3).id;
  land({.errand = Errand::kCreateStep, .row = refused, .item = row.id}, fail(Fault::kGone, "404"));
  within([&](Context& ctx) { EXPECT_TRUE(cancel_order(ctx, row.id)); });
  within([&](Context& ctx) { EXPECT_TRUE(retry_order(ctx, row.id)); });
  EXPECT_EQ(item(row.id).state, ItemState::kCompleted);
  EXPECT_EQ(step(made).state, StepState::kCreated);
  EXPECT_EQ(step(made).remote_id, "remote1");
  EXPECT_EQ(step(undecided).state, StepState::kCreating);
  EXPECT_TRUE(step(undecided).intent.unknown_at);
  land({.errand = Errand::kAwaitAsset, .rows = {row.id}},
       reply(R"({"data":[{"_id":"asset1","status":"ready"}],"page_info":{"page":1,"total_page":1}})"));
  now += 1h;
  choose(choose_create_step);
  ASSERT_EQ(left.size(), 1u);  // only what was refused is made
  EXPECT_EQ(step(refused).state, StepState::kCreating);
}

TEST_F(RetriedOrder, OfAnItemWhoseChunksWereAllReportedLetsItsAssetDecide) {
  auto const row = put_item(ItemState::kReported);
  auto const session = put_session(row.id);
  within([&](Context& ctx) { EXPECT_TRUE(cancel_order(ctx, row.id)); });
  now = this->session(session.id).expires_at;
  within([&](Context& ctx) { EXPECT_TRUE(retry_order(ctx, row.id)); });
  EXPECT_EQ(item(row.id).state, ItemState::kReported);
}

}  // namespace
}  // namespace sluice::stage

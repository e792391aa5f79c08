// CREATE_STEP: an asset goes into its index or entity once, and a lost answer is looked for.
#include "core/stage/create_step.h"

#include <gmock/gmock.h>

#include "core/stage/moves.h"
#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using budget::Errand;
using budget::Group;
using journal::ItemState;
using journal::NamedKind;
using journal::NamedState;
using journal::StepKind;
using journal::StepState;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

enum : int { kByAsset = 0, kByIndex = 1 };  // how a look goes

class CreateStep : public StageTest {
 protected:
  CreateStep() {
    item_ = put_item(ItemState::kAssetReady).id;
    index_ = put_named(NamedKind::kIndex, "footage", NamedState::kPresent).id;
    auto const cast = put_named(NamedKind::kCollection, "cast", NamedState::kPresent).id;
    entity_ = put_named(NamedKind::kEntity, "ada", NamedState::kPresent, cast).id;
  }
  RowId waiting(StepKind kind = StepKind::kIndex) {
    return put_step(item_, kind == StepKind::kIndex ? index_ : entity_, StepState::kWaiting, kind).id;
  }
  RowId creating(StepKind kind = StepKind::kIndex) {
    return put_step(item_, kind == StepKind::kIndex ? index_ : entity_, StepState::kCreating, kind).id;
  }
  // Created ten minutes ago, and no answer came.
  RowId unknown(StepKind kind = StepKind::kIndex) {
    auto const id = creating(kind);
    change(step(id), [&](auto& row) {
      row.intent.at = now - 10min;
      row.intent.unknown_at = now;
    });
    return id;
  }
  void created(RowId id, Result<ports::Reply> answer, int mode = kTagged) {
    land({.errand = Errand::kCreateStep, .row = id, .item = item_, .mode = mode}, std::move(answer));
  }
  void looked(RowId id, Result<ports::Reply> answer, int mode = kByAsset, int page = 1) {
    land({.errand = Errand::kLookStep, .row = id, .item = item_, .page = page, .mode = mode}, std::move(answer));
  }
  static ports::Reply page(std::string const& rows, int number = 1, int pages = 1) {
    return reply(R"({"data":[)" + rows + R"(],"page_info":{"page":)" + std::to_string(number) + R"(,"total_page":)" +
                 std::to_string(pages) + "}}");
  }
  // A row of an index's list, made so long ago.
  std::string listed(std::string const& asset, Millis ago) const {
    return R"({"_id":"x","status":"ready","asset_id":")" + asset + R"(","created_at":")" + to_rfc3339(now - ago) +
           R"("})";
  }

  RowId item_ = 0, index_ = 0, entity_ = 0;
};

TEST_F(CreateStep, PutsAnAssetIntoItsIndexWithTheOperationTag) {
  auto const id = waiting();
  choose(choose_create_step);
  EXPECT_EQ(step(id).state, StepState::kCreating);
  EXPECT_THAT(target(), HasSubstr("/indexes/remote_footage/indexed-assets"));
  EXPECT_THAT(left.at(0).text_body, HasSubstr("client_op"));
  EXPECT_EQ(traffic.flights(Errand::kCreateStep).at(0).second.mode, kTagged);
}

TEST_F(CreateStep, LeavesTheTagOutWhereThePlatformTakesNone) {
  within([](Context& ctx) { metadata_refused(ctx); });
  waiting();
  choose(choose_create_step);
  EXPECT_THAT(left.at(0).text_body, Not(HasSubstr("client_op")));
  EXPECT_EQ(traffic.flights(Errand::kCreateStep).at(0).second.mode, kUntagged);
}

TEST_F(CreateStep, AddsAnAssetToItsEntityWithoutATag) {
  auto const id = waiting(StepKind::kEntity);
  choose(choose_create_step);
  EXPECT_EQ(step(id).state, StepState::kCreating);
  EXPECT_THAT(target(), HasSubstr("/remote_ada/assets"));
  EXPECT_EQ(traffic.flights(Errand::kCreateStep).at(0).second.mode, kUntagged);
  EXPECT_EQ(traffic.flights(Errand::kCreateStep).at(0).second.group, Group::kEntities);
}

TEST_F(CreateStep, HoldsBackOnlyTheGroupThatIsPaused) {
  waiting();
  traffic.throttled(Group::kEntities, now, now + 1s);
  choose(choose_create_step);
  EXPECT_EQ(left.size(), 1u);
  EXPECT_EQ(traffic.flights(Errand::kCreateStep).at(0).second.group, Group::kIndexing);
  traffic.throttled(Group::kIndexing, now, now + 1s);
  put_step(item_, index_, StepState::kWaiting, StepKind::kIndex, 2);
  choose(choose_create_step);
  EXPECT_TRUE(left.empty());
}

TEST_F(CreateStep, LetsOtherGroupsGoOnHoweverManyWaitForOne) {
  for (int i = 1; i <= 100; ++i) put_step(item_, index_, StepState::kWaiting, StepKind::kIndex, i);
  put_step(item_, entity_, StepState::kWaiting, StepKind::kEntity, 101);
  traffic.throttled(Group::kIndexing, now, now + 1h);
  choose(choose_create_step);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(traffic.flights(Errand::kCreateStep).at(0).second.group, Group::kEntities);
}

TEST_F(CreateStep, WaitsWhereTheMediaOfTheHourIsSpent) {
  traffic.allow(Group::kIndexing, {.media_per_hour = 1h});
  change(journal.item(item_).value(), [](auto& row) { row.media_ms = Millis(40min).count(); });
  waiting();
  put_step(item_, index_, StepState::kWaiting, StepKind::kIndex, 2);
  choose(choose_create_step);
  EXPECT_EQ(left.size(), 1u) << "the second does not fit into the hour";
  choose(choose_create_step);
  EXPECT_TRUE(left.empty());
  now = *traffic.next_pause_end(now);
  choose(choose_create_step);
  EXPECT_EQ(left.size(), 1u);
}

TEST_F(CreateStep, WantsAPlaceAnewThatWasLost) {
  auto const id = put_step(item_, put_named(NamedKind::kIndex, "n", NamedState::kWanted).id, StepState::kWaiting).id;
  choose(choose_create_step);
  EXPECT_EQ(step(id).state, StepState::kWaiting);
  EXPECT_FALSE(step(id).effort.due_at);
  EXPECT_TRUE(left.empty());
}

TEST_F(CreateStep, OfAnItemThatHasEndedDoesNothing) {
  auto const ended = put_item(ItemState::kDone, 2).id;
  put_step(ended, index_, StepState::kWaiting);
  put_step(item_, 0, StepState::kWaiting, StepKind::kIndex, 2);  // a place that is not there at all
  choose(choose_create_step);
  EXPECT_TRUE(left.empty());
}

TEST_F(CreateStep, DeletesARecordThatFailedBeforeItMakesAnother) {
  auto const id = waiting();
  change(step(id), [](auto& row) { row.remote_id = "failed1"; });
  choose(choose_create_step);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].method, ports::Method::kDelete);
  EXPECT_THAT(target(), HasSubstr("failed1"));
  EXPECT_EQ(step(id).state, StepState::kWaiting);
  choose(choose_create_step);
  EXPECT_TRUE(left.empty());  // the delete is on its way
}

TEST_F(CreateStep, GoesOnWhenTheFailedRecordIsDeletedOrGone) {
  auto const id = waiting();
  for (bool const gone : {false, true}) {
    change(step(id), [](auto& row) { row.remote_id = "failed1"; });
    land({.errand = Errand::kDeleteStep, .row = id},
         gone ? Result<ports::Reply>(fail(Fault::kGone, "404")) : reply("", 204));
    EXPECT_EQ(step(id).remote_id, "") << gone;
    EXPECT_EQ(step(id).state, StepState::kWaiting) << gone;
  }
}

TEST_F(CreateStep, FailsWhereTheFailedRecordCannotBeDeletedAndTriesAgainAfterTrouble) {
  auto const id = waiting();
  change(step(id), [](auto& row) { row.remote_id = "failed1"; });
  land({.errand = Errand::kDeleteStep, .row = id}, fail(Fault::kTransient, "503"));
  EXPECT_EQ(step(id).remote_id, "failed1");
  EXPECT_EQ(step(id).effort.attempts, 1u);
  land({.errand = Errand::kDeleteStep, .row = id}, fail(Fault::kRejected, "403", "api_not_allowed"));
  EXPECT_EQ(step(id).reason, "api_not_allowed");
  auto const mute = put_step(item_, index_, StepState::kWaiting, StepKind::kIndex, 2).id;
  land({.errand = Errand::kDeleteStep, .row = mute}, fail(Fault::kRejected, "403"));
  EXPECT_EQ(step(mute).reason, "refused");
}

TEST_F(CreateStep, ADeletionOfAStepThatWentOnChangesNothing) {
  auto const id = put_step(item_, index_, StepState::kFailed).id;
  land({.errand = Errand::kDeleteStep, .row = id}, reply("", 204));
  EXPECT_EQ(step(id).remote_id, "remote1");
  land({.errand = Errand::kDeleteStep, .row = 999}, reply("", 204));
}

TEST_F(CreateStep, TakesTheIdOfTheAnswer) {
  auto const indexed = creating();
  created(indexed, reply(R"({"_id":"new1"})"));
  EXPECT_EQ(step(indexed).state, StepState::kCreated);
  EXPECT_EQ(step(indexed).remote_id, "new1");
  auto const attached = put_step(item_, entity_, StepState::kCreating, StepKind::kEntity, 2).id;
  created(attached, reply(R"({"_id":"new2","status":"processing"})"));
  EXPECT_EQ(step(attached).remote_id, "new2");
}

TEST_F(CreateStep, AnAnswerThatSaysNothingIsNoAnswer) {
  auto const indexed = creating();
  created(indexed, reply("{}"));
  EXPECT_EQ(step(indexed).state, StepState::kCreating);
  EXPECT_TRUE(step(indexed).intent.unknown_at);
  auto const attached = put_step(item_, entity_, StepState::kCreating, StepKind::kEntity, 2).id;
  created(attached, reply(R"({"_id":"new2"})"));  // an entity without its status
  EXPECT_TRUE(step(attached).intent.unknown_at);
}

TEST_F(CreateStep, OfTwoAnswersBelievesTheFirst) {
  auto const id = unknown();
  created(id, reply(R"({"_id":"new1"})"));  // a late answer, while it is looked for
  EXPECT_EQ(step(id).state, StepState::kCreating);
  auto const over = put_step(item_, index_, StepState::kReady, StepKind::kIndex, 2).id;
  created(over, reply(R"({"_id":"new1"})"));
  EXPECT_EQ(step(over).state, StepState::kReady);
  created(999, reply("{}"));
}

TEST_F(CreateStep, TriesAgainWithoutTheTagThatWasRefused) {
  auto const id = creating();
  created(id, fail(Fault::kRejected, "400", "parameter_unknown"));
  EXPECT_EQ(step(id).state, StepState::kWaiting);
  auto const untagged = put_step(item_, index_, StepState::kCreating, StepKind::kIndex, 2).id;
  created(untagged, fail(Fault::kRejected, "400", "parameter_unknown"), kUntagged);
  EXPECT_EQ(step(untagged).reason, "parameter_unknown");
}

TEST_F(CreateStep, FailsForARefusalAndRetriesAfterTrouble) {
  auto const refused = creating();
  created(refused, fail(Fault::kRejected, "400"));
  EXPECT_EQ(step(refused).reason, "refused");
  auto const slow = put_step(item_, index_, StepState::kCreating, StepKind::kIndex, 2).id;
  created(slow, fail(Fault::kThrottled, "429"));
  EXPECT_EQ(step(slow).state, StepState::kWaiting);
}

TEST_F(CreateStep, RefusedAsGoneWaitsUntilItsAssetAndThenItsNameAreLookedFor) {
  auto const id = creating();
  auto const next = put_step(item_, index_, StepState::kCreating, StepKind::kIndex, 2).id;
  auto const nowhere = put_step(item_, 0, StepState::kCreating, StepKind::kIndex, 3).id;
  for (auto const refused : {id, next, nowhere}) {
    created(refused, fail(Fault::kGone, "404"));
    EXPECT_EQ(step(refused).state, StepState::kWaiting);
    EXPECT_EQ(step(refused).effort.attempts, 1u);
    EXPECT_EQ(item(item_).state, ItemState::kCompleted);
    EXPECT_EQ(item(item_).reason, "asset_missing");
    EXPECT_EQ(item(item_).effort.due_at, now + policy.limits.list_lag);
  }
  EXPECT_EQ(named(index_).state, NamedState::kPresent);
  now += policy.limits.list_lag;
  choose(choose_create_step);
  EXPECT_TRUE(left.empty());  // nothing is made of an asset in doubt
  land({.errand = Errand::kAwaitAsset, .rows = {item_}}, page(R"({"_id":"asset1","status":"ready"})"));
  EXPECT_EQ(item(item_).state, ItemState::kAssetReady);
  EXPECT_EQ(named(index_).state, NamedState::kWanted);
  EXPECT_EQ(named(index_).remote_id, "");
  EXPECT_EQ(named(index_).intent.unknown_at, now);
}

TEST_F(CreateStep, RefusedAsGoneForTheLastTimeFails) {
  policy.retry_attempts = 1;
  auto const id = creating();
  created(id, fail(Fault::kGone, "404"));
  EXPECT_EQ(step(id).state, StepState::kFailed);
  EXPECT_EQ(step(id).reason, "gone");
  EXPECT_EQ(item(item_).state, ItemState::kAssetReady);
}

TEST_F(CreateStep, LooksOnlyForWhatIsUnknownAndOnceAtATime) {
  creating();
  choose(choose_look_step);
  EXPECT_TRUE(left.empty());
  put_step(item_, index_, StepState::kWaiting, StepKind::kIndex, 2);
  auto const lost = put_step(item_, index_, StepState::kCreating, StepKind::kIndex, 3).id;
  change(step(lost), [&](auto& row) { row.intent.unknown_at = now; });
  choose(choose_look_step);
  EXPECT_EQ(left.size(), 1u);
  EXPECT_THAT(target(), StartsWith("/assets/asset1/indexed-assets"));
  choose(choose_look_step);
  EXPECT_TRUE(left.empty());
}

TEST_F(CreateStep, LooksInTheIndexWhereTheListByAssetIsNotThere) {
  auto const id = unknown();
  looked(id, fail(Fault::kGone, "404"));  // such a call is not there (R52), or the asset is gone
  EXPECT_THAT(target(), StartsWith("/indexes/remote_footage"));
  EXPECT_EQ(step(id).effort.attempts, 0u);
  EXPECT_EQ(named(index_).state, NamedState::kPresent);
}

TEST_F(CreateStep, ALookThatWasRefusedAsGoneSaysNothingOfTheNext) {
  auto const id = unknown();
  looked(id, fail(Fault::kGone, "404"));
  auto const next = put_step(item_, index_, StepState::kCreating, StepKind::kIndex, 2).id;
  change(step(next), [&](auto& row) { row.intent.unknown_at = now; });
  choose(choose_look_step);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_THAT(target(), StartsWith("/assets/asset1/indexed-assets"));
}

TEST_F(CreateStep, ANameThatALookFindsGoneIsLookedForAndThenTheStep) {
  auto const indexed = unknown();
  auto const attached = put_step(item_, entity_, StepState::kCreating, StepKind::kEntity, 2).id;
  change(step(attached), [&](auto& row) { row.intent.unknown_at = now; });
  looked(indexed, fail(Fault::kGone, "404"), kByIndex);
  looked(attached, fail(Fault::kGone, "404"));
  for (auto const name : {index_, entity_}) {
    EXPECT_EQ(named(name).state, NamedState::kWanted);
    EXPECT_EQ(named(name).remote_id, "");
    EXPECT_EQ(named(name).intent.unknown_at, now);
  }
  for (auto const id : {indexed, attached}) {
    EXPECT_EQ(step(id).state, StepState::kCreating);
    EXPECT_EQ(step(id).intent.unknown_at, now);
    EXPECT_EQ(step(id).intent.looks, 0u);
    EXPECT_EQ(step(id).effort.attempts, 1u);
    EXPECT_GT(step(id).effort.due_at, now);
  }
}

TEST_F(CreateStep, ALookThatFailedIsRepeatedAndSaysNothing) {
  auto const id = unknown();
  looked(id, fail(Fault::kTransient, "503"));
  EXPECT_EQ(step(id).state, StepState::kCreating);
  EXPECT_EQ(named(index_).state, NamedState::kPresent);
  EXPECT_TRUE(left.empty());
  looked(id, reply("<html>"));
  EXPECT_EQ(step(id).state, StepState::kCreating);
  EXPECT_EQ(step(id).intent.looks, 0u);
}

TEST_F(CreateStep, AdoptsWhatTheLookFinds) {
  auto const id = unknown();
  looked(id, page(R"({"_id":"there","index":{"_id":"remote_footage"}})"));
  EXPECT_EQ(step(id).state, StepState::kCreated);
  EXPECT_EQ(step(id).remote_id, "there");
}

TEST_F(CreateStep, ReadsEveryPageOfTheListByAsset) {
  auto const id = unknown();
  looked(id, page(R"({"_id":"x","index":{"_id":"other"},"created_at":")" + to_rfc3339(now - 24h) + "\"}", 1, 2));
  EXPECT_THAT(target(), HasSubstr("page=2"));
  EXPECT_EQ(step(id).intent.looks, 0u);
}

TEST_F(CreateStep, ReadsTheIndexBackToTheAttemptAndNoFurther) {
  auto const id = unknown();
  auto const reach = 10min + 5min;  // since the attempt, and the slack for clocks
  looked(id, page(listed("other", reach), 1, 2), kByIndex);
  EXPECT_THAT(target(), HasSubstr("page=2"));
  looked(id, page(listed("other", reach + 1s), 1, 2), kByIndex);
  EXPECT_TRUE(left.empty());
  EXPECT_EQ(step(id).intent.looks, 1u);
  looked(id, page(R"({"_id":"x","status":"ready","asset_id":"other"})", 1, 2), kByIndex);  // it does not say when
  EXPECT_THAT(target(), HasSubstr("page=2"));
}

TEST_F(CreateStep, IsMadeAgainOnlyAfterTwoEmptyLooksTheLateEffectAndTheListLag) {
  auto const id = unknown();
  looked(id, page(""));
  EXPECT_EQ(step(id).state, StepState::kCreating);
  EXPECT_EQ(step(id).effort.due_at, now + policy.limits.late_effect + policy.limits.list_lag);
  now += policy.limits.late_effect + policy.limits.list_lag - 1ms;
  looked(id, page(""));
  EXPECT_EQ(step(id).state, StepState::kCreating);
  now += 1ms;
  looked(id, page(""));
  EXPECT_EQ(step(id).state, StepState::kWaiting);
}

TEST_F(CreateStep, GivesUpAfterTheLastAttemptWasLostToo) {
  policy.retry_attempts = 2;
  auto const id = unknown();
  change(step(id), [&](auto& row) {
    row.effort.attempts = 2;
    row.intent.looks = 1;
    row.intent.unknown_at = now - policy.limits.late_effect - policy.limits.list_lag;
  });
  looked(id, page(""));
  EXPECT_EQ(step(id).reason, "outcome_unknown");
  EXPECT_FALSE(step(id).intent.unknown_at);  // it did not happen: a retry makes it
}

TEST_F(CreateStep, FindsAnAssetAmongThoseOfItsEntity) {
  auto const id = unknown(StepKind::kEntity);
  looked(id, reply(R"({"_id":"remote_ada","status":"ready","asset_ids":["asset7"]})"));
  EXPECT_EQ(step(id).state, StepState::kWaiting);  // not there: it may be added again (R49)
  auto const held = put_step(item_, entity_, StepState::kCreating, StepKind::kEntity, 2).id;
  change(step(held), [&](auto& row) { row.intent.unknown_at = now; });
  looked(held, reply(R"({"_id":"remote_ada","status":"ready","asset_ids":["asset7","asset1"]})"));
  EXPECT_EQ(step(held).state, StepState::kCreated);
  EXPECT_EQ(step(held).remote_id, "remote_ada");
}

TEST_F(CreateStep, ALookForAStepThatWentOnChangesNothing) {
  auto const known = creating();
  looked(known, page(R"({"_id":"there","index":{"_id":"remote_footage"}})"));
  EXPECT_EQ(step(known).state, StepState::kCreating);
  auto const over = put_step(item_, index_, StepState::kFailed, StepKind::kIndex, 2).id;
  looked(over, page(R"({"_id":"there","index":{"_id":"remote_footage"}})"));
  EXPECT_EQ(step(over).state, StepState::kFailed);
  looked(999, page(""));
}

TEST_F(CreateStep, LooksForNothingOfAnAssetThatIsNotKnown) {
  auto const id = unknown();
  change(step(id), [&](auto& row) { row.effort.due_at = now; });
  auto lost = item(item_);
  lost.state = ItemState::kStable;
  lost.asset_id.clear();
  within([&](Context& ctx) { ctx.journal.update(lost, ItemState::kAssetReady, now); });
  choose(choose_look_step);
  EXPECT_TRUE(left.empty());
  EXPECT_GT(step(id).effort.due_at, now);
}

TEST_F(CreateStep, ALookWaitsForItsPlaceToBeFoundAnew) {
  auto const wanted = put_named(NamedKind::kIndex, "n", NamedState::kWanted).id;
  auto const id = put_step(item_, wanted, StepState::kCreating).id;
  change(step(id), [&](auto& row) { row.intent.unknown_at = now; });
  looked(id, page(R"({"_id":"there","index":{"_id":"x"}})"));
  EXPECT_EQ(step(id).state, StepState::kCreating);
  choose(choose_look_step);
  EXPECT_TRUE(left.empty());
  EXPECT_EQ(step(id).effort.due_at, now + policy.poll_min);
}

TEST(PickIndexedAssetEdge, OfTwoMadeAtOnceTakesTheOneThatIsListedFirst) {
  std::vector<platform::IndexedAsset> rows(2);
  rows[0] = {.id = "1", .asset_id = "a", .index_id = "here", .status_word = "", .created_at = kNoon};
  rows[1] = {.id = "2", .asset_id = "a", .index_id = "here", .status_word = "", .created_at = kNoon};
  EXPECT_EQ(pick_indexed_asset(rows, "here", "a")->id, "1");
}

TEST_F(CreateStep, KeepsOutOfEntitiesOfOthersOnlyWhereThePipelineSaysSo) {
  struct Case {
    StepKind kind;
    bool ours;
    Existing existing;
    bool fails;
  };
  std::int64_t number = 10;
  for (auto const& [kind, ours, existing, fails] :
       {Case{StepKind::kEntity, false, Existing::kFail, true}, Case{StepKind::kEntity, true, Existing::kFail, false},
        Case{StepKind::kEntity, false, Existing::kAttach, false},
        Case{StepKind::kIndex, false, Existing::kFail, false}}) {
    change(named(entity_), [&](auto& row) { row.created_by_us = ours; });
    auto const of = put_item(ItemState::kAssetReady, ++number).id;
    auto const id = put_step(of, kind == StepKind::kIndex ? index_ : entity_, StepState::kWaiting, kind).id;
    change(step(id), [&](auto& row) {
      row.params = PlannedStep{.kind = kind, .name = "ada", .collection = "cast", .existing = existing}.to_json();
    });
    choose(choose_create_step);
    EXPECT_EQ(step(id).state, fails ? StepState::kFailed : StepState::kCreating) << number;
    EXPECT_EQ(step(id).reason, fails ? "entity_exists" : "") << number;
  }
}

TEST_F(CreateStep, SeveralThatWereRefusedTogetherGoAloneWhateverTheRefusal) {
  std::int64_t number = 20;
  for (auto const fault : {Fault::kRejected, Fault::kGone, Fault::kTransient}) {
    std::vector<RowId> ids;
    for (int n = 0; n < 2; ++n)
      ids.push_back(
          put_step(put_item(ItemState::kAssetReady, ++number).id, entity_, StepState::kCreating, StepKind::kEntity).id);
    land({.errand = Errand::kCreateStep, .group = Group::kEntities, .rows = ids, .mode = kUntagged},
         fail(fault, "HTTP 4xx"));
    for (auto const id : ids) {
      EXPECT_EQ(step(id).state, StepState::kWaiting);
      EXPECT_EQ(step(id).remote_status, fault == Fault::kTransient ? "" : "refused together");
    }
  }
}

TEST(PickIndexedAsset, TakesTheOldestThatCanBeTheOneWhereverItIsListed) {
  auto const row = [](char const* id, char const* index, char const* asset, std::int64_t made) {
    platform::IndexedAsset each;
    each.id = id;
    each.index_id = index;
    each.asset_id = asset;
    each.created_at = from_unix_ms(made);
    return each;
  };
  std::vector<platform::IndexedAsset> rows = {row("none", "", "", 1),          row("other index", "j", "a", 2),
                                              row("other asset", "i", "b", 3), row("late", "i", "a", 9),
                                              row("first", "i", "", 4),        row("second", "", "a", 5)};
  for (int turned = 0; turned < 6; ++turned) {
    EXPECT_EQ(pick_indexed_asset(rows, "i", "a")->id, "first");
    std::ranges::rotate(rows, rows.begin() + 1);
  }
  EXPECT_EQ(pick_indexed_asset(std::span(rows).first(3), "i", "a"), nullptr);
}

}  // namespace
}  // namespace sluice::stage

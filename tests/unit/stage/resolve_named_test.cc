// RESOLVE_NAMED: one row looks for a name, and creates it, for all who want it.
#include "core/stage/resolve_named.h"

#include <gmock/gmock.h>

#include "core/stage/gone.h"
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
using testing::StartsWith;

class ResolveNamed : public StageTest {
 protected:
  ResolveNamed() { item_ = put_item(ItemState::kAssetReady).id; }
  RowId index(NamedState state = NamedState::kWanted) { return put_named(NamedKind::kIndex, "footage", state).id; }
  RowId collection(NamedState state) { return put_named(NamedKind::kCollection, "cast", state).id; }
  RowId entity(NamedState state = NamedState::kWanted) {
    return put_named(NamedKind::kEntity, "ada", state, collection(NamedState::kPresent)).id;
  }
  RowId waiting(RowId named, StepKind kind = StepKind::kIndex, std::int64_t ordinal = 1) {
    return put_step(item_, named, StepState::kWaiting, kind, ordinal).id;
  }
  void looked(RowId named, Result<ports::Reply> answer, int page = 1) {
    land({.errand = Errand::kLookNamed, .row = named, .page = page}, std::move(answer));
  }
  void created(RowId named, Result<ports::Reply> answer) {
    land({.errand = Errand::kCreateNamed, .row = named}, std::move(answer));
  }
  static ports::Reply page(std::string const& rows, int number = 1, int pages = 1) {
    return reply(R"({"data":[)" + rows + R"(],"page_info":{"page":)" + std::to_string(number) + R"(,"total_page":)" +
                 std::to_string(pages) + "}}");
  }

  RowId item_ = 0;
};

TEST_F(ResolveNamed, LooksForEveryNameInItsOwnList) {
  index();
  collection(NamedState::kWanted);
  choose(choose_resolve_named);
  ASSERT_EQ(left.size(), 2u);
  EXPECT_THAT(target(0), StartsWith("/indexes?index_name=footage"));
  EXPECT_THAT(target(1), StartsWith("/entity-collections?name=cast"));
  choose(choose_resolve_named);
  EXPECT_TRUE(left.empty());
}

TEST_F(ResolveNamed, LooksForAnEntityInItsCollection) {
  entity();
  choose(choose_resolve_named);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_THAT(target(), HasSubstr("remote_cast"));
}

TEST_F(ResolveNamed, AnEntityMakesItsCollectionDueUnlessThatHasItsOwnTimeOrItsOwnCall) {
  auto const entity_in = [&](std::string const& name, NamedState state, std::optional<WallTime> due) {
    auto const cast = put_named(NamedKind::kCollection, name, state).id;
    change(named(cast), [&](auto& row) { row.effort.due_at = due; });
    auto const ada = put_named(NamedKind::kEntity, "of " + name, NamedState::kWanted, cast).id;
    return std::pair(cast, ada);
  };
  auto const [asleep, first] = entity_in("asleep", NamedState::kWanted, std::nullopt);
  auto const [later, second] = entity_in("later", NamedState::kWanted, now + 1h);
  auto const [made, third] = entity_in("made", NamedState::kCreating, std::nullopt);
  choose(choose_resolve_named);
  EXPECT_TRUE(left.empty());
  EXPECT_EQ(named(asleep).effort.due_at, now);
  EXPECT_EQ(named(later).effort.due_at, now + 1h);
  EXPECT_FALSE(named(made).effort.due_at);
  for (auto const entity : {first, second, third}) EXPECT_FALSE(named(entity).effort.due_at);
}

TEST_F(ResolveNamed, HoldsBackOnlyTheGroupThatIsPaused) {
  index();
  collection(NamedState::kWanted);
  traffic.throttled(Group::kEntities, now, now + 1s);
  choose(choose_resolve_named);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_THAT(target(), StartsWith("/indexes"));
  EXPECT_EQ(traffic.flights(Errand::kLookNamed).at(0).second.group, Group::kIndexing);
}

TEST_F(ResolveNamed, LooksForWhatIsBeingCreatedOnlyWhenItsOutcomeIsUnknown) {
  auto const id = index(NamedState::kCreating);
  choose(choose_resolve_named);
  EXPECT_TRUE(left.empty());
  change(named(id), [&](auto& row) { row.intent.unknown_at = now; });
  choose(choose_resolve_named);
  EXPECT_EQ(left.size(), 1u);
}

TEST_F(ResolveNamed, WakesTheStepsAndTheEntitiesOfANameThatIsThere) {
  auto const cast = collection(NamedState::kWanted);
  auto const asleep = put_named(NamedKind::kEntity, "ada", NamedState::kWanted, cast).id;
  auto const known = put_named(NamedKind::kEntity, "bob", NamedState::kPresent, cast).id;
  change(named(asleep), [](auto& row) { row.effort.due_at.reset(); });
  looked(cast, page(R"({"_id":"c1","name":"cast"})"));
  EXPECT_EQ(named(cast).state, NamedState::kPresent);
  EXPECT_EQ(named(cast).remote_id, "c1");
  EXPECT_EQ(named(asleep).effort.due_at, now);
  EXPECT_FALSE(named(known).effort.due_at);
  auto const films = index();
  auto const step_id = waiting(films);
  change(step(step_id), [](auto& row) { row.effort.due_at.reset(); });
  looked(films, page(R"({"_id":"i1","index_name":"footage"})"));
  EXPECT_EQ(step(step_id).state, StepState::kWaiting);
  EXPECT_EQ(step(step_id).effort.due_at, now);
}

TEST_F(ResolveNamed, HoldsNoRefusalAgainstANameThatWasLookedUpSince) {
  auto const films = index();
  auto const refused = waiting(films, StepKind::kIndex, 1);
  auto const lost = waiting(films, StepKind::kIndex, 2);
  change(step(refused), [](auto& row) { row.remote_status = kRefusedAsGone; });
  change(step(lost), [](auto& row) { row.remote_status = "gone"; });
  looked(films, page(R"({"_id":"i1","index_name":"footage"})"));
  EXPECT_EQ(step(refused).remote_status, "");
  EXPECT_EQ(step(lost).remote_status, "gone") << "said for as long as it is made again";
}

TEST_F(ResolveNamed, LooksForTheStepsOfARebuildOnceTheirNameIsThere) {
  auto const films = index();
  auto const creating = [&](std::int64_t ordinal, std::optional<WallTime> unknown_at, std::optional<WallTime> due_at) {
    auto const id = put_step(item_, films, StepState::kCreating, StepKind::kIndex, ordinal).id;
    change(step(id), [&](auto& row) {
      row.intent.unknown_at = unknown_at;
      row.effort.due_at = due_at;
    });
    return id;
  };
  auto const rebuilt = creating(1, now, std::nullopt);
  auto const in_the_air = creating(2, std::nullopt, std::nullopt);
  auto const has_its_time = creating(3, now, now + 1h);
  looked(films, page(R"({"_id":"i1","index_name":"footage"})"));
  EXPECT_EQ(step(rebuilt).effort.due_at, now);
  EXPECT_FALSE(step(in_the_air).effort.due_at);
  EXPECT_EQ(step(has_its_time).effort.due_at, now + 1h);
}

TEST_F(ResolveNamed, ReadsEveryPageBeforeItCreates) {
  auto const id = index();
  looked(id, page(R"({"_id":"i1","index_name":"footage 2"})", 1, 2));
  EXPECT_THAT(target(), HasSubstr("page=2"));
  looked(id, page("", 2, 2), 2);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].method, ports::Method::kPost);
  EXPECT_EQ(named(id).state, NamedState::kCreating);
}

TEST_F(ResolveNamed, CreatesNoIndexThatThePipelineDoesNotDescribe) {
  auto const id = index();
  change(named(id), [](auto& row) { row.params = ""; });
  auto const step_id = waiting(id);
  looked(id, page(""));
  EXPECT_TRUE(left.empty());
  EXPECT_EQ(step(step_id).reason, "index_missing");
  EXPECT_EQ(named(id).state, NamedState::kWanted);
  EXPECT_FALSE(named(id).effort.due_at);
}

TEST_F(ResolveNamed, CreatesACollectionAlthoughItHasNoDescription) {
  auto const id = collection(NamedState::kWanted);
  change(named(id), [](auto& row) { row.params = ""; });
  looked(id, page(""));
  ASSERT_EQ(left.size(), 1u);
  EXPECT_THAT(target(), StartsWith("/entity-collections"));
}

TEST_F(ResolveNamed, MakesAnEntityOfTheFirstAssetThatWaitsAndOfNoneWhenNobodyDoes) {
  auto const id = entity();
  looked(id, page(""));
  EXPECT_TRUE(left.empty());
  EXPECT_EQ(named(id).state, NamedState::kWanted);
  auto const first = waiting(id, StepKind::kEntity, 1);
  waiting(id, StepKind::kEntity, 2);
  looked(id, page(""));
  choose(choose_resolve_named);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_THAT(left[0].text_body, HasSubstr("asset1"));
  EXPECT_EQ(named(id).seed_step_id, first);
}

TEST_F(ResolveNamed, AttachesNothingThatTheEntityHoldsAlready) {
  auto const id = entity();
  auto const held = waiting(id, StepKind::kEntity, 1);
  auto const other = put_step(put_item(ItemState::kAssetReady, 2).id, id, StepState::kWaiting, StepKind::kEntity).id;
  looked(id, page(R"({"_id":"e1","name":"ada","status":"ready","asset_ids":["asset1"]})"));
  EXPECT_EQ(step(held).state, StepState::kCreated);
  EXPECT_EQ(step(held).remote_id, "e1");
  EXPECT_EQ(step(other).state, StepState::kWaiting);
  EXPECT_EQ(step(other).effort.due_at, now);
}

TEST_F(ResolveNamed, RefusesAnEntityOfSomebodyElseWhereThePipelineSaysSo) {
  auto const fail_if_exists = [&](RowId id) {
    auto const step_id = waiting(id, StepKind::kEntity);
    change(step(step_id), [](auto& row) {
      row.params =
          PlannedStep{.kind = StepKind::kEntity, .name = "ada", .collection = "cast", .existing = Existing::kFail}
              .to_json();
    });
    return step_id;
  };
  auto const theirs = entity();
  auto const refused = fail_if_exists(theirs);
  looked(theirs, page(R"({"_id":"e1","name":"ada","status":"ready","metadata":{"client_op":"other"}})"));
  EXPECT_EQ(step(refused).reason, "entity_exists");
}

TEST_F(ResolveNamed, KnowsItsOwnEntityByTheOperationTag) {
  auto const id = entity();
  auto const step_id = waiting(id, StepKind::kEntity);
  change(step(step_id), [](auto& row) {
    row.params =
        PlannedStep{.kind = StepKind::kEntity, .name = "ada", .collection = "cast", .existing = Existing::kFail}
            .to_json();
  });
  looked(id, page(R"({"_id":"e1","name":"ada","status":"ready","metadata":{"client_op":"op"}})"));
  EXPECT_EQ(step(step_id).state, StepState::kWaiting);
  EXPECT_TRUE(named(id).created_by_us);
}

TEST_F(ResolveNamed, AnEntityIsThereForThoseWhoDoNotMind) {
  auto const id = entity();
  auto const step_id = waiting(id, StepKind::kEntity);
  looked(id, page(R"({"_id":"e1","name":"ada","status":"ready"})"));
  EXPECT_EQ(step(step_id).state, StepState::kWaiting);
  EXPECT_FALSE(named(id).created_by_us);
}

TEST_F(ResolveNamed, ARefusedLookFailsThoseWhoWaitAndThoseOnItsEntities) {
  auto const cast = collection(NamedState::kWanted);
  auto const child = put_named(NamedKind::kEntity, "ada", NamedState::kWanted, cast).id;
  auto const step_id = waiting(child, StepKind::kEntity);
  looked(cast, fail(Fault::kRejected, "403", "api_not_allowed"));
  EXPECT_EQ(step(step_id).reason, "api_not_allowed");
  auto const films = index();
  auto const indexed = waiting(films, StepKind::kIndex, 2);
  looked(films, fail(Fault::kGone, "404", "not_found"));
  EXPECT_EQ(step(indexed).reason, "not_found");
}

TEST_F(ResolveNamed, ARefusedLookFailsAStepThatIsLookedForAndNoneWhoseCallIsInTheAir) {
  auto const films = index();
  auto const sought = put_step(item_, films, StepState::kCreating, StepKind::kIndex, 1).id;
  change(step(sought), [&](auto& row) { row.intent.unknown_at = now; });
  auto const in_the_air = put_step(item_, films, StepState::kCreating, StepKind::kIndex, 2).id;
  looked(films, fail(Fault::kRejected, "403", "api_not_allowed"));
  EXPECT_EQ(step(sought).reason, "api_not_allowed");
  EXPECT_EQ(step(in_the_air).state, StepState::kCreating);
}

TEST_F(ResolveNamed, ARefusedLookForAnEntityFailsAllWhoWaitWhoeverWasToSeedIt) {
  auto const id = entity();
  auto const seed = waiting(id, StepKind::kEntity, 1);
  auto const next = waiting(id, StepKind::kEntity, 2);
  change(named(id), [&](auto& row) { row.seed_step_id = seed; });
  looked(id, fail(Fault::kRejected, "403", "api_not_allowed"));
  EXPECT_EQ(step(seed).reason, "api_not_allowed");
  EXPECT_EQ(step(next).reason, "api_not_allowed");
}

TEST_F(ResolveNamed, ALookThatFailedIsRepeatedUntilItsAttemptsAreUsedUp) {
  policy.retry_attempts = 2;
  auto const id = index();
  auto const step_id = waiting(id);
  looked(id, fail(Fault::kTransient, "503"));
  EXPECT_EQ(named(id).state, NamedState::kWanted);
  EXPECT_GT(named(id).effort.due_at, now);
  EXPECT_EQ(step(step_id).state, StepState::kWaiting);
  looked(id, reply("<html>"));
  EXPECT_EQ(step(step_id).reason, "protocol");
}

TEST_F(ResolveNamed, KeepsLookingForWhatMayHaveBeenMade) {
  auto const id = index(NamedState::kCreating);
  change(named(id), [&](auto& row) { row.intent.unknown_at = now; });
  looked(id, fail(Fault::kTransient, "503"));
  EXPECT_EQ(named(id).state, NamedState::kCreating);
  EXPECT_TRUE(named(id).intent.unknown_at);
  looked(id, page(""));
  EXPECT_EQ(named(id).state, NamedState::kCreating);
  EXPECT_TRUE(left.empty());
  EXPECT_EQ(named(id).effort.due_at, now + policy.limits.late_effect + policy.limits.list_lag);
  now += policy.limits.late_effect + policy.limits.list_lag - 1ms;
  looked(id, page(""));
  EXPECT_TRUE(left.empty());
  now += 1ms;
  looked(id, page(""));
  EXPECT_EQ(left.size(), 1u);  // looked for long enough: made again
  EXPECT_FALSE(named(id).intent.unknown_at);
}

TEST_F(ResolveNamed, TakesTheIdOfTheAnswer) {
  auto const films = index(NamedState::kCreating);
  created(films, reply(R"({"_id":"i1"})"));
  EXPECT_EQ(named(films).remote_id, "i1");
  EXPECT_TRUE(named(films).created_by_us);
  auto const ada = entity(NamedState::kCreating);
  auto const seed = waiting(ada, StepKind::kEntity);
  created(ada, reply(R"({"_id":"e1","name":"ada","status":"processing","asset_ids":["asset1"]})"));
  EXPECT_EQ(named(ada).remote_id, "e1");
  EXPECT_EQ(step(seed).state, StepState::kCreated);
}

TEST_F(ResolveNamed, AnAnswerThatSaysNothingIsNoAnswer) {
  auto const films = index(NamedState::kCreating);
  created(films, reply("{}"));
  EXPECT_EQ(named(films).state, NamedState::kCreating);
  EXPECT_TRUE(named(films).intent.unknown_at);
  auto const ada = entity(NamedState::kCreating);
  created(ada, reply(R"({"_id":"e1"})"));  // an entity without its status
  EXPECT_TRUE(named(ada).intent.unknown_at);
  auto const cast = put_named(NamedKind::kCollection, "crew", NamedState::kCreating).id;
  created(cast, fail(Fault::kOutcomeUnknown, "cut"));
  EXPECT_TRUE(named(cast).intent.unknown_at);
}

TEST_F(ResolveNamed, LooksAgainForAnIndexThatSomebodyElseMadeMeanwhile) {
  auto const id = index(NamedState::kCreating);
  auto const step_id = waiting(id);
  created(id, fail(Fault::kRejected, "409", "index_name_already_exists"));
  EXPECT_EQ(named(id).state, NamedState::kWanted);
  EXPECT_FALSE(named(id).intent.at);
  EXPECT_EQ(step(step_id).state, StepState::kWaiting);
}

TEST_F(ResolveNamed, ARefusedCreateFailsThoseWhoWait) {
  for (auto const& [fault, code, reason] :
       {std::tuple{Fault::kRejected, "parameter_invalid", "parameter_invalid"},
        std::tuple{Fault::kRejected, "", "refused"}, std::tuple{Fault::kGone, "not_found", "not_found"}}) {
    auto const id = put_named(NamedKind::kIndex, std::string("for ") + reason, NamedState::kCreating).id;
    auto const step_id = waiting(id, StepKind::kIndex, id);
    created(id, fail(fault, "no", code));
    EXPECT_EQ(step(step_id).reason, reason);
  }
}

TEST_F(ResolveNamed, ACreateInTroubleIsRetried) {
  auto const id = index(NamedState::kCreating);
  created(id, fail(Fault::kThrottled, "429"));
  EXPECT_EQ(named(id).state, NamedState::kWanted);
  EXPECT_FALSE(named(id).intent.at);
}

TEST_F(ResolveNamed, ARefusedEntitySpeaksOnlyAgainstTheAssetItWasToBeMadeOf) {
  auto const id = entity(NamedState::kCreating);
  auto const seed = waiting(id, StepKind::kEntity, 1);
  auto const next = waiting(id, StepKind::kEntity, 2);
  change(named(id), [&](auto& row) { row.seed_step_id = seed; });
  created(id, fail(Fault::kRejected, "400", "no_face"));
  EXPECT_EQ(step(seed).reason, "no_face");
  EXPECT_EQ(step(next).state, StepState::kWaiting);
  EXPECT_EQ(named(id).effort.due_at, now);  // the next one may seed it
  change(named(id), [&](auto& row) {
    row.state = NamedState::kCreating;
    row.intent.at = now;
    row.seed_step_id = next;
  });
  created(id, fail(Fault::kRejected, "400", "no_face"));
  EXPECT_EQ(step(next).reason, "no_face");
  EXPECT_FALSE(named(id).effort.due_at);
}

TEST_F(ResolveNamed, ARefusedEntityWhoseSeedWasCancelledFailsNobodyElse) {
  auto const id = entity(NamedState::kCreating);
  auto const seed = waiting(id, StepKind::kEntity, 1);
  auto const next = waiting(id, StepKind::kEntity, 2);
  change(named(id), [&](auto& row) { row.seed_step_id = seed; });
  within([&](Context& ctx) { fail_step(ctx, step(seed), "cancelled", "by hand"); });
  created(id, fail(Fault::kRejected, "400", "no_face"));
  EXPECT_EQ(step(next).state, StepState::kWaiting);
  EXPECT_EQ(named(id).effort.due_at, now);
}

TEST_F(ResolveNamed, LeavesAloneWhatIsPresent) {
  auto const id = index(NamedState::kPresent);
  looked(id, page(R"({"_id":"other","index_name":"footage"})"));
  created(id, reply(R"({"_id":"other"})"));
  EXPECT_EQ(named(id).remote_id, "remote_footage");
  looked(999, page(""));
  created(999, reply("{}"));
}

TEST(PickNamedEdge, OfTwoMadeAtOnceTakesTheOneThatIsListedFirst) {
  std::vector<platform::Named> const rows = {{"1", "Cast", kNoon}, {"2", "Cast", kNoon}};
  EXPECT_EQ(pick_named(rows, "Cast")->id, "1");
}

}  // namespace
}  // namespace sluice::stage

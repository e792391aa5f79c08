// RESOLVE_NAMED: entities are made of all the assets that wait for them, and with other entities of their collection.
#include <gmock/gmock.h>

#include "core/stage/moves.h"
#include "core/stage/resolve_named.h"
#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using budget::Errand;
using journal::ItemState;
using journal::NamedKind;
using journal::NamedState;
using journal::StepKind;
using journal::StepState;
using testing::HasSubstr;

class MakeEntities : public StageTest {
 protected:
  MakeEntities() { cast_ = put_named(NamedKind::kCollection, "cast", NamedState::kPresent).id; }
  RowId entity(std::string const& name) { return put_named(NamedKind::kEntity, name, NamedState::kWanted, cast_).id; }
  // The step of an item that wants its asset in that entity.
  RowId waiting_with(std::int64_t number, RowId named, Existing existing = Existing::kAttach) {
    auto const id =
        put_step(put_item(ItemState::kAssetReady, number).id, named, StepState::kWaiting, StepKind::kEntity).id;
    change(step(id), [&](auto& row) {
      row.params =
          PlannedStep{.kind = StepKind::kEntity, .name = "ada", .collection = "cast", .existing = existing}.to_json();
    });
    return id;
  }
  // Entities of those names, each wanted by one asset: the first name's is asset2, and so on.
  std::vector<RowId> wanted(std::vector<std::string> const& names) {
    std::vector<RowId> ids;
    for (auto const& name : names) {
      ids.push_back(entity(name));
      seeds_.push_back(waiting_with(2 + static_cast<std::int64_t>(seeds_.size()), ids.back()));
    }
    return ids;
  }
  void all_landed() {
    for (auto const errand : {Errand::kLookNamed, Errand::kCreateNamed})
      for (auto const& [ticket, flight] : traffic.flights(errand)) traffic.landed(ticket);
  }
  void looked(RowId named, Result<ports::Reply> answer, int page = 1) {
    land({.errand = Errand::kLookNamed, .row = named, .page = page}, std::move(answer));
  }
  // They are looked for and not there, and the turn goes on.
  void missing(std::vector<RowId> const& ids) {
    all_landed();
    for (auto const id : ids) looked(id, page(""));
    choose(choose_resolve_named);
  }
  void missing(RowId id) { missing(std::vector{id}); }
  void created(RowId named, Result<ports::Reply> answer, int made_of = 0) {
    land({.errand = Errand::kCreateNamed, .row = named, .mode = made_of}, std::move(answer));
  }
  void created_together(std::vector<RowId> const& ids, Result<ports::Reply> answer) {
    land({.errand = Errand::kCreateNamed, .group = budget::Group::kEntities, .rows = ids}, std::move(answer));
  }
  static ports::Reply page(std::string const& rows, int number = 1, int pages = 1) {
    return reply(R"({"data":[)" + rows + R"(],"page_info":{"page":)" + std::to_string(number) + R"(,"total_page":)" +
                 std::to_string(pages) + "}}");
  }

  RowId cast_ = 0;
  std::vector<RowId> seeds_ = {};
};

TEST_F(MakeEntities, MakesAnEntityOfAllAssetsThatWait) {
  auto const id = entity("ada");
  auto const first = waiting_with(2, id), second = waiting_with(3, id), late = waiting_with(4, id);
  change(item(step(late).item_id), [](auto& row) { row.state = ItemState::kSent; });  // it was lost, and is made again
  missing(id);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_THAT(left[0].text_body, HasSubstr(R"("asset_ids":["asset2","asset3"])"));
  EXPECT_EQ(named(id).seed_step_id, first);
  created(id, reply(R"({"_id":"e1","name":"ada","status":"processing","asset_ids":["asset2","asset3"]})"), 1);
  EXPECT_EQ(step(first).state, StepState::kCreated);
  EXPECT_EQ(step(second).state, StepState::kCreated);
  EXPECT_EQ(step(late).state, StepState::kWaiting);
}

TEST_F(MakeEntities, MakesAnEntityOfFiftyAssetsAtMost) {
  auto const id = entity("ada");
  for (int i = 0; i < 60; ++i) waiting_with(2 + i, id);
  missing(id);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_THAT(left[0].text_body, testing::AllOf(HasSubstr("asset51\""), testing::Not(HasSubstr("asset52\""))));
}

TEST_F(MakeEntities, MakesAnEntityOfOneAssetAfterItWasRefusedWithSeveral) {
  auto const id = entity("ada");
  auto const first = waiting_with(2, id), second = waiting_with(3, id);
  missing(id);
  auto const made_of = traffic.flights(Errand::kCreateNamed).at(0).second.mode;
  for (auto const& refusal : {fail(Fault::kRejected, "400", "no_face"), fail(Fault::kGone, "404", "not_found")}) {
    change(named(id), [&](auto& row) {
      row.state = NamedState::kCreating;
      row.intent.at = now;
    });
    created(id, refusal, made_of);
    EXPECT_EQ(named(id).state, NamedState::kWanted);
    EXPECT_EQ(named(id).effort.due_at, now);
    EXPECT_EQ(step(first).state, StepState::kWaiting);
    EXPECT_EQ(step(second).state, StepState::kWaiting);
  }
  missing(id);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_THAT(left[0].text_body, HasSubstr(R"("asset_ids":["asset2"])"));
  created(id, fail(Fault::kRejected, "400", "no_face"));
  EXPECT_EQ(step(first).reason, "no_face");
  EXPECT_EQ(step(second).state, StepState::kWaiting);
}

TEST_F(MakeEntities, LeavesAStrangersEntityAloneWhereANewOneIsWanted) {
  auto const id = entity("ada");
  auto const wants = waiting_with(2, id, Existing::kNew);
  std::string const theirs =
      R"({"_id":"e1","name":"ada","status":"ready","asset_ids":["x"],"metadata":{"client_op":"o"}})";
  looked(id, page(theirs, 1, 2));
  EXPECT_THAT(target(), HasSubstr("page=2")) << "ours may be further back";
  looked(id, page("", 2, 2), 2);
  all_landed();
  choose(choose_resolve_named);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].method, ports::Method::kPost);
  EXPECT_EQ(named(id).state, NamedState::kCreating);
  EXPECT_EQ(step(wants).state, StepState::kWaiting);
}

TEST_F(MakeEntities, FindsItsOwnAmongStrangersWhereANewOneIsWanted) {
  std::string const theirs = R"({"_id":"e1","name":"ada","status":"ready","created_at":"2020-01-01T00:00:00Z"})";
  auto const id = entity("ada");
  std::int64_t asset = 1;
  for (auto const* const ours : {R"("metadata":{"client_op":"op"})", R"("asset_ids":["asset2"])"}) {
    waiting_with(++asset, id, Existing::kNew);
    looked(id, page(theirs + R"(,{"_id":"e2","name":"ada","status":"ready",)" + ours + "}"));
    EXPECT_EQ(named(id).remote_id, "e2") << ours;
    EXPECT_TRUE(named(id).created_by_us);
    change(named(id), [](auto& row) {
      row.state = NamedState::kWanted;
      row.remote_id.clear();
      row.created_by_us = false;
    });
  }
}

TEST_F(MakeEntities, ThatAreMissingAtOnceGoIntoOneCall) {
  auto const ids = wanted({"ada", "bob"});
  missing(ids);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_THAT(target(), testing::EndsWith("/entity-collections/remote_cast/entities/bulk"));
  EXPECT_THAT(left[0].text_body, testing::AllOf(HasSubstr(R"("name":"ada","asset_ids":["asset2"])"),
                                                HasSubstr(R"("name":"bob","asset_ids":["asset3"])")));
  created_together(ids, reply(R"({"entities":[{"_id":"b","name":"bob"},{"_id":"a","name":"ada"}],"errors":[]})", 201));
  EXPECT_EQ(named(ids[0]).remote_id, "a");
  EXPECT_EQ(named(ids[1]).remote_id, "b");
  for (auto const id : ids) EXPECT_TRUE(named(id).created_by_us);
  EXPECT_EQ(step(seeds_[0]).state, StepState::kCreated);
  EXPECT_EQ(step(seeds_[0]).remote_id, "a");
  EXPECT_EQ(step(seeds_[1]).state, StepState::kCreated);
}

TEST_F(MakeEntities, WaitForOthersThatAreStillBeingLookedFor) {
  auto const ids = wanted({"ada", "bob"});
  change(named(ids[1]), [&](auto& row) { row.effort.due_at = now; });
  missing({ids[0]});
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].method, ports::Method::kGet) << "the look for bob";
  EXPECT_EQ(named(ids[0]).state, NamedState::kCreating);
  missing({ids[1]});
  ASSERT_EQ(left.size(), 1u);
  EXPECT_THAT(left[0].text_body, testing::AllOf(HasSubstr("ada"), HasSubstr("bob")));
}

TEST_F(MakeEntities, WaitForTheEndOfAPauseOfTheirGroup) {
  auto const ids = wanted({"ada", "bob"});
  waiting_with(9, ids[1]);
  traffic.throttled(budget::Group::kEntities, now, now + 1s);
  missing(ids);
  EXPECT_TRUE(left.empty());
  now += 1s;
  choose(choose_resolve_named);
  ASSERT_GE(left.size(), 1u);
  for (auto const& call : left) EXPECT_EQ(call.method, ports::Method::kPost);
}

TEST_F(MakeEntities, OfSeveralAssetsOrAnotherCollectionGoByThemselves) {
  auto const ids = wanted({"ada", "bob"});
  waiting_with(9, ids[0]);
  auto const crew = put_named(NamedKind::kCollection, "crew", NamedState::kPresent).id;
  auto const cid = put_named(NamedKind::kEntity, "cid", NamedState::kWanted, crew).id;
  waiting_with(10, cid);
  missing({ids[0], ids[1], cid});
  ASSERT_EQ(left.size(), 3u);
  for (std::size_t call = 0; call < 3; ++call) EXPECT_THAT(target(call), testing::EndsWith("/entities"));
}

TEST_F(MakeEntities, GoFiftyAtMostIntoACall) {
  std::vector<std::string> names;
  for (int i = 0; i < 60; ++i) names.push_back("e" + std::to_string(i));
  missing(wanted(names));
  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(traffic.flights(Errand::kCreateNamed).at(0).second.rows.size(), 50u);
  EXPECT_EQ(traffic.flights(Errand::kCreateNamed).at(1).second.rows.size(), 10u);
}

TEST_F(MakeEntities, OneThatIsRefusedAmongOthersIsTriedByItself) {
  auto const ids = wanted({"ada", "bob"});
  missing(ids);
  created_together(ids, reply(R"({"entities":[{"_id":"b","name":"bob"}],
                                  "errors":[{"entity_index":0,"entity_name":"ada","error_reason":"no face"}]})",
                              201));
  EXPECT_EQ(named(ids[1]).state, NamedState::kPresent);
  EXPECT_EQ(named(ids[0]).state, NamedState::kWanted);
  EXPECT_EQ(step(seeds_[0]).state, StepState::kWaiting);
  auto const cid = wanted({"cid"}).front();
  missing({ids[0], cid});
  ASSERT_EQ(left.size(), 2u);
  created(ids[0], fail(Fault::kRejected, "400", "no_face"));
  EXPECT_EQ(step(seeds_[0]).reason, "no_face");
}

TEST_F(MakeEntities, AllThatAreRefusedTogetherAreTriedByThemselves) {
  auto const ids = wanted({"ada", "bob"});
  missing(ids);
  created_together(ids, fail(Fault::kRejected, "400", "parameter_invalid"));
  missing(ids);
  EXPECT_EQ(left.size(), 2u);
}

TEST_F(MakeEntities, OfWhichNoAnswerOrNoneThatCanBeReadCameAreLookedFor) {
  auto const ids = wanted({"ada", "bob"});
  for (auto const& answer : {Result<ports::Reply>(fail(Fault::kOutcomeUnknown, "cut")),
                             Result<ports::Reply>(reply(R"({"entities":[]})", 201)),
                             Result<ports::Reply>(reply(R"({"entities":[],"errors":[]})", 201))}) {
    missing(ids);
    created_together(ids, answer);
    for (auto const id : ids) {
      EXPECT_EQ(named(id).state, NamedState::kCreating);
      EXPECT_TRUE(named(id).intent.unknown_at);
      change(named(id), [](auto& row) {
        row.state = NamedState::kWanted;
        row.intent = {};
      });
    }
  }
}

TEST_F(MakeEntities, ThatNobodyWantsAnyMoreAreNotMade) {
  auto const ids = wanted({"ada", "bob"});
  change(named(ids[1]), [&](auto& row) { row.effort.due_at = now; });
  missing({ids[0]});  // it waits for the look for bob
  within([&](Context& ctx) { fail_step(ctx, step(seeds_[0]), "cancelled", "by hand"); });
  all_landed();
  choose(choose_resolve_named);
  EXPECT_EQ(named(ids[0]).state, NamedState::kWanted);
  EXPECT_FALSE(named(ids[0]).effort.due_at);
}

TEST_F(MakeEntities, ALateAnswerAboutSeveralChangesNothingOfThoseThatWentOn) {
  auto const ids = wanted({"ada", "bob"});
  for (auto const id : ids)
    change(named(id), [&](auto& row) { row.state = NamedState::kCreating, row.intent.at = now; });
  change(named(ids[0]), [&](auto& row) {
    row.state = NamedState::kPresent;
    row.remote_id = "entity7";
    row.effort.due_at.reset();
  });
  change(named(ids[1]), [&](auto& row) { row.intent.unknown_at = now; });
  created_together(ids, fail(Fault::kRejected, "no"));
  EXPECT_EQ(named(ids[0]).state, NamedState::kPresent);
  EXPECT_EQ(named(ids[1]).state, NamedState::kCreating) << "it is being looked for";
}

}  // namespace
}  // namespace sluice::stage

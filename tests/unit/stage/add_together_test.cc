// CREATE_STEP: what waits for one entity goes into it by one call, and each is judged for itself.
#include <gmock/gmock.h>

#include "core/base/json.h"
#include "core/stage/create_step.h"
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

class AddTogether : public StageTest {
 protected:
  AddTogether() {
    auto const cast = put_named(NamedKind::kCollection, "cast", NamedState::kPresent).id;
    entity_ = put_named(NamedKind::kEntity, "ada", NamedState::kPresent, cast).id;
  }
  // Steps of items 2, 3, ... that wait for the entity.
  std::vector<RowId> waiting_for_entity(int count) {
    std::vector<RowId> steps;
    for (int i = 0; i < count; ++i)
      steps.push_back(
          put_step(put_item(ItemState::kAssetReady, 2 + i).id, entity_, StepState::kWaiting, StepKind::kEntity).id);
    return steps;
  }
  void landed_together(std::vector<RowId> const& rows, Result<ports::Reply> answer) {
    land({.errand = Errand::kCreateStep, .group = Group::kEntities, .rows = rows, .mode = kUntagged},
         std::move(answer));
  }
  void landed(RowId id, Result<ports::Reply> answer) {
    land({.errand = Errand::kCreateStep, .row = id, .item = step(id).item_id, .mode = kUntagged}, std::move(answer));
  }
  std::size_t assets_in(std::size_t call) const {
    return parse_json(left.at(call).text_body)->find("asset_ids")->elements().size();
  }
  static constexpr char kHolds[] = R"({"_id":"remote_ada","status":"processing","asset_ids":["asset2","asset3"]})";

  RowId entity_ = 0;
};

TEST_F(AddTogether, PutsAllThatWaitForOneEntityIntoOneCall) {
  auto const steps = waiting_for_entity(3);
  change(step(steps[2]), [&](auto& row) { row.effort.due_at = now + 1s; });
  choose(choose_create_step);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_THAT(left[0].text_body, testing::AllOf(HasSubstr("asset2"), HasSubstr("asset3"), Not(HasSubstr("asset4"))));
  EXPECT_EQ(step(steps[0]).state, StepState::kCreating);
  EXPECT_EQ(step(steps[1]).state, StepState::kCreating);
  EXPECT_EQ(step(steps[2]).state, StepState::kWaiting) << "its time has not come";
  landed_together({steps[0], steps[1]}, reply(kHolds));
  for (auto const id : {steps[0], steps[1]}) {
    EXPECT_EQ(step(id).state, StepState::kCreated);
    EXPECT_EQ(step(id).remote_id, "remote_ada");
  }
}

TEST_F(AddTogether, PutsNoMoreThanFiftyIntoACall) {
  waiting_for_entity(60);
  choose(choose_create_step);
  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(assets_in(0), 50u);
  EXPECT_EQ(assets_in(1), 10u);
}

TEST_F(AddTogether, LetsEachGoByItselfAfterTheyWereRefusedTogether) {
  auto const steps = waiting_for_entity(2);
  choose(choose_create_step);
  landed_together(steps, fail(Fault::kRejected, "400", "no_face"));
  for (auto const id : steps) EXPECT_EQ(step(id).state, StepState::kWaiting);
  choose(choose_create_step);
  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(assets_in(0), 1u);
  EXPECT_EQ(assets_in(1), 1u);
  landed(steps[0], fail(Fault::kRejected, "400", "no_face"));
  landed(steps[1], reply(kHolds));
  EXPECT_EQ(step(steps[0]).reason, "no_face");
  EXPECT_EQ(step(steps[1]).state, StepState::kCreated);
}

TEST_F(AddTogether, LooksForEachWhenTheAnswerWasLost) {
  auto const steps = waiting_for_entity(2);
  choose(choose_create_step);
  landed_together(steps, fail(Fault::kOutcomeUnknown, "cut"));
  for (auto const id : steps) EXPECT_TRUE(step(id).intent.unknown_at);
  land({.errand = Errand::kLookStep, .row = steps[0], .item = step(steps[0]).item_id}, reply(kHolds));
  EXPECT_EQ(step(steps[0]).state, StepState::kCreated);
}

TEST_F(AddTogether, KeepsOutOfAStrangersEntityWhoeverComesLater) {
  auto const steps = waiting_for_entity(3);
  for (auto const id : {steps[1], steps[2]})
    change(step(id), [](auto& row) {
      row.params =
          PlannedStep{.kind = StepKind::kEntity, .name = "ada", .collection = "cast", .existing = Existing::kFail}
              .to_json();
    });
  choose(choose_create_step);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(assets_in(0), 1u);
  for (auto const id : {steps[1], steps[2]}) EXPECT_EQ(step(id).reason, "entity_exists");
}

TEST_F(AddTogether, LeavesOneThatWasCancelledMeanwhile) {
  auto const steps = waiting_for_entity(2);
  choose(choose_create_step);
  within([&](Context& ctx) { fail_step(ctx, step(steps[0]), "cancelled", "by hand"); });
  landed_together(steps, reply(kHolds));
  EXPECT_EQ(step(steps[0]).state, StepState::kFailed);
  EXPECT_EQ(step(steps[1]).state, StepState::kCreated);
}

TEST_F(AddTogether, OfACallForOneItsItemIsKnownAndOfOneForSeveralEachStep) {
  auto const only = waiting_for_entity(1).front();
  choose(choose_create_step);
  auto const flights = [&] { return traffic.flights(Errand::kCreateStep); };
  ASSERT_EQ(flights().size(), 1u);
  EXPECT_EQ(flights()[0].second.row, only);
  EXPECT_EQ(flights()[0].second.item, step(only).item_id) << "it is cut with its item";
  EXPECT_TRUE(flights()[0].second.rows.empty());
  traffic = budget::Traffic();
  std::vector<RowId> steps;
  for (std::int64_t number : {20, 21})
    steps.push_back(
        put_step(put_item(ItemState::kAssetReady, number).id, entity_, StepState::kWaiting, StepKind::kEntity).id);
  choose(choose_create_step);
  ASSERT_EQ(flights().size(), 1u);
  EXPECT_EQ(flights()[0].second.rows, steps);
  EXPECT_EQ(flights()[0].second.item, 0) << "one that is cancelled does not cut the other's";
}

}  // namespace
}  // namespace sluice::stage

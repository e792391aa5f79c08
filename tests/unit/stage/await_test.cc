// AWAIT_ASSET and AWAIT_STEP: polling until what the platform works on is ready, failed or gone.
#include <gmock/gmock.h>

#include <set>
#include <string>
#include <vector>

#include "core/stage/await_asset.h"
#include "core/stage/await_step.h"
#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using budget::Errand;
using journal::ItemState;
using journal::NamedKind;
using journal::NamedState;
using journal::SessionState;
using journal::StepKind;
using journal::StepState;
using testing::HasSubstr;

class AwaitAsset : public StageTest {
 protected:
  // The page of a poll for these rows; `assets` are rows of the list.
  void polled(std::vector<RowId> rows, std::string const& assets) {
    land({.errand = Errand::kAwaitAsset, .rows = std::move(rows)},
         reply(R"({"data":[)" + assets + R"(],"page_info":{"page":1,"total_page":1}})"));
  }
  // The answer to the read of one asset alone.
  void read_alone(RowId row, Result<ports::Reply> answer) {
    land({.errand = Errand::kAwaitAsset, .rows = {row}, .mode = kReadAlone}, std::move(answer));
  }
  static std::string asset(std::string const& id, std::string const& status, std::string const& more = "") {
    return R"({"_id":")" + id + R"(","status":")" + status + R"(")" + more + "}";
  }
  // An item whose session the platform forgot before it said `completed`.
  journal::ItemRow forgotten(Millis expired_ago) {
    auto const row = put_item(ItemState::kCompleted);
    auto session = journal::session_of(row.id);
    session.state = SessionState::kExpired;
    session.asset_id = row.asset_id;
    session.expires_at = now - expired_ago;
    put(session);
    return row;
  }
};

TEST_F(AwaitAsset, AsksForAllThatAreDueInOneCall) {
  put_item(ItemState::kSent, 1);
  put_item(ItemState::kCompleted, 2);
  choose(choose_await_asset);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_THAT(target(), HasSubstr("asset1"));
  EXPECT_THAT(target(), HasSubstr("asset2"));
  choose(choose_await_asset);
  EXPECT_TRUE(left.empty());  // all of them are asked for already
}

TEST_F(AwaitAsset, AsksAtTheVeryMomentThatAPollIsDueAndNotBefore) {
  auto const row = put_item(ItemState::kSent);
  change(row, [&](auto& item) { item.effort.due_at = now + 1ms; });
  choose(choose_await_asset);
  EXPECT_TRUE(left.empty());
  now += 1ms;
  choose(choose_await_asset);
  EXPECT_EQ(left.size(), 1u);
}

// A list need not say how long an asset plays; its own record does.
TEST_F(AwaitAsset, LearnsHowLongAnAssetPlaysWhereThatIsBudgeted) {
  auto const row = put_item(ItemState::kSent, 1);
  put_step(row.id, 0, journal::StepState::kWaiting, journal::StepKind::kIndex);
  polled({row.id}, asset("asset1", "ready"));
  EXPECT_EQ(item(row.id).state, ItemState::kAssetReady) << "nobody needs to know";

  traffic.allow(budget::Group::kIndexing, {.media_per_day = 1h});
  auto const other = put_item(ItemState::kSent, 2);
  put_step(other.id, 0, journal::StepState::kWaiting, journal::StepKind::kIndex);
  polled({other.id}, asset("asset2", "ready"));
  EXPECT_EQ(item(other.id).state, ItemState::kSent);
  EXPECT_TRUE(left.empty()) << "it leaves in its turn, as far as the limits allow";
  choose(choose_await_asset);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_THAT(target(), testing::EndsWith("/assets/asset2"));
  read_alone(other.id, reply(asset("asset2", "ready", R"(,"duration":90.5)")));
  EXPECT_EQ(item(other.id).state, ItemState::kAssetReady);
  EXPECT_EQ(item(other.id).media_ms, 90'500);

  auto const silent = put_item(ItemState::kSent, 3);
  put_step(silent.id, 0, journal::StepState::kWaiting, journal::StepKind::kIndex);
  polled({silent.id}, asset("asset3", "ready"));
  read_alone(silent.id, reply(asset("asset3", "ready", R"(,"duration":"long")")));
  EXPECT_EQ(item(silent.id).state, ItemState::kAssetReady) << "not known is no reason to wait for ever";

  auto const picture = put_item(ItemState::kSent, 4);
  change(picture, [](auto& it) { it.kind = "image"; });
  put_step(picture.id, 0, journal::StepState::kWaiting, journal::StepKind::kIndex);
  polled({picture.id}, asset("asset4", "ready"));
  EXPECT_EQ(item(picture.id).state, ItemState::kAssetReady) << "a picture does not play";
}

TEST_F(AwaitAsset, AsksForNoRecordOfItsOwnWhereTheListSaysHowLongItPlaysOrItIsNotReady) {
  traffic.allow(budget::Group::kIndexing, {.media_per_day = 1h});
  auto const told = put_item(ItemState::kSent, 1);
  auto const slow = put_item(ItemState::kSent, 2);
  for (auto const& row : {told, slow}) put_step(row.id, 0, journal::StepState::kWaiting, journal::StepKind::kIndex);
  polled({told.id, slow.id}, asset("asset1", "ready", R"(,"duration":90.5)") + "," + asset("asset2", "processing"));
  EXPECT_EQ(item(told.id).state, ItemState::kAssetReady);
  EXPECT_EQ(item(told.id).media_ms, 90'500);
  EXPECT_EQ(item(slow.id).reason, "");
}

TEST_F(AwaitAsset, TakesTheReadyAndPollsTheOthersMoreSlowly) {
  auto const ready = put_item(ItemState::kSent, 1);
  auto const slow = put_item(ItemState::kSent, 2);
  polled({ready.id, slow.id}, asset("asset1", "ready") + "," + asset("asset2", "processing"));
  EXPECT_EQ(item(ready.id).state, ItemState::kAssetReady);
  EXPECT_EQ(item(slow.id).state, ItemState::kSent);
  EXPECT_EQ(item(slow.id).effort.tries, 1u);
  EXPECT_EQ(item(slow.id).effort.due_at, now + policy.poll_min);
}

// An item whose interval has grown to the longest, with no due time of its own any more.
class AwaitInRounds : public AwaitAsset {
 protected:
  journal::ItemRow put_slow(std::int64_t number, std::int64_t priority = 50) {
    auto row = put_item(number % 2 == 0 ? ItemState::kSent : ItemState::kCompleted, number);
    row.effort.tries = 100;
    row.effort.due_at.reset();
    change(row, [&](auto& item) { item.priority = priority; });
    return row;
  }
  void answered(std::vector<RowId> rows, std::string const& assets) {
    land({.errand = Errand::kAwaitAsset, .rows = std::move(rows), .mode = kReadInRound},
         reply(R"({"data":[)" + assets + R"(],"page_info":{"page":1,"total_page":1}})"));
  }
};

TEST_F(AwaitInRounds, TakesUpAnItemWhoseIntervalIsTheLongest) {
  auto const row = put_item(ItemState::kSent, 2);
  change(row, [&](auto& item) { item.effort.tries = 100; });
  polled({row.id}, asset("asset2", "processing"));
  EXPECT_EQ(item(row.id).effort.due_at, std::nullopt);
  choose(choose_await_asset);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_THAT(target(), HasSubstr("asset2"));
}

TEST_F(AwaitInRounds, AsksForFiftyAtATimeAndForEachOncePerLongestInterval) {
  for (int i = 1; i <= 120; ++i) put_slow(i, 10 * (i % 3));
  std::set<std::string> asked;
  std::size_t polls = 0;
  for (auto const end = now + policy.poll_max; now < end; now += 100ms) {
    choose(choose_await_asset);
    polls += left.size();
    auto const text = target();
    for (int i = 1; i <= 120; ++i) {
      auto const id = "asset" + std::to_string(i);
      if (text.find(id + "&") == text.npos && !text.ends_with(id)) continue;
      EXPECT_TRUE(asked.insert(id).second) << id << " twice in a round";
    }
  }
  EXPECT_EQ(polls, 3u);
  EXPECT_EQ(asked.size(), 120u);
  EXPECT_EQ(round_pause(120, 50, policy.poll_max), policy.poll_max / 3);
}

TEST_F(AwaitInRounds, AsksAtTheVeryMomentThatARoundIsDueAndNotBefore) {
  put_slow(2);
  choose(choose_await_asset);
  ASSERT_EQ(left.size(), 1u);
  auto const next = *poll_round.next_at;
  EXPECT_EQ(next, now + policy.poll_max);
  for (auto const early : {now, next - 1ms}) {
    now = early;
    choose(choose_await_asset);
    EXPECT_TRUE(left.empty());
  }
  now = next;
  choose(choose_await_asset);
  EXPECT_EQ(left.size(), 1u);
}

TEST_F(AwaitInRounds, MissesAnAssetAlsoWhereAllTheOthersAreAsTheyWere) {
  auto const slow = put_slow(2);
  auto const missing = put_slow(4);
  answered({slow.id, missing.id}, asset("asset2", "processing"));
  EXPECT_EQ(item(missing.id).reason, "asset_missing");
  EXPECT_EQ(item(slow.id).reason, "");
}

TEST_F(AwaitInRounds, WritesNothingWhereNothingChanged) {
  auto const row = put_slow(2);
  auto const written = journal.rows_written();
  answered({row.id}, asset("asset2", "processing"));
  EXPECT_EQ(journal.rows_written(), written);
}

TEST_F(AwaitInRounds, SettlesOnlyTheOnesThatChanged) {
  auto const slow = put_slow(2);
  auto const ready = put_slow(4);
  auto const missing = put_slow(6);
  answered({slow.id, ready.id, missing.id}, asset("asset2", "processing") + "," + asset("asset4", "ready"));
  EXPECT_EQ(item(slow.id).effort.due_at, std::nullopt);
  EXPECT_EQ(item(ready.id).state, ItemState::kAssetReady);
  EXPECT_EQ(item(missing.id).reason, "asset_missing");
  EXPECT_EQ(item(missing.id).effort.due_at, now + policy.limits.list_lag);
}

TEST_F(AwaitInRounds, GivesItemsTheirOwnDueTimesAfterAFailedPoll) {
  auto const row = put_slow(2);
  land({.errand = Errand::kAwaitAsset, .rows = {row.id}, .mode = kReadInRound}, fail(Fault::kTransient, "HTTP 500"));
  EXPECT_GT(item(row.id).effort.due_at, now);
}

TEST_F(AwaitInRounds, KeepsTheDueTimeOfAnItemWhoseSessionWasForgotten) {
  auto const row = forgotten(1s);
  change(row, [&](auto& item) { item.effort.tries = 100; });
  polled({row.id}, asset(row.asset_id, "processing"));
  EXPECT_EQ(item(row.id).effort.due_at, now + policy.poll_max);
}

TEST_F(AwaitInRounds, WaitsWhileTheGroupIsPaused) {
  put_slow(2);
  traffic.throttled(budget::Group::kAssets, now, now + 10s);
  choose(choose_await_asset);
  EXPECT_TRUE(left.empty());
  now += 10s;
  choose(choose_await_asset);
  EXPECT_EQ(left.size(), 1u);
}

TEST_F(AwaitInRounds, GoesOnWhenTheClockWasSetBack) {
  put_slow(2);
  choose(choose_await_asset);
  EXPECT_EQ(left.size(), 1u);
  now -= 240h;
  choose(choose_await_asset);
  EXPECT_EQ(left.size(), 1u);
}

TEST_F(AwaitAsset, TellsThePlatformsReasonForAFailureWhereItGivesOne) {
  auto const silent = put_item(ItemState::kSent, 1);
  auto const told = put_item(ItemState::kSent, 2);
  polled({silent.id, told.id},
         asset("asset1", "failed") + "," + asset("asset2", "failed", R"(,"error":{"message":"no video track"})"));
  EXPECT_EQ(item(silent.id).reason, "asset_failed");
  EXPECT_EQ(item(silent.id).effort.last_error, "the platform could not process the file");
  EXPECT_THAT(item(told.id).effort.last_error, HasSubstr(": no video track"));
}

TEST_F(AwaitAsset, CallsAnAssetGoneOnlyAfterTwoLooksTheListLagAndAReadOfItsOwn) {
  auto const row = put_item(ItemState::kSent);
  polled({row.id}, "");
  EXPECT_EQ(item(row.id).state, ItemState::kSent);
  EXPECT_EQ(item(row.id).reason, "asset_missing");
  EXPECT_EQ(item(row.id).intent.looks, 1u);
  EXPECT_EQ(item(row.id).effort.due_at, now + policy.limits.list_lag);
  now += policy.limits.list_lag - 1ms;
  polled({row.id}, "");
  EXPECT_TRUE(left.empty());
  now += 1ms;
  polled({row.id}, "");
  EXPECT_EQ(item(row.id).state, ItemState::kSent);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(target(), "/assets/asset1");
  read_alone(row.id, fail(Fault::kGone, "404"));
  EXPECT_EQ(item(row.id).state, ItemState::kStable);  // the file goes up again
  EXPECT_EQ(item(row.id).reason, "asset_gone");
  EXPECT_EQ(item(row.id).asset_id, "");
  EXPECT_EQ(item(row.id).generation, 2);
  EXPECT_EQ(journal.losses_of(row.id).at(0).note, "the platform no longer has the asset");
}

TEST_F(AwaitAsset, UploadsAnewWhatAForgottenSessionLeftNothingOf) {
  auto const row = forgotten(1s);
  polled({row.id}, "");
  EXPECT_EQ(item(row.id).state, ItemState::kCompleted);
  now += policy.limits.list_lag;
  polled({row.id}, "");
  EXPECT_EQ(item(row.id).state, ItemState::kCompleted);
  read_alone(row.id, fail(Fault::kGone, "404"));
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
  EXPECT_EQ(item(row.id).asset_id, "");
  EXPECT_THAT(journal.losses_of(row.id).at(0).note, HasSubstr("the upload session was forgotten"));
}

TEST_F(AwaitAsset, GivesTheAssetOfAForgottenSessionAnHour) {
  auto const row = forgotten(1h - 1ms);
  polled({row.id}, asset(row.asset_id, "processing"));
  EXPECT_EQ(item(row.id).state, ItemState::kCompleted);
  now += 1ms;
  polled({row.id}, asset(row.asset_id, "processing"));
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
}

TEST_F(AwaitAsset, LeavesTheAssetOfACompletedSessionAllTheTimeItNeeds) {
  auto const row = put_item(ItemState::kCompleted);
  auto session = journal::session_of(row.id);
  session.state = SessionState::kCompleted;
  session.asset_id = row.asset_id;
  session.expires_at = now - 24h;
  put(session);
  polled({row.id}, asset(row.asset_id, "processing"));
  EXPECT_EQ(item(row.id).state, ItemState::kCompleted);
}

TEST_F(AwaitAsset, AFailedPollChargesNobody) {
  auto const row = put_item(ItemState::kSent);
  auto const other = put_item(ItemState::kDone, 2);
  land({.errand = Errand::kAwaitAsset, .rows = {row.id, other.id, 999}}, fail(Fault::kTransient, "503"));
  EXPECT_EQ(item(row.id).effort.attempts, 0u);
  EXPECT_EQ(item(row.id).reason, "transient");
  EXPECT_GT(item(row.id).effort.due_at, now);
  EXPECT_EQ(item(other.id).reason, "");
  land({.errand = Errand::kAwaitAsset, .rows = {row.id}}, reply("<html>"));
  EXPECT_EQ(item(row.id).reason, "protocol");
}

TEST_F(AwaitAsset, LeavesAloneWhatWentOnMeanwhile) {
  auto const row = put_item(ItemState::kDone);
  polled({row.id, 999}, asset("asset1", "failed"));
  EXPECT_EQ(item(row.id).state, ItemState::kDone);
  read_alone(row.id, reply(asset("asset1", "failed")));
  read_alone(999, reply(asset("asset1", "failed")));
  EXPECT_EQ(item(row.id).state, ItemState::kDone);
}

class AwaitStep : public StageTest {
 protected:
  AwaitStep() {
    item_ = put_item(ItemState::kAssetReady).id;
    index_ = put_named(NamedKind::kIndex, "footage", NamedState::kPresent).id;
    auto const cast = put_named(NamedKind::kCollection, "cast", NamedState::kPresent).id;
    entity_ = put_named(NamedKind::kEntity, "ada", NamedState::kPresent, cast).id;
  }
  RowId index_step() { return put_step(item_, index_, StepState::kCreated).id; }
  RowId entity_step(RowId item, std::int64_t ordinal) {
    return put_step(item, entity_, StepState::kCreated, StepKind::kEntity, ordinal).id;
  }
  void lands(RowId step, Result<ports::Reply> answer) {
    land({.errand = Errand::kAwaitStep, .row = step, .item = item_}, std::move(answer));
  }

  RowId item_ = 0, index_ = 0, entity_ = 0;
};

TEST_F(AwaitStep, AsksForEachIndexedAssetAndOnceForAllThatWaitForOneEntity) {
  index_step();
  entity_step(item_, 2);
  entity_step(put_item(ItemState::kAssetReady, 2).id, 2);
  choose(choose_await_step);
  ASSERT_EQ(left.size(), 2u);
  EXPECT_THAT(target(0) + target(1), HasSubstr("indexed-assets/remote1"));
  EXPECT_THAT(target(0) + target(1), HasSubstr("entities/remote2"));
}

TEST_F(AwaitStep, AsksForEachIdOfAnEntityThatWasMadeAgain) {
  auto const old = entity_step(item_, 1);
  auto const made_again = entity_step(put_item(ItemState::kAssetReady, 2).id, 2);
  choose(choose_await_step);
  ASSERT_EQ(left.size(), 2u);
  EXPECT_THAT(target(0), HasSubstr("entities/remote1"));
  EXPECT_THAT(target(1), HasSubstr("entities/remote2"));
  EXPECT_EQ(traffic.flights(Errand::kAwaitStep).at(0).second.rows, std::vector{old});
  EXPECT_EQ(traffic.flights(Errand::kAwaitStep).at(1).second.rows, std::vector{made_again});
  EXPECT_EQ(traffic.flights(Errand::kAwaitStep).at(1).second.group, budget::Group::kEntities);
}

TEST_F(AwaitStep, HoldsBackTheGroupThatIsPaused) {
  index_step();
  traffic.throttled(budget::Group::kEntities, now, now + 1s);
  choose(choose_await_step);
  EXPECT_EQ(left.size(), 1u);
  EXPECT_EQ(traffic.flights(Errand::kAwaitStep).at(0).second.group, budget::Group::kIndexing);
}

TEST_F(AwaitStep, HoldsBackEntitiesWhileTheirsIsPaused) {
  entity_step(item_, 1);
  traffic.throttled(budget::Group::kEntities, now, now + 1s);
  choose(choose_await_step);
  EXPECT_TRUE(left.empty());
}

TEST_F(AwaitStep, IsReadyFailedOrPolledAgainAsThePlatformSays) {
  auto const id = index_step();
  lands(id, reply(R"({"_id":"remote1","status":"indexing"})"));
  EXPECT_EQ(step(id).state, StepState::kCreated);
  EXPECT_EQ(step(id).remote_status, "indexing");
  EXPECT_EQ(step(id).effort.tries, 1u);
  lands(id, reply(R"({"_id":"remote1","status":"ready"})"));
  EXPECT_EQ(step(id).state, StepState::kReady);
}

TEST_F(AwaitStep, FailsAStepWhoseIndexingFailedAndKeepsItsId) {
  auto const id = index_step();
  lands(id, reply(R"({"_id":"remote1","status":"failed"})"));
  EXPECT_EQ(step(id).state, StepState::kFailed);
  EXPECT_EQ(step(id).reason, "indexing_failed");
  EXPECT_EQ(step(id).remote_id, "remote1");
}

TEST_F(AwaitStep, ReadsAnEntityAsAnEntity) {
  auto const id = entity_step(item_, 1);
  lands(id, reply(R"({"_id":"remote1","status":"processing","name":"ada"})"));
  EXPECT_EQ(step(id).state, StepState::kCreated);
  EXPECT_EQ(step(id).remote_status, "processing");
  lands(id, reply(R"({"_id":"remote1","status":"ready","name":"ada"})"));
  EXPECT_EQ(step(id).state, StepState::kReady);
}

TEST_F(AwaitStep, LooksForWhatIsGoneFailsForWhatIsRefusedAndRetriesAllElse) {
  auto const gone = index_step();
  lands(gone, fail(Fault::kGone, "404"));
  EXPECT_EQ(step(gone).state, StepState::kCreating);
  EXPECT_EQ(step(gone).remote_id, "");
  EXPECT_EQ(step(gone).intent.unknown_at, now);
  EXPECT_EQ(step(gone).effort.due_at, now + policy.limits.list_lag);
  auto const refused = put_step(item_, index_, StepState::kCreated, StepKind::kIndex, 2).id;
  lands(refused, fail(Fault::kRejected, "400", "parameter_invalid"));
  EXPECT_EQ(step(refused).reason, "parameter_invalid");
  auto const mute = put_step(item_, index_, StepState::kCreated, StepKind::kIndex, 3).id;
  lands(mute, fail(Fault::kRejected, "400"));
  EXPECT_EQ(step(mute).reason, "refused");
  auto const slow = put_step(item_, index_, StepState::kCreated, StepKind::kIndex, 4).id;
  lands(slow, fail(Fault::kTransient, "503"));
  EXPECT_EQ(step(slow).state, StepState::kCreated);
  lands(slow, reply("<html>"));
  EXPECT_EQ(step(slow).state, StepState::kCreated);
  EXPECT_EQ(step(slow).effort.attempts, 2u);
}

TEST_F(AwaitStep, LeavesAloneWhatWentOnMeanwhile) {
  auto const id = put_step(item_, index_, StepState::kFailed).id;
  lands(id, reply(R"({"_id":"remote1","status":"ready"})"));
  EXPECT_EQ(step(id).state, StepState::kFailed);
  lands(999, reply("{}"));
}

}  // namespace
}  // namespace sluice::stage

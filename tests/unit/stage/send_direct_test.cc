// SEND_DIRECT and LOOK_ASSET: a whole file in one call that is never repeated blindly.
#include "core/stage/send_direct.h"

#include <gmock/gmock.h>

#include "core/stage/look_asset.h"
#include "core/stage/moves.h"
#include "core/upload/leaves.h"
#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using budget::Errand;
using budget::Group;
using journal::ItemState;
using testing::HasSubstr;

class SendDirect : public StageTest {
 protected:
  // An item of that state and method; all have the same name on the platform.
  journal::ItemRow direct(ItemState state, std::int64_t number = 1) {
    auto const row = put_item(state, number);
    change(row, [](auto& item) {
      item.method = "direct";
      item.plan = Plan{.filename = "clip.mp4"}.to_json();
    });
    return item(row.id);
  }
  // Sent ten minutes ago, and no answer came.
  journal::ItemRow unknown(std::int64_t number = 1) {
    auto const row = direct(ItemState::kSending, number);
    change(row, [&](auto& item) {
      item.intent.at = now - 10min;
      item.intent.unknown_at = now;
      item.effort.due_at = now;
    });
    return item(row.id);
  }
  void sent(RowId item, Result<ports::Reply> answer, int mode = kTagged) {
    land({.errand = Errand::kSendDirect, .row = item, .item = item, .mode = mode}, std::move(answer), 100);
  }
  void looked(RowId item, Result<ports::Reply> answer, int page = 1) {
    land({.errand = Errand::kLookAsset, .row = item, .item = item, .page = page}, std::move(answer));
  }
  static ports::Reply page(std::string const& rows, int number = 1, int pages = 1) {
    return reply(R"({"data":[)" + rows + R"(],"page_info":{"page":)" + std::to_string(number) + R"(,"total_page":)" +
                 std::to_string(pages) + "}}");
  }
  std::string asset(std::string const& tag, Millis ago = 9min, std::string const& size = R"(,"size":100)") const {
    return R"({"_id":"found","status":"processing","filename":"clip.mp4","method":"direct","created_at":")" +
           to_rfc3339(now - ago) + R"(","user_metadata":{"client_op":")" + tag + "\"}" + size + "}";
  }
};

TEST_F(SendDirect, SendsAsManyAsThereAreSlots) {
  policy.files_max = 2;
  for (int i = 1; i <= 3; ++i) direct(ItemState::kStable, i);
  choose(choose_send_direct);
  EXPECT_EQ(left.size(), 2u);
  EXPECT_EQ(journal.count_items(ItemState::kSending), 2);
  choose(choose_send_direct);
  EXPECT_TRUE(left.empty());
}

TEST_F(SendDirect, LeavesOtherMethodsToTheirStage) {
  put_item(ItemState::kStable);
  choose(choose_send_direct);
  EXPECT_TRUE(left.empty());
}

TEST_F(SendDirect, SendsOneOfTwoThatCouldNotBeToldApart) {
  within([](Context& ctx) { metadata_refused(ctx); });
  direct(ItemState::kStable, 1);
  direct(ItemState::kStable, 2);
  auto const other = put_item(ItemState::kStable, 3);
  change(other, [](auto& row) { row.method = "direct"; });
  choose(choose_send_direct);
  EXPECT_EQ(left.size(), 2u);  // one of the twins, and the one of another name
  EXPECT_EQ(item(other.id).state, ItemState::kSending);
  EXPECT_EQ(traffic.flights(Errand::kSendDirect).at(0).second.mode, kUntagged);
}

TEST_F(SendDirect, SendsTwinsSideBySideWhereTheyCarryTags) {
  direct(ItemState::kStable, 1);
  direct(ItemState::kStable, 2);
  choose(choose_send_direct);
  EXPECT_EQ(left.size(), 2u);
  EXPECT_EQ(traffic.flights(Errand::kSendDirect).at(0).second.mode, kTagged);
}

TEST_F(SendDirect, SendsNothingOfAFileThatChanged) {
  auto const row = direct(ItemState::kStable);
  files.files[row.path].print.mtime_ns = 99;
  choose(choose_send_direct);
  EXPECT_TRUE(left.empty());
  EXPECT_EQ(item(row.id).state, ItemState::kSeen);
}

TEST_F(SendDirect, TakesTheAssetOfTheAnswer) {
  auto const row = direct(ItemState::kSending);
  sent(row.id, reply(R"({"_id":"new","status":"processing"})"));
  EXPECT_EQ(item(row.id).state, ItemState::kSent);
  EXPECT_EQ(item(row.id).asset_id, "new");
  EXPECT_EQ(item(row.id).bytes_sent, 100u);
  auto const quick = direct(ItemState::kSending, 2);
  sent(quick.id, reply(R"({"_id":"new2","status":"ready"})"));
  EXPECT_EQ(item(quick.id).state, ItemState::kAssetReady);
}

TEST_F(SendDirect, KnowsTheContentKeyOnceAllBytesHaveLeft) {
  auto const row = direct(ItemState::kSending);
  auto const body =
      reader.read(*files.open("", row.path), {.admitted = row.print, .length_bytes = row.print.size_bytes});
  budget::Flight const flight{
      .errand = Errand::kSendDirect, .row = row.id, .item = row.id, .mode = kTagged, .body = body};
  land(flight, fail(Fault::kOutcomeUnknown, "the connection was cut"), 0);
  EXPECT_EQ(item(row.id).content_key, "") << "no byte was read";
  std::array<std::byte, 64> bytes{};
  while (body->read(bytes)->value() > 0) {
  }
  land(flight, fail(Fault::kOutcomeUnknown, "the answer was lost"), 100);
  upload::ContentKey key(row.print.size_bytes);
  key.add(*body->leaf_hashes());
  ASSERT_TRUE(key.hex());
  EXPECT_EQ(item(row.id).content_key, key.hex());
}

TEST_F(SendDirect, AnAnswerThatSaysNothingIsNoAnswer) {
  auto const row = direct(ItemState::kSending);
  sent(row.id, reply("<html>"));
  EXPECT_EQ(item(row.id).state, ItemState::kSending);
  EXPECT_TRUE(item(row.id).intent.unknown_at);
}

TEST_F(SendDirect, GoesByAnUploadSessionWhereItIsTooLarge) {
  auto const row = direct(ItemState::kSending);
  sent(row.id, fail(Fault::kRejected, "400", "media_filesize_too_large"));
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
  EXPECT_EQ(item(row.id).method, "multipart");
}

TEST_F(SendDirect, TriesAgainWithoutTheTagThatWasRefused) {
  auto const row = direct(ItemState::kSending);
  sent(row.id, fail(Fault::kRejected, "400", "parameter_unknown"));
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
  auto const untagged = direct(ItemState::kSending, 2);
  sent(untagged.id, fail(Fault::kRejected, "400", "parameter_unknown"), kUntagged);
  EXPECT_EQ(item(untagged.id).reason, "parameter_unknown");
}

TEST_F(SendDirect, TriesAnUnclearRefusalTwiceMore) {
  auto const row = direct(ItemState::kSending);
  for (int i = 0; i < 2; ++i) {
    sent(row.id, fail(Fault::kRejected, "400", "parameter_invalid"));
    ASSERT_EQ(item(row.id).state, ItemState::kStable) << i;
    change(item(row.id), [&](auto& again) {
      again.state = ItemState::kSending;
      again.intent.at = now;
    });
  }
  sent(row.id, fail(Fault::kRejected, "400", "parameter_invalid"));
  EXPECT_EQ(item(row.id).reason, "parameter_invalid");
}

TEST_F(SendDirect, FailsForWhatNoRetryMends) {
  auto const mute = direct(ItemState::kSending, 1);
  sent(mute.id, fail(Fault::kRejected, "400"));
  EXPECT_EQ(item(mute.id).reason, "refused");
  auto const gone = direct(ItemState::kSending, 2);
  sent(gone.id, fail(Fault::kGone, "404", "not_found"));
  EXPECT_EQ(item(gone.id).reason, "not_found");
  auto const slow = direct(ItemState::kSending, 3);
  sent(slow.id, fail(Fault::kThrottled, "429"));
  EXPECT_EQ(item(slow.id).state, ItemState::kStable);
}

TEST_F(SendDirect, ABodyThatWasCutMadeNothing) {
  auto const changed = direct(ItemState::kSending, 1);
  files.files[changed.path].print.mtime_ns = 99;
  sent(changed.id, fail(Fault::kSourceChanged, "it changed"));
  EXPECT_EQ(item(changed.id).state, ItemState::kSeen);
  auto const unread = direct(ItemState::kSending, 2);
  sent(unread.id, fail(Fault::kSourceIo, "EIO"));
  EXPECT_EQ(item(unread.id).state, ItemState::kStable);
  EXPECT_EQ(item(unread.id).reason, "source_io");
}

TEST_F(SendDirect, LeavesAnItemAloneThatWentOn) {
  auto const row = direct(ItemState::kStable);
  sent(row.id, reply(R"({"_id":"new","status":"processing"})"));
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
  EXPECT_EQ(item(row.id).bytes_sent, 0u);
  sent(999, reply("{}"));
}

TEST_F(SendDirect, LooksForWhatIsUnknownOnceAtATime) {
  direct(ItemState::kSending, 1);
  auto const row = unknown(2);
  choose(choose_look_asset);
  EXPECT_EQ(left.size(), 1u);
  EXPECT_THAT(target(), HasSubstr("filename=clip.mp4"));
  EXPECT_TRUE(traffic.busy(Errand::kLookAsset, row.id));
  choose(choose_look_asset);
  EXPECT_TRUE(left.empty());
}

TEST_F(SendDirect, WaitsWithTheLookWhileItsGroupIsPaused) {
  unknown();
  traffic.throttled(Group::kAssets, now, now + 1s);
  choose(choose_look_asset);
  EXPECT_TRUE(left.empty());
}

TEST_F(SendDirect, AdoptsTheAssetThatCarriesItsTag) {
  auto const row = unknown();
  looked(row.id, page(asset(row.client_op)));
  EXPECT_EQ(item(row.id).state, ItemState::kSent);
  EXPECT_EQ(item(row.id).asset_id, "found");
}

TEST_F(SendDirect, ReadsOnUntilTheListReachesBackBeyondTheAttempt) {
  auto const row = unknown();
  looked(row.id, page(asset("other", 15min), 1, 2));  // the attempt, less the slack for clocks
  EXPECT_THAT(target(), HasSubstr("page=2"));
  EXPECT_EQ(item(row.id).intent.looks, 0u);
  looked(row.id, page(asset("other", 15min + 1s), 1, 2));
  EXPECT_TRUE(left.empty());
  EXPECT_EQ(item(row.id).intent.looks, 1u);
}

TEST_F(SendDirect, IsSentAgainOnlyAfterTwoEmptyLooksTheLateEffectAndTheListLag) {
  auto const row = unknown();
  looked(row.id, page(""));
  EXPECT_EQ(item(row.id).state, ItemState::kSending);
  EXPECT_EQ(item(row.id).effort.due_at, now + policy.limits.late_effect + policy.limits.list_lag);
  now += policy.limits.late_effect + policy.limits.list_lag - 1ms;
  looked(row.id, page(""));
  EXPECT_EQ(item(row.id).state, ItemState::kSending);
  now += 1ms;
  looked(row.id, page(""));
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
}

TEST_F(SendDirect, GivesUpWhenTheLastAttemptWasLostToo) {
  policy.retry_attempts = 2;
  auto const row = unknown();
  change(row, [&](auto& last) {
    last.effort.attempts = 2;
    last.intent.looks = 1;
    last.intent.unknown_at = now - policy.limits.late_effect - policy.limits.list_lag;
  });
  looked(row.id, page(""));
  EXPECT_EQ(item(row.id).state, ItemState::kFailed);
  EXPECT_EQ(item(row.id).reason, "outcome_unknown");
}

TEST_F(SendDirect, WaitsForTheSizeOfAnAssetThatMayBeIts) {
  within([](Context& ctx) { metadata_refused(ctx); });
  auto const row = unknown();
  looked(row.id, page(asset("", 9min, "")));
  EXPECT_EQ(item(row.id).state, ItemState::kSending);
  EXPECT_EQ(item(row.id).effort.due_at, now + policy.poll_min);
  EXPECT_EQ(item(row.id).intent.looks, 0u);
}

TEST_F(SendDirect, ALookThatFailedChargesNobodyAndSaysNothing) {
  auto const row = unknown();
  looked(row.id, fail(Fault::kTransient, "503"));
  looked(row.id, reply("<html>"));
  EXPECT_EQ(item(row.id).state, ItemState::kSending);
  EXPECT_EQ(item(row.id).effort.attempts, 0u);
  EXPECT_EQ(item(row.id).effort.tries, 2u);
  EXPECT_EQ(item(row.id).intent.looks, 0u);
}

TEST_F(SendDirect, ALookForWhatIsKnownChangesNothing) {
  auto const known = direct(ItemState::kSending);
  looked(known.id, page(asset(known.client_op)));
  EXPECT_EQ(item(known.id).state, ItemState::kSending);
  auto const over = put_item(ItemState::kCancelled, 2);
  looked(over.id, page(asset(over.client_op)));
  EXPECT_EQ(item(over.id).state, ItemState::kCancelled);
  looked(999, page(""));
}

// Without tags: what tells an asset from ours, one thing at a time.
class UntaggedMatch : public testing::Test {
 protected:
  platform::Asset asset_{
      .id = "1", .filename = "a.jpg", .method = "direct", .size_bytes = 7, .created_at = kNoon, .client_op = {}};
  SoughtAsset sought_{.client_op = "T", .filename = "a.jpg", .size_bytes = 7, .not_before = kNoon, .tagged = false};
  AssetMatch match() const {
    return match_asset(std::span(&asset_, 1), sought_, [](auto const&) { return false; });
  }
};

TEST_F(UntaggedMatch, FitsFromTheVeryMomentOfTheAttemptOn) {
  EXPECT_TRUE(match().found);
  EXPECT_FALSE(match().passed_attempt);
  asset_.created_at = kNoon - 1ms;
  EXPECT_FALSE(match().found);
  EXPECT_TRUE(match().passed_attempt);
}

TEST_F(UntaggedMatch, FitsNoneOfAnotherNameMethodOrSize) {
  asset_.filename = "b.jpg";
  EXPECT_FALSE(match().found);
  asset_.filename = "a.jpg";
  asset_.method = "multipart";
  EXPECT_FALSE(match().found);
  asset_.method = "direct";
  asset_.size_bytes = 8;
  EXPECT_FALSE(match().found);
  EXPECT_FALSE(match().undecided);
}

TEST_F(UntaggedMatch, FitsNoneWithoutATimeOrWithATagOfSomebodyElse) {
  asset_.created_at.reset();
  EXPECT_FALSE(match().found);
  EXPECT_FALSE(match().passed_attempt);
  asset_.created_at = kNoon;
  asset_.client_op = "other";
  EXPECT_FALSE(match().found);
}

TEST_F(UntaggedMatch, AnEmptyTagIsNobodysTag) {
  sought_ = {.client_op = "", .filename = "b.jpg", .size_bytes = 7, .not_before = kNoon, .tagged = true};
  EXPECT_FALSE(match().found);
}

TEST_F(UntaggedMatch, TakesOneThatIsReadyWithoutASizeAsItIs) {
  asset_.size_bytes.reset();
  asset_.state = platform::Asset::State::kReady;
  EXPECT_TRUE(match().found);
  EXPECT_FALSE(match().undecided);
}

}  // namespace
}  // namespace sluice::stage

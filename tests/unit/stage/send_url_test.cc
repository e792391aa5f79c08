// SEND_URL: one call that tells the platform a URL, and what becomes of its refusals.
#include "core/stage/send_url.h"

#include <gmock/gmock.h>

#include "core/stage/gone.h"
#include "core/stage/look_asset.h"
#include "core/stage/moves.h"
#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using budget::Errand;
using journal::ItemState;
using testing::HasSubstr;

class SendUrl : public StageTest {
 protected:
  journal::ItemRow by_url(ItemState state, std::int64_t number = 1) {
    auto row = journal::url_item_in(state, number);
    row.kind = "video";
    row.plan = Plan{.filename = "clip.mp4"}.to_json();
    row.client_op = row.ulid + ".1";
    row.id = put(row);
    return row;
  }
  void landed(RowId item, Result<ports::Reply> answer, int mode = kTagged) {
    land({.errand = Errand::kSendUrl, .row = item, .item = item, .mode = mode}, std::move(answer));
  }
  void refused(RowId item, Fault fault, std::string code) { landed(item, fail(fault, "HTTP 400 " + code, code)); }
};

TEST_F(SendUrl, WritesTheIntentAndLetsTheUrlLeaveInTheBodyOnly) {
  auto const row = by_url(ItemState::kStable);
  choose(choose_send_url);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(target(), "/assets");
  EXPECT_THAT(left[0].text_body, HasSubstr(row.url.reveal_for_wire()));
  EXPECT_THAT(left[0].text_body, HasSubstr(item(row.id).client_op));
  EXPECT_EQ(item(row.id).state, ItemState::kSending);
  EXPECT_EQ(item(row.id).intent.at, now);
  EXPECT_FALSE(log.tells("secret"));
  choose(choose_send_url);
  EXPECT_TRUE(left.empty());
}

TEST_F(SendUrl, TakesASlotLikeAFile) {
  policy.files_max = 2;
  for (int i = 1; i <= 3; ++i) by_url(ItemState::kStable, i);
  choose(choose_send_url);
  EXPECT_EQ(left.size(), 2u);
}

TEST_F(SendUrl, LeavesFilesToTheirStages) {
  put_item(ItemState::kStable);
  choose(choose_send_url);
  EXPECT_TRUE(left.empty());
}

TEST_F(SendUrl, TakesTheAssetOfTheAnswer) {
  auto const row = by_url(ItemState::kSending);
  landed(row.id, reply(R"({"_id":"new","status":"processing","method":"url"})", 201));
  EXPECT_EQ(item(row.id).state, ItemState::kSent);
  EXPECT_EQ(item(row.id).asset_id, "new");
  EXPECT_EQ(item(row.id).bytes_acked, 0u) << "no byte of it went through here";
  EXPECT_FALSE(item(row.id).url.empty()) << "the asset may be lost yet";
}

TEST_F(SendUrl, LooksForALostAnswerByItsTagBeforeItIsSentAgain) {
  auto const row = by_url(ItemState::kSending);
  landed(row.id, fail(Fault::kOutcomeUnknown, "the connection was cut"));
  EXPECT_EQ(item(row.id).state, ItemState::kSending);
  choose(choose_send_url);
  EXPECT_TRUE(left.empty());
  choose(choose_look_asset);
  EXPECT_THAT(target(), HasSubstr("filename=clip.mp4"));
  auto const found =
      R"({"data":[{"_id":"found","status":"processing","filename":"clip.mp4","method":"url","created_at":")" +
      to_rfc3339(now) + R"(","user_metadata":{"client_op":")" + row.client_op +
      R"("}}],"page_info":{"page":1,"total_page":1}})";
  land({.errand = Errand::kLookAsset, .row = row.id, .item = row.id, .page = 1}, reply(found));
  EXPECT_EQ(item(row.id).state, ItemState::kSent);
  EXPECT_EQ(item(row.id).asset_id, "found");
}

TEST_F(SendUrl, TriesAnUnreachableUrlAgainAfterLongPausesAndThenFails) {
  policy.retry_attempts = 3;
  auto const row = by_url(ItemState::kSending);
  for (int attempt = 1; attempt < 3; ++attempt) {
    refused(row.id, Fault::kTransient, "media_url_not_accessible");
    auto const waiting = item(row.id);
    EXPECT_EQ(waiting.state, ItemState::kStable);
    EXPECT_EQ(waiting.reason, "media_url_not_accessible");
    EXPECT_GE(waiting.effort.due_at, now + policy.retry_max);
    now = *waiting.effort.due_at;
    choose(choose_send_url);
    EXPECT_EQ(left.size(), 1u);
  }
  refused(row.id, Fault::kTransient, "media_url_not_accessible");
  EXPECT_EQ(item(row.id).state, ItemState::kFailed);
  EXPECT_EQ(item(row.id).reason, "media_url_not_accessible");
}

TEST_F(SendUrl, TriesABrokenFileOnceMore) {
  auto const row = by_url(ItemState::kSending);
  refused(row.id, Fault::kTransient, "media_url_file_broken");
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
  now = *item(row.id).effort.due_at;
  choose(choose_send_url);
  refused(row.id, Fault::kTransient, "media_url_file_broken");
  EXPECT_EQ(item(row.id).state, ItemState::kFailed);
  EXPECT_EQ(item(row.id).reason, "media_url_file_broken");
}

TEST_F(SendUrl, FailsAtOnceOnWhatNoRetryMends) {
  std::int64_t number = 0;
  for (auto const* code : {"media_url_unsupported_format", "media_filesize_too_large", "parameter_invalid", ""}) {
    auto const row = by_url(ItemState::kSending, ++number);
    refused(row.id, Fault::kRejected, code);
    EXPECT_EQ(item(row.id).state, ItemState::kFailed) << code;
    EXPECT_EQ(item(row.id).reason, std::string(code).empty() ? "refused" : code);
    EXPECT_FALSE(item(row.id).url.empty()) << "a retry needs it";
  }
}

TEST_F(SendUrl, WaitsForEverybodysTroubleWithoutACharge) {
  auto const row = by_url(ItemState::kSending);
  landed(row.id, fail(Fault::kOffline, "connect: refused"));
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
  EXPECT_EQ(item(row.id).effort.attempts, 0u);
}

TEST_F(SendUrl, IsMadeAgainWithoutTheMetadataThatIsRefused) {
  auto const row = by_url(ItemState::kSending);
  refused(row.id, Fault::kRejected, "parameter_unknown");
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
  choose(choose_send_url);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].text_body.find("user_metadata"), std::string::npos);
}

TEST_F(SendUrl, FailsForAPersonWhenTheSignatureEndedBeforeItsTurn) {
  auto row = by_url(ItemState::kStable);
  change(row, [&](auto& changed) {
    changed.url = SecretUrl("https://media.example/clip1.mp4?Signature=secret&Expires=" +
                            std::to_string(to_unix_ms(now + 10s) / 1000));
  });
  EXPECT_TRUE(is_usable(item(row.id).url, now + 9s));
  now += 10s;
  choose(choose_send_url);
  EXPECT_TRUE(left.empty());
  auto const failed = item(row.id);
  EXPECT_EQ(failed.state, ItemState::kFailed);
  EXPECT_EQ(failed.reason, kNeedsNewUrl);
  EXPECT_THAT(failed.effort.last_error, HasSubstr("ended at " + to_rfc3339(now)));
  EXPECT_TRUE(failed.url.empty());
}

TEST_F(SendUrl, NeedsNewUrlWhereTheOldOneIsNotKept) {
  auto const row = by_url(ItemState::kStable);
  change(row, [](auto& changed) { changed.url = {}; });
  choose(choose_send_url);
  EXPECT_EQ(item(row.id).reason, kNeedsNewUrl);
}

TEST_F(SendUrl, IsSentAgainWhenItsAssetIsLost) {
  auto const row = by_url(ItemState::kSent);
  within([&](Context& ctx) { upload_again(ctx, item(row.id), "the platform no longer has the asset"); });
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
  EXPECT_EQ(item(row.id).generation, 2);
  choose(choose_send_url);
  EXPECT_EQ(left.size(), 1u);
}

// Without tags, and without a size: name, method and time are all there is.
TEST(UntaggedUrl, MatchesOneOfItsMethodWhateverItsSize) {
  platform::Asset asset{
      .id = "1", .filename = "a.mp4", .method = "url", .size_bytes = 7, .created_at = kNoon, .client_op = {}};
  SoughtAsset sought{.client_op = "t",
                     .filename = "a.mp4",
                     .size_bytes = std::nullopt,
                     .not_before = kNoon - 1s,
                     .tagged = false,
                     .method = "url"};
  auto const nobody = [](std::string const&) { return false; };
  EXPECT_NE(match_asset({&asset, 1}, sought, nobody).found, nullptr);
  asset.size_bytes.reset();
  EXPECT_NE(match_asset({&asset, 1}, sought, nobody).found, nullptr);
  asset.method = "direct";
  EXPECT_EQ(match_asset({&asset, 1}, sought, nobody).found, nullptr);
}

}  // namespace
}  // namespace sluice::stage

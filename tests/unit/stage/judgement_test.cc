// The stages' pure decisions: ETags, failed PUTs, found assets, known files, limits.
#include <gtest/gtest.h>

#include "core/base/text.h"
#include "core/stage/admit.h"
#include "core/stage/create_step.h"
#include "core/stage/discover.h"
#include "core/stage/look_asset.h"
#include "core/stage/open_session.h"
#include "core/stage/plan.h"
#include "core/stage/put_chunk.h"
#include "core/stage/resolve_named.h"
#include "core/stage/send_direct.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;

auto const kNoon = from_unix_ms(1'800'000'000'000);
std::string const kMd5 = "900150983cd24fb0d6963f7d28e17f72";

platform::StoredChunk etag(std::string text) { return {.etag = std::move(text), .may_be_md5 = true}; }

TEST(JudgeEtag, AcceptsTheMd5InAnyCase) {
  EXPECT_EQ(judge_etag(etag("900150983CD24FB0D6963F7D28E17F72"), kMd5, EtagTrust::kUnknown, 0), EtagVerdict::kAccept);
}

TEST(JudgeEtag, AcceptsWhatCannotBeAnMd5) {
  EXPECT_EQ(judge_etag({.etag = "abc-2", .may_be_md5 = false}, kMd5, EtagTrust::kMatched, 1), EtagVerdict::kAccept);
}

TEST(JudgeEtag, SendsOnceMoreAfterTheFirstMismatch) {
  EXPECT_EQ(judge_etag(etag(std::string(32, '0')), kMd5, EtagTrust::kMatched, 0), EtagVerdict::kPutAgain);
  EXPECT_EQ(judge_etag(etag(std::string(32, '0')), kMd5, EtagTrust::kUnknown, 0), EtagVerdict::kPutAgain);
}

TEST(JudgeEtag, CallsTheSecondMismatchCorruptOnlyWhereTheHostMatchedBefore) {
  EXPECT_EQ(judge_etag(etag(std::string(32, '0')), kMd5, EtagTrust::kMatched, 1), EtagVerdict::kCorrupt);
  EXPECT_EQ(judge_etag(etag(std::string(32, '0')), kMd5, EtagTrust::kUnknown, 1), EtagVerdict::kHostOpaque);
  EXPECT_EQ(judge_etag(etag(std::string(32, '0')), kMd5, EtagTrust::kOpaque, 1), EtagVerdict::kAccept);
}

TEST(FailedPut, AsksForANewUrlWithoutSpendingAnAttempt) {
  auto const chunk = after_failed_put({.attempts = 3}, Error{Fault::kUrlExpired, "403"}, Policy{}, kNoon, 0.5);
  EXPECT_EQ(chunk.state, journal::ChunkState::kNeedsUrl);
  EXPECT_EQ(chunk.attempts, 3u);
  EXPECT_EQ(chunk.due_at, kNoon);
}

TEST(FailedPut, PaysForUrlsThatAreRefusedAgainAndAgain) {
  auto const chunk = after_failed_put({.refusals = 3}, Error{Fault::kUrlExpired, "403"}, Policy{}, kNoon, 0.5);
  EXPECT_EQ(chunk.attempts, 1u);
  EXPECT_GT(chunk.due_at, kNoon);
}

TEST(RenewAt, LeavesAShortLivedUrlOfUse) {
  EXPECT_EQ(renew_at(kNoon, kNoon + 1h, 5min), kNoon + 55min);
  EXPECT_EQ(renew_at(kNoon, kNoon + 8s, 5min), kNoon + 6s);
}

platform::Asset asset(std::string id, std::string tag) {
  return {.id = std::move(id),
          .filename = "a.jpg",
          .method = "direct",
          .size_bytes = 7,
          .created_at = kNoon,
          .client_op = std::move(tag)};
}
SoughtAsset sought(bool tagged) {
  return {.client_op = "T", .filename = "a.jpg", .size_bytes = 7, .not_before = kNoon - 5min, .tagged = tagged};
}
bool nobody(std::string const&) { return false; }

TEST(MatchAsset, KnowsItsOwnByTheOperationTag) {
  std::vector const assets = {asset("1", "other"), asset("2", "T")};
  auto const match = match_asset(assets, sought(true), nobody);
  ASSERT_NE(match.found, nullptr);
  EXPECT_EQ(match.found->id, "2");
}

TEST(MatchAsset, TakesNoUntaggedOneWhereThePlatformKeepsTags) {
  std::vector const assets = {asset("1", "")};
  EXPECT_EQ(match_asset(assets, sought(true), nobody).found, nullptr);
}

TEST(MatchAsset, WithoutTagsTakesTheOneWhoseNameTimeAndSizeFit) {
  std::vector const assets = {asset("1", "")};
  EXPECT_NE(match_asset(assets, sought(false), nobody).found, nullptr);
  EXPECT_EQ(match_asset(assets, sought(false), [](auto const&) { return true; }).found, nullptr);
}

TEST(MatchAsset, WithoutTagsTakesNoneOfTwo) {
  std::vector const assets = {asset("1", ""), asset("2", "")};
  EXPECT_EQ(match_asset(assets, sought(false), nobody).found, nullptr);
}

TEST(MatchAsset, WaitsForTheSizeOfAnUntaggedOne) {
  auto processing = asset("1", "");
  processing.size_bytes.reset();
  std::vector const assets = {processing};
  auto const match = match_asset(assets, sought(false), nobody);
  EXPECT_TRUE(match.undecided);
  EXPECT_EQ(match.found, nullptr);
}

TEST(MatchAsset, SaysWhenThePageReachesBackBeyondTheAttempt) {
  auto old = asset("1", "x");
  old.created_at = kNoon - 1h;
  std::vector const assets = {old};
  EXPECT_TRUE(match_asset(assets, sought(true), nobody).passed_attempt);
}

TEST(PickNamed, ComparesNamesExactlyAndTakesTheOldest) {
  std::vector<platform::Named> const rows = {
      {"1", "Cast 2", kNoon - 3h}, {"2", "Cast", kNoon}, {"3", "Cast", kNoon - 1h}, {"4", "cast", kNoon - 2h}};
  ASSERT_NE(pick_named(rows, "Cast"), nullptr);
  EXPECT_EQ(pick_named(rows, "Cast")->id, "3");
  EXPECT_EQ(pick_named(rows, "Ca"), nullptr);
}

TEST(PickIndexedAsset, TakesTheOldestOfThisIndexOnly) {
  std::vector<platform::IndexedAsset> rows(3);
  rows[0] = {.id = "1", .asset_id = "", .index_id = "other", .status_word = "", .created_at = kNoon - 2h};
  rows[1] = {.id = "2", .asset_id = "", .index_id = "here", .status_word = "", .created_at = kNoon};
  rows[2] = {.id = "3", .asset_id = "", .index_id = "here", .status_word = "", .created_at = kNoon - 1h};
  ASSERT_NE(pick_indexed_asset(rows, "here", "a"), nullptr);
  EXPECT_EQ(pick_indexed_asset(rows, "here", "a")->id, "3");
}

journal::ItemRow known(journal::ItemState state) {
  journal::ItemRow row;
  row.state = state;
  row.print = {.size_bytes = 7, .mtime_ns = 1, .ctime_ns = 1, .inode = 1, .device = 1};
  return row;
}

TEST(KnownFile, IsNotSentAgainForAChangedCtimeAlone) {
  auto fresh = known(journal::ItemState::kDone).print;
  fresh.ctime_ns = 99;
  EXPECT_EQ(compare(known(journal::ItemState::kDone), fresh), Known::kSame);
}

TEST(KnownFile, OfOtherContentAfterItsEndIsANewItem) {
  auto fresh = known(journal::ItemState::kDone).print;
  fresh.mtime_ns = 99;
  EXPECT_EQ(compare(known(journal::ItemState::kDone), fresh), Known::kReplaced);
  EXPECT_EQ(compare(known(journal::ItemState::kFailed), fresh), Known::kRepaired);
  EXPECT_EQ(compare(known(journal::ItemState::kOpened), fresh), Known::kSame);
}

TEST(KnownFile, MadeReadableGoesOn) {
  auto row = known(journal::ItemState::kFailed);
  auto fresh = row.print;
  fresh.ctime_ns = 99;
  EXPECT_EQ(compare(row, fresh), Known::kSame);
  row.reason = "unreadable";
  EXPECT_EQ(compare(row, fresh), Known::kRepaired);
}

TEST(KnownFile, ThatWasAwayAndIsThereAgainGoesOn) {
  auto skipped = known(journal::ItemState::kSkipped);
  skipped.reason = "vanished";
  EXPECT_EQ(compare(skipped, skipped.print), Known::kBack);
  auto failed = known(journal::ItemState::kFailed);
  failed.reason = "source_gone";
  EXPECT_EQ(compare(failed, failed.print), Known::kBack);
}

TEST(Limits, NameTheStrictestStepOfThePipeline) {
  Policy const policy;
  Plan plan;
  EXPECT_FALSE(broken_limit(policy, plan, "video", 5 * kGB));
  plan.steps.push_back({.kind = journal::StepKind::kIndex, .name = "footage"});
  auto const broken = broken_limit(policy, plan, "video", 5 * kGB);
  ASSERT_TRUE(broken);
  EXPECT_NE(broken->find("index step"), std::string::npos) << *broken;
  EXPECT_TRUE(broken_limit(policy, Plan{}, "image", 33 * kMB));
}

TEST(Method, IsDirectUpToTheLimitOfOneRequest) {
  Policy const policy;
  EXPECT_EQ(method_for(policy, "video", 16 * kMiB), "direct");
  EXPECT_EQ(method_for(policy, "video", 16 * kMiB + 1), "multipart");
}

TEST(Plan, SurvivesTheJournal) {
  Plan plan{.filename = "a\"b.mp4", .enable_hls = true, .enable_thumbnail = false, .metadata_json = R"({"k":1})"};
  plan.steps.push_back(
      {.kind = journal::StepKind::kEntity, .name = "Ann", .collection = "Cast", .existing = Existing::kFail});
  auto const again = read_plan(plan.to_json());
  EXPECT_EQ(again.to_json(), plan.to_json());
  EXPECT_EQ(again.steps.at(0).collection, "Cast");
}

TEST(Plan, ReadsWhatAnEarlierVersionDidNotWriteAsEmpty) {
  auto const plan = read_plan(R"({"filename":"a","metadata":7,"steps":[{"kind":"index","name":"films"}]})");
  EXPECT_EQ(plan.filename, "a");
  EXPECT_EQ(plan.metadata_json, "");
  EXPECT_FALSE(plan.enable_hls);
  EXPECT_EQ(plan.steps.at(0).name, "films");
  EXPECT_EQ(plan.steps.at(0).collection, "");
}

TEST(Plan, KeepsNamesAsTheyAreUnlessThePlatformCouldNotReadThem) {
  PipelinePolicy pipeline{.name = "cast", .kinds = {"image"}, .filename = *parse_template("{name}")};
  pipeline.entity =
      EntityWish{.collection = "cast", .name = *parse_template("{stem}"), .description = {}, .metadata = {}};
  auto const named = [&](std::string const& file) {
    return make_plan(pipeline, template_values("drop", file, "host", kNoon))->steps.at(0).name;
  };
  EXPECT_EQ(named("a\nb.jpg"), "a\nb");
  EXPECT_EQ(named("Zo\xc3\xab.jpg"), "Zo\xc3\xab");
  EXPECT_EQ(named("Zo\xeb.jpg"), printable("Zo\xeb"));
}

TEST(Plan, CarriesTheOperationTagBesideTheOperatorsMetadata) {
  EXPECT_EQ(with_operation_tag(R"({"site":"north"})", "X.1"), R"({"site":"north","client_op":"X.1"})");
}

}  // namespace
}  // namespace sluice::stage

// Why an item is where it is, in words.
#include "core/stage/why.h"

#include <gmock/gmock.h>

namespace sluice::stage {
namespace {

using journal::ItemRow;
using journal::ItemState;
using journal::SessionRow;
using journal::StepKind;
using journal::StepRow;
using journal::StepState;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

WallTime const kNow = *parse_rfc3339("2026-11-22T03:00:00Z");
WallTime const kLater = kNow + std::chrono::minutes(4);

ItemRow item(ItemState state) {
  ItemRow row;
  row.ulid = "01J9ZK3Q0000000000000000AB";
  row.state = state;
  row.print.size_bytes = 1000;
  row.quiet_since = kNow - std::chrono::seconds(3);
  row.effort.due_at = kNow;
  return row;
}

StepRow step(StepKind kind, StepState state) {
  StepRow row;
  row.ordinal = 1;
  row.kind = kind;
  row.state = state;
  row.effort.due_at = kNow;
  return row;
}

Why why_of(ItemRow const& row, std::vector<StepRow> const& steps = {}, Surroundings const& around = {},
           std::optional<SessionRow> const& session = std::nullopt) {
  auto const found = why(row, steps, session, around, kNow);
  EXPECT_TRUE(found) << "no reason in state " << word(row.state);
  return found.value_or(Why{});
}

TEST(Why, HasNothingToSayOfAnItemThatIsDone) { EXPECT_FALSE(why(item(ItemState::kDone), {}, std::nullopt, {}, kNow)); }

TEST(Why, HasAReasonForEveryStateThatIsNotDone) {
  for (int i = 0; i <= static_cast<int>(ItemState::kSkipped); ++i) {
    auto const state = static_cast<ItemState>(i);
    if (state == ItemState::kDone) continue;
    auto row = item(state);
    if (state == ItemState::kFailed) row.reason = "rejected";
    if (state == ItemState::kSkipped) row.reason = "duplicate";
    auto const reason = why_of(row);
    EXPECT_FALSE(reason.code.empty()) << word(state);
    EXPECT_FALSE(reason.text.empty()) << word(state);
    EXPECT_FALSE(reason.text.ends_with('.')) << reason.text;
  }
}

TEST(Why, SaysHowLongAFileHasBeenQuietAndWhenItIsLookedAtAgain) {
  auto row = item(ItemState::kSeen);
  row.effort.due_at = kLater;
  auto const reason = why_of(row);
  EXPECT_EQ(reason.code, "settling");
  EXPECT_THAT(reason.text, HasSubstr("quiet for 3 s"));
  EXPECT_EQ(reason.until, kLater);
}

TEST(Why, NamesWhatKeepsAFileFromSettling) {
  auto row = item(ItemState::kSeen);
  row.reason = "being_written";
  EXPECT_THAT(why_of(row).text, HasSubstr("open for writing"));
  row.reason = "source_removed";
  EXPECT_FALSE(why_of(row).heals);
  EXPECT_THAT(why_of(row).remedy, HasSubstr("sluice cancel " + row.ulid));
}

TEST(Why, BlamesTheKeyBeforeAnythingElse) {
  auto row = item(ItemState::kCompleted);
  row.effort.last_error = "500";
  row.effort.due_at = kLater;
  auto const reason = why_of(row, {}, {.key_refused_since = kNow, .offline_since = kNow});
  EXPECT_EQ(reason.code, "key_refused");
  EXPECT_EQ(reason.whose, "key");
  EXPECT_FALSE(reason.heals);
  EXPECT_FALSE(reason.remedy.empty());
}

TEST(Why, LetsFilesSettleWhateverThePlatformDoes) {
  EXPECT_EQ(why_of(item(ItemState::kSeen), {}, {.key_refused_since = kNow, .offline_since = kNow}).code, "settling");
}

TEST(Why, SaysSinceWhenThePlatformIsOutOfReachAndThatItHeals) {
  auto const reason = why_of(item(ItemState::kOpened), {}, {.offline_since = kNow});
  EXPECT_EQ(reason.code, "offline");
  EXPECT_THAT(reason.text, HasSubstr("2026-11-22T03:00:00Z"));
  EXPECT_TRUE(reason.heals);
}

TEST(Why, SaysHowAnOutageShowed) {
  auto const offline =
      why_of(item(ItemState::kOpened), {}, {.offline_since = kNow, .offline_text = "connect to h: Connection refused"});
  EXPECT_THAT(offline.text, HasSubstr("Connection refused"));
  Surroundings const lost{.storage_lost_since = kNow, .storage_text = "resolve s: no address"};
  auto const storage = why_of(item(ItemState::kOpened), {}, lost);
  EXPECT_EQ(storage.code, "storage_unreachable");
  EXPECT_EQ(storage.whose, "network");
  EXPECT_THAT(storage.text, HasSubstr("resolve s: no address"));
  EXPECT_EQ(why_of(item(ItemState::kStable), {}, lost).code, "queued") << "its session can be opened all the same";
}

TEST(Why, BlamesThePlatformForWhatFailsForAll) {
  Surroundings const around{.failing_since = {{std::string(kGroupStorage), kNow}}};
  auto const outage = why_of(item(ItemState::kOpened), {}, around);
  EXPECT_EQ(outage.code, "outage");
  EXPECT_EQ(outage.whose, "platform");
  EXPECT_TRUE(outage.heals);
  EXPECT_THAT(outage.text, HasSubstr("storage have failed one after the other since 2026-11-22T03:00:00Z"));
  EXPECT_EQ(why_of(item(ItemState::kStable), {}, around).code, "queued");
  Surroundings const indexing{.failing_since = {{std::string(kGroupIndexing), kNow}}};
  EXPECT_EQ(why_of(item(ItemState::kAssetReady), {step(StepKind::kIndex, StepState::kWaiting)}, indexing).code,
            "outage");
}

TEST(Why, NamesTheQuotaGroupThatIsPausedAndUntilWhen) {
  Surroundings const around{.paused_until = {{std::string(kGroupIndexing), kLater}}};
  auto const row = item(ItemState::kAssetReady);
  auto const paused = why_of(row, {step(StepKind::kIndex, StepState::kWaiting)}, around);
  EXPECT_EQ(paused.code, "throttled");
  EXPECT_THAT(paused.text, HasSubstr("indexing"));
  EXPECT_EQ(paused.until, kLater);
  EXPECT_NE(why_of(row, {step(StepKind::kEntity, StepState::kWaiting)}, around).code, "throttled");
  EXPECT_NE(why_of(item(ItemState::kStable), {}, around).code, "throttled");
}

TEST(Why, SaysHowFastTheLineMovesSinceThePlatformRefusedCalls) {
  Surroundings const around{.calls_per_second = {{std::string(kGroupAssets), 12.34}}};
  auto const paced = why_of(item(ItemState::kStable), {}, around);
  EXPECT_EQ(paced.code, "paced");
  EXPECT_EQ(paced.text,
            "next in line for the upload; the platform limits calls about assets, now 12.3 a second leave, more by and "
            "by");
  EXPECT_EQ(paced.whose, "platform");
  EXPECT_TRUE(paced.heals);
  auto const row = item(ItemState::kAssetReady);
  EXPECT_EQ(why_of(row, {step(StepKind::kIndex, StepState::kWaiting)}, around).code, "queued");
  EXPECT_NE(why_of(item(ItemState::kOpened), {}, around).code, "paced") << "it is at work";
}

TEST(Why, NamesTheRateLimitThatIsReachedAndUntilWhen) {
  using Of = budget::Allowance::Of;
  Surroundings around{.reached = {{std::string(kGroupIndexing), {Of::kCallsPerDay, 2'000, kLater}}}};
  auto const row = item(ItemState::kAssetReady);
  auto const steps = std::vector{step(StepKind::kIndex, StepState::kWaiting)};
  auto const reached = why_of(row, steps, around);
  EXPECT_EQ(reached.code, "rate_limit");
  EXPECT_EQ(reached.text,
            "all that rate_limits allows is spent: 2000 calls a day about indexing; no item is charged for it");
  EXPECT_EQ(reached.until, kLater);
  EXPECT_EQ(reached.whose, "configuration");
  EXPECT_THAT(reached.remedy, HasSubstr("rate_limits.indexing"));
  EXPECT_TRUE(reached.heals);
  EXPECT_EQ(why_of(item(ItemState::kStable), {}, around).code, "queued") << "uploads go on";
  around.reached = {{std::string(kGroupIndexing), {Of::kMediaPerHour, 36'000'000, kLater}}};
  EXPECT_THAT(why_of(row, steps, around).text, HasSubstr("10 h of media an hour"));
  around.reached = {{std::string(kGroupIndexing), {Of::kCallsPerDay, 2'000, kNow}}};
  EXPECT_EQ(why_of(row, steps, around).code, "queued") << "it is over";
}

TEST(Why, SaysEarlyThatAnUploadSessionWillEndBeforeItsFileIsUp) {
  auto row = item(ItemState::kOpened);
  row.print.size_bytes = 10'000'000'000;
  row.bytes_acked = 36'000'000;
  SessionRow session{.opened_at = kNow - 1h, .expires_at = kNow + 23h};
  auto const of = [&] { return *why(row, {}, session, {}, kNow); };
  EXPECT_EQ(of().code, "session_too_short") << "of ten gigabytes it would need 277 hours";
  EXPECT_THAT(of().text, HasSubstr("at 10 kB a second"));
  EXPECT_EQ(of().until, session.expires_at);
  EXPECT_THAT(of().remedy, HasSubstr("transfer.max_files"));
  row.bytes_acked = 1'000'000'000;
  EXPECT_EQ(of().code, "working") << "nine hours";
  row.bytes_acked = 1;
  session.opened_at = kNow - 9min;
  EXPECT_EQ(of().code, "working") << "too early to say";
}

TEST(Why, SaysThatUploadsAreCapped) {
  Surroundings const around{.bandwidth = 5'000'000};
  EXPECT_THAT(why_of(item(ItemState::kOpened), {}, around).text,
              HasSubstr("; transfer.bandwidth allows 5 MB a second"));
  EXPECT_THAT(why_of(item(ItemState::kSending), {}, around).text, HasSubstr("allows 5 MB a second"));
  EXPECT_THAT(why_of(item(ItemState::kOpening), {}, around).text, Not(HasSubstr("bandwidth")));
}

TEST(Why, ForgetsAPauseThatIsOver) {
  Surroundings const around{.paused_until = {{std::string(kGroupAssets), kNow}}};
  EXPECT_EQ(why_of(item(ItemState::kStable), {}, around).code, "queued");
}

TEST(Why, SaysThatTheUploadSlotsForLargeFilesAreInUse) {
  auto row = item(ItemState::kStable);
  row.method = "multipart";
  Surroundings const around{.files_under_way = 6, .sessions_under_way = 6, .max_files = 8};
  EXPECT_EQ(why_of(row, {}, around).code, "no_slot");
  EXPECT_THAT(why_of(row, {}, around).text, HasSubstr("one of the 6 upload slots for large files (of 8)"));
  row.method = "direct";
  EXPECT_EQ(why_of(row, {}, around).code, "queued");
}

TEST(Why, SaysThatAllUploadSlotsAreInUse) {
  auto const reason = why_of(item(ItemState::kStable), {}, {.files_under_way = 8, .max_files = 8});
  EXPECT_EQ(reason.code, "no_slot");
  EXPECT_THAT(reason.text, HasSubstr("8 upload slots"));
}

TEST(Why, SaysThatALostAnswerIsLookedFor) {
  auto row = item(ItemState::kOpening);
  row.intent = {.at = kNow, .unknown_at = kNow, .looks = 1};
  row.effort.due_at = kLater;
  auto const reason = why_of(row);
  EXPECT_EQ(reason.code, "outcome_unknown");
  EXPECT_THAT(reason.text, HasSubstr("looked 1 time"));
  EXPECT_EQ(reason.until, kLater);
}

TEST(Why, NamesTheLastErrorTheNextAttemptAndItsTime) {
  auto row = item(ItemState::kStable);
  row.reason = "transient";
  row.effort = {.attempts = 3, .tries = 3, .due_at = kLater, .last_error = "503 service unavailable"};
  auto const reason = why_of(row);
  EXPECT_EQ(reason.code, "transient");
  EXPECT_THAT(reason.text, HasSubstr("503 service unavailable"));
  EXPECT_THAT(reason.text, HasSubstr("attempt 4"));
  EXPECT_EQ(reason.until, kLater);
  EXPECT_TRUE(reason.heals);
}

TEST(Why, DropsAnErrorWhoseWaitIsOver) {
  auto row = item(ItemState::kStable);
  row.effort = {.attempts = 3, .tries = 3, .due_at = kNow, .last_error = "503"};
  EXPECT_EQ(why_of(row).code, "queued");
}

TEST(Why, SaysHowMuchOfAnUploadIsAcknowledged) {
  auto row = item(ItemState::kOpened);
  row.bytes_acked = 640;
  auto const reason = why_of(row);
  EXPECT_EQ(reason.code, "working");
  EXPECT_THAT(reason.text, HasSubstr("64 %"));
}

TEST(Why, SaysThatACallOfTheUploadSessionIsRepeated) {
  SessionRow session;
  session.tries = 2;
  session.due_at = kLater;
  auto const reason = why_of(item(ItemState::kOpened), {}, {}, session);
  EXPECT_EQ(reason.code, "retry");
  EXPECT_EQ(reason.until, kLater);
}

TEST(Why, FollowsTheFirstUnfinishedStep) {
  auto indexing = step(StepKind::kIndex, StepState::kCreated);
  indexing.remote_status = "indexing";
  indexing.effort.due_at = kLater;
  auto const row = item(ItemState::kAssetReady);
  auto const reason = why_of(row, {step(StepKind::kIndex, StepState::kReady), indexing});
  EXPECT_EQ(reason.code, "indexing");
  EXPECT_THAT(reason.text, HasSubstr("(indexing)"));
  EXPECT_EQ(reason.until, kLater);

  auto nameless = step(StepKind::kEntity, StepState::kWaiting);
  nameless.effort.due_at.reset();
  EXPECT_EQ(why_of(row, {nameless}).code, "named_wanted");
  EXPECT_EQ(why_of(row, {step(StepKind::kEntity, StepState::kCreating)}).code, "working");
}

TEST(Why, TellsOfAFailureWhatWhyAndTheNextCommand) {
  auto row = item(ItemState::kFailed);
  row.reason = "transient";
  row.effort = {.attempts = 12, .tries = 12, .due_at = {}, .last_error = "502 bad gateway"};
  auto const reason = why_of(row);
  EXPECT_EQ(reason.code, "transient");
  EXPECT_EQ(reason.text, "the platform did not answer as it should: 502 bad gateway, after 12 attempts");
  EXPECT_EQ(reason.remedy, "sluice retry " + row.ulid);
  EXPECT_EQ(reason.whose, "platform");
  EXPECT_FALSE(reason.heals);
}

TEST(Why, KeepsThePlatformsOwnWordsAndCode) {
  auto row = item(ItemState::kFailed);
  row.reason = "video_duration_too_short";
  row.effort.last_error = "The video is shorter than 4 seconds.";
  EXPECT_EQ(why_of(row).text, "The video is shorter than 4 seconds. (video_duration_too_short)");
}

TEST(Why, NamesTheStepThatFailed) {
  auto failed = step(StepKind::kEntity, StepState::kFailed);
  failed.ordinal = 2;
  failed.reason = "entity_exists";
  auto row = item(ItemState::kFailed);
  row.reason = "entity_exists";
  auto const reason = why_of(row, {failed});
  EXPECT_THAT(reason.text, testing::StartsWith("step 2 (entity): "));
  EXPECT_EQ(reason.whose, "configuration");
}

TEST(Why, SaysWhyAnItemWasSkipped) {
  auto row = item(ItemState::kSkipped);
  row.reason = "duplicate";
  row.effort.last_error = "repeats 01J9ZK3Q0000000000000000AA";
  EXPECT_EQ(why_of(row).text, "repeats 01J9ZK3Q0000000000000000AA");
  row.reason = "no_pipeline";
  row.effort.last_error.clear();
  EXPECT_EQ(why_of(row).text, "no pipeline of its source takes this kind");
}

TEST(Why, GivesACodeItDoesNotKnowAsItIs) {
  EXPECT_EQ(meaning_of("empty_file"), "the file is empty");
  EXPECT_EQ(meaning_of("parameter_invalid"), "parameter_invalid");
}

TEST(Why, SaysThatAMissingAssetIsAskedForAgain) {
  auto row = item(ItemState::kSent);
  row.reason = "asset_missing";
  row.intent.unknown_at = kNow;
  auto const reason = why_of(row);
  EXPECT_EQ(reason.code, "asset_missing");
  EXPECT_EQ(reason.whose, "platform");
  EXPECT_THAT(reason.text, HasSubstr("uploaded again if it is gone"));
}

TEST(Why, SaysThatALostAssetIsUploadedAgainForAsLongAsItIs) {
  for (auto const state : {ItemState::kStable, ItemState::kOpening, ItemState::kOpened, ItemState::kSending}) {
    auto row = item(state);
    row.reason = "asset_gone";
    EXPECT_EQ(why_of(row).code, "asset_gone") << word(state);
    EXPECT_THAT(why_of(row).text, HasSubstr("no longer has the asset")) << word(state);
  }
}

TEST(Why, SaysThatAVanishedRecordIsLookedFor) {
  auto row = step(StepKind::kIndex, StepState::kCreating);
  row.intent.unknown_at = kNow;
  row.remote_status = "gone";
  auto const reason = why_of(item(ItemState::kAssetReady), {row});
  EXPECT_EQ(reason.code, "gone");
  EXPECT_THAT(reason.text, HasSubstr("made again"));
}

TEST(Why, TellsADownloadThatWaitsFromOneUnderWay) {
  auto row = item(ItemState::kStable);
  row.method = "relay";
  EXPECT_EQ(why_of(row).code, "queued");
  EXPECT_THAT(why_of(row).text, HasSubstr("next in line for the download"));
  row.effort.due_at.reset();
  EXPECT_EQ(why_of(row).code, "working");
  EXPECT_THAT(why_of(row).text, HasSubstr("it is being downloaded"));
}

}  // namespace
}  // namespace sluice::stage

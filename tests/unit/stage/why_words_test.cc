// The words that Why chooses, where one circumstance more or less makes another sentence.
#include <gmock/gmock.h>

#include "core/stage/next_uploads.h"
#include "core/stage/why.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using journal::ItemRow;
using journal::ItemState;
using journal::SessionRow;
using journal::StepKind;
using journal::StepRow;
using journal::StepState;
using testing::HasSubstr;
using testing::Not;

WallTime const kNow = *parse_rfc3339("2026-11-22T03:00:00Z");
WallTime const kLater = kNow + 4min;

ItemRow item(ItemState state, std::string reason = "", std::string last_error = "") {
  ItemRow row;
  row.ulid = "01J9ZK3Q0000000000000000AB";
  row.state = state;
  row.reason = std::move(reason);
  row.print.size_bytes = 1000;
  row.quiet_since = kNow;
  row.effort.due_at = kNow;
  row.effort.last_error = std::move(last_error);
  return row;
}

StepRow step(StepKind kind, StepState state, std::int64_t ordinal = 1) {
  StepRow row;
  row.ordinal = ordinal;
  row.kind = kind;
  row.state = state;
  row.effort.due_at = kNow;
  return row;
}

Why why_of(ItemRow const& row, std::vector<StepRow> const& steps = {}, Surroundings const& around = {},
           std::optional<SessionRow> const& session = std::nullopt) {
  return why(row, steps, session, around, kNow).value_or(Why{});
}

TEST(WhyWords, AMeaningStandsBeforeAnErrorThatAloneWouldNotSayEnough) {
  EXPECT_EQ(why_of(item(ItemState::kFailed, "unreadable", "EACCES")).text, "the file cannot be read: EACCES");
  EXPECT_EQ(why_of(item(ItemState::kFailed, "too_large", "it has 9 GB")).text, "it has 9 GB");
  EXPECT_EQ(why_of(item(ItemState::kFailed, "too_large")).text, "the file is larger than the platform takes");
  EXPECT_EQ(why_of(item(ItemState::kFailed, "", "it broke")).text, "it broke");
}

TEST(WhyWords, ARemedyBeyondTheRetryComesFirst) {
  EXPECT_EQ(why_of(item(ItemState::kFailed, "empty_file")).remedy,
            "write it again; then sluice retry 01J9ZK3Q0000000000000000AB");
  EXPECT_EQ(why_of(item(ItemState::kFailed, "refused")).remedy, "sluice retry 01J9ZK3Q0000000000000000AB");
  EXPECT_EQ(why_of(item(ItemState::kFailed, "of_the_platform")).remedy, "sluice retry 01J9ZK3Q0000000000000000AB");
}

TEST(WhyWords, OneAttemptIsNotCounted) {
  auto row = item(ItemState::kFailed, "refused", "no");
  row.effort.attempts = 1;
  EXPECT_THAT(why_of(row).text, Not(HasSubstr("attempts")));
  row.effort.attempts = 2;
  EXPECT_THAT(why_of(row).text, HasSubstr("after 2 attempts"));
}

TEST(WhyWords, AFailureIsThatOfTheFirstStepThatFailed) {
  auto failed = step(StepKind::kIndex, StepState::kFailed, 2);
  failed.reason = "indexing_failed";
  failed.effort.attempts = 3;
  std::vector const steps = {step(StepKind::kEntity, StepState::kReady, 1), failed};
  auto const bare = why_of(item(ItemState::kFailed, "", "of the item"), steps);
  EXPECT_EQ(bare.code, "indexing_failed");
  EXPECT_THAT(bare.text, testing::StartsWith("step 2 (index): of the item"));
  EXPECT_THAT(bare.text, HasSubstr("after 3 attempts"));
  EXPECT_EQ(why_of(item(ItemState::kFailed, "step_failed"), steps).code, "indexing_failed");
  EXPECT_EQ(why_of(item(ItemState::kFailed, "asset_gone"), steps).code, "asset_gone");
  auto told = steps;
  told[1].effort.last_error = "of the step";
  EXPECT_THAT(why_of(item(ItemState::kFailed, "", "of the item"), told).text, HasSubstr("of the step"));
  EXPECT_EQ(why_of(item(ItemState::kFailed, "step_failed")).code, "step_failed");  // no step to blame
}

TEST(WhyWords, WhatWasSkippedForAReasonOfOursHasItsRemedy) {
  auto const known = why_of(item(ItemState::kSkipped, "no_pipeline"));
  EXPECT_THAT(known.remedy, HasSubstr("add a pipeline"));
  EXPECT_EQ(known.whose, "configuration");
  EXPECT_EQ(why_of(item(ItemState::kSkipped, "unheard_of")).remedy, "");
}

TEST(WhyWords, EveryQuotaGroupHasItsSentence) {
  auto const paused = [](ItemRow const& row, std::vector<StepRow> const& steps, std::string_view group) {
    return why_of(row, steps, {.paused_until = {{std::string(group), kLater}}}).text;
  };
  EXPECT_THAT(paused(item(ItemState::kStable), {}, kGroupAssets), HasSubstr("calls about assets"));
  EXPECT_THAT(paused(item(ItemState::kOpened), {}, kGroupStorage), HasSubstr("chunks may be put"));
  EXPECT_THAT(paused(item(ItemState::kReported), {}, kGroupStorage), Not(HasSubstr("limits")));
  EXPECT_THAT(paused(item(ItemState::kAssetReady), {step(StepKind::kEntity, StepState::kWaiting)}, kGroupEntities),
              HasSubstr("calls about entities"));
  EXPECT_THAT(paused(item(ItemState::kAssetReady), {}, kGroupIndexing), Not(HasSubstr("limits")));
}

TEST(WhyWords, OfTwoPausesTheApisIsNamedFirst) {
  auto const both =
      why_of(item(ItemState::kOpened), {},
             {.paused_until = {{std::string(kGroupStorage), kLater}, {std::string(kGroupAssets), kNow + 1s}}});
  EXPECT_EQ(both.until, kNow + 1s);
}

TEST(WhyWords, LooksAreCountedWhenThereWereAny) {
  auto row = item(ItemState::kSending);
  row.intent = {.at = kNow, .unknown_at = kNow, .looks = 0};
  EXPECT_THAT(why_of(row).text, Not(HasSubstr("looked")));
  row.intent.looks = 1;
  EXPECT_THAT(why_of(row).text, HasSubstr("(looked 1 time)"));
  row.intent.looks = 2;
  EXPECT_THAT(why_of(row).text, HasSubstr("(looked 2 times)"));
}

TEST(WhyWords, LooksForAMissingAssetAreCountedTheSameWay) {
  auto row = item(ItemState::kSent, "asset_missing");
  EXPECT_THAT(why_of(row).text, Not(HasSubstr("looked")));
  row.intent.looks = 2;
  EXPECT_THAT(why_of(row).text, HasSubstr("(looked 2 times)"));
}

TEST(WhyWords, WhatIsGoneIsCalledByItsKind) {
  auto const of = [](StepKind kind) {
    auto row = step(kind, StepState::kCreating);
    row.remote_status = "gone";
    return why_of(item(ItemState::kAssetReady), {row}).text;
  };
  EXPECT_THAT(of(StepKind::kIndex), HasSubstr("what was put into the index"));
  EXPECT_THAT(of(StepKind::kEntity), HasSubstr("the entity or its picture"));
}

TEST(WhyWords, AStepThatWaitsForItsNameTellsTheLastErrorIfThereWasOne) {
  auto row = step(StepKind::kIndex, StepState::kWaiting);
  row.effort.due_at.reset();
  EXPECT_THAT(why_of(item(ItemState::kAssetReady), {row}).text, testing::EndsWith("looked for or created"));
  row.effort.last_error = "404";
  EXPECT_THAT(why_of(item(ItemState::kAssetReady), {row}).text, testing::EndsWith("looked for or created: 404"));
}

TEST(WhyWords, ABackoffNamesTheNextAttemptOnlyWhereAttemptsAreCharged) {
  auto row = item(ItemState::kStable, "", "cut");
  row.effort.due_at = kLater;
  auto const free = why_of(row);
  EXPECT_EQ(free.code, "retry");
  EXPECT_EQ(free.text, "cut");
  EXPECT_EQ(free.whose, "platform");
  row.reason = "source_io";
  row.effort.attempts = 1;
  auto const charged = why_of(row);
  EXPECT_EQ(charged.code, "source_io");
  EXPECT_THAT(charged.text, HasSubstr("attempt 2 comes next"));
  EXPECT_EQ(charged.whose, "file");
  row.effort.due_at.reset();  // it waits for something else
  EXPECT_EQ(why_of(row).code, "queued");
}

TEST(WhyWords, ASettlingFileIsQuietForAtLeastNoTime) {
  auto row = item(ItemState::kSeen);
  row.quiet_since = kLater;
  EXPECT_THAT(why_of(row).text, HasSubstr("quiet for 0"));
  EXPECT_TRUE(why_of(row).heals);
  row.reason = "changing";
  EXPECT_THAT(why_of(row).text, Not(HasSubstr("quiet for")));
  row.reason = "unheard_of";
  EXPECT_EQ(why_of(row).text, "unheard_of");
  EXPECT_TRUE(why_of(row).heals);
}

TEST(WhyWords, AStepSaysWhatItWaitsFor) {
  auto const of = [](StepRow const& row) { return why_of(item(ItemState::kAssetReady), {row}); };
  EXPECT_EQ(of(step(StepKind::kIndex, StepState::kWaiting)).text, "next in line for the index");
  EXPECT_EQ(of(step(StepKind::kEntity, StepState::kWaiting)).text, "next in line for the entity");
  EXPECT_EQ(of(step(StepKind::kIndex, StepState::kCreating)).text, "it is being put into the index");
  EXPECT_EQ(of(step(StepKind::kEntity, StepState::kCreating)).text, "the entity is being made");
  auto const indexing = of(step(StepKind::kIndex, StepState::kCreated));
  EXPECT_EQ(indexing.code, "indexing");
  EXPECT_EQ(indexing.text, "the platform is indexing it");
  auto const preparing = of(step(StepKind::kEntity, StepState::kCreated));
  EXPECT_EQ(preparing.code, "entity_processing");
  EXPECT_EQ(preparing.text, "the platform is preparing the entity");
  auto lost = step(StepKind::kIndex, StepState::kCreating);
  lost.intent.unknown_at = kNow;
  EXPECT_EQ(of(lost).code, "outcome_unknown");
  EXPECT_EQ(of(step(StepKind::kIndex, StepState::kReady)).text, "it is being finished");
  EXPECT_EQ(of(step(StepKind::kIndex, StepState::kFailed)).text, "it is being finished");
}

TEST(WhyWords, AnUploadRepeatsACallOnlyUntilItIsDue) {
  SessionRow session;
  session.tries = 1;
  session.due_at = kNow;
  EXPECT_EQ(why_of(item(ItemState::kOpened), {}, {}, session).code, "working");
  session.due_at = kNow + 1ms;
  EXPECT_EQ(why_of(item(ItemState::kOpened), {}, {}, session).code, "retry");
  session.tries = 0;
  EXPECT_EQ(why_of(item(ItemState::kOpened), {}, {}, session).code, "working");
}

TEST(WhyWords, AnAssemblingUploadIsReadAgainWithItsSession) {
  auto const row = item(ItemState::kReported);
  EXPECT_EQ(why_of(row).code, "completing");
  EXPECT_EQ(why_of(row).until, kNow);
  SessionRow session;
  session.due_at = kLater;
  EXPECT_EQ(why_of(row, {}, {}, session).until, kLater);
}

TEST(WhyWords, ASlotIsWaitedForOnlyWhenAllAreInUse) {
  auto const row = item(ItemState::kStable);
  EXPECT_EQ(why_of(row, {}, {.files_under_way = 7, .max_files = 8}).code, "queued");
  EXPECT_EQ(why_of(row, {}, {.files_under_way = 8, .max_files = 8}).code, "no_slot");
  EXPECT_EQ(why_of(row, {}, {.files_under_way = 0, .max_files = 0}).code, "queued");  // not known
}

TEST(WhyWords, TheStepsOfAnItemCountOnlyWhenItsAssetIsReady) {
  auto lost = step(StepKind::kIndex, StepState::kWaiting);
  EXPECT_EQ(why_of(item(ItemState::kStable), {lost}, {.paused_until = {{std::string(kGroupIndexing), kLater}}}).code,
            "queued");
  EXPECT_EQ(why_of(item(ItemState::kAssetReady), {lost}).text, "next in line for the index");
  EXPECT_EQ(why_of(item(ItemState::kAssetReady)).text, "it is being finished");
}

TEST(WhyWords, AnOutageIsToldWithTheWordsOfTheLastErrorIfThereAreAny) {
  auto const offline = [](std::string text) {
    return why_of(item(ItemState::kOpened), {}, {.offline_since = kNow, .offline_text = std::move(text)}).text;
  };
  EXPECT_THAT(offline("connect: refused"), testing::EndsWith("since 2026-11-22T03:00:00Z: connect: refused"));
  EXPECT_THAT(offline(""), testing::EndsWith("since 2026-11-22T03:00:00Z"));
}

TEST(WhyWords, SpentCallsHoldBackEveryStepAndSpentMediaOnlyWhatIsStillToBeHandedIn) {
  using Of = budget::Allowance::Of;
  auto const code = [](Of of, StepState state) {
    return why_of(item(ItemState::kAssetReady), {step(StepKind::kIndex, state)},
                  {.reached = {{std::string(kGroupIndexing), {of, 2'000, kLater}}}})
        .code;
  };
  EXPECT_EQ(code(Of::kCallsPerDay, StepState::kWaiting), "rate_limit");
  EXPECT_EQ(code(Of::kCallsPerDay, StepState::kCreated), "rate_limit");
  EXPECT_EQ(code(Of::kMediaPerDay, StepState::kWaiting), "rate_limit");
  EXPECT_EQ(code(Of::kMediaPerDay, StepState::kCreated), "indexing");
  Surroundings const of_assets{.reached = {{std::string(kGroupAssets), {Of::kMediaPerDay, 2'000, kLater}}}};
  EXPECT_EQ(why_of(item(ItemState::kStable), {}, of_assets).code, "queued") << "it hands in no media yet";
}

TEST(WhyWords, ALostAssetIsTheReasonAlsoInALineThatMovesSlowly) {
  auto const lost =
      why_of(item(ItemState::kStable, "asset_gone"), {}, {.calls_per_second = {{std::string(kGroupAssets), 12.34}}});
  EXPECT_EQ(lost.code, "asset_gone");
  EXPECT_THAT(lost.text, HasSubstr("uploaded again: next in line for the upload; the platform limits calls"));
}

// Half of the file is up.
class WhyOfAHalf : public testing::Test {
 protected:
  WhyOfAHalf() { half_.bytes_acked = 500; }
  Why opened(Millis ago, Millis left, Surroundings const& around = {}) const {
    return why_of(half_, {}, around, SessionRow{.opened_at = kNow - ago, .expires_at = kNow + left});
  }
  ItemRow half_ = item(ItemState::kOpened);
};

TEST_F(WhyOfAHalf, ASessionIsTooShortWhenItLastsLessThanTheOtherHalfNeeds) {
  EXPECT_EQ(opened(1h, 1h).code, "working");
  EXPECT_EQ(opened(1h, 1h - 1ms).code, "session_too_short");
}

TEST_F(WhyOfAHalf, ASessionProvesItsPaceInTenMinutes) {
  EXPECT_EQ(opened(10min - 1ms, 1min).code, "working");
  EXPECT_EQ(opened(10min, 1min).code, "session_too_short");
}

TEST_F(WhyOfAHalf, WhatMakesASessionTooShortIsTheLineOrTheCapThatWasSet) {
  auto const line = opened(1h, 1min);
  EXPECT_THAT(line.remedy, testing::StartsWith("a faster line, fewer uploads"));
  EXPECT_EQ(line.whose, "network");
  auto const cap = opened(1h, 1min, {.bandwidth = 5'000'000});
  EXPECT_THAT(cap.remedy, testing::StartsWith("more transfer.bandwidth, fewer uploads"));
  EXPECT_EQ(cap.whose, "configuration");
  EXPECT_THAT(cap.text, Not(HasSubstr("transfer.bandwidth allows"))) << "that is said of what is at work";
}

TEST(WhyWords, AnOnlySlotIsNoneForLargeFiles) {
  auto row = item(ItemState::kStable);
  row.method = kByMultipart;
  auto const only = why_of(row, {}, {.files_under_way = 1, .sessions_under_way = 1, .max_files = 1});
  EXPECT_EQ(only.text, "waits for one of 1 upload slots, all in use");
}

TEST(WhyWords, AnAssetThatIsAskedForInRoundsTakesLong) {
  auto row = item(ItemState::kSent);
  EXPECT_EQ(why_of(row).text, "the platform is preparing the asset");
  row.effort.due_at.reset();
  EXPECT_EQ(why_of(row).text, "the platform is preparing the asset, and takes long; it is asked in rounds");
}

}  // namespace
}  // namespace sluice::stage

// Which asset was made of which file, when the journal that knew it is lost.
#include "core/stage/match_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/source/identity.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using platform::Asset;
using platform::IncompleteUpload;
using testing::ElementsAre;
using Fate = FileMatch::Fate;

auto const kNoon = from_unix_ms(1'800'000'000'000);
constexpr auto kReady = Asset::State::kReady;
constexpr auto kProcessing = Asset::State::kProcessing;
constexpr auto kFailed = Asset::State::kFailed;

std::string identity(int number) {
  auto const digits = std::to_string(number);
  return std::string(16 - digits.size(), '0') + digits;
}
SoughtFile file(int number, std::string name = "a.mp4", std::uint64_t size = 7) {
  return {.identity = identity(number), .filename = std::move(name), .size_bytes = size, .not_before = kNoon};
}
Asset untagged(std::string id, Asset::State state = kReady, std::string name = "a.mp4", std::uint64_t size = 7) {
  Asset asset;
  asset.id = std::move(id);
  asset.state = state;
  asset.filename = std::move(name);
  asset.method = "direct";
  if (state == kReady) asset.size_bytes = size;  // as the platform has it
  asset.created_at = kNoon + 1min;
  return asset;
}
Asset tagged(std::string id, int number, Asset::State state = kReady, std::int64_t generation = 1) {
  auto asset = untagged(std::move(id), state);
  asset.client_op = to_text(source::OperationTag{"01JZ8Q7KXV3N5T9A2B4C6D8E0F", generation, identity(number)});
  return asset;
}
// What was made of a URL, fetched or relayed.
Asset of_url(std::string id, int number, std::string ulid = "01JZ8Q7KXV3N5T9A2B4C6D8E0F") {
  auto asset = untagged(std::move(id));
  auto const print = source::identity_of_url("k:7", std::to_string(number));
  asset.client_op = to_text(source::OperationTag{std::move(ulid), 1, print});
  return asset;
}
Asset multipart(Asset asset) {
  asset.method = "multipart";
  return asset;
}
IncompleteUpload session(std::uint64_t size = 7, Millis after = 0s) {
  return {.id = "s", .total_size_bytes = size, .created_at = kNoon + 1min + after};
}

struct World {
  std::vector<SoughtFile> files;
  std::vector<Asset> assets;
  std::vector<IncompleteUpload> sessions = {};
  Matching match() const { return match_files(files, assets, sessions); }
};

TEST(MatchFiles, KnowsAFileByTheIdentityInItsTag) {
  auto const made = World{{file(1), file(2)}, {tagged("x", 3), tagged("y", 2), tagged("z", 1)}}.match();
  EXPECT_EQ(made.files[0].fate, Fate::kAdopt);
  EXPECT_THAT(made.files[0].assets, ElementsAre(2));
  EXPECT_TRUE(made.files[0].by_tag);
  EXPECT_THAT(made.files[1].assets, ElementsAre(1));
  EXPECT_EQ(made.strangers, 1u);
}

TEST(MatchFiles, LeavesAFileThatThePlatformDoesNotHave) {
  auto const made = World{{file(1)}, {untagged("x", kReady, "b.mp4")}}.match();
  EXPECT_EQ(made.files[0].fate, Fate::kUpload);
  EXPECT_EQ(made.strangers, 1u);
}

TEST(MatchFiles, DoesNotTakeATagWhoseAssetHasAnotherSize) {
  auto other = tagged("x", 1);
  other.size_bytes = 8;
  EXPECT_EQ((World{{file(1)}, {other}}.match().files[0].fate), Fate::kUpload);
}

TEST(MatchFiles, PrefersReadyToProcessingToFailedAndThenTheLaterGeneration) {
  auto const best = [](std::vector<Asset> assets) {
    auto const made = World{{file(1)}, assets}.match();
    return assets[made.files[0].assets.at(0)].id;
  };
  EXPECT_EQ(best({tagged("failed", 1, kFailed, 3), tagged("ready", 1, kReady, 1), tagged("busy", 1, kProcessing, 2)}),
            "ready");
  EXPECT_EQ(best({tagged("failed", 1, kFailed, 3), tagged("busy", 1, kProcessing, 2)}), "busy");
  EXPECT_EQ(best({tagged("first", 1, kReady, 1), tagged("second", 1, kReady, 2)}), "second");
  EXPECT_EQ(best({tagged("failed", 1, kFailed)}), "failed");
}

TEST(MatchFiles, OfTwoAssetsThatDifferInNothingElseTakesTheOlder) {
  auto old = tagged("old", 1);
  old.created_at = kNoon;
  auto const young = tagged("young", 1);
  for (auto const& assets : {std::vector{old, young}, std::vector{young, old}}) {
    auto const made = World{{file(1)}, assets}.match();
    EXPECT_EQ(assets[made.files[0].assets.at(0)].id, "old");
  }
}

TEST(MatchFiles, WithoutATagAllowsTheClocksFiveMinutes) {
  auto early = untagged("x");
  early.created_at = kNoon - 5min;
  EXPECT_EQ((World{{file(1)}, {early}}.match().files[0].fate), Fate::kAdopt);
  early.created_at = kNoon - 5min - 1ms;
  EXPECT_EQ((World{{file(1)}, {early}}.match().files[0].fate), Fate::kUpload);
}

TEST(MatchFiles, WithoutATagGoesByNameSizeAndTime) {
  auto old = untagged("old");
  old.created_at = kNoon - 6min;
  auto const made = World{
      {file(1)},
      {old, untagged("size", kReady, "a.mp4", 8), untagged("name", kReady, "A.mp4"),
       untagged("it")}}.match();
  EXPECT_EQ(made.files[0].fate, Fate::kAdopt);
  EXPECT_THAT(made.files[0].assets, ElementsAre(3));
  EXPECT_FALSE(made.files[0].by_tag);
}

TEST(MatchFiles, WithoutATagTakesNoneOfTwoAssets) {
  auto const made = World{{file(1)}, {untagged("x"), untagged("y")}}.match();
  EXPECT_EQ(made.files[0].fate, Fate::kAmbiguous);
  EXPECT_THAT(made.files[0].assets, ElementsAre(0, 1));
  EXPECT_EQ(made.strangers, 0u);
}

TEST(MatchFiles, WithoutATagGivesOneAssetToNoneOfTwoFiles) {
  auto const made = World{{file(1), file(2)}, {untagged("x")}}.match();
  EXPECT_EQ(made.files[0].fate, Fate::kAmbiguous);
  EXPECT_EQ(made.files[1].fate, Fate::kAmbiguous);
}

TEST(MatchFiles, WithoutATagLeavesOneOfUnknownSizeToAPerson) {
  EXPECT_EQ((World{{file(1)}, {untagged("x", kProcessing)}}.match().files[0].fate), Fate::kAmbiguous);
  EXPECT_EQ((World{{file(1)}, {untagged("x", kFailed)}}.match().files[0].fate), Fate::kAdopt) << "it fails visibly";
  EXPECT_THAT((World{{file(1)}, {untagged("x", kFailed), untagged("y")}}.match().files[0].assets), ElementsAre(1));
}

TEST(MatchFiles, LeavesAFileThatMayBeOneOfAnotherIdentityToAPerson) {
  auto const fate = [](SoughtFile const& sought, Asset const& asset) {
    return World{{sought}, {asset}}.match().files[0].fate;
  };
  auto old = tagged("x", 2);
  old.created_at = kNoon - 5min - 1ms;
  EXPECT_EQ(fate(file(1, "renamed.mp4"), tagged("x", 2)), Fate::kAmbiguous) << "renamed: its size, and not older";
  EXPECT_EQ(fate(file(1, "renamed.mp4"), old), Fate::kUpload) << "the file was written after it";
  EXPECT_EQ(fate(file(1), old), Fate::kAmbiguous) << "touched: its name and size";
  EXPECT_EQ(fate(file(1, "a.mp4", 8), tagged("x", 2)), Fate::kUpload) << "another size";
  EXPECT_EQ(fate(file(1), tagged("x", 2, kProcessing)), Fate::kAmbiguous) << "its size is not known yet";
  EXPECT_EQ(fate(file(1, "renamed.mp4"), tagged("x", 2, kProcessing)), Fate::kUpload);
  EXPECT_EQ(fate(file(1), tagged("x", 2, kFailed)), Fate::kUpload) << "nothing would come of it";
  EXPECT_EQ(fate(file(1), of_url("x", 2)), Fate::kUpload) << "it was made of no file, wherever its bytes came through";
}

TEST(MatchFiles, TakesNoAssetOfAFileThatIsThereForAnotherFile) {
  auto const made = World{{file(1), file(2)}, {tagged("x", 2), tagged("y", 2)}}.match();
  EXPECT_EQ(made.files[0].fate, Fate::kUpload);
  EXPECT_EQ(made.files[1].fate, Fate::kAdopt);
  EXPECT_TRUE(made.unclaimed.empty()) << "the worse asset of a file that is there waits for nobody";
}

TEST(MatchFiles, KeepsTheBestAssetOfEachIdentityThatNoFileHas) {
  auto const made = World{{file(1, "other.mp4", 99)},
                          {tagged("busy", 2, kProcessing), tagged("late", 2, kReady, 2), tagged("early", 2, kReady, 1),
                           tagged("failed", 3, kFailed), untagged("foreign")}}
                        .match();
  EXPECT_THAT(made.unclaimed, ElementsAre(1));
  EXPECT_EQ(made.strangers, 5u);
  EXPECT_EQ(made.of_files, 4u);
}

// It is that of its very identity, whenever that comes, whatever else was thought of it.
TEST(MatchFiles, KeepsAnAssetThatMadeAFileAmbiguousAndTheOthersOfItsSize) {
  auto const made = World{{file(1)}, {tagged("x", 2), tagged("y", 3)}}.match();
  EXPECT_EQ(made.files[0].fate, Fate::kAmbiguous);
  EXPECT_THAT(made.files[0].assets, ElementsAre(0, 1));
  EXPECT_THAT(made.unclaimed, ElementsAre(0, 1));
  EXPECT_EQ(made.strangers, 0u);
}

TEST(MatchFiles, KeepsTheBetterAssetOfAnIdentityAlsoWhereThatMadeAFileAmbiguous) {
  auto better = tagged("ready", 2);
  auto const worse = tagged("busy", 2, kProcessing);
  auto const made = World{{file(1, "renamed.mp4")}, {worse, better}}.match();
  EXPECT_THAT(made.files[0].assets, ElementsAre(1));
  EXPECT_THAT(made.unclaimed, ElementsAre(1));
}

TEST(MatchFiles, TakesNoAssetOfAUrlForThatOfAFile) {
  auto const made = World{{file(1)}, {of_url("x", 1), of_url("y", 2)}}.match();
  EXPECT_EQ(made.files[0].fate, Fate::kUpload);
  EXPECT_THAT(made.unclaimed, ElementsAre(0, 1));
  EXPECT_EQ(made.of_files, 0u) << "nothing is wrong where not one file is known";
}

TEST(MatchFiles, OfTwoItemsOfOneIdentityTakesTheLaterOne) {
  auto late = of_url("late", 1, "01JZ8Q7KXV3N5T9A2B4C6D8E0G");
  late.created_at = kNoon + 2min;
  auto early = of_url("early", 1);
  EXPECT_THAT((World{{}, {late, early}}.match().unclaimed), ElementsAre(0));
  EXPECT_THAT((World{{}, {early, late}}.match().unclaimed), ElementsAre(1));
}

TEST(MatchFiles, KeepsNoReservationOfAFileThatIsNotThere) {
  auto const asset = multipart(tagged("x", 2, kProcessing));
  EXPECT_TRUE((World{{}, {asset}, {session()}}.match().unclaimed.empty()));
  EXPECT_EQ((World{{}, {asset}, {session(7, 6s)}}.match().unclaimed.size()), 1u) << "opened at another time";
}

TEST(MatchFiles, TakesATagWithoutAnIdentityForNone) {
  auto early = untagged("x");
  early.client_op = "01JZ8Q7KXV3N5T9A2B4C6D8E0F.1";
  EXPECT_EQ((World{{file(1)}, {early}}.match().files[0].fate), Fate::kAdopt);
}

TEST(Reservation, IsWhatHasAnUnfinishedSessionOfItsSizeAndTime) {
  auto const made = World{{file(1)}, {multipart(tagged("x", 1, kProcessing))}, {session()}}.match();
  EXPECT_EQ(made.files[0].fate, Fate::kUpload);
  EXPECT_EQ(made.unfinished, 1u);
  EXPECT_EQ(made.strangers, 0u);
}

TEST(Reservation, IsNoneThatMayBeComplete) {
  auto const asset = multipart(tagged("x", 1, kProcessing));
  for (auto const& sessions : {std::vector<IncompleteUpload>{}, std::vector{session(8)}, std::vector{session(7, 10s)}})
    EXPECT_EQ((World{{file(1)}, {asset}, sessions}.match().files[0].fate), Fate::kAdopt);
  EXPECT_EQ((World{{file(1)}, {multipart(tagged("x", 1))}, {session()}}.match().files[0].fate), Fate::kAdopt);
  EXPECT_EQ((World{{file(1)}, {tagged("x", 1, kProcessing)}, {session()}}.match().files[0].fate), Fate::kAdopt);
}

TEST(Reservation, IsOpenedWithinFiveSecondsOfItsSession) {
  auto const asset = multipart(tagged("x", 1, kProcessing));
  for (auto const after : {5000ms, -5000ms})
    EXPECT_EQ((World{{file(1)}, {asset}, {session(7, after)}}.match().files[0].fate), Fate::kUpload);
  for (auto const after : {5001ms, -5001ms})
    EXPECT_EQ((World{{file(1)}, {asset}, {session(7, after)}}.match().files[0].fate), Fate::kAdopt);
}

TEST(Reservation, IsNoneWhereTheTimeOfEitherIsNotKnown) {
  auto timeless = multipart(tagged("x", 1, kProcessing));
  timeless.created_at.reset();
  EXPECT_EQ((World{{file(1)}, {timeless}, {session()}}.match().files[0].fate), Fate::kAdopt);
  EXPECT_EQ((World{{file(1)}, {timeless}}.match().files[0].fate), Fate::kAdopt);
  auto opened = session();
  opened.created_at.reset();
  EXPECT_EQ((World{{file(1)}, {multipart(tagged("x", 1, kProcessing))}, {opened}}.match().files[0].fate), Fate::kAdopt);
}

TEST(Reservation, IsNotClaimedWhereOneOfTwoMayBeComplete) {
  std::vector const assets = {multipart(tagged("x", 1, kProcessing)), multipart(tagged("y", 2, kProcessing))};
  auto const one = World{{file(1), file(2)}, assets, {session()}}.match();
  EXPECT_EQ(one.files[0].fate, Fate::kAdopt);
  EXPECT_EQ(one.files[1].fate, Fate::kAdopt);
  auto const both = World{{file(1), file(2)}, assets, {session(), session()}}.match();
  EXPECT_EQ(both.files[0].fate, Fate::kUpload);
  EXPECT_EQ(both.files[1].fate, Fate::kUpload);
  auto const sizes = World{{file(1), file(2, "b.mp4", 9)}, assets, {session()}}.match();
  EXPECT_EQ(sizes.files[0].fate, Fate::kUpload) << "the other one's file has another size";
}

}  // namespace
}  // namespace sluice::stage

#include "core/source/settle.h"

#include <gtest/gtest.h>

namespace sluice::source {
namespace {

using namespace std::chrono_literals;
using Is = Verdict::Is;
using Reason = Verdict::Reason;

WallTime const kNoon = from_unix_ms(1'795'262'400'000);
constexpr std::int64_t kHourNs = 3'600'000'000'000;

std::int64_t ns(WallTime at) { return to_unix_ms(at) * 1'000'000; }

// A file of yesterday, first seen at noon, with 5 s to settle; seen again after `later`.
SettleFacts after(Millis later) {
  ports::FilePrint const print{.size_bytes = 10,
                               .mtime_ns = ns(kNoon) - 24 * kHourNs,
                               .ctime_ns = ns(kNoon) - 23 * kHourNs,
                               .inode = 3,
                               .device = 4};
  return {.recorded = print,
          .fresh = print,
          .writer = ports::Writer::kNone,
          .quiet_since = kNoon,
          .first_seen = kNoon,
          .now = kNoon + later,
          .settle = 5s,
          .max_settle = 24h};
}

TEST(Settle, WaitsFromFirstSightHoweverOldTheFileIs) {  // a copy may keep the old times
  EXPECT_EQ(settle(after(1s)), (Verdict{Is::kWait, Reason::kQuiet, kNoon + 5s}));
  EXPECT_EQ(settle(after(4999ms)).is, Is::kWait);
}

TEST(Settle, AQuietFileIsStable) { EXPECT_EQ(settle(after(5s)).is, Is::kStable); }

TEST(Settle, TheLatestOfItsTimesCounts) {
  auto facts = after(5s);
  facts.recorded.ctime_ns = facts.fresh->ctime_ns = ns(kNoon + 3s);
  EXPECT_EQ(settle(facts), (Verdict{Is::kWait, Reason::kQuiet, kNoon + 8s}));
  facts.recorded.mtime_ns = facts.fresh->mtime_ns = ns(kNoon + 4s);
  EXPECT_EQ(settle(facts).again_at, kNoon + 9s);
}

TEST(Settle, AFutureTimeDoesNotBlock) {
  auto facts = after(5s);
  facts.recorded.mtime_ns = facts.fresh->mtime_ns = ns(kNoon) + 1000 * kHourNs;
  EXPECT_EQ(settle(facts).is, Is::kStable);
}

TEST(Settle, AMtimeOfZeroOrBeforeTheEpochDoesNotBlock) {
  for (auto const mtime_ns : {std::int64_t{0}, -kHourNs, INT64_MIN, INT64_MAX}) {
    auto facts = after(5s);
    facts.recorded.mtime_ns = facts.fresh->mtime_ns = mtime_ns;
    EXPECT_EQ(settle(facts).is, Is::kStable) << mtime_ns;
  }
}

TEST(Settle, AnyChangeOfThePrintStartsTheQuietAnew) {
  for (int field = 0; field < 4; ++field) {
    auto facts = after(10s);
    auto& fresh = *facts.fresh;
    if (field == 0) ++fresh.size_bytes;
    if (field == 1) ++fresh.mtime_ns;
    if (field == 2) ++fresh.ctime_ns;
    if (field == 3) ++fresh.inode;
    EXPECT_EQ(settle(facts), (Verdict{Is::kChanged, Reason::kChanging, kNoon + 15s})) << field;
  }
}

TEST(Settle, AnotherDeviceNumberIsAnotherMountOfTheSameFile) {
  auto facts = after(10s);
  ++facts.fresh->device;
  EXPECT_EQ(settle(facts).is, Is::kStable);
}

TEST(Settle, AWriterIsWaitedFor) {
  auto facts = after(5s);
  facts.writer = ports::Writer::kPresent;
  EXPECT_EQ(settle(facts), (Verdict{Is::kWait, Reason::kWriter, kNoon + 10s}));
}

TEST(Settle, WithoutProofOfAWriterQuietIsEnough) {
  auto facts = after(5s);
  facts.writer = ports::Writer::kUnknown;
  EXPECT_EQ(settle(facts).is, Is::kStable);
}

TEST(Settle, AnEmptyFileIsGivenMoreTime) {
  auto facts = after(5s);
  facts.recorded.size_bytes = facts.fresh->size_bytes = 0;
  EXPECT_EQ(settle(facts), (Verdict{Is::kWait, Reason::kQuiet, kNoon + 15s}));
  facts.now = kNoon + 15s;
  EXPECT_EQ(settle(facts).is, Is::kStable);
}

TEST(Settle, AGoneFileIsGone) {
  auto facts = after(1s);
  facts.fresh.reset();
  EXPECT_EQ(settle(facts).is, Is::kGone);
}

TEST(Settle, AfterTooLongPeopleAreToldAndItGoesOn) {
  auto facts = after(24h);
  facts.quiet_since = facts.now - 1s;
  EXPECT_EQ(settle(facts), (Verdict{Is::kStillChanging, Reason::kQuiet, facts.now + 4s}));
  facts.writer = ports::Writer::kPresent;
  facts.quiet_since = kNoon;
  EXPECT_EQ(settle(facts), (Verdict{Is::kStillChanging, Reason::kWriter, facts.now + 5s}));
  ++facts.fresh->size_bytes;
  EXPECT_EQ(settle(facts), (Verdict{Is::kStillChanging, Reason::kChanging, facts.now + 5s}));
  facts.fresh = facts.recorded;
  facts.writer = ports::Writer::kNone;
  EXPECT_EQ(settle(facts).is, Is::kStable);  // late is not never
}

TEST(Settle, AClockThatWentBackStartsTheQuietAnew) {
  auto facts = after(-2h);
  EXPECT_EQ(settle(facts), (Verdict{Is::kChanged, Reason::kQuiet, facts.now + 5s}));
}

TEST(Settle, NeverAsksToLookAgainAtOnce) {
  auto facts = after(0ms);
  facts.settle = 0ms;
  facts.writer = ports::Writer::kPresent;
  EXPECT_GT(settle(facts).again_at, facts.now);
  ++facts.fresh->size_bytes;
  EXPECT_GT(settle(facts).again_at, facts.now);
}

TEST(Settle, SeenForTheFirstTimeItWaitsTheSettleTime) {
  EXPECT_EQ(settle(after(0s)), (Verdict{Is::kWait, Reason::kQuiet, kNoon + 5s}));
}

TEST(Settle, WrittenAtThisVeryMomentItIsNotYetQuiet) {
  auto facts = after(5s);
  facts.recorded.mtime_ns = facts.fresh->mtime_ns = ns(facts.now);
  EXPECT_EQ(settle(facts), (Verdict{Is::kWait, Reason::kQuiet, kNoon + 10s}));
}

TEST(Settle, WithoutItsMarkerAFileWaitsHoweverQuietItIs) {
  auto facts = after(48h);
  facts.marker = Marker::kMissing;
  EXPECT_EQ(settle(facts), (Verdict{Is::kWait, Reason::kMarker, kNoon + 49h}));
}

TEST(Settle, WithItsMarkerAFileWaitsForNothingButItsWriter) {
  auto facts = after(0ms);
  facts.marker = Marker::kThere;
  EXPECT_EQ(settle(facts).is, Is::kStable);
  facts.writer = ports::Writer::kPresent;
  EXPECT_EQ(settle(facts), (Verdict{Is::kWait, Reason::kWriter, kNoon + 5s}));
  facts.fresh->size_bytes += 1;
  EXPECT_EQ(settle(facts).is, Is::kChanged) << "two looks must agree";
}

}  // namespace
}  // namespace sluice::source

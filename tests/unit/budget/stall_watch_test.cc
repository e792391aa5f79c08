// Which chunk PUT is cut before the stall limit.
#include "core/budget/stall_watch.h"

#include <gtest/gtest.h>

namespace sluice::budget {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kNow{Millis(1'795'262'400'000)};
constexpr std::uint64_t kMiB = 1024 * 1024;

TEST(StallWatch, CutsAPutThatHangsWhileOthersGoOn) {
  StallWatch watch;
  watch.moved("s3", kNow - 100ms);
  EXPECT_FALSE(watch.cuts("s3", {.lasts = 1'999ms}, kMiB, kNow));
  EXPECT_TRUE(watch.cuts("s3", {.lasts = 2s}, kMiB, kNow));
}

TEST(StallWatch, WaitsLongerForALongLine) {
  StallWatch watch;
  watch.moved("s3", kNow - 100ms);
  EXPECT_FALSE(watch.cuts("s3", {.lasts = 999ms, .timeout = 200ms}, 1, kNow));
  EXPECT_TRUE(watch.cuts("s3", {.lasts = 1s, .timeout = 200ms}, 1, kNow));
  EXPECT_TRUE(watch.cuts("s3", {.lasts = 1s, .timeout = 1ms}, 1, kNow));
  EXPECT_FALSE(watch.cuts("s3", {.lasts = 1'499ms, .timeout = 300ms}, 1, kNow));
  EXPECT_TRUE(watch.cuts("s3", {.lasts = 1'500ms, .timeout = 300ms}, 1, kNow));
  EXPECT_FALSE(watch.cuts("s3", {.lasts = 1'999ms, .timeout = 3s}, 1, kNow));
  EXPECT_TRUE(watch.cuts("s3", {.lasts = 2s, .timeout = 3s}, 1, kNow)) << "a satellite";
}

TEST(StallWatch, CutsNothingWhereNothingElseMoves) {
  StallWatch watch;
  EXPECT_FALSE(watch.cuts("s3", {.lasts = 50s}, kMiB, kNow)) << "alone";
  watch.moved("s3", kNow - 50s);
  EXPECT_FALSE(watch.cuts("s3", {.lasts = 50s}, kMiB, kNow)) << "they fell silent together: an outage";
  watch.moved("elsewhere", kNow);
  EXPECT_FALSE(watch.cuts("s3", {.lasts = 50s}, kMiB, kNow)) << "another host proves nothing";
}

TEST(StallWatch, CutsThePutThatIsLeftWhenTheOthersHaveEnded) {
  StallWatch watch;
  watch.moved("s3", kNow - 1s);  // the last of the others
  EXPECT_TRUE(watch.cuts("s3", {.lasts = 2s}, kMiB, kNow));
}

// When a PUT last moved is known to a quarter of a second, and said too late: whatever came after that is after it.
TEST(StallWatch, CutsTheLastOneThoughTheOthersEndedSoonAfterItFellSilent) {
  StallWatch watch;
  watch.moved("s3", kNow - 2s + 100ms);
  EXPECT_TRUE(watch.cuts("s3", {.lasts = 2s}, kMiB, kNow));
  watch.moved("s3", kNow - 2s);
  EXPECT_FALSE(watch.cuts("s3", {.lasts = 2s}, kMiB, kNow)) << "last seen to move at the same look";
}

TEST(StallWatch, WastesAFiftiethOfWhatArrivedAtMost) {
  StallWatch watch;
  std::uint64_t wasted = 0, arrived = 0;
  for (int i = 0; i < 1'000; ++i) {
    watch.moved("s3", kNow);
    if (watch.cuts("s3", {.lasts = 3s}, 5 * kMiB, kNow)) wasted += 5 * kMiB;
    watch.arrived(16 * kMiB);
    arrived += 16 * kMiB;
  }
  EXPECT_LE(wasted, 16 * kMiB + arrived / 50);
  EXPECT_GE(wasted, arrived / 60);
}

TEST(StallWatch, CutsNothingThatHasNoConnectionYet) {
  StallWatch watch;
  watch.moved("s3", kNow);
  EXPECT_FALSE(watch.cuts("s3", {.lasts = 10s}, 0, kNow)) << "a slow name server, or a handshake on a full line";
}

TEST(StallWatch, ForgetsHostsThatNothingIsSentTo) {
  StallWatch watch;
  watch.moved("s3", kNow - 5s);
  watch.forget_idle(kNow);
  EXPECT_TRUE(watch.cuts("s3", {.lasts = 20s}, 1, kNow));
  watch.forget_idle(kNow + 1h);
  EXPECT_FALSE(watch.cuts("s3", {.lasts = 2h}, 1, kNow + 1h));
}

}  // namespace
}  // namespace sluice::budget

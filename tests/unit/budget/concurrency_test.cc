// How many chunk PUTs are in the air, by what the line bears.
#include "core/budget/concurrency.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace sluice::budget {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kNow{Millis(1'795'262'400'000)};
constexpr std::size_t kCeiling = 32;
constexpr std::uint64_t kMB = 1'000'000;

// A line that carries `rate_of(connections)` bytes a second; connections over the limit end one after the other.
struct Line {
  std::function<std::uint64_t(std::size_t)> rate_of;
  Concurrency concurrency = {};
  WallTime now = kNow;
  std::uint64_t sent = 0;
  std::size_t in_air = kCeiling;
  std::size_t least = kCeiling, most = 0;

  void go_on(Millis time) {
    for (auto const end = now + time; now < end; now += 500ms) {
      auto const limit = concurrency.limit(kCeiling);
      in_air = in_air > limit ? in_air - 1 : limit;
      sent += rate_of(in_air) / 2;
      concurrency.look(in_air, sent, kCeiling, now);
      least = std::min(least, concurrency.limit(kCeiling));
      most = std::max(most, concurrency.limit(kCeiling));
    }
  }
  std::size_t limit() const { return concurrency.limit(kCeiling); }
};

TEST(Concurrency, StaysAtItsCeilingOnAFastLine) {
  Line line{[](std::size_t n) { return n * 10 * kMB; }};
  line.go_on(1h);
  EXPECT_EQ(line.least, kCeiling);
}

TEST(Concurrency, FallsToWhatANarrowLineFillsAndStays) {
  Line line{[](std::size_t) { return 2 * kMB; }};
  line.go_on(10min);
  EXPECT_LE(line.limit(), 4u);
  EXPECT_GE(line.limit(), 2u);
  line.least = line.most = line.limit();
  line.go_on(6h);
  EXPECT_GE(line.least, 1u);
  EXPECT_LE(line.most, 4u);
}

TEST(Concurrency, TakesAStepBackThatMadeAllTogetherSlower) {
  Line satellite{[](std::size_t n) { return n * 100'000; }};  // each connection is slow by itself: a long way
  satellite.go_on(24h);
  EXPECT_GE(satellite.least, kCeiling * 7 / 10) << "one step, on trial";
  EXPECT_GE(satellite.sent, 24u * 3600 * 32 * 100'000 * 95 / 100) << "and little lost by trying";
}

TEST(Concurrency, ComesBackWhenTheLineWidens) {
  std::uint64_t width = 1 * kMB;
  Line line{[&](std::size_t n) { return std::min(width, n * 10 * kMB); }};
  line.go_on(20min);
  EXPECT_LE(line.limit(), 2u);
  width = 400 * kMB;
  line.go_on(20min);
  EXPECT_EQ(line.limit(), kCeiling);
}

TEST(Concurrency, ComesBackByTrialWhereEachConnectionIsSlowByItself) {
  std::uint64_t width = 1 * kMB;
  Line line{[&](std::size_t n) { return std::min(width, n * 1'500'000); }};
  line.go_on(2h);
  EXPECT_LE(line.limit(), 3u);
  width = 100 * kMB;
  line.go_on(30min);
  EXPECT_EQ(line.limit(), kCeiling);
}

TEST(Concurrency, IsThreeTenthsFewerOnceForABurstOfRefusals) {
  Line line{[](std::size_t n) { return n * 10 * kMB; }};
  for (int i = 0; i < 20; ++i) line.concurrency.throttled(kCeiling, line.now);
  EXPECT_EQ(line.limit(), 22u);
  line.go_on(25s);
  EXPECT_EQ(line.limit(), 22u);
  line.go_on(10min);
  EXPECT_EQ(line.limit(), kCeiling);
}

TEST(Concurrency, JudgesNothingWhileTooFewAreUnderWay) {
  Concurrency concurrency;
  std::uint64_t sent = 0;
  for (auto now = kNow; now < kNow + 1h; now += 500ms) concurrency.look(3, sent += 1'000, kCeiling, now);
  EXPECT_EQ(concurrency.limit(kCeiling), kCeiling) << "three small uploads are no narrow line";
}

TEST(Concurrency, IsNeverLessThanOneNorMoreThanItsCeiling) {
  Concurrency concurrency;
  for (int i = 0; i < 100; ++i) concurrency.throttled(kCeiling, kNow + i * 60s);
  EXPECT_EQ(concurrency.limit(kCeiling), 1u);
  EXPECT_EQ(Concurrency().limit(1), 1u);
}

}  // namespace
}  // namespace sluice::budget

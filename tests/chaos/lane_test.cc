// Bytes on their way, under a clock that the test turns.
#include <gtest/gtest.h>

#include "tests/chaos/lane.h"

namespace sluice::chaos {
namespace {

using namespace std::chrono_literals;

constexpr Instant kNoon{};
constexpr Course kSlow{.delay = 100ms, .jitter = 50ms};

TEST(Lane, GivesBytesWhenTheirDelayIsOver) {
  Lane lane;
  lane.take("abc", kNoon, {.delay = 100ms}, 0.9);
  EXPECT_EQ(lane.due(kNoon + 99ms), "");
  EXPECT_EQ(lane.due(kNoon + 100ms), "abc");
  lane.give(2);
  EXPECT_EQ(lane.due(kNoon + 100ms), "c");
}

TEST(Lane, KeepsTheOrderWhateverTheJitter) {
  Lane lane;
  lane.take("late", kNoon, kSlow, 0.999);  // 150 ms
  lane.take("soon", kNoon, kSlow, 0.0);    // 50 ms, and yet behind
  EXPECT_EQ(lane.due(kNoon + 149ms), "");
  EXPECT_EQ(lane.due(kNoon + 150ms), "late");
  lane.give(4);
  EXPECT_EQ(lane.due(kNoon + 150ms), "soon");
}

TEST(Lane, EndsBehindItsBytes) {
  Lane lane;
  lane.take("abc", kNoon, {}, 0);
  lane.end(kNoon, {}, 0);
  EXPECT_FALSE(lane.end_is_due(kNoon));
  lane.give(3);
  EXPECT_TRUE(lane.end_is_due(kNoon));
}

TEST(Lane, IsBoundedAndWithARateHoldsWhatItTakesInTheDelayAndATenthOfASecond) {
  Lane lane;
  Course const course{.delay = 100ms, .bytes_per_s = 400'000};
  std::size_t inside = 0;
  while (auto const room = lane.room(course)) {
    lane.take(std::string(room, 'x'), kNoon, course, 0);
    inside += room;
  }
  EXPECT_EQ(inside, 80'000u);
  while (auto const room = lane.room({})) {
    lane.take(std::string(room, 'x'), kNoon, {}, 0);
    inside += room;
  }
  EXPECT_EQ(inside, Lane::kInsideMax);
}

TEST(Lane, FlipsTheNextByteAlone) {
  Lane lane;
  lane.take("abc", kNoon, {}, 0);
  lane.give(1);
  lane.flip_next(0x20);
  EXPECT_EQ(lane.due(kNoon), "Bc");
}

}  // namespace
}  // namespace sluice::chaos

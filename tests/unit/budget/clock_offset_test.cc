// The platform's clock minus this host's.
#include "core/budget/clock_offset.h"

#include <gtest/gtest.h>

namespace sluice::budget {
namespace {

using namespace std::chrono_literals;

TEST(ClockOffset, IsZeroUntilAnAnswerSaysOne) {
  ClockOffset offset;
  EXPECT_EQ(offset.median(), 0ms);
  offset.note(86'400s);
  EXPECT_EQ(offset.median(), 86'400s);
}

TEST(ClockOffset, IsNotMovedByOneStrangeAnswer) {
  ClockOffset offset;
  for (int i = 0; i < 40; ++i) offset.note(i % 8 == 3 ? -50'000'000s : Millis(1'000 + i));
  EXPECT_GE(offset.median(), 1s);
  EXPECT_LE(offset.median(), 1'040ms);
}

TEST(ClockOffset, FollowsAClockThatWasSetWithinSomeAnswers) {
  ClockOffset offset;
  for (int i = 0; i < 100; ++i) offset.note(0s);
  for (int i = 0; i < 17; ++i) offset.note(-3'600s);
  EXPECT_EQ(offset.median(), -3'600s);
}

}  // namespace
}  // namespace sluice::budget

// Rates by day and hour.
#include "core/base/timetable.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

constexpr int kMonday = 0, kFriday = 4, kSaturday = 5, kSunday = 6;

constexpr int at(int hour, int minute = 0) { return hour * 60 + minute; }

TEST(Bandwidth, HasNoCapWithoutARule) { EXPECT_FALSE(rate_at({}, kMonday, at(12))); }

TEST(Bandwidth, HoldsFromItsFirstMinuteToTheOneBeforeItsLast) {
  std::vector<BandwidthRule> const office = {
      {.days = 0b0011111, .from_minute = at(8), .to_minute = at(18), .bytes_per_s = 5}};
  EXPECT_FALSE(rate_at(office, kMonday, at(7, 59)));
  EXPECT_EQ(rate_at(office, kMonday, at(8)), 5u);
  EXPECT_EQ(rate_at(office, kFriday, at(17, 59)), 5u);
  EXPECT_FALSE(rate_at(office, kFriday, at(18)));
  EXPECT_FALSE(rate_at(office, kSaturday, at(12)));
}

TEST(Bandwidth, ThatEndsBeforeItBeginsEndsOnTheNextDay) {
  std::vector<BandwidthRule> const night = {
      {.days = 1u << kSunday, .from_minute = at(22), .to_minute = at(6), .bytes_per_s = 5}};
  EXPECT_FALSE(rate_at(night, kSunday, at(21, 59)));
  EXPECT_EQ(rate_at(night, kSunday, at(22)), 5u);
  EXPECT_EQ(rate_at(night, kMonday, at(5, 59)), 5u);
  EXPECT_FALSE(rate_at(night, kMonday, at(6)));
  EXPECT_FALSE(rate_at(night, kSunday, at(5))) << "Saturday's night is not capped";
}

TEST(Bandwidth, IsThatOfTheFirstRuleThatHolds) {
  std::vector<BandwidthRule> const rules = {{.from_minute = at(8), .to_minute = at(18), .bytes_per_s = 5},
                                            {.bytes_per_s = 50}};
  EXPECT_EQ(rate_at(rules, kMonday, at(9)), 5u);
  EXPECT_EQ(rate_at(rules, kMonday, at(19)), 50u);
}

}  // namespace
}  // namespace sluice

#include "core/base/time.h"

#include <gtest/gtest.h>

#include <random>

namespace sluice {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kMoment = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) + 3h + 4min + 5s;

TEST(Rfc3339, WritesSecondsAndOnlyNonZeroMilliseconds) {
  EXPECT_EQ(to_rfc3339(kMoment), "2026-11-22T03:04:05Z");
  EXPECT_EQ(to_rfc3339(kMoment + 7ms), "2026-11-22T03:04:05.007Z");
  EXPECT_EQ(to_rfc3339(from_unix_ms(-1)), "1969-12-31T23:59:59.999Z");
}

TEST(Rfc3339, WritesTheNearestEndForTimesOutsideFourDigitYears) {
  EXPECT_EQ(to_rfc3339(from_unix_ms(INT64_MAX)), "9999-12-31T23:59:59.999Z");
  EXPECT_EQ(to_rfc3339(from_unix_ms(INT64_MIN)), "0000-01-01T00:00:00Z");
}

TEST(Rfc3339, ReadsUtcOffsetsAndFractions) {
  EXPECT_EQ(parse_rfc3339("2026-11-22T03:04:05Z"), kMoment);
  EXPECT_EQ(parse_rfc3339("2026-11-22t03:04:05z"), kMoment);
  EXPECT_EQ(parse_rfc3339("2026-11-22T12:04:05+09:00"), kMoment);
  EXPECT_EQ(parse_rfc3339("2026-11-21T22:34:05-04:30"), kMoment);
  EXPECT_EQ(parse_rfc3339("2026-11-22T03:04:05.5Z"), kMoment + 500ms);
  EXPECT_EQ(parse_rfc3339("2026-11-22T03:04:05.123999999+00:00"), kMoment + 123ms);  // cut, not rounded
}

TEST(Rfc3339, TakesALeapSecondAsTheNextMinute) {
  EXPECT_EQ(parse_rfc3339("2016-12-31T23:59:60Z"), parse_rfc3339("2017-01-01T00:00:00Z"));
}

TEST(Rfc3339, RefusesEverythingElse) {
  for (auto const* text :
       {"", "2026-11-22", "2026-11-22T03:04:05", "2026-11-22 03:04:05Z", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
        "2026-11-22T24:00:00Z", "2026-11-22T03:60:00Z", "2026-11-22T03:04:61Z", "2026-11-22T03:04:05.Z",
        "2026-11-22T03:04:05+0900", "2026-11-22T03:04:05+24:00", "2026-11-22T03:04:05Zx", " 2026-11-22T03:04:05Z",
        "+026-11-22T03:04:05Z", "20261122T030405Z", "1795316645"}) {
    EXPECT_EQ(parse_rfc3339(text), std::nullopt) << text;
  }
}

TEST(Rfc3339, ReadsBackWhatItWrites) {
  std::mt19937_64 dice(11);
  auto const first = to_unix_ms(*parse_rfc3339("0000-01-01T00:00:00Z"));
  auto const last = to_unix_ms(*parse_rfc3339("9999-12-31T23:59:59.999Z"));
  std::uniform_int_distribution<std::int64_t> any(first, last);
  for (int run = 0; run < 5000; ++run) {
    auto const at = from_unix_ms(any(dice));
    ASSERT_EQ(parse_rfc3339(to_rfc3339(at)), at) << to_rfc3339(at);
  }
}

TEST(HttpDate, ReadsTheFixedForm) {
  EXPECT_EQ(parse_http_date("Sun, 22 Nov 2026 03:04:05 GMT"), kMoment);
  EXPECT_EQ(parse_http_date("Thu, 01 Jan 1970 00:00:00 GMT"), from_unix_ms(0));
}

TEST(HttpDate, RefusesEverythingElse) {
  for (auto const* text :
       {"", "Sun, 22 Nov 2026 03:04:05", "Sun, 22 Nov 2026 03:04:05 UTC", "22 Nov 2026 03:04:05 GMT",
        "Sun, 31 Feb 2026 03:04:05 GMT", "Sun, 2 Nov 2026 03:04:05 GMT", "Sunday, 22-Nov-26 03:04:05 GMT",
        "Sun, 22 Nox 2026 03:04:05 GMT", "Sun, 22 Nov 2026 25:04:05 GMT", "120"}) {
    EXPECT_EQ(parse_http_date(text), std::nullopt) << text;
  }
}

TEST(Words, SayADurationInAtMostTwoUnits) {
  EXPECT_EQ(to_words(0ms), "0 s");
  EXPECT_EQ(to_words(250ms), "250 ms");
  EXPECT_EQ(to_words(4s), "4 s");
  EXPECT_EQ(to_words(12min), "12 min");
  EXPECT_EQ(to_words(90s), "1 min 30 s");
  EXPECT_EQ(to_words(3h + 20min + 59s), "3 h 20 min");
  EXPECT_EQ(to_words(1h + 30s), "1 h");
  EXPECT_EQ(to_words(52h), "2 d 4 h");
  EXPECT_EQ(to_words(-90s), "-1 min 30 s");
  EXPECT_FALSE(to_words(Millis::min()).empty());
  EXPECT_FALSE(to_words(Millis::max()).empty());
}

}  // namespace
}  // namespace sluice

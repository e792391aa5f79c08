#include "config/values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace sluice::config {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST(Duration, ReadsEachUnit) {
  EXPECT_EQ(parse_duration("200ms"), 200ms);
  EXPECT_EQ(parse_duration("5s"), 5s);
  EXPECT_EQ(parse_duration("10m"), 10min);
  EXPECT_EQ(parse_duration("1h"), 1h);
  EXPECT_EQ(parse_duration("2d"), 48h);
  EXPECT_EQ(parse_duration("0s"), 0s);
}

TEST(Duration, RefusesEverythingElse) {
  for (auto const* text : {"", "s", "5", "-5s", "+5s", "5 s", " 5s", "5s ", "5S", "1.5h", "1h30m", "5sec", "0x5s",
                           "99999999999999999999s", "18446744073709551615d", "4000d"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(Duration, SaysThatTheUnitIsMissing) {
  EXPECT_EQ(parse_duration("5").error(), "a duration needs a unit; write one such as 5s, 10m, 1h, 2d or 200ms");
}

TEST(Size, ReadsPowersOf1024And1000) {
  EXPECT_EQ(parse_size("0B"), 0u);
  EXPECT_EQ(parse_size("64KiB"), 65'536u);
  EXPECT_EQ(parse_size("16MiB"), 16'777'216u);
  EXPECT_EQ(parse_size("1GiB"), 1'073'741'824u);
  EXPECT_EQ(parse_size("200kB"), 200'000u);
  EXPECT_EQ(parse_size("200MB"), 200'000'000u);
  EXPECT_EQ(parse_size("10GB"), 10'000'000'000u);
  EXPECT_EQ(parse_size("2TB"), 2'000'000'000'000u);
}

TEST(Size, RefusesEverythingElse) {
  for (auto const* text : {"", "16", "16M", "16mib", "16MIB", "16 MiB", "1.5GB", "-1B", "9000TiB", "16MB/s"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
}

TEST(Rate, IsASizePerSecond) {
  EXPECT_EQ(parse_rate("64KiB/s"), 65'536u);
  EXPECT_EQ(parse_rate("50MB/s"), 50'000'000u);
  EXPECT_THAT(parse_rate("50MB").error(), HasSubstr("50MB/s"));
  EXPECT_FALSE(parse_rate("50Mbit/s"));
}

}  // namespace
}  // namespace sluice::config

// What is chosen to go wrong, and that the seed alone decides.
#include <gtest/gtest.h>

#include <string>

#include "tests/chaos/fates.h"

namespace sluice::chaos {
namespace {

// The turns of one connection that are struck, as a row of dots and crosses.
std::string row(Fates& fates, std::uint64_t connection, std::uint64_t turns) {
  std::string row;
  for (std::uint64_t turn = 1; turn <= turns; ++turn) row += fates.of_turn(connection, turn).empty() ? '.' : 'x';
  return row;
}

Fates with(Fault const& fault, std::uint64_t seed = 1) {
  Fates fates(seed);
  fates.set({fault});
  return fates;
}

TEST(Fates, ChooseTheNthEachSoManiethAndSoManyTimes) {
  auto third = with({.nth = 3});
  EXPECT_EQ(row(third, 1, 6), "..x...");
  auto each = with({.every = 2});
  EXPECT_EQ(row(each, 1, 6), ".x.x.x");
  auto twice = with({.every = 2, .times = 2});
  EXPECT_EQ(row(twice, 1, 8), ".x.x....");
  auto always = with({});
  EXPECT_EQ(row(always, 1, 3), "xxx");
}

TEST(Fates, CountAnewWhenTheyAreSet) {
  auto fates = with({.nth = 1});
  EXPECT_EQ(row(fates, 1, 2), "x.");
  fates.set({{.nth = 1}});
  EXPECT_EQ(row(fates, 1, 2), "x.");
}

TEST(Fates, StrikeTheShareThatTheyWereGiven) {
  auto fates = with({.share = 0.05});
  int struck = 0;
  for (std::uint64_t connection = 1; connection <= 100; ++connection)
    for (auto const mark : row(fates, connection, 100)) struck += mark == 'x' ? 1 : 0;
  EXPECT_GT(struck, 430);  // of 10,000; the seed is fixed, and so is the sum
  EXPECT_LT(struck, 570);
}

TEST(Fates, AreTheSameForTheSameSeedWhateverOthersDid) {
  auto alone = with({.share = 0.3}, 42);
  auto among = with({.share = 0.3}, 42);
  row(among, 1, 50);
  row(among, 9, 50);
  EXPECT_EQ(row(alone, 5, 100), row(among, 5, 100));
  auto other = with({.share = 0.3}, 43);
  EXPECT_NE(row(alone, 5, 100), row(other, 5, 100));
}

TEST(Fates, OfConnectionsAndOfTurnsAreApart) {
  auto fates = with({.of_connection = true, .nth = 2});
  EXPECT_EQ(row(fates, 1, 5), ".....");
  EXPECT_TRUE(fates.of_connection(1).empty());
  EXPECT_EQ(fates.of_connection(2).size(), 1u);
}

TEST(Fates, StrikeWithinTheirSpan) {
  auto fates = with({.after_bytes = 100, .within_bytes = 50});
  std::uint64_t least = UINT64_MAX, most = 0;
  for (std::uint64_t turn = 1; turn <= 1'000; ++turn) {
    auto const at = fates.of_turn(1, turn).at(0).at;
    least = std::min(least, at);
    most = std::max(most, at);
  }
  EXPECT_EQ(least, 100u);
  EXPECT_EQ(most, 150u);
}

TEST(Fates, PerMebibyteComeAsOftenAsTheyShould) {
  auto fates = with({.of_connection = true, .per_mib = 0.5});
  double sum = 0;
  for (std::uint64_t connection = 1; connection <= 2'000; ++connection)
    sum += static_cast<double>(fates.of_connection(connection).at(0).at);
  EXPECT_NEAR(sum / 2'000 / (1 << 20), 2.0, 0.2);  // MiB to the first; the seed is fixed
}

}  // namespace
}  // namespace sluice::chaos

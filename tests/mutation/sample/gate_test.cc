#include "core/gate.h"

#include <gtest/gtest.h>

namespace {

TEST(Gate, LetsThroughWhoIsOfAgeAndHasATicket) {
  EXPECT_TRUE(gate::may_pass(18, true, std::nullopt));
  EXPECT_TRUE(gate::may_pass(18, true, 12));
  EXPECT_FALSE(gate::may_pass(18, true, 13));
  EXPECT_FALSE(gate::may_pass(18, false, std::nullopt));
  EXPECT_FALSE(gate::may_pass(17, true, 12));
}

TEST(Gate, TakesAFeeOfGrownPeople) {
  EXPECT_EQ(gate::fee_of(5), 0);
  EXPECT_EQ(gate::fee_of(7), 5);
}

TEST(Gate, KnowsTheHighest) { EXPECT_EQ(gate::highest({2, 3, 3, 1}), 3); }

TEST(Gate, CountsDigits) {
  EXPECT_EQ(gate::digits_of(7), 1);
  EXPECT_EQ(gate::digits_of(1234), 4);
}

TEST(Gate, NamesTheFirstLetter) {
  EXPECT_EQ(gate::first_of("gate"), 'g');
  EXPECT_EQ(gate::first_of(""), '-');
}

}  // namespace

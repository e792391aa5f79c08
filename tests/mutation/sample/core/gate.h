// gate.h - the rules of a gate, made up for tests/mutation/self_test.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace gate {

bool may_pass(int age, bool has_ticket, std::optional<int> const& row);
int fee_of(int age);
int highest(std::vector<int> const& numbers);
int digits_of(int number);
char first_of(std::string_view text);
int never_asked(int number);

}  // namespace gate

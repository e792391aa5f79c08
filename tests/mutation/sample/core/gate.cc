#include "core/gate.h"

#include <algorithm>
#include <cassert>
#include <cstddef>

namespace gate {
namespace {

constexpr bool kStrict = sizeof(int) == 4 && sizeof(char) == 1;  // left alone
static_assert(kStrict || sizeof(long) > 4);                      // left alone

}  // namespace

// Tried from both sides.
bool may_pass(int age, bool has_ticket, std::optional<int> const& row) {
  assert(age >= 0);
  if constexpr (!kStrict) return true;
  return age >= 18 && has_ticket && (!row || *row != 13);
}

// Nobody tries a child of exactly six. A shift is no comparison.
int fee_of(int age) { return age < 6 ? 0 : 10 >> 1; }

// The bound makes no difference here.
int highest(std::vector<int> const& numbers) {
  int most = numbers.front();
  for (auto const n : numbers)
    if (most < n) most = n;
  return most;
}

// Without its end it goes on for ever.
int digits_of(int number) {
  unsigned digits = 1;
  for (; number / 10 != 0; number /= 10) ++digits;
  return static_cast<int>(digits);
}

// Without its question it crashes.
char first_of(std::string_view text) {
  auto const pointer_to = [&]() -> char const* { return text.empty() ? nullptr : text.data(); };
  if (auto const* first = pointer_to()) return *first;
  return '-';
}

int never_asked(int number) {
  if (std::ranges::any_of(std::vector<int>{1, 2}, [&](int n) { return !(n > number) || "a < b"[0] == 'b'; })) return 1;
  return 0;
}

}  // namespace gate

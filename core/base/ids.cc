#include "core/base/ids.h"

#include <algorithm>
#include <cassert>

namespace sluice {
namespace {

constexpr std::string_view kCrockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

// Appends `digits` base-32 digits of `value`, the most significant first.
void append_digits(std::string& out, std::uint64_t value, int digits) {
  for (int digit = digits - 1; digit >= 0; --digit) out += kCrockford[(value >> (5 * digit)) & 31];
}

}  // namespace

std::string make_ulid(WallTime at, std::uint64_t high, std::uint64_t low) {
  constexpr std::int64_t kMsMax = (std::int64_t{1} << 48) - 1;  // the year 10889
  auto const ms = static_cast<std::uint64_t>(std::clamp<std::int64_t>(to_unix_ms(at), 0, kMsMax));
  // 80 bits of dice are 16 digits of 5 bits: 40 bits for each half.
  auto const upper = ((high & 0xFFFF) << 24) | (low >> 40);
  auto const lower = low & ((std::uint64_t{1} << 40) - 1);

  std::string id;
  id.reserve(26);
  append_digits(id, ms, 10);
  append_digits(id, upper, 8);
  append_digits(id, lower, 8);
  return id;
}

bool is_ulid(std::string_view text) {
  // 128 bits: the first digit holds the two highest only.
  return text.size() == 26 && text.front() <= '7' && text.find_first_not_of(kCrockford) == std::string_view::npos;
}

WallTime time_of_ulid(std::string_view ulid) {
  assert(is_ulid(ulid));
  std::int64_t ms = 0;
  for (char const digit : ulid.substr(0, 10)) ms = ms * 32 + static_cast<std::int64_t>(kCrockford.find(digit));
  return from_unix_ms(ms);
}

}  // namespace sluice

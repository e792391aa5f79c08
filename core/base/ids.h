// ids.h - ULIDs: 26 characters of Crockford base 32 that sort by time.
//
// An item's id, and with a generation the operation tag that the platform keeps for us (R48).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/time.h"

namespace sluice {

// `high` and `low` are dice; only 80 bits of them are used.
std::string make_ulid(WallTime at, std::uint64_t high, std::uint64_t low);

bool is_ulid(std::string_view text);  // 26 digits, as make_ulid writes them

// The time that is in it. Requires  is_ulid(ulid).
WallTime time_of_ulid(std::string_view ulid);

}  // namespace sluice

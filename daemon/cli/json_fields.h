// json_fields.h - lenient reads of the daemon's answers: what is absent or of another type is empty.
//
// Text comes out safe to print. An answer of a newer daemon may hold more, one of an older daemon less;
// neither is an error for a table.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"

namespace sluice::cli {

std::string text_at(Json const& json, std::string_view key);
std::uint64_t count_at(Json const& json, std::string_view key);  // 0 for negative numbers
bool flag_at(Json const& json, std::string_view key, bool otherwise = false);
Json const& object_at(Json const& json, std::string_view key);             // an empty one when absent
std::vector<Json> const& list_at(Json const& json, std::string_view key);  // empty when absent

}  // namespace sluice::cli

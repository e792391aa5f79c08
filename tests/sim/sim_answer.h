// sim_answer.h - the forms of the platform's answers: JSON replies, pages, times.
//
// For the simulated platform only; the one header of it that knows the JSON library.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/sim/sim_platform.h"

namespace sluice::sim {

using Json = nlohmann::ordered_json;

std::string rfc3339(WallTime at);  // whole seconds, "Z"
std::string http_date(WallTime at);
ports::Reply answer(int status, Json const& body);

// The page of `rows` that the request asks for, beneath `key`. Without page_limit a page has ten rows (R7).
// Nothing when page or page_limit are not what R7 allows.
std::optional<Json> page_of(Request const& request, std::vector<Json> const& rows, std::string const& key = "data");

// The body as a JSON object; a null value when it is none.
Json object_in(std::string const& text);
std::string text_at(Json const& object, char const* key);  // "" when absent or no text

// Adds `key` with the object's text, unless it is "".
void add_object(Json& to, char const* key, std::string const& json_text);

bool holds_ignoring_case(std::string const& text, std::string const& part);  // U9: filters are partial

}  // namespace sluice::sim

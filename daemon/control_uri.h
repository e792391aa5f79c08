// control_uri.h - cuts a request's path into its segments, without their percent-encoding.
//
// A path is cut first and decoded afterwards, so that "%2F" inside a segment stays part of it: that is
// how a file's whole path travels as one segment of /v1/items/{id}.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::daemon {

// "/v1/items/a%2Fb" -> {"v1", "items", "a/b"}; "/" -> {}. One '/' at the end is ignored.
// Returns  nothing when the path does not begin with '/', has an empty segment, or cannot be decoded.
std::optional<std::vector<std::string>> path_segments(std::string_view path);

}  // namespace sluice::daemon

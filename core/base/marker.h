// marker.h - the file that stands beside another one and says that it is finished (D21).
//
// Its name is made from that of the file: "{name}.done" of "clip.mp4" is "clip.mp4.done". Such names never become
// items. Pure, over names (the last component of a path, bytes).
#pragma once

#include <string>
#include <string_view>

#include "core/base/template.h"

namespace sluice {

// What is wrong with a template for markers, for people; "" if nothing. It may use {name}, {stem} and {ext}, needs one
// of the first two, names no folder, and never gives the name that it was made from.
std::string why_no_marker(Template const& marker);

// Requires why_no_marker(marker) is "".
std::string marker_of(Template const& marker, std::string_view name);

// Whether a name may be some file's marker.
bool is_marker(Template const& marker, std::string_view name);

}  // namespace sluice

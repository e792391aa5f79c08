// url_name.h - the file name of a URL: data from outside, made harmless (M27).
//
// The name goes to the platform, into templates and to people's eyes; one day it may name a file on disk. Pure.
#pragma once

#include <string>
#include <string_view>

namespace sluice::source {

inline constexpr char kUnnamed[] = "unnamed";

// The last component of the URL's path, percent-decoded, as safe_name() leaves it.
std::string name_from_url(std::string_view shown_url);

// A name of 1 to 255 bytes of UTF-8 without separators, control characters, what Windows forbids, or dots, dashes and
// spaces in front; no device's name (CON, COM1). What is not allowed becomes "_"; nothing left becomes kUnnamed.
std::string safe_name(std::string_view bytes);

}  // namespace sluice::source

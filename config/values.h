// values.h - durations, sizes and rates as the configuration writes them.
//
// A number always carries its unit: a bare number is refused, since nobody can tell whether it was
// seconds or milliseconds. Fractions are refused too; write the smaller unit. No sign, no spaces.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "core/base/time.h"

namespace sluice::config {

// What is wrong and what to write instead, for people: "a duration needs a unit: write 5s, 10m, ..."
using Complaint = std::string;

// "200ms", "5s", "10m", "1h", "2d". At most ten years.
std::expected<Millis, Complaint> parse_duration(std::string_view text);

// "0B", "64KiB", "16MiB", "10GiB", "2TiB" in powers of 1024; "200kB", "200MB", "10GB", "2TB" in powers
// of 1000. Upper and lower case as written here. At most 2^53 bytes.
std::expected<std::uint64_t, Complaint> parse_size(std::string_view text);

// A size with "/s" behind it: bytes per second.
std::expected<std::uint64_t, Complaint> parse_rate(std::string_view text);

}  // namespace sluice::config

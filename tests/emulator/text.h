// text.h - small text tools: units on the command line, times, percent-encoding, globs.
//
// Everything here is pure. Parsers answer std::nullopt for what they do not understand; they never
// guess. Sizes follow two families, as people write them: MB is decimal, MiB is binary.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::emulator {

// Name and value pairs in the order in which they were sent; names may repeat (R8).
using Pairs = std::vector<std::pair<std::string, std::string>>;

// Reads "250ms", "5s", "10m", "1h", "2d" or "0". Returns milliseconds.
std::optional<std::int64_t> parse_duration_ms(std::string_view text);

// Reads "5MiB", "200MB", "64KiB", "123" (bytes). Returns bytes.
std::optional<std::uint64_t> parse_size_bytes(std::string_view text);

// Reads a size followed by "/s", such as "20MB/s". Returns bytes per second, > 0.
std::optional<std::uint64_t> parse_rate_bytes_per_s(std::string_view text);

// "2026-01-01T00:00:00Z": the form that the platform normally writes (R5). Fractions are dropped.
std::string rfc3339(std::int64_t wall_ms);

// "20130524T000000Z", as SigV4 wants it; and the way back, in Unix milliseconds.
std::string amz_date(std::int64_t wall_ms);
std::optional<std::int64_t> parse_amz_date(std::string_view text);

// Reads an RFC 3339 time with or without a fraction, `Z` or an offset (R5). Returns Unix milliseconds.
std::optional<std::int64_t> parse_rfc3339_ms(std::string_view text);

// Percent-encoding as SigV4 defines it: everything but A-Z a-z 0-9 - . _ ~ becomes %XX.
// `keep_slash` leaves '/' alone, as object paths need.
std::string uri_encode(std::string_view text, bool keep_slash);

// Undoes percent-encoding; '+' means a blank only where `plus_is_blank`. A broken escape stays as it is.
std::string uri_decode(std::string_view text, bool plus_is_blank);

// Splits a raw query string into decoded pairs; empty segments are left out.
Pairs parse_query(std::string_view raw);

std::vector<std::string> split(std::string_view text, char separator);
std::string lower(std::string_view text);

// True where `text` contains `part`, letter case aside: how name filters work here (U9: partial).
bool contains_no_case(std::string_view text, std::string_view part);

// Glob with '*' only, which matches any run of characters, '/' included.
bool glob_match(std::string_view pattern, std::string_view text);

// Escapes the five characters that XML reserves.
std::string xml_escape(std::string_view text);

}  // namespace sluice::emulator

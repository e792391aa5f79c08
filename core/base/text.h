// text.h - small pure functions over bytes and text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// Percent-encodes everything but RFC 3986 unreserved characters; for query values and path segments.
std::string percent_encode(std::string_view bytes);

// Nothing when a '%' is not followed by two hex digits. '+' stays what it is.
std::optional<std::string> percent_decode(std::string_view text);

std::string to_hex(std::span<std::byte const> bytes);  // lower case
std::string to_base64(std::string_view bytes);         // with padding
bool is_hex(std::string_view text);                    // one digit at least, nothing else
std::string to_lower_ascii(std::string_view text);
bool equal_ignoring_case(std::string_view a, std::string_view b);  // ASCII only: header names
std::string_view trimmed(std::string_view text);                   // spaces, tabs, CR, LF at both ends

bool is_utf8(std::string_view bytes);  // well formed, no surrogates, no overlong forms

// Bytes of the UTF-8 character that `bytes` begins with: 1 to 4; 0 when it begins with none.
std::size_t utf8_length(std::string_view bytes);

// At most the first `bytes_max` bytes, cut between characters where the text is UTF-8.
std::string_view cut_to(std::string_view text, std::size_t bytes_max);

// Names are bytes (D42). What a person or a log line sees of them: valid UTF-8 stays, control bytes,
// DEL, backslash and invalid bytes become \xNN, so that a newline in a name cannot forge a log line.
std::string printable(std::string_view bytes);

// The name that the platform is given for a file (D43): 1 to 255 characters of UTF-8, invalid bytes
// as %XX, a longer one cut before its extension with 8 hex digits of its hash.
std::string platform_filename(std::string_view name_bytes);

// "video.mp4" -> "mp4" (lower case); "" when there is none; a leading dot starts no extension.
std::string extension_of(std::string_view name);
std::string_view basename_of(std::string_view path);
std::string_view stem_of(std::string_view name);       // the name without its last extension
std::string_view directory_of(std::string_view path);  // all before the last '/', "" when there is none

// Whether `relative` has the form that ports/files.h asks for: '/' between components, none of them
// empty, "." or "..", no '/' in front, no NUL. The empty path is the root itself and is fine.
bool is_plain_relative(std::string_view relative);

// "1.2 GB", "64 KiB" style sizes for people: decimal units, three significant digits.
std::string to_words_bytes(std::uint64_t bytes);

// Shell-like pattern over a whole text: * ? [abc] and a literal rest; '*' also crosses '/'.
bool glob_match(std::string_view pattern, std::string_view text, bool fold_case = false);

// The nearest of `candidates` within edit distance 2 (or a third of the word), for "did you mean".
std::optional<std::string> nearest(std::string_view word, std::span<std::string const> candidates);

}  // namespace sluice

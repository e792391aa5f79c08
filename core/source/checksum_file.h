// checksum_file.h - reads the file beside another one that says which checksum its bytes must have (D25, D50).
//
// NAME.md5 and NAME.sha256 as md5sum, sha256sum (text, binary, escaped), the BSD tools (`MD5 (NAME) = ...`) and people
// (the digits alone) write them; with a byte-order mark, CRLF, comments and lines for other files. Names count by their
// last component, so that no line leads anywhere. Pure; the text is an uploader's, and bounded by the caller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/error.h"

namespace sluice::source {

inline constexpr std::size_t kChecksumFileBytesMax = 1 << 20;

enum class DigestKind : std::uint8_t { kMd5, kSha256 };
std::string_view name_of(DigestKind kind);    // "MD5", "SHA-256"
std::string_view suffix_of(DigestKind kind);  // ".md5", ".sha256"

// The digits for the file of that name, in lower case.
// Fails  kRejected where there is no line for it, or one that is no checksum; the text names the line.
Result<std::string> checksum_of(DigestKind kind, std::string_view text, std::string_view name);

}  // namespace sluice::source

// identity.h - the operation tag: what an asset on the platform says about the file that it was made of.
//
// The tag goes into user_metadata as `client_op` (R48, R50). It names the item and its generation, so that
// a lost answer can be looked for; and it carries a print of the file's place, size and mtime, so that a
// journal that was lost can be made anew from the platform's lists and the sources (docs/JOURNAL.md).
// Inode and ctime are left out: a file that was restored from a backup, or moved away and back, is the same.
//
// Of a URL it is two prints: of the item's key, and of what the URL names. A line's key stays while its URL is
// corrected, and then the asset is another one. What is known of size and time is left out: that changes with who asks,
// and the print must be known before anything is fetched.
//
// Pure. The print's bytes are fixed for good: tags of years ago must still be read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/ports/files.h"

namespace sluice::source {

// 16 lower-case hex digits: FNV-1a, 64 bits, over root, NUL, path, NUL, size and mtime in nanoseconds, both
// as 8 bytes with the lowest first. No secret and no proof: whoever can write into a source can choose a
// file's name, so a print only says which file is meant, never that its content is what it was.
std::string identity_of(std::string_view root, std::string_view path, std::uint64_t size_bytes, std::int64_t mtime_ns);

// Of a URL's item: "u" and 32 such digits, 16 for its key and 16 for `url`, which is the identity_text() of its URL
// (url_parameters.h): signed anew it is the same.
std::string identity_of_url(std::string_view key, std::string_view url);
// Whether the identity is a URL's.
bool names_url(std::string_view identity);
// With what the identities of all URLs begin that the key has had. Requires  names_url().
std::string_view key_part(std::string_view identity);

struct OperationTag {
  std::string ulid;  // the item's
  std::int64_t generation = 1;
  std::string identity;  // of the file or the URL that was sent
  friend bool operator==(OperationTag const&, OperationTag const&) = default;
};

// "01J…26 characters….GENERATION.IDENTITY"
std::string to_text(OperationTag const& tag);

// Nothing for every other text: another program's tag, a step's, or one without an identity.
std::optional<OperationTag> parse_operation_tag(std::string_view text);

}  // namespace sluice::source

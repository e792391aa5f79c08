// entry_key.h - what makes two wishes for a URL one item (M2).
//
// Pure, and fixed for good: a key of years ago must still be found.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/url_text.h"

namespace sluice::source {

struct EntryIdentity {
  std::string_view key = {};                     // given with the entry; then nothing else counts
  std::string_view name = {};                    // as given; "", or the URL's own, if that is meant
  std::optional<std::uint64_t> size_bytes = {};  // as given
  std::string_view hash = {};                    // as given, such as "md5:9e107d..."
};

// "k:KEY" for a key that was given, else "u:" and 32 hex digits: half of the SHA-256 over the URL without its volatile
// parameters, name, size and hash, with a NUL behind each.
std::string entry_key(UrlText const& url, EntryIdentity const& identity);

}  // namespace sluice::source

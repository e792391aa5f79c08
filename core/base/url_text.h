// url_text.h - a URL that a person or a manifest names: checked, brought into one form, never repaired.
//
// What is not plainly an https URL is refused with what to do about it, since every reader repairs a bad one in
// its own way, and what one program checked another would not fetch (M26). The query may be a signature: it is in
// `whole` only, and no text that comes from here repeats it. Pure; nothing is resolved and nobody is asked.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/base/error.h"
#include "core/base/secret.h"

namespace sluice {

inline constexpr std::size_t kUrlBytesMax = 8192;

struct UrlText {
  SecretUrl whole;    // scheme and host in lower case, "/" for no path, without default port and fragment
  std::string shown;  // the same without its query: for people, logs and paths
};

// Reads "https://host[:port][/path][?query][#fragment]", or http. Whether plain http may be called is a matter of who
// calls, and of `allow_hosts`: core/stage/fetch_policy.h.
//
// The path and the query stay byte by byte, since a signature covers them; the fragment is dropped.
// Fails  kRejected, "bad_url": another scheme, user info, no host, letters beyond ASCII, a byte that no URL has, `%`
//        without two hex digits, a bad port, more than kUrlBytesMax bytes.
Result<UrlText> parse_url(std::string_view text);

// Whether a text is meant as a URL rather than as a path: it has "://" behind a scheme.
bool looks_like_url(std::string_view text);

// "localhost", "[::1]" or 127.x.x.x.
bool is_loopback_host(std::string_view host);

}  // namespace sluice

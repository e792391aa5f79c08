// fetch_reply.h - what the answer to a ranged GET says: which bytes of how many, and of which content (RFC 9110).
//
// Text in, values out; nothing is repaired. A header that says two things, or nothing plain, counts as not there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/allowed_hosts.h"
#include "core/base/error.h"
#include "core/base/secret.h"
#include "core/base/url_text.h"
#include "core/ports/wire.h"

namespace sluice::source {

inline constexpr int kRedirectsMax = 5;  // M15

// "bytes 0-1023/4096".
struct ContentRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t total = 0;
};
std::optional<ContentRange> read_content_range(std::string_view value);  // nothing where the total is unknown, too
// "bytes */0", of an answer 416: the size of what is there.
std::optional<std::uint64_t> read_unsatisfied_range(std::string_view value);

// By what two pieces are told to be of one content. Strong ETags only: a weak one says that bytes may differ.
struct Validators {
  std::string etag = {};
  std::string modified = {};
  bool empty() const { return etag.empty() && modified.empty(); }
  // What If-Range is to say; "" for nothing.
  std::string const& if_range() const { return etag.empty() ? modified : etag; }
};
Validators validators_of(ports::Reply const& reply);
// Whether what came later is of the content of before, as far as the two tell.
bool is_same_content(Validators const& before, Validators const& later);

// How many bytes are behind the URL, as an answer 200 or 206 says it.
std::optional<std::uint64_t> whole_bytes(ports::Reply const& reply);

bool is_redirect(ports::Reply const& reply);  // 301, 302, 303, 307, 308
bool is_web_page(ports::Reply const& reply);

// Why what the host sends is no media file at all; "" if nothing speaks against it.
std::string_view why_no_file(ports::Reply const& reply);

// Where a redirect leads: absolute, or relative to `from`.
// Fails  kRejected: "bad_redirect" (no place, or one that is no URL), "http_denied" (from https to http, or http to a
//        host that is not allowed). The text repeats no query.
Result<UrlText> redirect_target(SecretUrl const& from, ports::Reply const& reply, AllowedHosts const& allowed);

}  // namespace sluice::source

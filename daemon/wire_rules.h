// wire_rules.h - what may leave this host at all (K3, T2, T4). Pure; asked before anything is sent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::daemon {

// Whether `host` (as it stands in a URL, lower case, an IPv6 address in brackets) is this very host:
// 127.0.0.0/8, ::1, or localhost, which libcurl itself resolves to nothing else.
bool is_loopback_host(std::string_view host);

// Why a URL of this scheme to this host may not be called; "" if it may: https anywhere, plain http to
// loopback addresses only.
std::string why_refused(std::string_view scheme, std::string_view host);

// Whether the two can stand in a request: no line break or NUL in either, and the name is one word.
bool is_sendable_header(std::string_view name, std::string_view value);

// What a lone upload, and all of them, are compared with.
struct LineSpeed {
  std::optional<std::uint64_t> others;  // what those in the air beside it move on the average, bytes a second
  std::uint64_t lately = 0;             // what all together have moved lately
};
// Whether an upload that moves so many bytes a second is on its way to be called stalled: fewer than `least`, and less
// than a quarter of the others; alone, less than a quarter of what the line lately carried, or than a sixteenth of
// `least`. Uploads that are all as slow share a narrow line, which cutting one would not widen; and one that does not
// move at all is too slow in any company.
bool is_too_slow(std::uint64_t bytes_per_s, std::uint64_t least, LineSpeed const& line);

}  // namespace sluice::daemon

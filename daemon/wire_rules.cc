#include "daemon/wire_rules.h"

#include <arpa/inet.h>

#include <algorithm>

#include "core/base/text.h"

namespace sluice::daemon {

bool is_loopback_host(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  std::string const address(host);
  in_addr v4{};
  in6_addr v6{};
  if (::inet_pton(AF_INET, address.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  if (::inet_pton(AF_INET6, address.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return host == "localhost";
}

std::string why_refused(std::string_view scheme, std::string_view host) {
  if (scheme != "https" && scheme != "http") return "refused: a URL that is not https";
  if (scheme == "https" || is_loopback_host(host)) return {};
  return "refused: plain http to " + printable(host) + "; only loopback addresses may go without TLS";
}

bool is_too_slow(std::uint64_t bytes_per_s, std::uint64_t least, LineSpeed const& line) {
  constexpr std::uint64_t kSlower = 4, kLoneSlower = 16;
  if (bytes_per_s >= least) return false;
  if (bytes_per_s == 0) return true;
  if (line.others) return bytes_per_s < *line.others / kSlower;
  return bytes_per_s < std::max(line.lately / kSlower, least / kLoneSlower);
}

bool is_sendable_header(std::string_view name, std::string_view value) {
  static constexpr std::string_view kForbidden("\r\n\0", 3);
  return !name.empty() && name.find_first_of(kForbidden) == std::string_view::npos &&
         name.find_first_of(": \t") == std::string_view::npos &&
         value.find_first_of(kForbidden) == std::string_view::npos;
}

}  // namespace sluice::daemon

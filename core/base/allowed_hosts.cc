#include "core/base/allowed_hosts.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "core/base/text.h"

namespace sluice {
namespace {

constexpr std::string_view kHostBytes = "abcdefghijklmnopqrstuvwxyz0123456789-._";

std::optional<unsigned> whole(std::string_view text, unsigned most) {
  unsigned value = 0;
  auto const read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size() || value > most)
    return std::nullopt;
  return value;
}

std::string_view without_brackets(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) return host.substr(1, host.size() - 2);
  return host;
}

// "host", and what stands behind the colon; an IPv6 address is in brackets.
std::pair<std::string_view, std::string_view> split_port(std::string_view text) {
  auto const colon = text.find(':', text.starts_with('[') ? std::min(text.find(']'), text.size()) : 0);
  if (colon == std::string_view::npos) return {text, {}};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

bool is_host(std::string_view host) {
  if (host.starts_with('[')) return host.ends_with(']') && read_ip_address(without_brackets(host)).has_value();
  return !host.empty() && host.size() <= 253 && host.find_first_not_of(kHostBytes) == std::string_view::npos &&
         host.front() != '.' && host.back() != '.';
}

}  // namespace

std::string AllowedHosts::add(std::string_view entry) {
  auto const text = to_lower_ascii(entry);
  if (auto const slash = text.find('/'); slash != std::string::npos) {
    auto const address = read_ip_address(std::string_view(text).substr(0, slash));
    auto const bits = whole(std::string_view(text).substr(slash + 1), address && address->is_v6 ? 128 : 32);
    if (!address || !bits) return "is no network; write it as 10.20.0.0/16 or fd00:1::/32";
    networks_.push_back({*address, *bits});
    return {};
  }
  auto const [host, port] = split_port(text);
  auto const number = port.empty() ? std::optional(0U) : whole(port, 65'535);
  if (!is_host(host) || !number || host.size() + 1 == text.size())
    return "is no host; write it as media.lan, media.lan:8080, [fd00::7] or, for a network, 10.20.0.0/16";
  hosts_.push_back({std::string(host), static_cast<std::uint16_t>(*number)});
  return {};
}

bool AllowedHosts::names(std::string_view host, std::uint16_t port) const {
  auto const address = read_ip_address(without_brackets(host));
  if (address && opens(*address)) return true;
  return std::ranges::any_of(hosts_, [&](Host const& known) {
    if (known.port != 0 && known.port != port) return false;
    if (known.name == host) return true;
    return address && read_ip_address(without_brackets(known.name)) == address;
  });
}

bool AllowedHosts::opens(IpAddress const& address) const {
  return std::ranges::any_of(networks_,
                             [&](Network const& network) { return is_within(address, network.address, network.bits); });
}

UrlPlace url_place(std::string_view url) {
  UrlPlace place{.is_https = url.starts_with("https://")};
  auto const begin = url.find("://");
  if (begin == std::string_view::npos) return place;
  auto const rest = url.substr(begin + 3);
  auto const [host, port] = split_port(rest.substr(0, rest.find_first_of("/?")));
  place.host = host;
  place.port =
      static_cast<std::uint16_t>(port.empty() ? (place.is_https ? 443U : 80U) : whole(port, 65'535).value_or(0));
  return place;
}

}  // namespace sluice

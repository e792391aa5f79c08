#include "config/proxy_url.h"

#include <algorithm>
#include <array>

namespace sluice::config {

std::string complaint_of_proxy(std::string_view url, bool may_hold_password) {
  constexpr std::array<std::string_view, 4> kSchemes = {"http", "https", "socks5", "socks5h"};
  auto const scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos || std::ranges::find(kSchemes, url.substr(0, scheme_end)) == kSchemes.end())
    return "must begin with http://, https://, socks5:// or socks5h://, such as http://proxy.example.org:3128";
  auto authority = url.substr(scheme_end + 3);
  if (authority.ends_with('/')) authority.remove_suffix(1);
  auto const at = authority.rfind('@');
  if (at != std::string_view::npos && !may_hold_password)
    return "must hold no user name or password; put the whole URL into a file and write {file: /path}";
  auto const place = at == std::string_view::npos ? authority : authority.substr(at + 1);
  if (authority.find_first_of("/?#") != std::string_view::npos && at != std::string_view::npos)
    return "must have / ? and # in user name and password written as %2F %3F and %23";
  if (place.find_first_of("/?# \t\r\n\\\"<>") != std::string_view::npos) return "must hold a host and a port, no more";
  auto const colon = place.find(':', place.starts_with('[') ? std::min(place.find(']'), place.size()) : 0);
  if (place.substr(0, colon).empty()) return "names no host; write one such as http://proxy.example.org:3128";
  auto const port = colon == std::string_view::npos ? "0" : place.substr(colon + 1);
  if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string_view::npos)
    return "has a port that is no number; write one such as http://proxy.example.org:3128";
  return "";
}

}  // namespace sluice::config

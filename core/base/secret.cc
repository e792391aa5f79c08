#include "core/base/secret.h"

#include <algorithm>

#include "core/base/text.h"

namespace sluice {

namespace {

// Where a URL's authority stands, "user:password@host:port"; nothing in a text without "://".
struct Authority {
  std::size_t begin = std::string_view::npos;
  std::size_t host_begin = 0;
  std::size_t end = 0;
};

Authority authority_of(std::string_view url) {
  auto const scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return {};
  auto const begin = scheme_end + 3;
  auto const end = std::min(url.find_first_of("/?#", begin), url.size());
  auto const at = url.substr(begin, end - begin).rfind('@');  // the last: a password may hold a bare '@'
  return {begin, at == std::string_view::npos ? begin : begin + at + 1, end};
}

}  // namespace

std::string without_query(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  auto const authority = authority_of(url);
  if (authority.begin == std::string_view::npos) return printable(url);
  return printable(url.substr(0, authority.begin)) + printable(url.substr(authority.host_begin));
}

std::string host_of(std::string_view url) {
  auto const authority = authority_of(url);
  return printable(url.substr(authority.host_begin, authority.end - authority.host_begin));
}

}  // namespace sluice

#include "core/base/url_text.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/base/text.h"

namespace sluice {
namespace {

constexpr std::size_t kHostBytesMax = 253;
constexpr std::size_t kLabelBytesMax = 63;
constexpr std::string_view kLowerLetters = "abcdefghijklmnopqrstuvwxyz";

std::unexpected<Error> bad(std::string text) { return fail(Fault::kRejected, std::move(text), "bad_url"); }

// What RFC 3986 lets stand in a URL. Brackets too, which many queries hold.
constexpr std::array<bool, 256> kUrlBytes = [] {
  std::array<bool, 256> allowed{};
  for (char const c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                       "-._~:/?#[]@!$&'()*+,;=%"))
    allowed[static_cast<unsigned char>(c)] = true;
  return allowed;
}();

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string byte_words(std::string_view url, std::size_t at) {
  auto const byte = static_cast<unsigned char>(url[at]);
  auto const where = " at byte " + std::to_string(at + 1);
  if (byte == ' ') return "a space" + where;
  if (byte < 0x20 || byte == 0x7F) return "a control character" + where;
  if (byte >= 0x80) return "a letter beyond ASCII" + where;
  return std::string("'") + static_cast<char>(byte) + "'" + where;
}

// The first byte that no URL has, or a `%` that begins no escape; nothing if there is none.
std::optional<std::size_t> first_bad_byte(std::string_view url) {
  for (std::size_t i = 0; i < url.size(); ++i) {
    if (!kUrlBytes[static_cast<unsigned char>(url[i])]) return i;
    if (url[i] == '%' && (i + 2 >= url.size() || !is_hex(url.substr(i + 1, 2)))) return i;
  }
  return std::nullopt;
}

// What is wrong with a host in lower case; "" if nothing.
std::string complaint_of_host(std::string_view host) {
  if (host.empty()) return "names no host";
  if (host.starts_with('[')) {
    auto const inside = host.substr(1, host.size() - 2);
    bool const plain = host.size() > 4 && host.ends_with(']') && inside.contains(':') &&
                       inside.find_first_not_of("0123456789abcdef:.") == std::string_view::npos;
    return plain ? "" : "has a host in brackets that is no IPv6 address";
  }
  if (host.size() > kHostBytesMax) return "has a host of more than 253 bytes";
  for (std::size_t begin = 0; begin <= host.size();) {
    auto const end = std::min(host.find('.', begin), host.size());
    auto const label = host.substr(begin, end - begin);
    if (label.empty() || label.size() > kLabelBytesMax) return "has a host with an empty or overlong part";
    begin = end + 1;
  }
  if (host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-._") != std::string_view::npos)
    return "has a host with characters that no host name has";
  return "";
}

struct Place {
  std::string host;
  std::string port;  // "" if the text names none
};

Result<Place> read_place(std::string_view authority) {
  if (authority.contains('@')) return bad("the URL holds a user name or password before the host: remove it");
  auto const bracket = authority.starts_with('[') ? std::min(authority.find(']'), authority.size()) : 0;
  auto const colon = authority.find(':', bracket);
  Place place{.host = to_lower_ascii(authority.substr(0, colon)), .port = {}};
  if (auto const why = complaint_of_host(place.host); !why.empty()) return bad("the URL " + why);
  if (colon == std::string_view::npos) return place;
  place.port = authority.substr(colon + 1);
  if (!is_digits(place.port) || place.port.size() > 5 || place.port.front() == '0' || std::stoul(place.port) > 65'535)
    return bad("the URL has a port that is none");
  return place;
}

Result<void> check_bytes(std::string_view text) {
  if (text.empty()) return bad("the URL is empty");
  if (text.size() > kUrlBytesMax)
    return bad("the URL has " + std::to_string(text.size()) + " bytes: " + std::to_string(kUrlBytesMax) + " at most");
  auto const at = first_bad_byte(text);
  if (!at) return {};
  auto const scheme_end = text.find("://");
  bool const in_host = scheme_end < *at && text.find_first_of("/?#", scheme_end + 3) >= *at;
  if (static_cast<unsigned char>(text[*at]) >= 0x80 && in_host)
    return bad("the host has letters beyond ASCII: write it in its ASCII form (xn--...)");
  if (text[*at] == '%') return bad("the URL has a % without two hex digits at byte " + std::to_string(*at + 1));
  return bad("the URL holds " + byte_words(text, *at) + ": write it percent-encoded");
}

}  // namespace

bool looks_like_url(std::string_view text) {
  auto const end = text.find("://");
  if (end == std::string_view::npos || end == 0) return false;
  auto const scheme = to_lower_ascii(text.substr(0, end));
  return kLowerLetters.contains(scheme.front()) && std::ranges::all_of(scheme, [](char c) {
           return kLowerLetters.contains(c) || is_digits({&c, 1}) || c == '+';
         });
}

bool is_loopback_host(std::string_view host) {
  if (host == "localhost" || host == "[::1]") return true;
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

Result<UrlText> parse_url(std::string_view text) {
  SLUICE_CHECK(check_bytes(text));
  auto const scheme_end = text.find("://");
  auto const scheme = to_lower_ascii(text.substr(0, std::min(scheme_end, text.size())));
  if (scheme_end == std::string_view::npos) return bad("this is no URL: it must begin with https://");
  if (scheme != "https" && scheme != "http") return bad("the URL must begin with https://");
  auto rest = text.substr(scheme_end + 3);
  rest = rest.substr(0, rest.find('#'));
  auto const path_begin = std::min(rest.find_first_of("/?"), rest.size());
  SLUICE_TRY(place, read_place(rest.substr(0, path_begin)));
  bool const is_default = place.port.empty() || place.port == (scheme == "https" ? "443" : "80");
  auto const after = rest.substr(path_begin);
  auto const query_begin = std::min(after.find('?'), after.size());

  std::string shown;
  shown.reserve(text.size() + 1);
  shown.append(scheme).append("://").append(place.host);
  if (!is_default) shown.append(":").append(place.port);
  shown.append(query_begin == 0 ? "/" : after.substr(0, query_begin));
  auto whole = shown;
  whole.append(after.substr(query_begin));
  return UrlText{.whole = SecretUrl(std::move(whole)), .shown = std::move(shown)};
}

}  // namespace sluice

// Where the platform is, and where secrets are: what several sections ask for.
#include <algorithm>

#include "config/parts.h"
#include "core/base/text.h"
#include "core/base/url_text.h"

namespace sluice::config {
namespace {

bool is_variable_name(std::string_view text) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
  if (kLetters.find(text[0]) == std::string_view::npos) return false;
  return std::ranges::all_of(
      text, [&](char c) { return kLetters.find(c) != std::string_view::npos || (c >= '0' && c <= '9'); });
}

// Someone who writes the key where its place belongs must not see it again in a log line.
bool looks_like_key(std::string_view text) { return text.starts_with("tlk_"); }

}  // namespace

// The URL itself is never repeated: it might hold a password.
std::string complaint_of_url(std::string_view url) {
  auto const scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return "must be a URL; write one such as https://api.twelvelabs.io/v1.3";
  auto const scheme = url.substr(0, scheme_end);
  auto const rest = url.substr(scheme_end + 3);
  auto const authority = rest.substr(0, rest.find_first_of("/?#"));
  if (url.find_first_of("?#") != std::string_view::npos) return "must have no query and no fragment; remove them";
  if (authority.find('@') != std::string_view::npos) return "must hold no user name or password; remove them";
  if (url.find_first_of(" \t\r\n\\\"<>") != std::string_view::npos) return "holds a character that no URL has";
  auto const colon =
      authority.find(':', authority.starts_with('[') ? std::min(authority.find(']'), authority.size()) : 0);
  auto const host = authority.substr(0, colon);
  if (host.empty()) return "names no host; write one such as https://api.twelvelabs.io/v1.3";
  if (colon != std::string_view::npos) {
    auto const port = authority.substr(colon + 1);
    if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string_view::npos) {
      return "has a port that is no number; write one such as http://127.0.0.1:8080/v1.3";
    }
  }
  if (scheme == "https" || (scheme == "http" && is_loopback_host(host))) return "";
  return "must begin with https://; http:// is allowed for loopback addresses only, since the key goes there";
}

std::optional<KeySource> read_key_source(At const& at, char const* forms) {
  auto const refuse = [forms](At const& where) {
    where.complain(forms);
    return std::nullopt;
  };
  if (at.node->type != Node::Type::kMap || at.node->entries.size() != 1) return refuse(at);
  auto const& [name, value] = at.node->entries.front();
  At const where{&value, inside(at.origin, name.text), at.report};
  if (name.text == "file") {
    auto path = read_path(where);
    if (!path) return std::nullopt;
    return KeySource{KeySource::From::kFile, std::move(*path)};
  }
  bool const is_credential = name.text == "credential";
  if (!is_credential && name.text != "env") return refuse(at);  // the key of the map might be the key: not repeated
  auto text = read_text(where);
  if (!text) return std::nullopt;
  if (looks_like_key(*text)) return refuse(where);
  if (is_credential) {
    if (text->find('/') != std::string::npos || *text == "." || *text == "..") {
      where.complain("is the name that LoadCredential= gives, without a path; write twelvelabs-api-key");
      return std::nullopt;
    }
    return KeySource{KeySource::From::kCredential, std::move(*text)};
  }
  if (!is_variable_name(*text)) {
    where.complain("is the name of an environment variable; write TWELVE_LABS_API_KEY");
    return std::nullopt;
  }
  return KeySource{KeySource::From::kEnvironment, std::move(*text)};
}

}  // namespace sluice::config

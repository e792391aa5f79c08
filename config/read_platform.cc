// The keys beneath `platform`.
#include <algorithm>

#include "config/parts.h"
#include "config/proxy_url.h"
#include "core/base/text.h"
#include "core/base/url_text.h"

namespace sluice::config {
namespace {

// What is wrong with a base URL; "" if nothing. The URL itself is never repeated: it might hold a password.
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

std::string read_base_url(At const& at, std::string by_default) {
  auto url = read_text(at);
  if (!url) return by_default;
  if (auto const why = complaint_of_url(*url); !why.empty()) {
    at.complain(why);
    return by_default;
  }
  while (url->ends_with('/')) url->pop_back();
  return *url;
}

constexpr char kKeyForms[] =
    "write {credential: twelvelabs-api-key}, {file: /path} or {env: TWELVE_LABS_API_KEY}; never the key itself";

constexpr char kProxyForms[] =
    "write its URL without a password, or {file: /path}, {credential: NAME} or {env: NAME} where the whole URL is";

bool is_variable_name(std::string_view text) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
  if (kLetters.find(text[0]) == std::string_view::npos) return false;
  return std::ranges::all_of(
      text, [&](char c) { return kLetters.find(c) != std::string_view::npos || (c >= '0' && c <= '9'); });
}

// Someone who writes the key where its place belongs must not see it again in a log line.
bool looks_like_key(std::string_view text) { return text.starts_with("tlk_"); }

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

void read_proxy(At const& at, Platform& platform) {
  if (at.node->type == Node::Type::kMap) {
    platform.proxy_from = read_key_source(at, kProxyForms);
    return;
  }
  auto url = read_text(at);
  if (!url) return;
  if (auto const why = complaint_of_proxy(*url, false); !why.empty()) return at.complain(why);
  platform.proxy = std::move(*url);
}

Limits read_limits(At const& at) {
  Limits limits;
  Section section(at);
  if (auto key = section.find("direct_video")) assign(limits.direct_video_bytes, read_size(*key, 1));
  if (auto key = section.find("direct_image")) assign(limits.direct_image_bytes, read_size(*key, 1));
  if (auto key = section.find("multipart_video")) assign(limits.multipart_video_bytes, read_size(*key, 1));
  if (auto key = section.find("multipart_image")) assign(limits.multipart_image_bytes, read_size(*key, 1));
  if (auto key = section.find("url_video")) assign(limits.url_video_bytes, read_size(*key, 1));
  if (auto key = section.find("url_image")) assign(limits.url_image_bytes, read_size(*key, 1));
  if (auto key = section.find("list_lag")) {
    assign(limits.list_lag, read_duration(*key, Millis(0), std::chrono::hours(1)));
  }
  if (auto key = section.find("late_effect")) {
    assign(limits.late_effect, read_duration(*key, Millis(0), std::chrono::hours(1)));
  }
  section.finish();
  return limits;
}

}  // namespace

Platform read_platform(At const& at, LoadOptions const& options) {
  Platform platform;
  Section section(at);
  if (auto key = section.find("base_url")) platform.base_url = read_base_url(*key, platform.base_url);
  if (auto key = options.needs_key ? section.require("api_key", kKeyForms) : section.find_unless_null("api_key")) {
    platform.api_key = read_key_source(*key, kKeyForms);
  }
  if (auto key = section.find_unless_null("ca_file")) assign(platform.ca_file, read_path(*key));
  if (auto key = section.find_unless_null("proxy")) read_proxy(*key, platform);
  if (auto key = section.find("limits")) platform.limits = read_limits(*key);
  section.finish();
  return platform;
}

}  // namespace sluice::config

#include "core/source/fetch_reply.h"

#include <charconv>
#include <utility>

#include "core/base/text.h"

namespace sluice::source {
namespace {

constexpr std::string_view kUnit = "bytes ";

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  auto const read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string one_line(ports::Reply const& reply, std::string_view name) {
  constexpr std::size_t kBytesMax = 256;
  auto const value = reply.header(name);
  return value && value->size() <= kBytesMax ? std::string(trimmed(*value)) : std::string();
}

// "/a/b/../c" -> "/a/c" (RFC 3986, 5.2.4).
std::string without_dots(std::string_view path) {
  std::string clean;
  while (!path.empty()) {
    auto const end = std::min(path.find('/', 1), path.size());
    auto const part = path.substr(0, end);
    path.remove_prefix(end);
    if (part == "/." || part == "/..") {
      if (part == "/..") clean.erase(std::min(clean.rfind('/'), clean.size()));
      if (path.empty()) clean += '/';
    } else {
      clean += part;
    }
  }
  return clean;
}

std::string absolute(std::string_view from, std::string_view location) {
  if (looks_like_url(location.substr(0, location.find_first_of("?#")))) return std::string(location);
  auto const authority = from.find("://") + 3;
  if (location.starts_with("//")) return std::string(from.substr(0, authority - 2)).append(location);
  auto const path_begin = std::min(from.find_first_of("/?", authority), from.size());
  auto const origin = std::string(from.substr(0, path_begin));
  auto path = from.substr(path_begin);
  path = path.substr(0, path.find('?'));
  if (location.starts_with('?')) return origin + std::string(path).append(location);
  auto const query = std::min(location.find_first_of("?#"), location.size());
  auto joined = std::string(location.substr(0, query));
  if (!joined.starts_with('/')) joined.insert(0, std::string(path.substr(0, path.rfind('/') + 1)));
  if (!joined.starts_with('/')) joined.insert(0, "/");
  return origin + without_dots(joined).append(location.substr(query));
}

}  // namespace

std::optional<ContentRange> read_content_range(std::string_view value) {
  value = trimmed(value);
  auto const dash = value.find('-');
  auto const slash = value.find('/');
  if (!to_lower_ascii(value.substr(0, kUnit.size())).starts_with(kUnit) || slash == std::string_view::npos ||
      dash == std::string_view::npos || dash > slash)
    return std::nullopt;
  auto const first = number(value.substr(kUnit.size(), dash - kUnit.size()));
  auto const last = number(value.substr(dash + 1, slash - dash - 1));
  auto const total = number(value.substr(slash + 1));
  if (!first || !last || !total || *first > *last || *last >= *total) return std::nullopt;
  return ContentRange{*first, *last, *total};
}

std::optional<std::uint64_t> read_unsatisfied_range(std::string_view value) {
  value = trimmed(value);
  if (!to_lower_ascii(value.substr(0, kUnit.size())).starts_with(kUnit)) return std::nullopt;
  value.remove_prefix(kUnit.size());
  return value.starts_with("*/") ? number(value.substr(2)) : std::nullopt;
}

Validators validators_of(ports::Reply const& reply) {
  Validators found{.etag = one_line(reply, "etag"), .modified = one_line(reply, "last-modified")};
  if (!found.etag.starts_with('"') || !found.etag.ends_with('"') || found.etag.size() < 2) found.etag.clear();
  return found;
}

bool is_same_content(Validators const& before, Validators const& later) {
  if (!before.etag.empty() || !later.etag.empty()) return before.etag == later.etag;
  return before.modified == later.modified;
}

std::optional<std::uint64_t> whole_bytes(ports::Reply const& reply) {
  if (reply.status != 206) return number(one_line(reply, "content-length"));
  auto const range = read_content_range(one_line(reply, "content-range"));
  return range ? std::optional(range->total) : std::nullopt;
}

bool is_redirect(ports::Reply const& reply) {
  auto const status = reply.status;
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool is_web_page(ports::Reply const& reply) {
  auto const type = to_lower_ascii(one_line(reply, "content-type"));
  return type.starts_with("text/html") || type.starts_with("application/xhtml");
}

std::string_view why_no_file(ports::Reply const& reply) {
  if (is_web_page(reply)) return "the host sends a web page, not a file: give the URL of the file itself";
  auto const type = to_lower_ascii(one_line(reply, "content-type"));
  if (type.starts_with("multipart/byteranges")) return "the host sends several ranges where one was asked for";
  auto const encoding = to_lower_ascii(one_line(reply, "content-encoding"));
  if (!encoding.empty() && encoding != "identity") return "the host sends the file in an encoding nobody asked for";
  return {};
}

Result<UrlText> redirect_target(SecretUrl const& from, ports::Reply const& reply, AllowedHosts const& allowed) {
  auto const location = reply.header("location");
  if (!location || trimmed(*location).empty())
    return fail(Fault::kRejected, "the host redirects to nowhere", "bad_redirect");
  auto const& here = from.reveal_for_wire();
  auto target = parse_url(absolute(here, trimmed(*location)));
  if (!target) return fail(Fault::kRejected, "the host redirects: " + target.error().text, "bad_redirect");
  auto const place = url_place(target->shown);
  if (place.is_https) return target;
  if (url_place(here).is_https)
    return fail(Fault::kRejected, "the host redirects from https to http, to " + target->shown, ports::kHttpDenied);
  if (!allowed.names(place.host, place.port))
    return fail(Fault::kRejected, "the host redirects to plain http, to " + target->shown, ports::kHttpDenied);
  return target;
}

}  // namespace sluice::source

#include "daemon/control_add.h"

#include <algorithm>
#include <array>
#include <expected>
#include <optional>
#include <utility>

#include "core/base/json.h"
#include "core/base/secret.h"
#include "core/base/text.h"
#include "core/base/url_text.h"
#include "daemon/control_reply.h"

namespace sluice::daemon {
namespace {

template <class T>
using OrReply = std::expected<T, ControlReply>;

constexpr auto kKeys = std::to_array<std::string_view>(
    {"paths", "paths_b64", "urls", "name", "pipeline", "index", "collection", "entity", "dry_run"});

std::unexpected<ControlReply> bad(std::string_view code, std::string text, std::string_view remedy = {}) {
  return std::unexpected(error_reply(400, code, text, remedy));
}

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  unsigned window = 0;
  int bits = 0;
  for (char const c : text) {
    int const value = base64_value(c);
    if (value < 0) return std::nullopt;
    window = (window << 6 | static_cast<unsigned>(value)) & 0xFFFF;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push_back(static_cast<char>(window >> bits & 0xFF));
  }
  return bytes;
}

OrReply<void> check_path(std::string const& path) {
  if (looks_like_url(path))
    return bad("not_absolute", "this is a URL, and no path: " + without_query(path), "send it in urls");
  if (!path.starts_with('/'))
    return bad("not_absolute", "the path is not absolute: " + printable(path), "give the whole path, from /");
  if (path.find('\0') != std::string::npos) return bad("bad_path", "the path holds a zero byte");
  return {};
}

OrReply<std::vector<std::string>> read_paths(Json const& body) {
  std::vector<std::string> paths;
  for (auto const* const key : {"paths", "paths_b64"}) {
    auto const* const list = body.find(key);
    if (list == nullptr) continue;
    if (!list->is_array()) return bad("bad_request", std::string(key) + " must be a list of texts");
    for (auto const& element : list->elements()) {
      auto const* const text = element.as_text();
      if (text == nullptr) return bad("bad_request", std::string(key) + " must be a list of texts");
      auto bytes = std::string_view(key) == "paths" ? std::optional(*text) : from_base64(*text);
      if (!bytes) return bad("bad_request", "paths_b64 holds a text that is not base 64");
      if (auto checked = check_path(*bytes); !checked) return std::unexpected(std::move(checked).error());
      paths.push_back(std::move(*bytes));
    }
  }
  return paths;
}

OrReply<std::vector<UrlText>> read_urls(Json const& body) {
  std::vector<UrlText> urls;
  auto const* const list = body.find("urls");
  if (list == nullptr) return urls;
  if (!list->is_array()) return bad("bad_request", "urls must be a list of texts");
  for (auto const& element : list->elements()) {
    auto const* const text = element.as_text();
    if (text == nullptr) return bad("bad_request", "urls must be a list of texts");
    auto url = parse_url(*text);
    if (!url) return bad("bad_url", without_query(*text) + ": " + url.error().text);
    urls.push_back(*std::move(url));
  }
  return urls;
}

OrReply<void> check_count(std::size_t paths, std::size_t urls, std::string const& name) {
  if (paths + urls == 0)
    return bad("bad_request", "paths and urls are missing or empty", R"(send {"paths": ["/srv/drop/a.mp4"]})");
  if (paths + urls > kAddPathsMax)
    return bad("too_many_paths", std::to_string(paths + urls) + " paths are too many for one request",
               "send at most 1000 at once");
  if (!name.empty() && (urls != 1 || paths != 0))
    return bad("bad_request", "a name goes with a single URL", "send one URL at a time");
  return {};
}

// What is to be taken up, and how.
struct Asked {
  AddRequest wish;
  std::vector<std::string> paths;
  std::vector<UrlText> urls;
};

OrReply<AddRequest> read_wish(Json const& body) {
  AddRequest wish;
  auto const text = [&](std::string_view key) { return body.text(key); };
  auto const pipeline = text("pipeline"), index = text("index"), collection = text("collection"),
             entity = text("entity"), name = text("name");
  auto const dry_run = body.boolean("dry_run");
  for (auto const* const read : {&pipeline, &index, &collection, &entity, &name})
    if (!*read) return bad("bad_request", read->error().text);
  if (!dry_run) return bad("bad_request", dry_run.error().text);
  wish.pipeline = pipeline->value_or("");
  wish.name = name->value_or("");
  wish.index = *index;
  wish.collection = *collection;
  wish.entity = *entity;
  wish.dry_run = dry_run->value_or(false);
  if (!wish.pipeline.empty() && (wish.index || wish.collection || wish.entity))
    return bad("bad_request", "pipeline cannot be combined with index, collection or entity", "give one or the other");
  if (wish.entity.has_value() != wish.collection.has_value())
    return bad("bad_request", "entity and collection belong together", "give both");
  return wish;
}

OrReply<Asked> read_body(std::string const& text) {
  auto const body = parse_json(text, {.refuse_duplicate_keys = true});
  if (!body) return bad("bad_request", "the body is no JSON: " + body.error().text);
  if (!body->is_object()) return bad("bad_request", "the body must be an object");
  std::vector<std::string> const known(kKeys.begin(), kKeys.end());
  for (auto const& member : body->members())
    if (std::ranges::find(known, member.name) == known.end()) {
      auto const close = nearest(member.name, known);
      return bad("bad_request", "unknown key: " + printable(member.name), close ? "did you mean " + *close + "?" : "");
    }
  auto paths = read_paths(*body);
  if (!paths) return std::unexpected(std::move(paths).error());
  auto urls = read_urls(*body);
  if (!urls) return std::unexpected(std::move(urls).error());
  auto wish = read_wish(*body);
  if (!wish) return std::unexpected(std::move(wish).error());
  if (auto checked = check_count(paths->size(), urls->size(), wish->name); !checked)
    return std::unexpected(std::move(checked).error());
  return Asked{.wish = std::move(*wish), .paths = std::move(*paths), .urls = std::move(*urls)};
}

Json shown_path(std::string const& path) { return is_utf8(path) ? path : printable(path); }

// What was asked for, as it may be shown.
std::string asked_key(AddRequest const& wish) { return wish.url ? "url" : "path"; }
Json asked_place(AddRequest const& wish) { return wish.url ? Json(wish.url->shown) : shown_path(wish.path); }

Json added_json(AddedItem const& added, AddRequest const& wish) {
  auto would = Json::array();
  for (auto const& line : added.would) would.push(line);
  auto json = Json::object({{"id", added.ulid.empty() ? Json() : Json(added.ulid)},
                            {asked_key(wish), asked_place(wish)},
                            {"source", added.source},
                            {"kind", added.kind},
                            {"pipeline", added.pipeline},
                            {"was_known", added.was_known}});
  if (wish.dry_run) json.set("would", std::move(would));
  return json;
}

}  // namespace

Served serve_add(ControlRequest const& request, Operations& operations) {
  auto read = read_body(request.body);
  if (!read) return {.reply = std::move(read).error()};
  auto& [wish, paths, urls] = *read;
  bool all_found = true;
  for (auto const& path : paths) all_found = operations.has_found(path) && all_found;
  if (!all_found) return {.reply = {}, .not_yet = true};
  auto items = Json::array();
  auto errors = Json::array();
  std::optional<Error> first;
  auto const take = [&] {
    auto const added = operations.add(wish);
    if (added) {
      items.push(added_json(*added, wish));
      return;
    }
    errors.push(Json::object({{asked_key(wish), asked_place(wish)}, {"error", error_object(added.error())}}));
    if (!first) first = added.error();
  };
  for (auto& path : paths) {
    wish.path = std::move(path);
    take();
  }
  for (auto& url : urls) {
    wish.url = std::move(url);
    take();
  }
  bool const any = !items.elements().empty();
  auto body = Json::object({{"items", std::move(items)}, {"errors", std::move(errors)}});
  if (!any) body.set("error", error_object(*first));
  return {.reply = json_reply(any ? 200 : status_of(*first, 400), body), .after_commit = any && !wish.dry_run};
}

}  // namespace sluice::daemon

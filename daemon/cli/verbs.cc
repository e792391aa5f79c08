#include "daemon/cli/verbs.h"

#include <algorithm>
#include <filesystem>
#include <ostream>
#include <utility>
#include <vector>

#include "core/base/secret.h"
#include "core/base/text.h"
#include "core/base/url_text.h"
#include "daemon/cli/exit_codes.h"
#include "daemon/cli/json_fields.h"
#include "daemon/cli/socket_client.h"
#include "daemon/cli/story.h"

namespace sluice::cli {
namespace {

constexpr int kPage = 500;
constexpr JsonLimits kAnswerLimits = {.bytes_max = kBodyMax, .values_max = 5'000'000};

std::string absolute(std::string const& path, std::string const& folder) {
  if (path.starts_with('/')) return std::filesystem::path(path).lexically_normal().string();
  return (std::filesystem::path(folder) / path).lexically_normal().string();
}

// "next" as the API gives it: null at the end.
std::string next_of(Json const& page) {
  auto const* const next = page.find("next");
  auto const* const text = next == nullptr ? nullptr : next->as_text();
  return text == nullptr ? std::string() : *text;
}

std::string items_target(Arguments const& arguments, int limit, std::string const& cursor) {
  auto target = "/v1/items?limit=" + std::to_string(limit);
  auto const add = [&](char const* key, std::string const& value) {
    if (!value.empty()) target.append("&").append(key).append("=").append(percent_encode(value));
  };
  add("stage", arguments.stage);
  add("state", arguments.state);
  add("source", arguments.source);
  add("cursor", cursor);
  return target;
}

Json added_body(Arguments const& arguments, Stand const& stand) {
  auto paths = Json::array();
  auto raw_paths = Json::array();
  auto urls = Json::array();
  for (auto const& word : arguments.words) {
    if (looks_like_url(word)) {
      urls.push(word);
      continue;
    }
    auto const path = absolute(word, stand.folder);
    if (is_utf8(path))
      paths.push(path);
    else
      raw_paths.push(to_base64(path));
  }
  auto body = Json::object({{"paths", std::move(paths)}});
  if (!raw_paths.elements().empty()) body.set("paths_b64", std::move(raw_paths));
  if (!urls.elements().empty()) body.set("urls", std::move(urls));
  if (!arguments.name.empty()) body.set("name", arguments.name);
  if (!arguments.pipeline.empty()) body.set("pipeline", arguments.pipeline);
  if (arguments.index) body.set("index", *arguments.index);
  if (arguments.collection) body.set("collection", *arguments.collection);
  if (arguments.entity) body.set("entity", *arguments.entity);
  if (arguments.dry_run) body.set("dry_run", true);
  return body;
}

// A word of the command line, without the query of a URL, which may be a secret.
std::string shown(std::string const& word) { return safe(looks_like_url(word) ? without_query(word) : word); }

// Retry or cancel of the named items, one after the other; the first trouble decides the exit code.
int change_each(Arguments const& arguments, Stand& stand, std::string const& change, std::string const& done) {
  int exit_code = kFine;
  auto items = Json::array();
  auto errors = Json::array();
  for (auto const& word : arguments.words) {
    auto const answer = ask_json(stand, {.method = "POST", .target = item_target(word, stand) + "/" + change});
    if (answer) {
      items.push(*answer);
      if (!arguments.json) stand.out << render_changed(done, *answer, stand.look);
      continue;
    }
    auto const& trouble = answer.error();
    if (exit_code == kFine) exit_code = trouble.exit_code;
    errors.push(*trouble_json(trouble).find("error"));
    stand.err << render_trouble(change + " " + shown(word) + ": " + trouble.text, trouble.next, stand.err_look);
    if (trouble.exit_code == kNoDaemon) break;
  }
  if (arguments.json)
    stand.out << Json::object({{"items", std::move(items)}, {"errors", std::move(errors)}}).dump(2) << "\n";
  return exit_code;
}

int retry_all_failed(Arguments const& arguments, Stand& stand) {
  std::uint64_t retried = 0;
  auto refused = Json::array();
  std::string cursor = "0";
  while (!cursor.empty()) {
    auto const answer =
        ask_json(stand, {.method = "POST", .target = "/v1/retry-failed?cursor=" + percent_encode(cursor)});
    if (!answer) return end_with(answer.error(), arguments.json, stand);
    retried += count_at(*answer, "retried");
    for (auto const& item : list_at(*answer, "refused")) refused.push(item);
    cursor = next_of(*answer);
  }
  bool const all = refused.elements().empty();
  if (arguments.json) {
    stand.out << Json::object({{"retried", retried}, {"refused", std::move(refused)}}).dump(2) << "\n";
  } else {
    stand.out << "retried " << retried << (retried == 1 ? " item\n" : " items\n");
    for (auto const& item : refused.elements())
      stand.out << "refused  " << text_at(item, "id") << ": " << text_at(object_at(item, "error"), "text") << "\n";
  }
  return all ? kFine : kSomeFailed;
}

}  // namespace

int end_with(Trouble const& trouble, bool json, Stand& stand) {
  stand.err << render_trouble(trouble.text, trouble.next, stand.err_look);
  if (json) stand.out << trouble_json(trouble).dump(2) << "\n";
  return trouble.exit_code;
}

std::expected<Json, Trouble> ask_json(Stand& stand, Question const& question) {
  auto const answer = stand.client.ask(question);
  stand.look.now = stand.now();
  if (!answer) return std::unexpected(trouble_of(answer.error()));
  if (answer->status != 200) return std::unexpected(trouble_of(*answer));
  auto body = parse_json(answer->body, kAnswerLimits);
  if (!body)
    return std::unexpected(trouble_of(Error{Fault::kProtocol, "the daemon's answer is no JSON: " + body.error().text}));
  return std::move(*body);
}

std::string item_target(std::string const& word, Stand const& stand) {
  if (looks_like_url(word)) return "/v1/items/" + percent_encode(word);
  std::error_code ignored;
  auto const path = absolute(word, stand.folder);
  bool const is_file = word.starts_with('/') || std::filesystem::exists(path, ignored);
  return "/v1/items/" + percent_encode(is_file ? path : word);
}

int run_status(Arguments const& arguments, Stand& stand) {
  auto const status = ask_json(stand, {.target = "/v1/status"});
  if (!status) return end_with(status.error(), arguments.json, stand);
  stand.out << (arguments.json ? status->dump(2) + "\n" : render_status(*status, stand.look));
  return kFine;
}

int run_ls(Arguments const& arguments, Stand& stand) {
  std::vector<Json> items;
  std::string cursor;
  auto const wanted = arguments.limit == 0 ? SIZE_MAX : static_cast<std::size_t>(arguments.limit);
  do {
    auto const page_limit = static_cast<int>(std::min<std::size_t>(kPage, wanted - items.size()));
    auto const page = ask_json(stand, {.target = items_target(arguments, page_limit, cursor)});
    if (!page) return end_with(page.error(), arguments.json, stand);
    auto const& rows = list_at(*page, "items");
    items.insert(items.end(), rows.begin(), rows.end());
    cursor = next_of(*page);
  } while (!cursor.empty() && items.size() < wanted);

  if (!arguments.json) {
    stand.out << render_items(items, !cursor.empty(), stand.look);
    return kFine;
  }
  auto const body =
      Json::object({{"items", Json::array(std::move(items))}, {"next", cursor.empty() ? Json() : Json(cursor)}});
  stand.out << body.dump(2) << "\n";
  return kFine;
}

int run_show(Arguments const& arguments, Stand& stand) {
  auto const item = ask_json(stand, {.target = item_target(arguments.words.front(), stand)});
  if (!item) return end_with(item.error(), arguments.json, stand);
  stand.out << (arguments.json ? item->dump(2) + "\n" : render_story(*item, stand.look));
  return kFine;
}

int run_explain(Arguments const& arguments, Stand& stand) {
  auto const& word = arguments.words.front();
  auto const path = looks_like_url(word) ? word : absolute(word, stand.folder);
  auto const told = ask_json(stand, {.target = "/v1/explain?path=" + percent_encode(path)});
  if (!told) return end_with(told.error(), arguments.json, stand);
  stand.out << (arguments.json ? told->dump(2) + "\n" : render_explanation(*told, stand.look));
  return kFine;
}

int run_add(Arguments const& arguments, Stand& stand) {
  auto const answer =
      stand.client.ask({.method = "POST", .target = "/v1/items", .body = added_body(arguments, stand).dump()});
  stand.look.now = stand.now();
  if (!answer) return end_with(trouble_of(answer.error()), arguments.json, stand);
  auto const body = parse_json(answer->body, kAnswerLimits);
  if (!body || (list_at(*body, "items").empty() && list_at(*body, "errors").empty()))
    return end_with(trouble_of(*answer), arguments.json, stand);
  stand.out << (arguments.json ? body->dump(2) + "\n" : render_added(*body, stand.look));
  if (answer->status != 200) return trouble_of(*answer).exit_code;
  return list_at(*body, "errors").empty() ? kFine : kSomeFailed;
}

int run_retry(Arguments const& arguments, Stand& stand) {
  if (arguments.failed) return retry_all_failed(arguments, stand);
  return change_each(arguments, stand, "retry", "retried");
}

int run_cancel(Arguments const& arguments, Stand& stand) {
  return change_each(arguments, stand, "cancel", "cancelled");
}

int run_rescan(Arguments const& arguments, Stand& stand) {
  std::string target = "/v1/rescan";
  if (!arguments.source.empty()) target += "?source=" + percent_encode(arguments.source);
  auto const answer = ask_json(stand, {.method = "POST", .target = target});
  if (!answer) return end_with(answer.error(), arguments.json, stand);
  if (arguments.json) stand.out << answer->dump(2) << "\n";
  for (auto const& source : list_at(*answer, "sources"))
    if (auto const* const name = source.as_text(); name != nullptr && !arguments.json)
      stand.out << "rescanning  " << safe(*name) << "\n";
  return kFine;
}

}  // namespace sluice::cli

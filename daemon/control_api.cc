#include "daemon/control_api.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/base/text.h"
#include "daemon/control_add.h"
#include "daemon/control_find.h"
#include "daemon/control_reply.h"
#include "daemon/control_uri.h"
#include "daemon/views.h"

namespace sluice::daemon {
namespace {

using journal::ItemRow;
using journal::ItemState;
using journal::Journal;
using journal::RowId;

struct Desk {  // what a request is served with
  ControlRequest const& request;
  Journal const& journal;
  Operations& operations;
  WallTime now;
};

Served at_once(ControlReply reply) { return {.reply = std::move(reply), .after_commit = false}; }
Served after_commit(ControlReply reply) { return {.reply = std::move(reply), .after_commit = true}; }

bool is_read(ControlRequest const& request) { return request.method == "GET" || request.method == "HEAD"; }

template <class Number>
std::optional<Number> whole_number(std::string const& text) {
  Number number{};
  auto const [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || stop != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

// Calls `use` with a view of the journal as memory completes it now.
template <class Use>
Json viewed(Desk const& desk, Use use) {
  auto const surroundings = desk.operations.surroundings();
  auto const facts = desk.operations.status_facts();
  return use(
      ViewContext{.journal = desk.journal, .surroundings = surroundings, .uploads = facts.uploads, .now = desk.now},
      facts);
}

Served serve_status(Desk const& desk) {
  return at_once(
      json_reply(200, viewed(desk, [](auto const& view, auto const& facts) { return status_json(view, facts); })));
}

std::optional<ControlReply> refuse_unknown_keys(ControlRequest const& request, std::span<std::string const> known) {
  for (auto const& [key, value] : request.query) {
    if (std::ranges::find(known, key) != known.end()) continue;
    auto const close = nearest(key, known);
    return error_reply(400, "bad_request", "unknown query key: " + printable(key),
                       close ? "did you mean " + *close + "?" : "");
  }
  return std::nullopt;
}

std::unexpected<ControlReply> bad_value(std::string const& key, std::string const& value, std::string const& remedy) {
  return std::unexpected(error_reply(400, "bad_request", key + " has no such value: " + printable(value), remedy));
}

std::expected<Journal::ItemFilter, ControlReply> read_filter(ControlRequest const& request) {
  static std::vector<std::string> const known = {"stage", "state", "source", "limit", "cursor"};
  if (auto refused = refuse_unknown_keys(request, known)) return std::unexpected(std::move(*refused));
  Journal::ItemFilter filter{.stage = {}, .state = {}, .source = {}, .after_id = 0, .limit = kPageDefault};
  for (auto const& [key, value] : request.query) {
    if (value.empty()) continue;  // as in ?stage=&state=failed
    if (key == "source") filter.source = value;
    if (key == "stage" && !(filter.stage = journal::parse_stage(value)))
      return bad_value(key, value, "one of settle, upload, ready, index, register, done, failed, cancelled, skipped");
    if (key == "state" && !(filter.state = journal::parse_item_state(value)))
      return bad_value(key, value, "one of the states of docs/STATES.md, such as opened or asset_ready");
    if (key == "limit") {
      auto const limit = whole_number<int>(value);
      if (!limit || *limit < 1 || *limit > kPageMax) return bad_value(key, value, "a number from 1 to 1000");
      filter.limit = *limit;
    }
    if (key == "cursor") {
      auto const cursor = whole_number<RowId>(value);
      if (!cursor) return bad_value(key, value, "the `next` of the page before");
      filter.after_id = *cursor;
    }
  }
  return filter;
}

Served serve_items(Desk const& desk) {
  auto filter = read_filter(desk.request);
  if (!filter) return at_once(std::move(filter).error());
  auto const limit = static_cast<std::size_t>(filter->limit);
  filter->limit += 1;  // one more tells whether there is a next page
  auto rows = desk.journal.list_items(*filter);
  return at_once(json_reply(
      200, viewed(desk, [&](auto const& view, auto const&) { return items_page_json(view, std::move(rows), limit); })));
}

Served serve_item(Desk const& desk, std::string const& word) {
  auto const item = find_item(desk.journal, word);
  if (!item) return at_once(item.error());
  return at_once(
      json_reply(200, viewed(desk, [&](auto const& view, auto const&) { return item_story_json(view, *item); })));
}

// Retry and cancel: the item as it stands afterwards.
Served serve_change(Desk const& desk, std::string const& word, Result<void> (Operations::*change)(RowId)) {
  auto const item = find_item(desk.journal, word);
  if (!item) return at_once(item.error());
  auto const changed = (desk.operations.*change)(item->id);
  if (!changed)
    return at_once(
        json_reply(status_of(changed.error(), 409), Json::object({{"error", error_object(changed.error())}})));
  auto const fresh = desk.journal.item(item->id);
  return after_commit(json_reply(
      200, viewed(desk, [&](auto const& view, auto const&) { return item_json(view, fresh ? *fresh : *item); })));
}

// Where a series of batches is: first the failed items, then those that are at another end with refused acts.
struct RetryCursor {
  bool of_acts = false;
  RowId after = 0;
};
constexpr std::string_view kActsCursor = "acts:";

std::optional<RetryCursor> read_cursor(std::string_view text) {
  auto const of_acts = text.starts_with(kActsCursor);
  auto const number = whole_number<RowId>(std::string(of_acts ? text.substr(kActsCursor.size()) : text));
  return number ? std::optional(RetryCursor{.of_acts = of_acts, .after = *number}) : std::nullopt;
}

std::vector<ItemRow> batch_behind(Journal const& journal, RetryCursor const& cursor) {
  if (!cursor.of_acts)
    return journal.list_items({.state = ItemState::kFailed, .after_id = cursor.after, .limit = kRetryBatch});
  std::vector<ItemRow> rows;
  for (auto const id : journal.items_with_refused(cursor.after, kRetryBatch)) rows.push_back(*journal.item(id));
  return rows;
}

Json cursor_behind(Journal const& journal, RetryCursor const& cursor, std::vector<ItemRow> const& rows) {
  auto const more = rows.size() == static_cast<std::size_t>(kRetryBatch);
  if (more) return (cursor.of_acts ? std::string(kActsCursor) : std::string()) + std::to_string(rows.back().id);
  return !cursor.of_acts && journal.count_refused() > 0 ? Json(std::string(kActsCursor) + "0") : Json();
}

Served serve_retry_failed(Desk const& desk) {
  static std::vector<std::string> const known = {"cursor"};
  if (auto refused = refuse_unknown_keys(desk.request, known)) return at_once(std::move(*refused));
  RetryCursor cursor;
  if (auto const given = desk.request.query.find("cursor"); given != desk.request.query.end()) {
    auto const read = read_cursor(given->second);
    if (!read) return at_once(bad_value("cursor", given->second, "the `next` of the answer before").error());
    cursor = *read;
  }
  auto const rows = batch_behind(desk.journal, cursor);
  std::int64_t retried = 0;
  auto refused = Json::array();
  for (auto const& row : rows) {
    if (cursor.of_acts && row.state != ItemState::kDone && row.state != ItemState::kSkipped) continue;
    auto const done = desk.operations.retry(row.id);
    if (done)
      ++retried;
    else
      refused.push(Json::object({{"id", row.ulid}, {"error", error_object(done.error())}}));
  }
  auto const body = Json::object(
      {{"retried", retried}, {"refused", std::move(refused)}, {"next", cursor_behind(desk.journal, cursor, rows)}});
  return after_commit(json_reply(200, body));
}

Served serve_rescan(Desk const& desk) {
  static std::vector<std::string> const known = {"source"};
  if (auto refused = refuse_unknown_keys(desk.request, known)) return at_once(std::move(*refused));
  auto const given = desk.request.query.find("source");
  auto const names = desk.operations.rescan(given == desk.request.query.end() ? "" : given->second);
  if (!names)
    return at_once(json_reply(status_of(names.error(), 409), Json::object({{"error", error_object(names.error())}})));
  auto sources = Json::array();
  for (auto const& name : *names) sources.push(name);
  return at_once(json_reply(200, Json::object({{"sources", std::move(sources)}})));
}

Served serve_explain_url(Desk const& desk, std::string const& text) {
  auto const url = parse_url(text);
  if (!url) return at_once(error_reply(400, "bad_url", without_query(text) + ": " + url.error().text));
  auto const told = desk.operations.explain_url(*url);
  if (!told)
    return at_once(json_reply(status_of(told.error(), 409), Json::object({{"error", error_object(told.error())}})));
  return at_once(json_reply(200, explanation_json(url->shown, *told)));
}

Served serve_explain(Desk const& desk) {
  static std::vector<std::string> const known = {"path"};
  if (auto refused = refuse_unknown_keys(desk.request, known)) return at_once(std::move(*refused));
  auto const given = desk.request.query.find("path");
  if (given != desk.request.query.end() && looks_like_url(given->second)) return serve_explain_url(desk, given->second);
  if (given == desk.request.query.end() || !given->second.starts_with('/'))
    return at_once(error_reply(400, "not_absolute", "path must be an absolute path", "?path=/srv/drop/a.mp4"));
  auto const told = desk.operations.explain(given->second);
  if (!told) return {.reply = {}, .not_yet = true};
  if (!*told)
    return at_once(json_reply(status_of(told->error(), 409), Json::object({{"error", error_object(told->error())}})));
  return at_once(json_reply(200, explanation_json(given->second, **told)));
}

Served serve_probe(Desk const& desk, std::string const& name) {
  if (name == "livez") return at_once(json_reply(200, Json::object({{"status", "ok"}})));
  auto const facts = desk.operations.status_facts();
  auto health = health_json(facts);
  bool const down = *health.find("status")->as_text() == "down";
  if (name == "healthz") return at_once(json_reply(down ? 503 : 200, health));
  bool const ready = facts.ready && !down;
  return at_once(json_reply(ready ? 200 : 503, Json::object({{"status", ready ? "ready" : "not_ready"},
                                                             {"state", facts.state},
                                                             {"reasons", *health.find("reasons")}})));
}

Served method_not_allowed(std::string_view wanted) {
  return at_once(error_reply(405, "no_such_method", "this path takes " + std::string(wanted)));
}

bool is_documented_for_later(std::vector<std::string> const& path) {
  static std::array<std::string_view, 4> constexpr kLater = {"pause", "resume", "reload", "events"};
  if (path.empty()) return true;  // the dashboard
  if (path.size() == 1) return path[0] == "metrics";
  return path.size() == 2 && path[0] == "v1" && std::ranges::find(kLater, path[1]) != kLater.end();
}

Served not_supported_yet(std::string const& path) {
  return at_once(
      error_reply(501, "not_supported_yet", printable(path) + " is not supported yet", "see what is: sluice --help"));
}

Served serve_v1(Desk const& desk, std::vector<std::string> const& path) {
  bool const reads = is_read(desk.request);
  if (path.size() == 2 && path[1] == "status") return reads ? serve_status(desk) : method_not_allowed("GET");
  if (path.size() == 2 && path[1] == "items")
    return reads ? serve_items(desk) : serve_add(desk.request, desk.operations);
  if (path.size() == 2 && path[1] == "retry-failed")
    return reads ? method_not_allowed("POST") : serve_retry_failed(desk);
  if (path.size() == 2 && path[1] == "explain") return reads ? serve_explain(desk) : method_not_allowed("GET");
  if (path.size() == 2 && path[1] == "rescan") return reads ? method_not_allowed("POST") : serve_rescan(desk);
  if (path.size() == 3 && path[1] == "items") return reads ? serve_item(desk, path[2]) : method_not_allowed("GET");
  if (path.size() == 4 && path[1] == "items" && (path[3] == "retry" || path[3] == "cancel")) {
    if (reads) return method_not_allowed("POST");
    return serve_change(desk, path[2], path[3] == "retry" ? &Operations::retry : &Operations::cancel);
  }
  return at_once(error_reply(404, "no_such_path", "there is nothing at " + printable(desk.request.path)));
}

}  // namespace

Served serve(ControlRequest const& request, Journal const& journal, Operations& operations, WallTime now) {
  auto const path = path_segments(request.path);
  if (!is_read(request) && request.method != "POST") return method_not_allowed("GET, HEAD or POST");
  if (!path) return at_once(error_reply(400, "bad_request", "the path cannot be read: " + printable(request.path)));
  Desk const desk{.request = request, .journal = journal, .operations = operations, .now = now};
  if (is_documented_for_later(*path)) return not_supported_yet(request.path);
  if (path->size() == 1 && (path->front() == "livez" || path->front() == "readyz" || path->front() == "healthz"))
    return is_read(request) ? serve_probe(desk, path->front()) : method_not_allowed("GET");
  if (path->front() == "v1") return serve_v1(desk, *path);
  return at_once(error_reply(404, "no_such_path", "there is nothing at " + printable(request.path)));
}

ControlReply commit_failed(std::string_view text) {
  return error_reply(503, "not_committed",
                     "nothing was changed: the journal could not be written: " + std::string(text),
                     "see journalctl -u sluiced; then try again");
}

}  // namespace sluice::daemon

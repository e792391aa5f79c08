// control_fixture.h - a journal in a folder of its own, rows to put in it, and a daemon that is played.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/base/text.h"
#include "core/journal/journal.h"
#include "daemon/control_api.h"
#include "daemon/control_uri.h"
#include "daemon/operations.h"
#include "tests/unit/daemon/temp_folder.h"

namespace sluice::daemon {

inline WallTime const kNoon = *parse_rfc3339("2026-11-22T12:00:00Z");

// An item of source "drop" in /srv/drop, 1000 bytes; its ULID ends in `tail`.
inline journal::ItemRow item_row(std::string const& name, journal::ItemState state, std::string const& tail) {
  journal::ItemRow row;
  row.ulid = std::string("01J9ZK3Q000000000000000000").substr(0, 26 - tail.size()) + tail;
  row.source = "drop";
  row.root = "/srv/drop";
  row.path = name;
  row.kind = "video";
  row.pipeline = "footage";
  row.state = state;
  row.print.size_bytes = 1000;
  row.print.inode = 7;
  row.client_op = row.ulid + "-1";
  row.plan = "{}";
  row.created_at = kNoon - std::chrono::hours(1);
  row.quiet_since = row.created_at;
  row.effort.due_at = kNoon;
  if (is_end(state)) {
    row.finished_at = kNoon;
    row.effort.due_at.reset();
  }
  if (state == journal::ItemState::kFailed || state == journal::ItemState::kSkipped) row.reason = "empty_file";
  if (state >= journal::ItemState::kCompleted && state != journal::ItemState::kSending && !is_end(state))
    row.asset_id = "asset-" + tail;
  if (state == journal::ItemState::kDone) row.asset_id = "asset-" + tail;
  if (state == journal::ItemState::kOpening || state == journal::ItemState::kSending) row.intent.at = kNoon;
  return row;
}

// Answers as it is told, and remembers what it was asked.
class PlayedDaemon : public Operations {
 public:
  bool has_found(std::string const& path) override { return !not_found_yet.contains(path); }
  Result<AddedItem> add(AddRequest const& request) override {
    asked_to_add.push_back(request);
    auto const asked = request.url ? request.url->shown : request.path;
    if (auto const refusal = refuse.find(asked); refusal != refuse.end()) return std::unexpected(refusal->second);
    return AddedItem{.row = 1,
                     .ulid = request.dry_run ? "" : "01J9ZK3Q00000000000000ADD0",
                     .path = asked,
                     .source = "drop",
                     .kind = "video",
                     .pipeline = "footage",
                     .was_known = false,
                     .would = {}};
  }
  Result<void> retry(journal::RowId item) override { return change(retried, item); }
  Result<void> cancel(journal::RowId item) override { return change(cancelled, item); }
  source::Answer<stage::Explanation> explain(std::string const& path) override {
    if (not_found_yet.contains(path)) return std::nullopt;
    if (auto const refusal = refuse.find(path); refusal != refuse.end()) return std::unexpected(refusal->second);
    return stage::Explanation{.source = "drop",
                              .findings = {{"name", stage::Finding::Says::kTaken, "a name"},
                                           {"quiet", stage::Finding::Says::kWaits, "not yet"}}};
  }
  Result<stage::Explanation> explain_url(UrlText const& url) override {
    if (auto const refusal = refuse.find(url.shown); refusal != refuse.end()) return std::unexpected(refusal->second);
    return stage::Explanation{.source = "hand", .findings = {{"url", stage::Finding::Says::kTaken, "the platform"}}};
  }
  Result<std::vector<std::string>> rescan(std::string const& source) override {
    if (refuse_change) return std::unexpected(*refuse_change);
    rescanned.push_back(source);
    return source.empty() ? std::vector<std::string>{"drop", "archive"} : std::vector<std::string>{source};
  }
  stage::Surroundings surroundings() const override { return around; }
  StatusFacts status_facts() const override { return facts; }

  std::map<std::string, Error> refuse;       // by path
  std::set<std::string> not_found_yet = {};  // what the file system has not said yet
  std::optional<Error> refuse_change;        // of every retry, cancel and rescan
  std::vector<AddRequest> asked_to_add;
  std::vector<journal::RowId> retried;
  std::vector<journal::RowId> cancelled;
  std::vector<std::string> rescanned;
  stage::Surroundings around;
  StatusFacts facts;

 private:
  Result<void> change(std::vector<journal::RowId>& into, journal::RowId item) {
    if (refuse_change) return std::unexpected(*refuse_change);
    into.push_back(item);
    return {};
  }
};

class ControlTest : public testing::Test {
 protected:
  ControlTest() { daemon_.facts.started_at = kNoon - std::chrono::hours(3); }

  template <class Row>
  journal::RowId put(Row const& row) {
    journal_.begin();
    auto const id = journal_.insert(row);
    journal_.commit();
    return id;
  }

  // Takes a target as a client writes it, so that paths and queries are read as the server reads them.
  Served ask(std::string const& method, std::string const& target, std::string const& body = {}) {
    ControlRequest request{.id = 1, .method = method, .path = target, .query = {}, .body = body, .peer = {}};
    if (auto const mark = target.find('?'); mark != std::string::npos) {
      request.path = target.substr(0, mark);
      auto rest = target.substr(mark + 1);
      while (!rest.empty()) {
        auto const end = rest.find('&');
        auto const pair = rest.substr(0, end);
        auto const equals = pair.find('=');
        request.query[pair.substr(0, equals)] =
            equals == std::string::npos ? "" : percent_decode(pair.substr(equals + 1)).value_or("");
        rest = end == std::string::npos ? "" : rest.substr(end + 1);
      }
    }
    return serve(request, journal_, daemon_, kNoon);
  }

  // The JSON of an answer that must have this status.
  Json get(std::string const& target, int status = 200) { return body_of(ask("GET", target), status); }
  Json post(std::string const& target, std::string const& body = {}, int status = 200) {
    return body_of(ask("POST", target, body), status);
  }
  static Json body_of(Served const& served, int status) {
    EXPECT_EQ(served.reply.status, status) << served.reply.body;
    EXPECT_EQ(served.reply.content_type, "application/json");
    auto json = parse_json(served.reply.body);
    EXPECT_TRUE(json) << served.reply.body;
    if (!json) return {};
    return std::move(*json);
  }
  static std::string text(Json const& json, std::string const& key) {
    auto const read = json.text(key);
    return read && *read ? **read : "(none)";
  }
  static std::string error_code(Json const& json) {
    auto const* const error = json.find("error");
    return error == nullptr ? "(none)" : text(*error, "code");
  }

  TempFolder folder_;
  journal::Journal journal_{folder_.path() + "/journal.db"};
  PlayedDaemon daemon_;
};

}  // namespace sluice::daemon

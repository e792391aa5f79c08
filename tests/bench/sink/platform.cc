#include "platform.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <utility>

namespace sluice::bench {

using nlohmann::json;

namespace {

constexpr std::string_view kBasePath = "/v1.3";
constexpr std::string_view kStorePath = "/store/";
constexpr std::string_view kUploadsPath = "/assets/multipart-uploads";
constexpr std::uint64_t kUrlLifeSeconds = 3600;
constexpr std::uint64_t kSessionLifeSeconds = 86'400;

std::int64_t monotonic_ns() {
  auto const now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

std::string rfc3339(std::uint64_t seconds_from_now) {
  auto const at = std::time(nullptr) + static_cast<std::time_t>(seconds_from_now);
  std::tm parts{};
  gmtime_r(&at, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

Reply json_reply(int status, json const& body) { return {.status = status, .body = body.dump()}; }

Reply missing() { return json_reply(404, {{"code", "resource_not_exist"}, {"message", "There is no such thing."}}); }

// The values of `key` in a query, in their order; the sink's own ids need no decoding.
std::vector<std::string> values_of(std::string_view query, std::string_view key) {
  std::vector<std::string> values;
  while (!query.empty()) {
    auto const end = std::min(query.find('&'), query.size());
    auto const pair = query.substr(0, end);
    if (pair.size() > key.size() && pair.starts_with(key) && pair[key.size()] == '=') {
      values.emplace_back(pair.substr(key.size() + 1));
    }
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return values;
}

json page_info(std::uint64_t page, std::uint64_t limit, std::uint64_t total) {
  return {
      {"page", page}, {"limit_per_page", limit}, {"total_page", (total + limit - 1) / limit}, {"total_results", total}};
}

}  // namespace

void Platform::listens_at(std::string base_url, std::string store_url) {
  base_url_ = std::move(base_url);
  store_url_ = std::move(store_url);
}

bool Platform::drops_body(Request const& request) {
  return request.method == "PUT" || request.content_type.starts_with("multipart/form-data");
}

void Platform::dropped(std::size_t bytes) {
  if (record_.first_byte_ns == 0) record_.first_byte_ns = monotonic_ns();
  record_.body_bytes += bytes;
}

Reply Platform::answer(Request const& request, std::string_view body) {
  if (request.method == "PUT" && request.path.starts_with(kStorePath)) {
    ++record_.puts;
    record_.last_put_ns = monotonic_ns();
    return {.etag = "\"sink-" + std::to_string(record_.puts) + '"'};
  }
  if (request.path == "/record") return record();
  if (request.path == "/lap" || request.path == "/reset") {  // a lap keeps the sessions
    record_ = {};
    if (request.path == "/reset") sessions_.clear();
    return json_reply(200, json::object());
  }
  if (!request.path.starts_with(kBasePath)) return missing();
  ++record_.api_requests;
  return answer_api(request, std::string_view(request.path).substr(kBasePath.size()), body);
}

Reply Platform::answer_api(Request const& request, std::string_view path, std::string_view body) {
  bool const is_post = request.method == "POST";
  try {
    if (path == kUploadsPath && is_post) return open_session(body);
    if (path == kUploadsPath) return json_reply(200, {{"data", json::array()}, {"page_info", page_info(1, 50, 0)}});
    if (path.starts_with(kUploadsPath)) return of_session(request, path.substr(kUploadsPath.size() + 1), body);
    if (path == "/assets" && is_post) {
      ++record_.direct_uploads;
      ++record_.assets_arrived;
      record_.last_arrival_ns = monotonic_ns();
      return asset(new_id(), 201);
    }
    ++record_.asset_reads;
    if (path == "/assets") return list_assets(request.query);
    if (path.starts_with("/assets/")) return asset(std::string(path.substr(8)), 200);
  } catch (json::exception const& error) {
    return json_reply(400, {{"code", "parameter_invalid"}, {"message", error.what()}});
  }
  return missing();
}

Reply Platform::open_session(std::string_view body) {
  auto const asked = json::parse(body);
  auto const total = asked.at("total_size").get<std::uint64_t>();
  auto const chunks = static_cast<std::uint32_t>((total + options_.chunk_bytes - 1) / options_.chunk_bytes);
  auto const id = new_id();
  auto const& session =
      sessions_.emplace(id, Session{new_id(), total, chunks, std::vector<bool>(chunks)}).first->second;
  ++record_.sessions;
  auto urls = json::array();
  for (std::uint32_t i = 1; i <= std::min(chunks, options_.initial_urls); ++i) {
    urls.push_back({{"chunk_index", i}, {"url", url(id, i)}, {"expires_at", rfc3339(kUrlLifeSeconds)}});
  }
  return json_reply(201, {{"upload_id", id},
                          {"asset_id", session.asset_id},
                          {"upload_urls", std::move(urls)},
                          {"upload_headers", {{"Content-Type", "application/octet-stream"}}},
                          {"chunk_size", options_.chunk_bytes},
                          {"total_chunks", chunks},
                          {"expires_at", rfc3339(kSessionLifeSeconds)}});
}

Reply Platform::of_session(Request const& request, std::string_view rest, std::string_view body) {
  auto const slash = std::min(rest.find('/'), rest.size());
  auto const found = sessions_.find(std::string(rest.substr(0, slash)));
  if (found == sessions_.end()) return missing();
  auto const& [id, session] = *found;
  if (rest.substr(slash) == "/presigned-urls") return more_urls(id, session, body);
  if (request.method == "POST") return report(found->second, body);
  return status(id, session, request.query);
}

Reply Platform::report(Session& session, std::string_view body) {
  auto const asked = json::parse(body);
  std::uint32_t processed = 0;
  auto const& list = asked.at("completed_chunks");
  for (auto const& entry : list) {
    auto const index = entry.at("chunk_index").get<std::uint32_t>();
    if (index < 1 || index > session.chunks || session.reported[index - 1]) continue;
    session.reported[index - 1] = true;
    ++processed;
  }
  session.completed += processed;
  json out{{"asset_id", session.asset_id},
           {"processed_chunks", processed},
           {"duplicate_chunks", list.size() - processed},
           {"total_completed", session.completed}};
  if (session.completed == session.chunks) {
    out["url"] = "http://media.invalid/" + session.asset_id;
    if (processed > 0) {
      ++record_.assets_arrived;
      record_.last_arrival_ns = monotonic_ns();
    }
  }
  return json_reply(200, out);
}

Reply Platform::more_urls(std::string const& id, Session const& session, std::string_view body) const {
  auto const asked = json::parse(body);
  auto const start = asked.at("start").get<std::uint64_t>();
  auto const count = asked.at("count").get<std::uint64_t>();
  auto const expires_at = rfc3339(kUrlLifeSeconds);
  auto urls = json::array();
  for (auto i = start; i < start + count && i <= session.chunks; ++i) {
    urls.push_back({{"chunk_index", i}, {"url", url(id, i)}, {"expires_at", expires_at}});
  }
  auto const given = urls.size();
  return json_reply(200, {{"upload_id", id},
                          {"start_index", start},
                          {"count", given},
                          {"upload_urls", std::move(urls)},
                          {"generated_at", rfc3339(0)},
                          {"expires_at", expires_at}});
}

Reply Platform::status(std::string const& id, Session const& session, std::string_view query) const {
  auto const pages = values_of(query, "page");
  auto const limits = values_of(query, "page_limit");
  auto const page = pages.empty() ? 1 : std::stoull(pages.front());
  auto const limit = limits.empty() ? 10 : std::stoull(limits.front());
  auto chunks = json::array();
  for (auto i = (page - 1) * limit + 1; i <= page * limit && i <= session.chunks; ++i) {
    chunks.push_back({{"index", i}, {"status", session.reported[i - 1] ? "completed" : "pending"}});
  }
  return json_reply(200, {{"upload_id", id},
                          {"status", session.completed == session.chunks ? "completed" : "active"},
                          {"chunks_completed", session.completed},
                          {"chunks_failed", 0},
                          {"chunks_pending", session.chunks - session.completed},
                          {"total_size", session.total_bytes},
                          {"uploaded_chunks", std::move(chunks)},
                          {"page_info", page_info(page, limit, session.chunks)}});
}

Reply Platform::list_assets(std::string_view query) const {
  auto data = json::array();
  for (auto const& id : values_of(query, "asset_ids")) data.push_back(json::parse(asset(id, 200).body));
  auto const total = data.size();
  return json_reply(200, {{"data", std::move(data)}, {"page_info", page_info(1, 50, total)}});
}

// Every id is an asset's, and every asset is ready when it is asked for: who waits for it is not measured here.
Reply Platform::asset(std::string const& id, int status) const {
  bool const ready = status == 200 && !options_.never_ready;
  return json_reply(status, {{"_id", id},
                             {"method", "direct"},
                             {"status", ready ? "ready" : "processing"},
                             {"filename", "item.mp4"},
                             {"file_type", "video/mp4"},
                             {"created_at", rfc3339(0)}});
}

Reply Platform::record() const {
  auto const& at = record_;
  return json_reply(200, {{"body_bytes", at.body_bytes},
                          {"puts", at.puts},
                          {"direct_uploads", at.direct_uploads},
                          {"sessions", at.sessions},
                          {"assets_arrived", at.assets_arrived},
                          {"api_requests", at.api_requests},
                          {"asset_reads", at.asset_reads},
                          {"connections", at.connections},
                          {"first_byte_ns", at.first_byte_ns},
                          {"last_put_ns", at.last_put_ns},
                          {"last_arrival_ns", at.last_arrival_ns}});
}

std::string Platform::new_id() {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%024llx", static_cast<unsigned long long>(++ids_));
  return text.data();
}

// As long as a presigned URL of S3 without a session token, since the client keeps it in its journal.
std::string Platform::url(std::string const& id, std::uint64_t index) const {
  return store_url_ + std::string(kStorePath) + id + '/' + std::to_string(index) +
         "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDSLUICEBENCHSINK0%2F20260101%2Fus-east-1%2Fs3"
         "%2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host"
         "&X-Amz-Signature=" +
         std::string(64, 'a');
}

}  // namespace sluice::bench

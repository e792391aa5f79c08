// The simulated platform's assets and upload sessions.
#include <algorithm>

#include "tests/sim/digests.h"
#include "tests/sim/sim_answer.h"

namespace sluice::sim {

using ports::Reply;

namespace {

constexpr char kUploadHeader[] = "x-sim-upload";  // must come with every PUT, as upload_headers asks (R23)

std::uint64_t size_at(Json const& object, char const* key) {
  auto const found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

std::uint64_t chunk_length(SimSession const& session, std::uint64_t chunk_bytes, std::uint32_t index) {
  return std::min(chunk_bytes, session.total_bytes - (index - std::uint64_t{1}) * chunk_bytes);
}

Json asset_json(SimAsset const& asset, WallTime now, std::string const& created_at) {
  auto const over = asset.completed && asset.ready_at <= now;
  Json row{{"_id", asset.id},
           {"method", asset.method},
           {"filename", asset.filename},
           {"created_at", created_at},
           {"status", !over         ? "processing"
                      : asset.fails ? "failed"
                                    : "ready"}};
  if (over && !asset.fails) row["size"] = asset.size_bytes;
  if (over && asset.fails) row["error"] = {{"message", "the simulated platform cannot read it"}};
  add_object(row, "user_metadata", asset.metadata_json);
  return row;
}

}  // namespace

SimAsset& SimPlatform::add_asset(std::string const& filename, std::string const& method,
                                 std::string const& metadata_json, WallTime now) {
  assets_.push_back(
      {{.created_at = now, .visible_at = visible_from(now)}, fresh_id(), method, filename, metadata_json});
  assets_.back().fails = !traits_.failing_name.empty() && filename == traits_.failing_name;
  return assets_.back();
}

std::string SimPlatform::trouble_with_form(std::map<std::string, FormPart> const& form) {
  for (auto const* const name : {"method", "filename"})
    if (!form.contains(name)) return std::string("without ") + name;
  auto const& method = form.at("method").value;
  if (method != "direct" && method != "url") return "with the method " + method;
  auto const* const content = method == "direct" ? "file" : "url";
  if (!form.contains(content)) return std::string("without ") + content;
  for (auto const& [name, part] : form)
    if (name != "method" && name != "filename" && name != content && name != "user_metadata")
      return "with the unexpected part " + name;
  auto const& filename = form.at("filename").value;
  if (filename.empty() || filename.size() > 255 || form.at(content).value.empty()) return "with an empty part";
  auto const& file = form.at(content);
  if (method == "direct" && (file.filename != filename || file.content_type.empty())) return "with another file name";
  if (method == "url" && !file.value.starts_with("https://")) return "with a URL that is none";
  if (form.contains("user_metadata") && !object_in(form.at("user_metadata").value).is_object())
    return "whose user_metadata is no JSON object";
  return {};
}

Reply SimPlatform::create_asset(Request const& request, WallTime now) {
  std::string why;
  auto const form = read_form(request, why);
  if (!form) return complain("POST /assets: " + why, now);
  if (auto const trouble = trouble_with_form(*form); !trouble.empty()) return complain("POST /assets " + trouble, now);
  auto const metadata = form->contains("user_metadata") ? form->at("user_metadata").value : std::string();
  if (!metadata.empty() && traits_.refuses_metadata) return refuse_metadata(now);
  auto const by_url = form->at("method").value == "url";
  auto const& content = form->at(by_url ? "url" : "file").value;
  auto const names = [&](std::string const& part) { return !part.empty() && content.find(part) != std::string::npos; };
  auto const is_dead = by_url && names(traits_.dead_urls) && now - kBeginning < traits_.dead_until;
  if (is_dead || (by_url && names(traits_.unreachable_host) && fetches_refused_.insert(content).second)) {
    count("platform.url_unreachable");
    return refuse(400, "media_url_not_accessible", now);
  }
  auto& asset = add_asset(form->at("filename").value, by_url ? "url" : "direct", metadata, now);
  asset.completed = true;
  asset.completed_at = now;
  asset.size_bytes = content.size();
  asset.sha256 = sha256_hex_of(content);  // what a URL names is as good as the URL
  asset.ready_at = ready_from(now);
  Json body{{"_id", asset.id},
            {"method", asset.method},
            {"status", "processing"},
            {"filename", asset.filename},
            {"created_at", shown_time(now)}};
  add_object(body, "user_metadata", metadata);
  return answer(201, body);
}

Reply SimPlatform::list_assets(Request const& request, WallTime now) {
  std::set<std::string> ids;
  for (auto [at, end] = request.query.equal_range("asset_ids"); at != end; ++at) ids.insert(at->second);
  if (ids.size() > 50) return complain("GET /assets with more than 50 ids", now);
  auto const filename = request.query_value("filename");
  std::vector<Json> rows;
  for (auto at = assets_.rbegin(); at != assets_.rend(); ++at) {  // newest first
    if (at->visible_at > now) count("platform.list_lagged");
    if (!at->shown(now) || (traits_.blind_looks && ids.empty())) continue;
    if (!ids.empty() && !ids.contains(at->id)) continue;
    if (!holds_ignoring_case(at->filename, filename)) continue;
    if (!at->completed && !traits_.shows_reservations) continue;
    if (!at->completed) count("platform.reservation_listed");
    if (at->completed && at->ready_at <= now && at->fails) count("platform.asset_failed");
    rows.push_back(asset_json(*at, now, shown_time(at->created_at)));
  }
  auto const page = page_of(request, rows);
  return page ? answer(200, *page) : complain("GET /assets: page or page_limit", now);
}

Reply SimPlatform::read_asset(Request const& request, WallTime now) {
  auto const found = std::ranges::find(assets_, request.segments[1], &SimAsset::id);
  if (found == assets_.end() || found->gone_at || !found->completed) return refuse(404, "resource_not_exist", now);
  return answer(200, asset_json(*found, now, shown_time(found->created_at)));
}

SimUrl& SimPlatform::make_url(std::string const& session_id, std::uint32_t index, WallTime now, std::string& url) {
  auto const signature = fresh_id();
  url = "https://storage.sim/chunk-store/" + session_id + "/" + std::to_string(index) + "?X-Amz-Signature=" + signature;
  return urls_[signature] = {.session_id = session_id, .index = index, .expires_at = now + traits_.url_life};
}

Reply SimPlatform::open_session(Request const& request, WallTime now) {
  auto const body = object_in(request.body);
  auto const total = size_at(body, "total_size");
  auto const type = text_at(body, "type");
  auto const filename = text_at(body, "filename");
  if (total == 0 || filename.empty() || filename.size() > 255 ||
      (type != "video" && type != "audio" && type != "image"))
    return complain("POST multipart-uploads: " + request.body, now);
  std::string metadata;
  if (body.contains("user_metadata")) {
    if (traits_.refuses_metadata) return refuse_metadata(now);
    if (!body["user_metadata"].is_object()) return complain("POST multipart-uploads: user_metadata is no object", now);
    metadata = body["user_metadata"].dump();
  }
  auto const asset_id = add_asset(filename, "multipart", metadata, now).id;
  auto const is_short = sessions_.size() < traits_.short_sessions;
  SimSession session{.id = fresh_id(),
                     .asset_id = asset_id,
                     .total_bytes = total,
                     .expires_at = now + (is_short ? traits_.short_session_life : traits_.session_life)};
  auto const chunks = (total + traits_.chunk_bytes - 1) / traits_.chunk_bytes;
  session.chunks.resize(chunks);
  Json urls = Json::array();
  for (std::uint32_t i = 1; i <= std::min<std::uint64_t>(chunks, traits_.initial_urls); ++i) {
    std::string url;
    auto const& made = make_url(session.id, i, now, url);
    urls.push_back({{"chunk_index", i}, {"url", url}, {"expires_at", shown_time(made.expires_at)}});
  }
  Json const reply{{"upload_id", session.id},
                   {"asset_id", asset_id},
                   {"upload_urls", urls},
                   {"upload_headers", {{"Content-Type", "application/octet-stream"}, {kUploadHeader, session.id}}},
                   {"chunk_size", traits_.chunk_bytes},
                   {"total_chunks", chunks},
                   {"expires_at", shown_time(session.expires_at)}};
  sessions_.emplace(session.id, std::move(session));
  return answer(201, reply);
}

SimSession* SimPlatform::live_session(Request const& request, WallTime now) {
  auto const found = sessions_.find(request.segments[2]);
  if (found == sessions_.end() || found->second.expires_at <= now) {
    count("platform.session_expired");
    return nullptr;
  }
  return &found->second;
}

Reply SimPlatform::presigned_urls(Request const& request, WallTime now) {
  auto const* session = live_session(request, now);
  if (session == nullptr) return refuse(404, "not_found", now);
  auto const body = object_in(request.body);
  auto const start = size_at(body, "start");
  auto const count = size_at(body, "count");
  if (start < 1 || count < 1 || count > 50 || start + count - 1 > session->chunks.size())
    return complain("presigned-urls: " + request.body, now);
  Json urls = Json::array();
  for (auto i = start; i < start + count; ++i) {
    std::string url;
    auto const& made = make_url(session->id, static_cast<std::uint32_t>(i), now, url);
    urls.push_back({{"chunk_index", i}, {"url", url}, {"expires_at", shown_time(made.expires_at)}});
  }
  return answer(200, {{"upload_id", session->id}, {"upload_urls", urls}});
}

Reply SimPlatform::put_chunk(Request const& request, WallTime now) {
  auto const found = urls_.find(request.query_value("X-Amz-Signature"));
  if (found == urls_.end()) return complain("PUT to a URL that was never given", now);
  auto& url = found->second;
  auto const name = "chunk " + std::to_string(url.index) + " of session " + url.session_id;
  if (request.headers.contains("x-api-key") || request.headers.contains("authorization"))
    return complain("PUT of " + name + " carries a key (R2)", now);
  if (url.used) return complain("PUT of " + name + " by a URL that was used before (R22)", now);
  url.used = true;
  if (url.expires_at <= now) count("platform.url_expired");
  if (url.expires_at <= now) return refuse_storage(403, "AccessDenied", "Request has expired");
  auto& session = sessions_.at(url.session_id);
  if (session.expires_at <= now) count("platform.session_expired");
  if (session.expires_at <= now) return refuse_storage(404, "NoSuchUpload", "The specified upload does not exist");
  if (request.header_value(kUploadHeader) != session.id)
    return complain("PUT of " + name + " without upload_headers (R23)", now);
  if (request.body.size() != chunk_length(session, traits_.chunk_bytes, url.index))
    return complain("PUT of " + name + " has " + std::to_string(request.body.size()) + " bytes (R20)", now);
  if (protected_.contains({session.id, url.index}))
    complaints_.push_back(name + " was sent again although its ETag was in the journal");
  auto& chunk = session.chunks[url.index - 1];
  chunks_received_ += 1;
  chunk.bytes = request.body;
  chunk.etag = md5_hex_of(request.body);
  chunk.failed = false;
  return {.status = 200, .headers = {{"etag", "\"" + chunk.etag + "\""}}, .body = {}};
}

// A chunk that the platform itself has failed must be sent again.
void SimPlatform::protect(std::string const& session_id, std::uint32_t index) {
  auto const found = sessions_.find(session_id);
  if (found == sessions_.end() || found->second.chunks[index - 1].failed) return;
  protected_.insert({session_id, index});
}

void SimPlatform::assemble(SimSession& session, WallTime now) {
  if (traits_.bad_chunk != 0 && !session.had_bad_chunk && traits_.bad_chunk <= session.chunks.size()) {
    session.had_bad_chunk = true;
    count("platform.chunk_failed");
    auto& chunk = session.chunks[traits_.bad_chunk - 1];
    chunk.failed = true;
    chunk.reported = false;
    protected_.erase({session.id, traits_.bad_chunk});
    return;
  }
  std::string bytes;
  for (auto const& chunk : session.chunks) bytes += chunk.bytes;
  session.assembled = true;
  session.completed_at = now + dice_.between(Millis(0), traits_.assembles_max);
  auto const asset = std::ranges::find(assets_, session.asset_id, &SimAsset::id);
  asset->completed = true;
  asset->completed_at = session.completed_at;
  asset->size_bytes = bytes.size();
  asset->sha256 = sha256_hex_of(bytes);
  asset->ready_at = ready_from(session.completed_at);
}

Reply SimPlatform::report_chunks(Request const& request, WallTime now) {
  auto* session = live_session(request, now);
  if (session == nullptr) return refuse(404, "not_found", now);
  auto const body = object_in(request.body);
  auto const list = body.find("completed_chunks");
  if (list == body.end() || !list->is_array() || list->empty() || list->size() > 50)
    return complain("report: 1 to 50 chunks are taken (R24)", now);
  std::uint64_t fresh = 0, known = 0;
  for (auto const& told : *list) {
    auto const index = size_at(told, "chunk_index");
    if (index < 1 || index > session->chunks.size()) return complain("report: no chunk " + std::to_string(index), now);
    auto& chunk = session->chunks[index - 1];
    auto const length = chunk_length(*session, traits_.chunk_bytes, static_cast<std::uint32_t>(index));
    if (text_at(told, "proof_type") != "etag" || text_at(told, "proof") != chunk.etag || chunk.etag.empty() ||
        size_at(told, "chunk_size") != length)
      return complain("report: chunk " + std::to_string(index) + " is told wrong: " + told.dump(), now);
    (chunk.reported ? known : fresh) += 1;
    chunk.reported = !chunk.failed;
  }
  auto const total = std::ranges::count(session->chunks, true, &SimChunk::reported);
  auto const all = static_cast<std::size_t>(total) == session->chunks.size();
  if (known > 0) count("platform.report_repeated");
  if (all && !session->assembled) assemble(*session, now);
  Json reply{{"asset_id", session->asset_id},
             {"processed_chunks", fresh},
             {"duplicate_chunks", known},
             {"total_completed", total}};
  if (all && session->assembled) reply["url"] = "https://media.sim/" + session->asset_id;
  return answer(200, reply);
}

Reply SimPlatform::session_status(Request const& request, WallTime now) {
  auto const found = sessions_.find(request.segments[2]);
  if (found == sessions_.end()) return refuse(404, "not_found", now);
  auto const& session = found->second;
  auto const done = session.assembled && session.completed_at <= now;
  auto const expired = !session.assembled && session.expires_at <= now;
  if (expired && traits_.forgets_sessions) {
    count("platform.session_forgotten");
    return refuse(404, "not_found", now);
  }
  std::vector<Json> rows;
  std::uint64_t pending = 0;
  for (std::size_t i = 0; i < session.chunks.size(); ++i) {
    auto const& chunk = session.chunks[i];
    if (!chunk.reported && !chunk.failed) {
      ++pending;  // not listed (U4)
      continue;
    }
    Json row{{"index", i + 1}, {"status", chunk.failed ? "failed" : "completed"}};
    if (chunk.failed) row["error"] = "checksum";
    rows.push_back(std::move(row));
  }
  auto page = page_of(request, rows, "uploaded_chunks");
  if (!page) return complain("session status: page or page_limit", now);
  (*page)["upload_id"] = session.id;
  (*page)["status"] = done ? "completed" : expired ? "expired" : "active";
  (*page)["chunks_completed"] = rows.size();
  (*page)["chunks_pending"] = pending;
  return answer(200, *page);
}

}  // namespace sluice::sim

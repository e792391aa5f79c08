// sessions.cc - multipart upload sessions: open, list, status, chunk reports, presigned URLs.
// The PUTs themselves go to the store: see chunk_store.cc.

#include <nlohmann/json.hpp>

#include "api.h"
#include "chunk_store.h"

namespace sluice::emulator {

using nlohmann::json;

namespace {

constexpr std::uint64_t kChunksMax = 10'000;      // R34
constexpr std::uint64_t kUrlsPerRequestMax = 50;  // R21
constexpr std::size_t kReportMax = 50;            // R24

// Finds a session for a call that needs it alive. An expired one answers 404, as one that is gone (R28).
Session& live_session(Context& context, Call const& call) {
  auto* const session = context.world.sessions.find(call.ids[0]);
  if (session == nullptr) refuse_missing("upload session");
  if (call.verdict.action == Action::kExpire && !session->completed) session->expires_ms = call.now_ms;
  if (session->status(call.now_ms) == "expired") refuse_missing("upload session (it has expired)");
  return *session;
}

json urls(Context& context, Session const& session, std::uint32_t first, std::uint64_t count, std::int64_t now_ms) {
  auto out = json::array();
  for (auto i = std::uint64_t{first}; i < first + count && i <= session.total_chunks; ++i) {
    auto const index = static_cast<std::uint32_t>(i);
    out.push_back({{"chunk_index", index},
                   {"url", presigned_chunk_url(context, session, index, now_ms)},
                   {"expires_at", rfc3339(now_ms + context.options.url_life_ms)}});
  }
  context.ledger.write("url_issued", {{"upload_id", session.id}, {"start", first}, {"count", out.size()}});
  return out;
}

Session make_session(Context& context, Asset const& asset, std::uint64_t total_bytes, std::int64_t now_ms) {
  Session session;
  session.id = context.world.new_id();
  session.asset_id = asset.id;
  session.total_bytes = total_bytes;
  session.chunk_bytes = context.options.chunk_bytes;
  auto const chunks = (total_bytes + session.chunk_bytes - 1) / session.chunk_bytes;
  if (chunks > kChunksMax) {  // the server picks sizes within 10,000 chunks
    session.chunk_bytes = (total_bytes + kChunksMax - 1) / kChunksMax;
  }
  session.total_chunks = static_cast<std::uint32_t>((total_bytes + session.chunk_bytes - 1) / session.chunk_bytes);
  session.created_ms = session.updated_ms = now_ms;
  session.expires_ms = now_ms + context.options.session_life_ms;
  return session;
}

Reply open_session(Context& context, Call const& call) {
  Fields fields(call.body);
  Asset asset;
  asset.filename = fields.text("filename");
  asset.type = fields.text("type");
  auto const total_bytes = fields.number("total_size", 1, UINT64_MAX);
  asset.hls = fields.flag("enable_hls");
  asset.thumbnail = fields.flag("enable_thumbnail");
  auto const metadata = fields.scalar_map("user_metadata");
  check_metadata_allowed(context, metadata.has_value());
  fields.finish();
  check_filename(asset.filename);
  if (asset.type != "video" && asset.type != "audio" && asset.type != "image") {
    throw Refusal{400, "parameter_invalid", "The type parameter must be video, audio or image."};
  }
  if (total_bytes > multipart_limit_bytes(context.options, asset.type)) {
    throw Refusal{400, "media_filesize_too_large", "The file is too large for a multipart upload."};
  }
  asset.id = context.world.new_id();
  asset.method = "multipart";
  asset.file_type = mime_of(asset.filename, {}, asset.type);
  asset.created_ms = call.now_ms;
  asset.size = total_bytes;
  asset.user_metadata = metadata ? merged_metadata({}, *metadata, true) : std::string{};
  asset.doomed = call.verdict.action == Action::kFailAsset;
  if (asset.doomed) asset.error = call.verdict.message;

  auto session = make_session(context, asset, total_bytes, call.now_ms);
  asset.upload_id = session.id;
  context.ledger.write("session_opened", {{"upload_id", session.id},
                                          {"asset_id", asset.id},
                                          {"filename", asset.filename},
                                          {"total_size", total_bytes},
                                          {"total_chunks", session.total_chunks}});
  context.world.assets.add(std::move(asset));
  auto const& kept = context.world.sessions.add(std::move(session));
  return json_reply(201, {{"upload_id", kept.id},
                          {"asset_id", kept.asset_id},
                          {"upload_urls", urls(context, kept, 1, context.options.initial_urls, call.now_ms)},
                          {"upload_headers", upload_headers_json(context.options, kept.id)},
                          {"chunk_size", kept.chunk_bytes},
                          {"total_chunks", kept.total_chunks},
                          {"expires_at", rfc3339(kept.expires_ms)}});
}

Reply list_incomplete(Context& context, Call const& call) {
  Params params(call.request.query);
  params.finish();
  std::vector<Session const*> found;
  auto& rows = context.world.sessions.rows();
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
    if (!row->second.completed && listed(context, call, row->second.created_ms)) found.push_back(&row->second);
  }
  return page_reply(params, found.size(), [&](std::size_t i) -> json {
    auto const& session = *found[i];
    return {{"upload_id", session.id},
            {"status", session.status(call.now_ms)},
            {"total_size", session.total_bytes},
            {"chunk_size", session.chunk_bytes},
            {"total_chunks", session.total_chunks},
            {"created_at", rfc3339(session.created_ms)},
            {"expires_at", rfc3339(session.expires_ms)}};
  });
}

json chunk_json(std::uint32_t index, Chunk const& chunk) {
  json out{{"index", index},
           {"status", chunk.failed     ? "failed"
                      : chunk.reported ? "completed"
                                       : "pending"},
           {"uploaded_at", nullptr},
           {"updated_at", rfc3339(chunk.updated_ms)}};
  if (chunk.reported) out["uploaded_at"] = rfc3339(chunk.uploaded_ms);
  if (chunk.failed) out["error"] = "The chunk could not be verified.";
  return out;
}

struct Tally {
  std::uint32_t completed = 0;
  std::uint32_t failed = 0;
  std::uint64_t bytes = 0;
};

Tally tally(Session const& session) {
  Tally sum;
  for (auto const& [index, chunk] : session.chunks) {
    if (chunk.failed) ++sum.failed;
    if (!chunk.reported) continue;
    ++sum.completed;
    sum.bytes += chunk.bytes;
  }
  return sum;
}

Reply get_status(Context& context, Call const& call) {
  Params params(call.request.query);
  params.finish();
  auto* const session = context.world.sessions.find(call.ids[0]);
  if (session == nullptr) refuse_missing("upload session");
  if (call.verdict.action == Action::kExpire && !session->completed) session->expires_ms = call.now_ms;
  // Only chunks that were stored or reported are listed: absent means pending (U4).
  std::vector<std::pair<std::uint32_t, Chunk const*>> found;
  for (auto const& [index, chunk] : session->chunks) found.emplace_back(index, &chunk);
  auto reply = page_reply(
      params, found.size(), [&](std::size_t i) { return chunk_json(found[i].first, *found[i].second); },
      "uploaded_chunks");
  auto body = json::parse(reply.body);
  auto const sum = tally(*session);
  body.update({{"upload_id", session->id},
               {"status", session->status(call.now_ms)},
               {"chunks_completed", sum.completed},
               {"chunks_failed", sum.failed},
               {"chunks_pending", session->total_chunks - sum.completed - sum.failed},
               {"total_size", session->total_bytes},
               {"uploaded_size", sum.bytes},
               {"created_at", rfc3339(session->created_ms)},
               {"updated_at", rfc3339(session->updated_ms)}});
  return json_reply(200, body);
}

struct ReportEntry {
  std::uint32_t index;
  std::string proof;
};

// Checks one entry against what the store holds; nothing is changed before the whole batch is good.
ReportEntry check_entry(Session const& session, json const& entry) {
  Fields fields(entry);
  auto const index = static_cast<std::uint32_t>(fields.number("chunk_index", 1, session.total_chunks));
  auto proof = fields.text("proof");
  auto const proof_type = fields.text("proof_type");
  auto const bytes = fields.number("chunk_size", 1, UINT64_MAX);
  fields.finish();
  auto const which = "chunk " + std::to_string(index);
  if (proof_type != "etag") throw Refusal{400, "parameter_invalid", "The proof_type of " + which + " must be etag."};
  if (bytes != session.length_of(index)) {
    throw Refusal{400, "parameter_invalid", "The chunk_size of " + which + " is wrong."};
  }
  auto const at = session.chunks.find(index);
  if (at == session.chunks.end() || at->second.path.empty()) {
    throw Refusal{400, "parameter_invalid", "The " + which + " has not been uploaded."};
  }
  if (at->second.etag != proof) {
    throw Refusal{400, "parameter_invalid", "The proof of " + which + " is not the ETag of its last upload."};
  }
  return {index, std::move(proof)};
}

void complete(Context& context, Session& session, std::int64_t now_ms) {
  session.completed = true;
  auto* const asset = context.world.assets.find(session.asset_id);
  if (asset == nullptr) return;
  Hasher::Job job{asset->id, {}, !context.options.keep_objects};
  for (auto const& [index, chunk] : session.chunks) job.parts.push_back(chunk.path);
  asset->hashing = true;
  context.world.arrived(*asset, now_ms, false);
  context.ledger.write("session_completed", {{"upload_id", session.id}, {"asset_id", asset->id}});
  context.ledger.write("asset_created",
                       {{"asset_id", asset->id}, {"method", "multipart"}, {"filename", asset->filename}});
  context.hasher.add(std::move(job));
}

Reply report_chunks(Context& context, Call const& call) {
  auto& session = live_session(context, call);
  Fields fields(call.body);
  auto const& list = fields.array("completed_chunks", 1, kReportMax);
  fields.finish();
  std::vector<ReportEntry> entries;
  for (auto const& entry : list) entries.push_back(check_entry(session, entry));

  std::uint32_t processed = 0;
  std::uint32_t duplicates = 0;
  bool fail_next = call.verdict.action == Action::kFailChunk;
  for (auto const& entry : entries) {
    auto& chunk = session.chunks.at(entry.index);
    if (chunk.reported) {
      ++duplicates;
      continue;
    }
    chunk.updated_ms = call.now_ms;
    chunk.failed = fail_next || chunk.fails_when_reported;
    fail_next = chunk.fails_when_reported = false;
    chunk.reported = !chunk.failed;
    if (chunk.failed) continue;
    chunk.uploaded_ms = call.now_ms;
    ++processed;
    context.ledger.write("chunk_reported", {{"upload_id", session.id}, {"chunk_index", entry.index}});
  }
  session.updated_ms = call.now_ms;
  auto const sum = tally(session);
  if (sum.completed == session.total_chunks && !session.completed) complete(context, session, call.now_ms);
  json out{{"asset_id", session.asset_id},
           {"processed_chunks", processed},
           {"duplicate_chunks", duplicates},
           {"total_completed", sum.completed}};
  if (session.completed) out["url"] = "http://media.invalid/" + session.asset_id;
  return json_reply(200, out);
}

Reply more_urls(Context& context, Call const& call) {
  auto& session = live_session(context, call);
  Fields fields(call.body);
  auto const start = static_cast<std::uint32_t>(fields.number("start", 1, session.total_chunks));
  auto const count = fields.number("count", 1, kUrlsPerRequestMax);
  fields.finish();
  if (session.completed) throw Refusal{400, "parameter_invalid", "The upload session is completed."};
  auto list = urls(context, session, start, count, call.now_ms);
  auto const given = list.size();
  return json_reply(200, {{"upload_id", session.id},
                          {"start_index", start},
                          {"count", given},
                          {"upload_urls", std::move(list)},
                          {"generated_at", rfc3339(call.now_ms)},
                          {"expires_at", rfc3339(call.now_ms + context.options.url_life_ms)}});
}

}  // namespace

std::vector<Route> session_routes() {
  return {{"GET", "/assets/multipart-uploads", list_incomplete},
          {"POST", "/assets/multipart-uploads", open_session},
          {"GET", "/assets/multipart-uploads/{upload_id}", get_status},
          {"POST", "/assets/multipart-uploads/{upload_id}", report_chunks},
          {"POST", "/assets/multipart-uploads/{upload_id}/presigned-urls", more_urls}};
}

}  // namespace sluice::emulator

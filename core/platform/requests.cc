#include "core/platform/requests.h"

#include <cassert>
#include <string_view>

#include "core/base/json.h"
#include "core/base/text.h"
#include "core/platform/form_body.h"

namespace sluice::platform {
namespace {

using ports::Call;
using ports::Method;

Call get(std::string path) {
  Call call;
  call.target = std::move(path);
  return call;
}

// Whether a POST may be repeated (R48, R49) is said at each use.
enum class Repeat : bool { kNever, kFreely };

Call post(std::string path, std::string json, Repeat repeat) {
  Call call;
  call.method = Method::kPost;
  call.target = std::move(path);
  call.headers = {{"Content-Type", "application/json"}};
  call.text_body = std::move(json);
  call.repeatable = repeat == Repeat::kFreely;
  return call;
}

std::string of_session(std::string const& upload_id) {
  return "/assets/multipart-uploads/" + percent_encode(upload_id);
}
std::string of_index(std::string const& index_id) { return "/indexes/" + percent_encode(index_id) + "/indexed-assets"; }
std::string of_collection(std::string const& collection_id) {
  return "/entity-collections/" + percent_encode(collection_id) + "/entities";
}

std::string paged(int page) { return "page=" + std::to_string(page) + "&page_limit=" + std::to_string(kPageLimit); }

// Both sort parameters go always: for one list the prose and the default disagree.
std::string paged_newest_first(int page) { return paged(page) + "&sort_by=created_at&sort_option=desc"; }

// The object's text with one more member, whose value is JSON already and goes as it is: metadata
// is not read and written anew, since that could change a number's form.
std::string with_raw_member(Json const& object, std::string_view key, std::string const& raw) {
  auto text = object.dump();
  assert(text.size() > 2 && text.back() == '}');
  text.pop_back();
  return text + "," + json_quoted(key) + ":" + raw + "}";
}

std::string with_metadata(Json const& object, std::string_view key, MetadataJson const& metadata) {
  return metadata.empty() ? object.dump() : with_raw_member(object, key, metadata);
}

// A name inside a form's header, escaped as browsers do (WHATWG, "multipart/form-data encoding").
std::string form_escaped(std::string_view name) {
  std::string out;
  for (char const c : name) {
    switch (c) {
      case '"': out += "%22"; break;
      case '\r': out += "%0D"; break;
      case '\n': out += "%0A"; break;
      default: out += c;
    }
  }
  return out;
}

// 24 characters that a boundary may hold: the last ones of the seed, since a ULID's dice stand there.
std::string boundary_of(std::string const& seed) {
  constexpr std::size_t kLength = 24;
  std::string boundary;
  for (char const c : seed) {
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) boundary += c;
  }
  if (boundary.size() < kLength) boundary.insert(0, kLength - boundary.size(), '0');
  return boundary.substr(boundary.size() - kLength);
}

std::string form_field(std::string const& boundary, std::string_view name, std::string_view value) {
  return "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + std::string(name) + "\"\r\n\r\n" +
         std::string(value) + "\r\n";
}

// What a new asset is told to be, by either method. Booleans are texts in a form (R3).
std::string asset_fields(std::string const& boundary, std::string_view method, AssetOptions const& options) {
  auto fields = form_field(boundary, "method", method) + form_field(boundary, "filename", options.filename);
  if (options.enable_hls) fields += form_field(boundary, "enable_hls", "true");
  if (options.enable_thumbnail) fields += form_field(boundary, "enable_thumbnail", "true");
  if (!options.user_metadata.empty()) fields += form_field(boundary, "user_metadata", options.user_metadata);
  return fields;
}

Call post_form(std::string const& boundary) {
  Call call;
  call.method = Method::kPost;
  call.target = "/assets";
  call.headers = {{"Content-Type", "multipart/form-data; boundary=" + boundary}};
  call.repeatable = false;
  return call;
}

// A content type comes from the file's first bytes; whatever could end the header line is not let in.
std::string header_safe(std::string const& content_type) {
  bool const plain = !content_type.empty() && content_type.find_first_not_of(
                                                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                  "0123456789!#$&^_.+-/;= ") == std::string::npos;
  return plain ? content_type : "application/octet-stream";
}

// Headers that the body or the connection decides; the session's list must not set them (R23).
bool is_framing_header(std::string_view name) {
  for (std::string_view const own :
       {"content-length", "transfer-encoding", "connection", "expect", "host", "x-api-key"}) {
    if (equal_ignoring_case(name, own)) return true;
  }
  return false;
}

// Merges metadata into what is there; null takes a key away (R42, R43).
Call patched(std::string path, MetadataJson const& metadata) {
  auto call = post(std::move(path), "{\"user_metadata\":" + metadata + "}", Repeat::kFreely);
  call.method = Method::kPatch;
  return call;
}

}  // namespace

Call open_session(AssetOptions const& options, std::string const& type, std::uint64_t total_size_bytes) {
  auto body = Json::object({{"filename", options.filename}, {"type", type}, {"total_size", total_size_bytes}});
  if (options.enable_hls) body.set("enable_hls", true);
  if (options.enable_thumbnail) body.set("enable_thumbnail", true);
  return post("/assets/multipart-uploads", with_metadata(body, "user_metadata", options.user_metadata), Repeat::kNever);
}

Call presigned_urls(std::string const& upload_id, std::uint32_t start, std::uint32_t count) {
  assert(start >= 1 && count >= 1 && count <= kUrlsMax);
  auto const body = Json::object({{"start", start}, {"count", count}});
  return post(of_session(upload_id) + "/presigned-urls", body.dump(), Repeat::kFreely);
}

Call put_chunk(SecretUrl const& url, std::vector<std::pair<std::string, std::string>> const& upload_headers,
               std::shared_ptr<ports::Body> body) {
  assert(body != nullptr);
  Call call;
  call.method = Method::kPut;
  call.target = url;
  for (auto const& header : upload_headers) {
    if (!is_framing_header(header.first)) call.headers.push_back(header);
  }
  if (call.headers.empty()) call.headers = {{"Content-Type", "application/octet-stream"}};
  call.body = std::move(body);
  return call;
}

Call report_chunks(std::string const& upload_id, std::span<ReportedChunk const> chunks) {
  assert(!chunks.empty() && chunks.size() <= kReportMax);
  auto list = Json::array();
  for (auto const& chunk : chunks) {
    list.push(Json::object({{"chunk_index", chunk.index},
                            {"proof", chunk.etag},
                            {"proof_type", "etag"},
                            {"chunk_size", chunk.length_bytes}}));
  }
  // Known chunks are counted as duplicates and do no harm (R24), so the batch may go again.
  return post(of_session(upload_id), Json::object({{"completed_chunks", std::move(list)}}).dump(), Repeat::kFreely);
}

Call session_status(std::string const& upload_id, int page) { return get(of_session(upload_id) + "?" + paged(page)); }

Call create_asset(AssetOptions const& options, std::string const& content_type, std::shared_ptr<ports::Body> file,
                  std::string const& boundary_seed) {
  auto const boundary = boundary_of(boundary_seed);
  auto before = asset_fields(boundary, "direct", options);
  before += "--" + boundary + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" +
            form_escaped(options.filename) + "\"\r\nContent-Type: " + header_safe(content_type) + "\r\n\r\n";

  auto call = post_form(boundary);
  call.body = std::make_shared<FormBody>(std::move(before), std::move(file), "\r\n--" + boundary + "--\r\n");
  return call;
}

Call create_asset_by_url(AssetOptions const& options, SecretUrl const& url, std::string const& boundary_seed) {
  auto const boundary = boundary_of(boundary_seed);
  auto call = post_form(boundary);
  call.text_body = asset_fields(boundary, "url", options) + form_field(boundary, "url", url.reveal_for_wire()) + "--" +
                   boundary + "--\r\n";
  return call;
}

Call list_assets_by_id(std::span<std::string const> asset_ids) {
  assert(!asset_ids.empty() && asset_ids.size() <= kAssetIdsMax);
  std::string query;
  for (auto const& id : asset_ids) query += "asset_ids=" + percent_encode(id) + "&";  // the key repeats (R8)
  return get("/assets?" + query + paged(1));
}

Call retrieve_asset(std::string const& asset_id) { return get("/assets/" + percent_encode(asset_id)); }

Call list_assets_by_filename(std::string const& filename, int page) {
  return get("/assets?filename=" + percent_encode(filename) + "&" + paged(page));
}

Call list_assets(int page) { return get("/assets?" + paged(page)); }

Call list_incomplete_uploads(int page) { return get("/assets/multipart-uploads?" + paged(page)); }

Call list_indexes(std::string const& name, int page) {
  return get("/indexes?index_name=" + percent_encode(name) + "&" + paged_newest_first(page));
}

Call create_index(std::string const& name, std::string const& models_json) {
  return post("/indexes", with_raw_member(Json::object({{"index_name", name}}), "models", models_json), Repeat::kNever);
}

Call create_indexed_asset(std::string const& index_id, std::string const& asset_id, bool enable_video_stream,
                          MetadataJson const& user_metadata) {
  // enable_video_stream goes always: its default differs between calls (R43).
  auto const body = Json::object({{"asset_id", asset_id}, {"enable_video_stream", enable_video_stream}});
  return post(of_index(index_id), with_metadata(body, "user_metadata", user_metadata), Repeat::kNever);
}

Call list_indexed_assets_by_asset(std::string const& asset_id, int page) {
  return get("/assets/" + percent_encode(asset_id) + "/indexed-assets?" + paged(page));
}

Call list_indexed_assets(std::string const& index_id, int page) {
  return get(of_index(index_id) + "?" + paged_newest_first(page));
}

Call retrieve_indexed_asset(std::string const& index_id, std::string const& indexed_asset_id) {
  return get(of_index(index_id) + "/" + percent_encode(indexed_asset_id));
}

Call patch_indexed_asset(std::string const& index_id, std::string const& indexed_asset_id, MetadataJson const& patch) {
  return patched(of_index(index_id) + "/" + percent_encode(indexed_asset_id), patch);
}

Call patch_asset_metadata(std::string const& asset_id, MetadataJson const& patch) {
  return patched("/assets/" + percent_encode(asset_id) + "/user-metadata", patch);
}

Call delete_indexed_asset(std::string const& index_id, std::string const& indexed_asset_id) {
  auto call = retrieve_indexed_asset(index_id, indexed_asset_id);
  call.method = Method::kDelete;
  return call;
}

namespace {
Json listed(std::vector<std::string> const& ids) {
  auto list = Json::array();
  for (auto const& id : ids) list.push(id);
  return list;
}
}  // namespace

Call list_entity_collections(std::string const& name, int page) {
  return get("/entity-collections?name=" + percent_encode(name) + "&" + paged_newest_first(page));
}

Call create_entity_collection(std::string const& name) {
  return post("/entity-collections", Json::object({{"name", name}}).dump(), Repeat::kNever);
}

Call list_entities(std::string const& collection_id, std::string const& name, int page) {
  return get(of_collection(collection_id) + "?name=" + percent_encode(name) + "&" + paged_newest_first(page));
}

namespace {
std::string entity_json(NewEntity const& entity) {
  auto body = Json::object({{"name", entity.name}, {"asset_ids", listed(entity.asset_ids)}});
  if (!entity.description.empty()) body.set("description", entity.description);
  return with_metadata(body, "metadata", entity.metadata);
}
}  // namespace

Call create_entity(std::string const& collection_id, NewEntity const& entity) {
  return post(of_collection(collection_id), entity_json(entity), Repeat::kNever);
}

Call create_entities(std::string const& collection_id, std::vector<NewEntity> const& entities) {
  std::string list;
  for (auto const& entity : entities) list += (list.empty() ? "" : ",") + entity_json(entity);
  return post(of_collection(collection_id) + "/bulk", "{\"entities\":[" + list + "]}", Repeat::kNever);
}

Call retrieve_entity(std::string const& collection_id, std::string const& entity_id) {
  return get(of_collection(collection_id) + "/" + percent_encode(entity_id));
}

Call add_entity_assets(std::string const& collection_id, std::string const& entity_id,
                       std::vector<std::string> const& asset_ids) {
  auto const body = Json::object({{"asset_ids", listed(asset_ids)}});
  return post(of_collection(collection_id) + "/" + percent_encode(entity_id) + "/assets", body.dump(), Repeat::kNever);
}

}  // namespace sluice::platform

// requests.h - builds the calls of the platform's API and its storage: plain values in, a Call out.
//
// Nothing is sent, kept or decided here. Paths are relative to the configured base URL; the wire adds
// the API key to those, and never to a presigned URL (R2). The names are the platform's own.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/base/secret.h"
#include "core/ports/wire.h"

namespace sluice::platform {

inline constexpr int kPageLimit = 50;            // rows per page, the most the platform gives (R7)
inline constexpr std::uint32_t kUrlsMax = 50;    // presigned URLs per request (R21)
inline constexpr std::size_t kReportMax = 50;    // chunks per report (R24)
inline constexpr std::size_t kAssetIdsMax = 50;  // asset_ids per list request (R57, U5)

// Metadata is one JSON object's text, already checked to hold scalars only; "" sends none.
using MetadataJson = std::string;

struct AssetOptions {
  std::string filename = {};
  bool enable_hls = false;
  bool enable_thumbnail = false;
  MetadataJson user_metadata = {};
};

// POST /assets/multipart-uploads. Not repeatable. `type` is "video", "audio" or "image" (R18).
ports::Call open_session(AssetOptions const& options, std::string const& type, std::uint64_t total_size_bytes);

// POST .../presigned-urls for chunks start .. start+count-1; count 1 to kUrlsMax.
ports::Call presigned_urls(std::string const& upload_id, std::uint32_t start, std::uint32_t count);

// PUT of one chunk, with the session's own headers, or Content-Type: application/octet-stream when it
// named none (R23). Content-Length comes from the body's size; never chunked coding, never the key.
ports::Call put_chunk(SecretUrl const& url, std::vector<std::pair<std::string, std::string>> const& upload_headers,
                      std::shared_ptr<ports::Body> body);

struct ReportedChunk {
  std::uint32_t index;
  std::string etag = {};  // without its quotes
  std::uint64_t length_bytes;
};
// POST /assets/multipart-uploads/{id}; 1 to kReportMax chunks.
ports::Call report_chunks(std::string const& upload_id, std::span<ReportedChunk const> chunks);

// GET /assets/multipart-uploads/{id}, pages from 1.
ports::Call session_status(std::string const& upload_id, int page);

// POST /assets, method=direct: a form whose `file` part streams `file` and whose closing boundary is
// read only after `file` came to a clean end (D33). Not repeatable. The boundary must not occur in
// the content by design of its length: 24 characters from `boundary_seed`.
ports::Call create_asset(AssetOptions const& options, std::string const& content_type,
                         std::shared_ptr<ports::Body> file, std::string const& boundary_seed);

// POST /assets, method=url: the platform fetches `url` by itself. Not repeatable. `url` may be a signature: it leaves
// in the form's body only.
ports::Call create_asset_by_url(AssetOptions const& options, SecretUrl const& url, std::string const& boundary_seed);

// GET /assets?asset_ids=...: the state of up to kAssetIdsMax assets (R57).
ports::Call list_assets_by_id(std::span<std::string const> asset_ids);
// GET /assets/{id}: one asset, for an id that the list leaves out.
ports::Call retrieve_asset(std::string const& asset_id);
// GET /assets?filename=...: newest first (R50).
ports::Call list_assets_by_filename(std::string const& filename, int page);

// GET /assets: all of the account, newest first; and the upload sessions that have not finished (R51).
ports::Call list_assets(int page);
ports::Call list_incomplete_uploads(int page);

ports::Call list_indexes(std::string const& name, int page);
// `models_json` is the JSON array of models as the platform takes it.
ports::Call create_index(std::string const& name, std::string const& models_json);

ports::Call create_indexed_asset(std::string const& index_id, std::string const& asset_id, bool enable_video_stream,
                                 MetadataJson const& user_metadata);
ports::Call list_indexed_assets_by_asset(std::string const& asset_id, int page);
ports::Call list_indexed_assets(std::string const& index_id, int page);  // newest first, all states
// Repeatable: "gone" is success (R37).
ports::Call delete_indexed_asset(std::string const& index_id, std::string const& indexed_asset_id);
ports::Call retrieve_indexed_asset(std::string const& index_id, std::string const& indexed_asset_id);
// Merge an object's text into the user metadata that is there; a null takes its key away. Repeatable (R42, R43).
ports::Call patch_indexed_asset(std::string const& index_id, std::string const& indexed_asset_id,
                                MetadataJson const& patch);
ports::Call patch_asset_metadata(std::string const& asset_id, MetadataJson const& patch);

ports::Call list_entity_collections(std::string const& name, int page);
ports::Call create_entity_collection(std::string const& name);
ports::Call list_entities(std::string const& collection_id, std::string const& name, int page);
struct NewEntity {
  std::string name;
  std::vector<std::string> asset_ids;  // one at the least
  std::string description = {};
  MetadataJson metadata = {};
};
ports::Call create_entity(std::string const& collection_id, NewEntity const& entity);
// Some may be made and others refused: replies.h, BulkEntities.
ports::Call create_entities(std::string const& collection_id, std::vector<NewEntity> const& entities);
ports::Call retrieve_entity(std::string const& collection_id, std::string const& entity_id);
// POST .../assets: adding twice is taken to be harmless (R49); not marked repeatable all the same.
ports::Call add_entity_assets(std::string const& collection_id, std::string const& entity_id,
                              std::vector<std::string> const& asset_ids);

}  // namespace sluice::platform

// replies.h - reads the platform's answers: a Reply in, a checked value or an Error out.
//
// Only 2xx replies come here (faults.h has sorted out the rest). Null counts as absent, unknown fields
// are ignored, unknown enum words mean "not finished yet" (R6). A missing x-critical field, a wrong
// type or a number out of range is Fault::kProtocol. JSON deeper than 64 levels is refused (Y1).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/base/secret.h"
#include "core/base/time.h"
#include "core/ports/wire.h"

namespace sluice::platform {

struct PresignedUrl {
  std::uint32_t chunk_index;
  SecretUrl url;
  WallTime expires_at;
};

struct OpenedSession {
  std::string upload_id;
  std::string asset_id;
  std::uint64_t chunk_size_bytes;
  std::uint32_t total_chunks;
  std::vector<PresignedUrl> urls;                                   // for the first chunks only, maybe none (U1)
  std::vector<std::pair<std::string, std::string>> upload_headers;  // checked: no CR, LF or NUL (T4)
  WallTime expires_at;
};
// Range-checked against the file's size as R20 asks: chunk size 1 B to 5 GiB, at most 10,000 chunks,
// total_chunks = ceil(size / chunk_size). A disagreement is kProtocol with code "chunk_plan".
Result<OpenedSession> read_opened_session(ports::Reply const& reply, std::uint64_t file_bytes);

Result<std::vector<PresignedUrl>> read_presigned_urls(ports::Reply const& reply);

// The ETag of a stored chunk, and whether it can be an MD5 at all (product page, section 5).
struct StoredChunk {
  std::string etag;  // quotes and weak prefix stripped
  bool may_be_md5;   // 32 hex digits, and no KMS or customer-key header came with it (R33)
};
Result<StoredChunk> read_stored_chunk(ports::Reply const& reply);

struct ReportResult {
  std::uint32_t total_completed;
  bool assembled;  // the answer carried `url`: every chunk is in (R25)
};
Result<ReportResult> read_report(ports::Reply const& reply);

struct Page {
  int page = 1;
  int total_page = 1;
  std::optional<std::uint64_t> total_results = {};  // rows of the whole list, where the answer says so
  bool last(bool empty) const { return empty || page >= total_page; }
};

struct SessionStatus {
  enum class State : std::uint8_t { kActive, kCompleted, kFailed, kExpired };
  struct Chunk {
    std::uint32_t index;
    enum class State : std::uint8_t { kCompleted, kPending, kFailed } state;
    std::string error;
  };
  State state;
  std::vector<Chunk> chunks;  // of this page
  Page page;
};
Result<SessionStatus> read_session_status(ports::Reply const& reply);

struct Asset {
  std::string id;
  enum class State : std::uint8_t { kProcessing, kReady, kFailed } state = State::kProcessing;
  std::string filename;
  std::string method;
  std::optional<std::uint64_t> size_bytes;
  std::optional<Millis> media = {};  // how long it plays; only video and audio that are ready, and not in every list
  std::optional<WallTime> created_at;
  std::string client_op;           // user_metadata.client_op; "" if none
  bool has_metadata = false;       // the record carries a user_metadata object at all
  std::string error_message = {};  // why it failed, for people
};
Result<Asset> read_asset(ports::Reply const& reply);

struct AssetPage {
  std::vector<Asset> assets;
  Page page;
};
Result<AssetPage> read_asset_page(ports::Reply const& reply);

// An upload session that has not finished. Its row names neither file nor asset (R51).
struct IncompleteUpload {
  std::string id;
  std::uint64_t total_size_bytes;
  std::optional<WallTime> created_at;
};
struct IncompleteUploadPage {
  std::vector<IncompleteUpload> rows;
  Page page;
};
Result<IncompleteUploadPage> read_incomplete_upload_page(ports::Reply const& reply);

// A list of things that have a name and an id: indexes (index_name), entity collections.
struct Named {
  std::string id;
  std::string name;
  std::optional<WallTime> created_at;
};
struct NamedPage {
  std::vector<Named> rows;
  Page page;
};
Result<NamedPage> read_index_page(ports::Reply const& reply);
Result<NamedPage> read_collection_page(ports::Reply const& reply);

// The `_id` of a create's answer (index, entity collection, indexed asset).
Result<std::string> read_id(ports::Reply const& reply);

struct IndexedAsset {
  std::string id;
  std::string asset_id;  // "" when the record does not say
  std::string index_id;  // by-asset list only
  enum class State : std::uint8_t { kInProgress, kReady, kFailed } state = State::kInProgress;
  std::string status_word;  // the platform's own word, for people
  std::optional<WallTime> created_at;
};
Result<IndexedAsset> read_indexed_asset(ports::Reply const& reply);
struct IndexedAssetPage {
  std::vector<IndexedAsset> rows;
  Page page;
};
Result<IndexedAssetPage> read_indexed_asset_page(ports::Reply const& reply);           // list of an index
Result<IndexedAssetPage> read_indexed_asset_page_of_asset(ports::Reply const& reply);  // list by asset

struct Entity {
  std::string id;
  std::string name;
  bool ready = false;
  std::vector<std::string> asset_ids;
  bool tells_assets = false;  // the record carries asset_ids at all (R6)
  std::string client_op;      // metadata.client_op; "" if none
  std::optional<WallTime> created_at;
};
Result<Entity> read_entity(ports::Reply const& reply);
struct EntityPage {
  std::vector<Entity> rows;
  Page page;
};
Result<EntityPage> read_entity_page(ports::Reply const& reply);

// What became of several entities that were to be made by one call (R45, R59).
struct BulkEntities {
  std::vector<Named> made;                          // without their times
  std::map<std::size_t, std::string> refused = {};  // by its place in the request, from 0: the platform's words
};
Result<BulkEntities> read_bulk_entities(ports::Reply const& reply);

}  // namespace sluice::platform

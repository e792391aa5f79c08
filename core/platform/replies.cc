// The answers about uploads: sessions, presigned URLs, stored chunks, reports, assets.
#include "core/platform/replies.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/platform/reply_reader.h"
#include "core/upload/chunk_plan.h"

namespace sluice::platform {
namespace {

using ports::Reply;

Result<std::uint32_t> need_chunk_index(Json const& object, std::string_view key) {
  SLUICE_TRY(index, need_size(object, key, 1, upload::kChunksMax));
  return static_cast<std::uint32_t>(index);
}

// A URL that can be put on a request line as it is: absolute, and nothing in it that ends the line.
Result<SecretUrl> need_url(Json const& row, std::string_view key) {
  auto url = need_text(row, key);
  if (!url) return std::unexpected(std::move(url).error());
  bool const known = url->starts_with("https://") || url->starts_with("http://");
  if (known && std::ranges::all_of(*url, [](char c) { return c > 0x20 && c < 0x7F; }))
    return SecretUrl(*std::move(url));
  return fail(Fault::kProtocol, "`" + std::string(key) + "` is no URL");
}

Result<PresignedUrl> read_url(Json const& row) {
  SLUICE_TRY(index, need_chunk_index(row, "chunk_index"));
  SLUICE_TRY(url, need_url(row, "url"));
  SLUICE_TRY(expires_at, need_time(row, "expires_at"));
  return PresignedUrl{index, std::move(url), expires_at};
}

// `upload_urls`, or an empty list when there is none.
Result<std::vector<PresignedUrl>> read_urls(Json const& object) {
  SLUICE_TRY(rows, object.array_at("upload_urls"));
  std::vector<PresignedUrl> urls;
  if (rows == nullptr) return urls;
  for (auto const& row : rows->elements()) {
    if (!row.is_object()) return fail(Fault::kProtocol, "a row of `upload_urls` is no object");
    SLUICE_TRY(url, read_url(row));
    urls.push_back(std::move(url));
  }
  return urls;
}

bool is_header_name(std::string_view name) {
  return !name.empty() && name.find_first_not_of(
                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              "!#$%&'*+-.^_`|~") == std::string_view::npos;
}

Result<std::vector<std::pair<std::string, std::string>>> read_upload_headers(Json const& object) {
  SLUICE_TRY(headers, object.object_at("upload_headers"));
  std::vector<std::pair<std::string, std::string>> checked;
  if (headers == nullptr) return checked;
  for (auto const& [name, value] : headers->members()) {
    if (value.is_null()) continue;
    auto const* text = value.as_text();
    bool const breaks = text != nullptr && text->find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos;
    if (text == nullptr || breaks || !is_header_name(name)) {
      return fail(Fault::kProtocol, "`upload_headers` holds what cannot be a header (T4)");
    }
    checked.emplace_back(name, *text);
  }
  return checked;
}

Result<void> check_chunk_plan(OpenedSession const& session, std::uint64_t file_bytes) {
  SLUICE_TRY(count, upload::chunk_count(file_bytes, session.chunk_size_bytes));
  auto const is_outside = [&](PresignedUrl const& url) { return url.chunk_index > session.total_chunks; };
  if (count != session.total_chunks || std::ranges::any_of(session.urls, is_outside)) {
    return fail(Fault::kProtocol,
                "a file of " + std::to_string(file_bytes) + " bytes makes " + std::to_string(count) + " chunks of " +
                    std::to_string(session.chunk_size_bytes) + " bytes, and the platform speaks of " +
                    std::to_string(session.total_chunks),
                "chunk_plan");
  }
  return {};
}

std::string without_quotes(std::string_view etag) {
  etag = trimmed(etag);
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  return std::string(etag);
}

// With SSE-KMS or a customer's key an ETag has the form of an MD5 and is none (R33).
bool is_encrypted_by_foreign_key(Reply const& reply) {
  auto const scheme = reply.header("x-amz-server-side-encryption");
  return (scheme && to_lower_ascii(*scheme).starts_with("aws:kms")) ||
         reply.header("x-amz-server-side-encryption-aws-kms-key-id").has_value() ||
         reply.header("x-amz-server-side-encryption-customer-algorithm").has_value() ||
         reply.header("x-amz-server-side-encryption-customer-key-md5").has_value();
}

SessionStatus::State session_state(std::string_view word) {
  if (word == "completed") return SessionStatus::State::kCompleted;
  if (word == "failed") return SessionStatus::State::kFailed;
  if (word == "expired") return SessionStatus::State::kExpired;
  return SessionStatus::State::kActive;  // also an unknown word (R6)
}

Result<SessionStatus::Chunk> read_chunk(Json const& row) {
  using State = SessionStatus::Chunk::State;
  SLUICE_TRY(index, need_chunk_index(row, "index"));
  SLUICE_TRY(word, need_text(row, "status"));
  SLUICE_TRY(error, text_or_empty(row, "error"));
  auto const state = word == "completed" ? State::kCompleted : word == "failed" ? State::kFailed : State::kPending;
  return SessionStatus::Chunk{index, state, printable(cut_to(error, 300))};
}

Result<Asset> read_asset_object(Json const& object) {
  Asset asset;
  SLUICE_TRY(id, need_id(object, "_id"));
  SLUICE_TRY(state, need_text(object, "status"));
  SLUICE_TRY(filename, text_or_empty(object, "filename"));
  SLUICE_TRY(method, text_or_empty(object, "method"));
  SLUICE_TRY(size, object.size("size"));
  SLUICE_TRY(created_at, time_if_any(object, "created_at"));
  SLUICE_TRY(client_op, client_op_of(object, "user_metadata"));
  SLUICE_TRY(error, object.object_at("error"));
  asset.media = seconds_if_any(object, "duration");
  if (error != nullptr) {
    SLUICE_TRY(message, text_or_empty(*error, "message"));
    asset.error_message = printable(cut_to(without_queries(message), 300));
  }
  asset.id = std::move(id);
  asset.state = state == "ready"    ? Asset::State::kReady
                : state == "failed" ? Asset::State::kFailed
                                    : Asset::State::kProcessing;
  asset.filename = std::move(filename);
  asset.method = std::move(method);
  asset.size_bytes = size;
  asset.created_at = created_at;
  asset.client_op = std::move(client_op);
  asset.has_metadata = object.find("user_metadata") != nullptr;
  return asset;
}

}  // namespace

Result<OpenedSession> read_opened_session(Reply const& reply, std::uint64_t file_bytes) {
  constexpr auto kAny = UINT64_MAX;  // the range is the plan's to check, so that its code says "chunk_plan"
  SLUICE_TRY(root, read_object(reply));
  SLUICE_TRY(upload_id, need_id(root, "upload_id"));
  SLUICE_TRY(asset_id, need_id(root, "asset_id"));
  SLUICE_TRY(chunk_size, need_size(root, "chunk_size", 0, kAny));
  SLUICE_TRY(total_chunks, need_size(root, "total_chunks", 0, kAny));
  SLUICE_TRY(urls, read_urls(root));  // absent is as good as empty: the rest is asked for anyway (U1)
  SLUICE_TRY(upload_headers, read_upload_headers(root));
  SLUICE_TRY(expires_at, need_time(root, "expires_at"));
  auto const total = static_cast<std::uint32_t>(std::min<std::uint64_t>(total_chunks, UINT32_MAX));
  OpenedSession session{std::move(upload_id), std::move(asset_id),       chunk_size, total,
                        std::move(urls),      std::move(upload_headers), expires_at};
  SLUICE_CHECK(check_chunk_plan(session, file_bytes));
  return session;
}

Result<std::vector<PresignedUrl>> read_presigned_urls(Reply const& reply) {
  SLUICE_TRY(root, read_object(reply));
  if (root.find("upload_urls") == nullptr) return fail(Fault::kProtocol, "the answer has no `upload_urls`");
  return read_urls(root);
}

Result<StoredChunk> read_stored_chunk(Reply const& reply) {
  auto etag = without_quotes(reply.header("etag").value_or(std::string_view()));
  bool const plain = std::ranges::all_of(etag, [](char c) { return c >= 0x20 && c < 0x7F; });
  if (etag.empty() || etag.size() > 256 || !plain) {
    return fail(Fault::kProtocol, "the storage took the chunk and gave no usable ETag");
  }
  bool const may_be_md5 = etag.size() == 32 && is_hex(etag) && !is_encrypted_by_foreign_key(reply);
  return StoredChunk{std::move(etag), may_be_md5};
}

Result<ReportResult> read_report(Reply const& reply) {
  SLUICE_TRY(root, read_object(reply));
  SLUICE_TRY(total, need_size(root, "total_completed", 0, upload::kChunksMax));
  SLUICE_TRY(url, text_or_empty(root, "url"));
  return ReportResult{static_cast<std::uint32_t>(total), !url.empty()};
}

Result<SessionStatus> read_session_status(Reply const& reply) {
  SLUICE_TRY(root, read_object(reply));
  SLUICE_TRY(word, need_text(root, "status"));
  SLUICE_TRY(page, read_page_info(root));
  SLUICE_TRY(rows, root.array_at("uploaded_chunks"));
  SessionStatus status{session_state(word), {}, page};
  if (rows == nullptr) return status;  // a chunk that is not listed is pending (U4), so none listed is fine
  for (auto const& row : rows->elements()) {
    if (!row.is_object()) return fail(Fault::kProtocol, "a row of `uploaded_chunks` is no object");
    SLUICE_TRY(chunk, read_chunk(row));
    status.chunks.push_back(std::move(chunk));
  }
  return status;
}

Result<Asset> read_asset(Reply const& reply) {
  SLUICE_TRY(root, read_object(reply));
  return read_asset_object(root);
}

Result<IncompleteUploadPage> read_incomplete_upload_page(Reply const& reply) {
  auto const read_row = [](Json const& object) -> Result<IncompleteUpload> {
    SLUICE_TRY(id, need_id(object, "upload_id"));
    SLUICE_TRY(size, need_size(object, "total_size", 0, UINT64_MAX));
    SLUICE_TRY(created_at, time_if_any(object, "created_at"));
    return IncompleteUpload{.id = std::move(id), .total_size_bytes = size, .created_at = created_at};
  };
  SLUICE_TRY(page, read_rows<IncompleteUpload>(reply, read_row));
  return IncompleteUploadPage{std::move(page.first), page.second};
}

Result<AssetPage> read_asset_page(Reply const& reply) {
  SLUICE_TRY(page, read_rows<Asset>(reply, read_asset_object));
  return AssetPage{std::move(page.first), page.second};
}

}  // namespace sluice::platform

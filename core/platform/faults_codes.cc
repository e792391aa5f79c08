#include "core/platform/faults_codes.h"

#include <algorithm>
#include <array>

namespace sluice::platform {
namespace {

using std::chrono::hours;
using enum Remedy;

// R39 and the general codes after it; the source writes 400 for all of them. "echo bind error" and
// "echo validate error" have no row: they come without a stable code, so their status decides.
constexpr CodeRow kApiCodes[] = {
    {"content_type_invalid", kPermanent},
    {"multipart_boundary_missing", kPermanent},
    {"invalid_multipart", kRetry, 1},  // may be a body that was cut on its way
    {"parameter_not_provided", kPermanent},
    {"parameter_invalid", kPermanent, 2},  // only a direct upload may try again: see repeats_max()
    {"media_url_unsupported_format", kPermanent},
    {"media_url_not_accessible", kRetry},
    {"media_url_file_broken", kRetry, 1},
    {"media_filesize_too_large", kPermanent},
    {"video_file_broken", kPermanent},
    {"audio_file_broken", kPermanent},
    {"video_file_live", kPermanent},
    {"video_resolution_too_low", kPermanent},
    {"video_resolution_too_high", kPermanent},
    {"video_resolution_invalid_aspect_ratio", kPermanent},
    {"video_duration_too_short", kPermanent},
    {"video_duration_too_long", kPermanent},
    {"audio_duration_too_short", kPermanent},
    {"audio_duration_too_long", kPermanent},
    {"video_filesize_too_large", kPermanent},
    {"audio_filesize_too_large", kPermanent},
    {"audio_format_unsupported", kPermanent},

    {"api_key_invalid", kReauth},
    {"unauthorized", kReauth},
    {"unauthorized_request", kReauth},
    {"too_many_requests", kWait},
    {"usage_limit_exceeded", kWait, 0, hours(1)},
    {"insufficient_funds", kWait, 0, hours(1)},
    {"request_canceled_or_timed_out", kRetry},
    {"resource_not_exist", kGone},
    {"not_found", kGone},
    {"parameter_unknown", kPermanent},
    {"tags_not_allowed", kPermanent},
    {"token_limit_exceeded", kPermanent},
    {"index_option_cannot_be_changed", kPermanent},
    {"index_engine_cannot_be_changed", kPermanent},
    {"index_not_supported_for_search", kPermanent},
    {"index_not_supported_for_generate", kPermanent},
    {"api_not_allowed", kPermanent},
    {"api_allowed_for_paid_plan", kPermanent},
    {"api_upgrade_required", kPermanent},
    {"region_not_allowed", kPermanent},
    {"index_name_already_exists", kPermanent},
    {"task_cannot_be_deleted", kWait},
    {"redirect_uri_invalid", kPermanent},
    {"redirect_uri_limit_exceeded", kPermanent},
    {"source_unavailable", kRetry},
    {"source_not_authorized", kPermanent},
    {"unsupported_media_type", kPermanent},
};  // `generic_error` has no row: R39 sends it to its status

// R31, in the words of S3. "Once" counts the repeats by a fresh URL, which the stage keeps.
constexpr CodeRow kStorageCodes[] = {
    {"AccessDenied", kRefreshUrl, 1},  // "Request has expired" is not counted: see repeats_max()
    {"SignatureDoesNotMatch", kRefreshUrl, 1},
    {"RequestTimeTooSkewed", kRefreshUrl},
    {"InvalidAccessKeyId", kRefreshUrl},
    {"ExpiredToken", kRefreshUrl},
    {"InvalidToken", kRefreshUrl},
    {"RequestTimeout", kRetry},
    {"IncompleteBody", kRetry},
    {"BadDigest", kRetry, 1},
    {"InvalidDigest", kRetry, 1},
    {"EntityTooLarge", kPermanent},
    {"EntityTooSmall", kPermanent},
    {"NoSuchUpload", kGone},
    {"MissingContentLength", kPermanent},
    {"NotImplemented", kPermanent},
    {"InternalError", kRetry},
    {"SlowDown", kWait},
    {"ServiceUnavailable", kWait},
};

}  // namespace

std::span<CodeRow const> api_codes() { return kApiCodes; }
std::span<CodeRow const> storage_codes() { return kStorageCodes; }

CodeRow const* find_code(std::span<CodeRow const> table, std::string_view code) {
  auto const row = std::ranges::find(table, code, &CodeRow::code);
  return row == table.end() ? nullptr : &*row;
}

Remedy api_remedy_by_status(int status) {
  if (status >= 500 || status == 408) return kRetry;
  if (status == 401) return kReauth;
  if (status == 404) return kGone;
  if (status == 429) return kWait;
  return kPermanent;  // 400, 403, 409, 413, 422, and any other 4xx
}

Remedy storage_remedy_by_status(int status) {
  // An unknown or unreadable 403 is most often an expired URL, from a storage with other words than
  // S3's. No key goes to the storage, so a 401 speaks of the URL too. The stage bounds the repeats.
  if (status == 401 || status == 403) return kRefreshUrl;
  return api_remedy_by_status(status);
}

}  // namespace sluice::platform

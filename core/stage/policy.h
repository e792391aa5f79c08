// policy.h - what the operator wants, in core's own terms: plain values, fixed while a turn runs.
//
// The daemon translates the configuration file into this, since core never includes config. Every
// duration is in milliseconds, every size in bytes. Defaults are the product's.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/after_end.h"
#include "core/base/allowed_hosts.h"
#include "core/base/hook.h"
#include "core/base/path_match.h"
#include "core/base/template.h"
#include "core/base/time.h"
#include "core/base/timetable.h"
#include "core/base/units.h"
#include "core/budget/allowance.h"
#include "core/budget/group.h"

namespace sluice::stage {

using MetadataValue = std::variant<bool, std::int64_t, double, Template>;
using Metadata = std::vector<std::pair<std::string, MetadataValue>>;

struct IndexWish {
  std::string name = {};
  std::string models_json = {};  // JSON array for a create; "" if the index must exist already
  bool enable_video_stream = false;
  Metadata user_metadata = {};
};

// What is done where the collection has an entity of that name which is not ours.
enum class Existing : std::uint8_t {
  kAttach,  // the asset is added to it
  kFail,    // the item fails
  kNew,     // it is left alone, and another one of that name is made
};

struct EntityWish {
  std::string collection = {};
  Template name = {};
  std::optional<Template> description = {};
  Metadata metadata = {};
  Existing existing = Existing::kAttach;
};

struct PipelinePolicy {
  std::string name = {};
  std::set<std::string> kinds = {};  // "video", "audio", "image"
  Template filename = {};
  bool enable_hls = false;
  bool enable_thumbnail = false;
  Metadata user_metadata = {};
  std::vector<IndexWish> indexes = {};
  std::optional<EntityWish> entity = {};
};

// What is made of NAME.md5 and NAME.sha256 beside a file (D25).
enum class ChecksumPolicy : std::uint8_t {
  kAuto,     // where there is one, the file must have it
  kRequire,  // without one it waits
  kIgnore,
};

// What becomes of a file whose content was taken before, for the same places (D39).
enum class DuplicatePolicy : std::uint8_t { kUpload, kSkip };

// Who gets the bytes behind a URL.
enum class FetchPolicy : std::uint8_t {
  kPlatform,  // it is told the URL
  kRelay,     // Sluice downloads and uploads them
  kAuto,      // Sluice where the platform cannot: see fetches_itself() in core/stage/fetch_policy.h
};

struct SourcePolicy {
  std::string name = {};
  std::string root = {};  // absolute folder
  std::vector<std::string> pipelines = {};
  bool recursive = true;
  std::vector<std::string> include = {"*"};
  std::vector<std::string> exclude = {};
  Millis settle{5'000};
  Millis max_settle{86'400'000};
  std::int64_t priority = 50;
  std::string guard_file = {};  // a path beneath the root: without it nothing is scanned or missed
  ChecksumPolicy checksum = ChecksumPolicy::kIgnore;
  bool sidecars = false;  // NAME.json, NAME.yaml and _defaults.yaml say what is done with a file (D47)
  DuplicatePolicy duplicates = DuplicatePolicy::kUpload;
  std::optional<Template> ready_marker = {};  // the name of the file that says "finished" (core/base/marker.h)
  AfterEnd after_success = {}, after_failure = {};
  ReceiptWish receipt = {};
  std::optional<Millis> rescan = {};  // nothing: the policy's own
  std::string manifest = {};          // a pattern of names in the root whose lines name URLs; "": its files are meant
  FetchPolicy fetch = FetchPolicy::kPlatform;            // of URLs
  std::shared_ptr<AllowedHosts const> allow_hosts = {};  // of URLs that Sluice downloads; null: none
  std::optional<PathMatch> match = {};                   // what a path must fit, and {match.NAME} is taken from
  bool swept = true;  // false: only files named by hand, never a scan (sluice ingest)
};

struct Limits {  // the platform's documented limits (API README, section 10); decimal, as R67 asks
  std::uint64_t direct_video_bytes = 200 * kMB;
  std::uint64_t direct_image_bytes = 32 * kMB;
  std::uint64_t multipart_video_bytes = 10 * kGB;
  std::uint64_t multipart_image_bytes = 32 * kMB;
  std::uint64_t url_video_bytes = 4 * kGB;  // where the size is told at all
  std::uint64_t url_image_bytes = 32 * kMB;
  std::uint64_t index_bytes = 4 * kGB;  // a Marengo index (R66)
  Millis list_lag{30'000};              // how long a list may not show what was made (U16)
  Millis late_effect{10'000};           // how late a call whose answer was lost may still take effect (adr/0004)
};

struct HookPolicy {
  Hook hook = {};
  HookSecret secret = {};  // of one that is a URL
};

struct Policy {
  std::string host = {};            // for {host}
  std::string results_folder = {};  // where results go that cannot be written beside their manifest; "": nowhere
  std::string spool_folder = {};    // absolute; "": nothing is downloaded
  std::uint64_t spool_max_bytes = 20 * kGiB;
  std::uint64_t fetch_bytes = 64 * kMiB;  // of pieces that come in, or are being written to the spool
  std::vector<SourcePolicy> sources = {};
  SourcePolicy hand = {};  // of URLs named by hand: every pipeline, no folder
  std::vector<PipelinePolicy> pipelines = {};
  std::vector<HookPolicy> hooks = {};
  Limits limits = {};
  Millis keep_chunks = std::chrono::days(7);    // chunk rows of what has ended, for whoever asks how it went
  std::size_t manifest_lines_per_turn = 4'000;  // while payload is in the air; else eight times as many
  std::uint32_t files_max = 8;
  std::uint32_t chunks_max = 32;
  std::uint32_t api_calls_max = 16;  // API requests in the air at once; chunk PUTs do not count
  std::uint64_t direct_max_bytes = 16 * kMiB;
  std::uint64_t read_ahead_bytes = 236 * kMiB;  // blocks of sources read and not sent; the wire's buffers come beside
  bool verify_etag = true;
  Millis url_renew_before{300'000};
  Millis stall_limit{60'000};
  std::uint64_t stall_below_bytes_per_s = 64 * kKiB;
  std::vector<BandwidthRule> bandwidth = {};  // at the start; a reload may bring others
  Millis retry_initial{1'000};
  Millis retry_max{300'000};
  std::uint32_t retry_attempts = 12;
  std::array<budget::RateLimits, budget::kGroups> rate_limits = {};  // by group; without the share left to others
  Millis poll_min{2'000};
  Millis poll_max{60'000};
  Millis rescan{60'000};  // how often every folder is swept whole, events or not (D1)

  SourcePolicy const* source(std::string_view name) const;
  PipelinePolicy const* pipeline(std::string_view name) const;
};

}  // namespace sluice::stage

// config.h - the whole configuration as plain structs, every number with its unit.
//
// A Config that load() returns is complete and checked: defaults are filled in, names are unique,
// every pipeline that a source names exists, templates are parsed, bounds hold. Nothing here reads
// the environment, and no secret is in here: `KeySource` says only where the key is to be found.
// `sluice.yaml` in this folder documents every key; the member comments say what a reader of the
// struct must know beyond that.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
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

namespace sluice::config {

// Where the API key is to be found; the key itself never is in the configuration.
struct KeySource {
  enum class From : std::uint8_t {
    kCredential,   // a systemd credential: the file `where` in $CREDENTIALS_DIRECTORY
    kFile,         // the file at the absolute path `where`
    kEnvironment,  // the environment variable `where`
  };
  From from = From::kCredential;
  std::string where;
  friend bool operator==(KeySource const&, KeySource const&) = default;
};

// The platform's documented limits; each can be overridden. Audio counts as video.
struct Limits {
  std::uint64_t direct_video_bytes = 200 * kMB;
  std::uint64_t direct_image_bytes = 32 * kMB;
  std::uint64_t multipart_video_bytes = 10 * kGB;
  std::uint64_t multipart_image_bytes = 32 * kMB;
  std::uint64_t url_video_bytes = 4 * kGB;
  std::uint64_t url_image_bytes = 32 * kMB;
  Millis list_lag = std::chrono::seconds(30);  // how long a list may not show what was just made (U16)
  // How late a call whose answer was lost may still take effect (docs/adr/0004).
  Millis late_effect = std::chrono::seconds(10);
};

struct Platform {
  std::string base_url = "https://api.twelvelabs.io/v1.3";  // no '/' at its end; https, or http to a loopback host
  std::optional<KeySource> api_key;                         // nothing only where LoadOptions::needs_key is false
  std::string ca_file;                                      // an extra trust root, PEM; "" for none
  std::string proxy;                                        // its URL without a password; "": the *_proxy environment
  std::optional<KeySource> proxy_from;                      // or where its whole URL is to be found
  Limits limits;
};

enum class Kind : std::uint8_t { kVideo, kAudio, kImage };

// One metadata value. The platform takes text, integer, float and boolean, nothing else (R42, R45).
using MetadataValue = std::variant<bool, std::int64_t, double, Template>;
using Metadata = std::vector<std::pair<std::string, MetadataValue>>;  // keys unique, in the order of the file

struct AssetStep {
  Template filename = {.text = "{name}", .pieces = {{.is_variable = true, .variable = TemplateVariable::kName}}};
  bool enable_hls = false;
  bool enable_thumbnail = false;
  Metadata user_metadata;
};

struct Model {
  std::string name;                  // "marengo3.0"
  std::vector<std::string> options;  // "visual", "audio"; not empty
  friend bool operator==(Model const&, Model const&) = default;
};

struct IndexStep {
  std::string name;           // literal; looked for on the platform
  std::vector<Model> create;  // what it is created with if it is not there; empty: it must be there
  bool enable_video_stream = false;
  Metadata user_metadata;
};

struct EntityStep {
  enum class Existing : std::uint8_t {
    kAttach,  // an entity of that name gets the asset added
    kFail,    // an entity of that name fails the item
    kNew,     // an entity of that name that is not ours is left alone, and another is made
  };
  std::string collection;  // literal; found by name or created
  Template name;
  std::optional<Template> description;
  Metadata metadata;
  Existing existing = Existing::kAttach;
};

struct Pipeline {
  std::string name;
  std::set<Kind> kinds = {Kind::kVideo, Kind::kAudio, Kind::kImage};  // not empty
  AssetStep asset;
  std::vector<IndexStep> indexes;  // no two of one name; an index of one name is created alike everywhere
  std::optional<EntityStep> entity;
};

// The name of the pipeline that is there when the file defines none: every kind, an asset and no more.
inline constexpr char kDefaultPipeline[] = "asset";

enum class Checksum : std::uint8_t { kAuto, kRequire, kIgnore };

// Who gets the bytes behind a URL: the platform by the URL, Sluice by a download, or whichever can.
enum class Fetch : std::uint8_t { kPlatform, kRelay, kAuto };

struct Source {
  std::string name;
  std::string folder;    // absolute, bytes, no '/' at its end
  std::string manifest;  // the name in `folder`, or a pattern of names, of files whose lines name URLs; "": none
  std::vector<std::string> pipelines;  // not empty: where the file names none, all of them in its order
  bool recursive = true;
  std::vector<std::string> include = {"*"};  // glob_match over the relative path or the name
  std::vector<std::string> exclude;          // wins over include; added to the built-in temporary names
  Millis settle = std::chrono::seconds(5);
  Millis max_settle = std::chrono::hours(24);
  Checksum checksum = Checksum::kAuto;
  bool sidecars = true;  // what lies beside a file says more of it
  bool skip_duplicates = true;
  std::optional<Template> ready_marker;  // the name of the file that says that another one is finished
  std::string guard_file;                // beneath the folder; "": none
  AfterEnd after_success;                // kept, deleted or moved, when all was done for it
  AfterEnd after_failure;                // kept or moved
  ReceiptWish receipt;
  int priority = 50;                 // 0 to 100; more goes first
  Fetch fetch = Fetch::kPlatform;    // of a manifest's URLs
  AllowedHosts allow_hosts;          // that may be downloaded from though they are not public
  std::optional<PathMatch> match;    // what a path must fit; each of its groups is in a template, and each there in it
  std::optional<Millis> poll_every;  // nothing: inotify, and polling where inotify cannot see
};

enum class Verify : std::uint8_t { kEtag, kNone };

inline constexpr std::uint64_t kTransferMemoryMin = 4 * kMiB;

inline constexpr std::uint64_t kBandwidthMin = 16 * kKiB;  // a second

struct Transfer {
  std::uint32_t max_files = 8;                 // uploads under way at once
  std::uint32_t max_chunks = 32;               // chunk PUTs in flight over all files
  std::uint64_t direct_max_bytes = 16 * kMiB;  // files up to this size go up in one request
  std::uint64_t memory_bytes = 256 * kMiB;     // ceiling of payload buffers
  Verify verify = Verify::kEtag;
  Millis url_renew_before = std::chrono::minutes(5);
  std::uint64_t stall_below_bytes_per_s = 64 * kKiB;  // slower than this ...
  Millis stall_for = std::chrono::seconds(60);        // ... for so long: the call is cut
  std::vector<BandwidthRule> bandwidth;               // the first that holds; none: no cap
};

struct Retry {
  Millis initial = std::chrono::seconds(1);
  Millis max = std::chrono::minutes(5);
  std::uint32_t attempts = 12;
};

// What Sluice may spend of one of the platform's quotas (R63); 0: not limited here.
struct GroupRateLimits {
  std::uint64_t calls_per_minute = 0;
  std::uint64_t calls_per_day = 0;
  Millis media_per_hour{0};  // length of what is handed in to be indexed; only `indexing` has it
  Millis media_per_day{0};
};

struct RateLimits {
  GroupRateLimits assets, indexing, entities;
  std::uint32_t reserve_percent = 0;  // of each, left to others who use the same organization
};

struct Poll {
  Millis min = std::chrono::seconds(2);
  Millis max = std::chrono::seconds(60);
};

// Of the URLs that `sluice add` and `sluice ingest` name.
struct ByHand {
  Fetch fetch = Fetch::kPlatform;
  AllowedHosts allow_hosts;
};

inline constexpr std::uint64_t kSpoolMin = 64 * kMiB;

// Who is told when items come to their ends.
struct HookStep {
  Hook hook;
  std::optional<KeySource> secret;  // there where the hook is a URL
};

struct Log {
  enum class Level : std::uint8_t { kDebug, kInfo, kWarning, kError };
  enum class Format : std::uint8_t {
    kAuto,  // journal under systemd, text on a terminal, else JSON lines
    kJournal,
    kText,
    kJson,
  };
  Level level = Level::kInfo;
  Format format = Format::kAuto;
};

struct Config {
  Platform platform;
  std::string state_dir = "/var/lib/sluice";  // absolute
  std::vector<Pipeline> pipelines;            // not empty; in the order of the file
  std::vector<Source> sources;                // empty only where LoadOptions::needs_source is false
  Transfer transfer;
  Retry retry;
  RateLimits rate_limits;
  Poll poll;
  std::uint64_t spool_max_bytes = 20 * kGiB;  // of downloads that are not with the platform yet
  ByHand by_hand;
  std::vector<HookStep> hooks;                              // kHooksMax at the most; their names are unique
  std::string control_socket = "/run/sluice/control.sock";  // absolute; fits in a sockaddr_un
  Log log;
  std::string file;  // the main file that this was read from
  std::string hash;  // 12 hex digits over the bytes of all files read: changes when they do
};

// The words that the file uses.
std::string_view name_of(Kind kind);  // "video", "audio", "image"

}  // namespace sluice::config

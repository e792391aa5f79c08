// rows.h - the journal's rows as plain structs, one field per column.
//
// A stage reads a row, makes its next shape with a pure function, and writes it back naming the state
// that it expects. Rows are values: they hold no handle and may be copied freely.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/secret.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "core/journal/states.h"
#include "core/ports/files.h"

namespace sluice::journal {

using RowId = std::int64_t;

// A call that must not be repeated, from its intent to its known outcome (R48 to R56).
struct Intent {
  std::optional<WallTime> at = {};          // when it was allowed to leave
  std::optional<WallTime> unknown_at = {};  // since when its outcome is unknown; then it is looked for
  std::uint32_t looks = 0;                  // complete looks since unknown_at that found nothing
};

// How trying goes. `attempts` are charged to the row and end in a failure; `tries` only set the pace.
struct Effort {
  std::uint32_t attempts = 0;
  std::uint32_t tries = 0;
  std::optional<WallTime> due_at = {};  // nothing: waits for another row
  std::string last_error = {};          // "" after a success
};

struct ItemRow {
  RowId id = 0;
  std::string ulid = {};
  std::string source = {};
  std::string root = {};  // absolute folder, bytes; "" for a URL
  std::string path = {};  // beneath root, bytes; of a URL: it, without its query
  std::string key = {};   // of a URL: core/source/entry_key.h; "" for a file
  std::string name = {};  // of a URL: the file name that it stands for; "" for a file
  std::string kind = {};  // "video", "audio", "image"; "" until admitted
  std::string pipeline = {};
  std::int64_t generation = 1;
  ItemState state = ItemState::kSeen;
  std::string method = {};      // "direct", "multipart", "url", "relay"; "" until admitted
  SecretUrl url = {};           // of a URL that is not done
  ports::FilePrint print = {};  // of a URL: only its size, 0 where it is not known
  WallTime quiet_since = {};
  std::string plan = {};            // JSON; see core/stage/plan.h
  std::string sidecar = {};         // JSON: core/source/sidecar.h, as it was when the item was admitted; "" for none.
                                    // Of a manifest's line: its metadata
  std::int64_t sidecars_print = 0;  // as the last sweep that counted saw them; only DISCOVER and REBUILD write it
  std::string content_type = {};
  std::string client_op = {};
  std::string asset_id = {};
  std::int64_t media_ms = 0;      // how long it plays, by the platform; 0: not known, or nothing needs to know
  std::string content_key = {};   // core/upload/leaves.h; "" until the file was sent whole,
                                  // and after a death in the middle of a direct upload
  std::int64_t ends_hash = 0;     // core/upload/leaves.h; 0: not known
  std::string duplicate_of = {};  // the ulid of the item whose content it repeats
  RowId twin = 0;                 // the item whose end makes this one due, while its content may be the same; 0: none
  Intent intent = {};
  Effort effort = {};
  std::string reason = {};
  std::string failed_from = {};
  std::int64_t priority = 50;
  std::uint64_t bytes_sent = 0;   // payload that left, repeats included
  std::uint64_t bytes_acked = 0;  // payload the platform acknowledged, of this generation
  WallTime created_at = {};
  std::optional<WallTime> finished_at = {};
};

// Whether a URL stands for it: there is no file of a source.
inline bool is_of_url(ItemRow const& item) { return item.root.empty(); }

// Whether its URL was downloaded, or is to be: then the spool holds its file, or will. The platform never hears the
// URL.
inline bool is_relayed(ItemRow const& item) { return is_of_url(item) && item.method != "url"; }
// Whether its file is read from the spool.
inline bool is_spooled(ItemRow const& item) { return is_relayed(item) && item.method != "relay"; }

// The file name, bytes: a path's last component, or what a URL stands for.
inline std::string_view file_name(ItemRow const& item) {
  return is_of_url(item) ? std::string_view(item.name) : basename_of(item.path);
}

// An item that waits without a due time of its own, and where a walk over these stands.
struct UndatedItem {
  RowId id = 0;
  std::string asset_id = {};
};
struct UndatedPlace {
  std::size_t state = 0;                      // index into the states that are walked over
  std::optional<std::int64_t> priority = {};  // nothing: before the highest
  RowId id = 0;                               // the last one taken of that priority
};

struct SessionRow {
  RowId id = 0;
  RowId item_id = 0;
  std::int64_t generation = 1;
  SessionState state = SessionState::kOpen;
  std::string upload_id = {};
  std::string asset_id = {};
  std::uint64_t file_bytes = 0;
  std::uint64_t chunk_size_bytes = 0;
  std::uint32_t total_chunks = 0;
  std::vector<std::pair<std::string, std::string>> upload_headers = {};
  WallTime opened_at = {};
  WallTime expires_at = {};  // by this host's clock
  WallTime due_at = {};
  std::uint32_t tries = 0;
};

struct ChunkRow {
  RowId session_id = 0;
  std::uint32_t index = 0;
  ChunkState state = ChunkState::kNeedsUrl;
  SecretUrl url = {};
  std::optional<WallTime> url_renew_at = {};
  std::string etag = {};
  std::string leaves = {};  // core/upload/leaves.h; of a stored chunk
  std::uint32_t attempts = 0;
  std::uint32_t tries = 0;
  std::uint32_t refusals = 0;
  std::uint32_t mismatches = 0;
  WallTime due_at = {};
  std::string last_error = {};
};

struct NamedRow {
  RowId id = 0;
  NamedKind kind = NamedKind::kIndex;
  RowId parent_id = 0;  // of an entity: its collection's row; else 0
  std::string name = {};
  NamedState state = NamedState::kWanted;
  std::string remote_id = {};
  std::string params = {};
  std::string client_op = {};
  RowId seed_step_id = 0;
  bool created_by_us = false;
  Intent intent = {};
  Effort effort = {};
};

struct StepRow {
  RowId id = 0;
  RowId item_id = 0;
  std::int64_t ordinal = 0;
  StepKind kind = StepKind::kIndex;
  StepState state = StepState::kWaiting;
  std::string params = {};
  std::string client_op = {};
  RowId named_id = 0;  // 0 until its item's asset is ready
  std::string remote_id = {};
  std::string remote_status = {};
  Intent intent = {};
  Effort effort = {};
  std::string reason = {};
};

// A file of lines that name URLs.
struct ManifestRow {
  RowId id = 0;
  std::string source = {};
  std::string root = {};
  std::string path = {};
  ManifestState state = ManifestState::kReading;
  std::string reason = {};
  std::int64_t pass = 1;
  std::uint64_t line = 1;  // the next one, and where it begins
  std::uint64_t offset = 0;
  std::string fingerprint = {};
  std::uint64_t inode = 0;  // of the file as it was read last, with size and mtime
  std::uint64_t size_bytes = 0;
  std::int64_t mtime_ns = 0;
  std::int64_t entries = 0, duplicates = 0, errors = 0;  // lines, over all passes
  std::int64_t failed = 0;                               // entries whose last answer was "failed"
  std::int64_t waiting = 0, open = 0;                    // entries now; `open`: taken or refused, not in the results
  std::int64_t notes_open = 0, notes_kept = 0;
  std::uint64_t noted_line = 0;  // the last line whose note was answered and not kept
  std::string results = {};      // absolute; "" until it was made
  std::uint64_t results_inode = 0;
  std::uint64_t results_bytes = 0;
  WallTime created_at = {};
  std::optional<WallTime> read_at = {};
};

// A line of a manifest that is, or will be, an item.
struct EntryRow {
  RowId id = 0;
  RowId manifest_id = 0;
  std::int64_t pass = 1;
  std::uint64_t line = 0;
  std::string item_key = {};  // as the column: packed_key()
  EntryState state = EntryState::kWaiting;
  SecretUrl url = {};
  std::string name = {};
  std::string options = {};  // JSON; "" for none
  std::int64_t priority = 50;
  std::int64_t not_before_ms = 0;
  RowId item_id = 0;
  std::string outcome = {};
  std::string reason = {};
  std::string last_error = {};
};

// What is to be said of a line that became no entry.
struct NoteRow {
  RowId id = 0;
  RowId manifest_id = 0;
  std::uint64_t line = 0;
  std::uint64_t column = 0;
  bool is_error = true;  // else a duplicate
  std::string text = {};
};

// How far the bytes behind an item's URL are in the spool.
struct DownloadRow {
  RowId id = 0;
  RowId item_id = 0;
  DownloadState state = DownloadState::kWanted;
  std::uint32_t restarts = 0;        // contents that were given up, since the source had another one
  std::uint64_t total_bytes = 0;     // 0: not known yet
  std::uint64_t reserved_bytes = 0;  // of the spool
  std::string etag = {};             // strong, with its quotes; "" if there is none
  std::string modified = {};
  std::string have = {};             // core/source/spool_blocks.h
  SecretUrl url = {};                // where it was redirected to
  std::string sums = {};             // "md5:..." or "sha256:..."; "" for none
  std::uint64_t promised_bytes = 0;  // by whoever named the URL; 0: nothing was said
};

// What is done to a file after its item's end.
struct ActRow {
  RowId id = 0;
  RowId item_id = 0;
  std::int64_t generation = 1;  // of the item at that end
  std::int64_t ordinal = 0;     // one after the other
  ActKind kind = ActKind::kMove;
  ActState state = ActState::kWanted;
  std::string target_folder = {};  // absolute, bytes; "": beside the file, or nowhere
  std::string target_path = {};    // beneath it, bytes; of what is done, where it came to be
  Effort effort = {};
  std::string reason = {};   // of a refusal
  std::string hook = {};     // of kHook: its name in the configuration
  std::string payload = {};  // of kHook and kAmend: what is told, from the first try to the last
  // Waits for a folder that is away. One that waits for the act before it was never tried.
  bool is_held() const { return state == ActState::kWanted && !effort.due_at && effort.tries > 0; }
};

// An asset of ours that no file of the sources had when the journal was rebuilt.
struct UnclaimedRow {
  std::string identity = {};
  std::string client_op = {};
  std::string asset_id = {};
  std::string method = {};
  bool is_ready = true;  // else it is processing
  std::optional<std::uint64_t> size_bytes = {};
  std::optional<WallTime> created_at = {};
};

struct EventRow {
  RowId id = 0;
  WallTime at = {};
  RowId item_id = 0;
  std::string subject = {};
  std::string was = {};
  std::string became = {};
  std::string note = {};
};

}  // namespace sluice::journal

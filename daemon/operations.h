// operations.h - what the control interface may ask of the daemon.
//
// control_api turns requests into these calls and their Results into answers; it knows nothing of the
// turn. The daemon implements them over its turn: each writing call happens inside the turn's
// transaction, so nothing that it returns is true before the commit. That is why control_api marks
// the answers to them `after_commit`: they are sent only when the commit succeeded, and a request
// whose commit failed is answered with an error instead.
//
// Errors are for people: `text` says what and where and holds no secret; `code` is a word of ours that
// the API shows ("not_beneath_source", "no_such_pipeline", "not_failed", "at_end"); kGone becomes a
// 404, kRejected a 409 or a 400, everything else a 503.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/time.h"
#include "core/base/url_text.h"
#include "core/journal/rows.h"
#include "core/stage/explain.h"
#include "core/stage/why.h"

namespace sluice::daemon {

// One path or URL to be taken now, as `sluice add` asks for it.
struct AddRequest {
  std::string path = {};                  // absolute, bytes; one file
  std::optional<UrlText> url = {};        // instead of a path
  std::string name = {};                  // of a URL: the file name that it stands for; "": its own
  std::string pipeline = {};              // a configured pipeline's name; "": the first that fits, as for its source
  std::optional<std::string> index = {};  // instead of a pipeline: the asset goes into this index
  std::optional<std::string> collection = {};  // instead of a pipeline: and becomes `entity` of this collection
  std::optional<std::string> entity = {};      // needs `collection`
  bool dry_run = false;                        // check and say what would be done; write nothing
};

struct AddedItem {
  journal::RowId row = 0;   // 0 after a dry run
  std::string ulid = {};    // "" after a dry run
  std::string path = {};    // as it was asked for; of a URL without its query
  std::string source = {};  // the source that it lies beneath
  std::string kind = {};    // "video", "audio", "image"
  std::string pipeline = {};
  bool was_known = false;               // the item was there already, and this is it; nothing was made twice
  std::vector<std::string> would = {};  // after a dry run: what would be done, one line each
};

// A reason for which the daemon is not simply well.
struct HealthReason {
  std::string code = {};  // "source_down", "key_refused", "offline", "journal_full", ...
  std::string text = {};  // "source archive: /mnt/nas is not mounted"
  std::optional<WallTime> since = {};
  std::string hint = {};   // what to do; "" when it mends itself
  bool stops_all = false;  // nothing goes on while this lasts: health is "down", not "degraded"
};

struct SourceFacts {
  std::string name = {};
  bool up = true;
  std::string why_down = {};  // when not up: "not mounted"
  std::string mode = {};      // "inotify" or "poll"
  std::uint64_t watched = 0;  // folders, of those that are to be watched
  std::uint64_t needed = 0;
  std::uint64_t overflows = 0;  // how often the kernel dropped events since the start; each time all was scanned anew
  std::int64_t settling = 0;    // files seen that are not yet quiet
  std::optional<WallTime> last_scan = {};
  std::uint64_t left_out = 0;                    // entries of the folder that the last sweep of it could not take up
  std::vector<std::string> left_out_first = {};  // some of them: "a.mp4: symbolic links are not followed"
  std::vector<std::string> degraded = {};        // "watch limit reached: polling every 60 s"
};

// An upload as memory knows it: what the journal cannot, because it was not acknowledged yet.
struct UploadProgress {
  std::uint64_t bytes_in_air = 0;  // payload that left in calls which have not ended
  std::uint32_t calls_in_air = 0;
  std::uint64_t bytes_per_s = 0;  // lately; 0 if unknown
};

struct StatusFacts {
  WallTime started_at = {};
  std::string state = "running";  // "starting", "running", "paused", "draining"
  bool ready = true;              // started, the journal open, the first scan begun
  std::string config_hash = {};
  std::vector<HealthReason> reasons = {};
  std::vector<HealthReason> notices = {};  // all is well, and somebody should read this all the same
  std::vector<SourceFacts> sources = {};
  std::map<journal::RowId, std::string> results_stuck = {};  // by manifest: why its results cannot be written now
  std::map<journal::RowId, UploadProgress> uploads = {};     // items that upload now
  std::uint64_t chunks_limit = 0;                            // chunk PUTs that may be in the air now, and their ceiling
  std::uint64_t max_chunks = 0;
  std::optional<std::uint64_t> bandwidth = {};  // transfer.bandwidth, bytes a second, now
};

class Operations {
 public:
  virtual ~Operations() = default;

  // Whether what add() must know of the file is at hand. If not it is on its way, nothing may be taken up yet, and the
  // request is to be served again.
  virtual bool has_found(std::string const& path) = 0;

  // Takes a file up now, or finds the item that it already is. The file need not be quiet yet.
  // Fails  kRejected: not beneath a source or control.add_roots, no such pipeline, a folder, no
  //        pipeline takes its kind, and as add_url() does; kGone: no such file; kSourceIo: it cannot be read; kLocal:
  //        its folder does not answer.
  // Requires  has_found(), of a path.
  virtual Result<AddedItem> add(AddRequest const& request) = 0;

  // Takes a failed or cancelled item up again at the step that failed; of a done one, the acts that were refused.
  // Fails  kRejected, "not_failed": there is nothing of it to repeat.
  virtual Result<void> retry(journal::RowId item) = 0;

  // Ends an item that is not at its end. What the platform already has stays there.
  // Fails  kRejected, "at_end": it is at its end already.
  virtual Result<void> cancel(journal::RowId item) = 0;

  // Has the folder of one source, or of all for "", looked at anew, from now on.
  // Returns  the names of the sources: several may be on one folder.
  // Fails    kGone, "no_such_source", naming the nearest one.
  virtual Result<std::vector<std::string>> rescan(std::string const& source) = 0;

  // Why a file is taken, held back or left out. Nothing: it is being looked at, and the request is to be served again.
  // Fails  as add() for what lies beneath no source or is not there.
  virtual source::Answer<stage::Explanation> explain(std::string const& path) = 0;
  // The same of a URL, which is at hand always.
  virtual Result<stage::Explanation> explain_url(UrlText const& url) = 0;

  virtual stage::Surroundings surroundings() const = 0;
  virtual StatusFacts status_facts() const = 0;
};

}  // namespace sluice::daemon

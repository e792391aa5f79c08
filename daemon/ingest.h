// ingest.h - `sluice ingest`: the daemon's engine, run once over some paths, with no daemon.
//
// The command line parses the flags and paints; the engine does everything else: it reads the
// configuration, finds the key, opens its own journal in the state directory under its lock, takes
// the paths up (or finds them there from an earlier run, by path and identity), and drives turns
// until every item is at its end. SIGINT and SIGTERM end it in order; the next run resumes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::daemon {

struct IngestOptions {
  std::vector<std::string> paths = {};         // as given, bytes: files, folders that are walked, or URLs
  std::string config_file = {};                // --config; "": found as always; none needed for defaults
  std::string state_dir = {};                  // --state-dir; "": ${XDG_STATE_HOME:-~/.local/state}/sluice/ingest
  std::string name = {};                       // --name: of a single URL; "": its own
  std::string pipeline = {};                   // --pipeline; "": chosen by kind
  std::optional<std::string> index = {};       // --index
  std::optional<std::string> collection = {};  // --collection
  std::optional<std::string> entity = {};      // --entity
  bool dry_run = false;                        // say what would be done through Progress::note; send nothing
};

// One file as the bars show it.
struct IngestItem {
  std::string id = {};    // the item's ULID
  std::string path = {};  // bytes
  std::string name = {};  // bytes: the path's last component
  std::uint64_t size_bytes = 0;
  std::uint64_t bytes_acked = 0;   // acknowledged by the platform
  std::uint64_t bytes_in_air = 0;  // sent beyond that, not yet acknowledged
  std::string stage = {};          // "settle", "upload", "ready", "index", "register"
  std::string why = {};            // why it waits; "" while it works
};

struct IngestSnapshot {
  std::vector<IngestItem> active = {};  // begun and not at their end, oldest first; bounded by the engine to 64
  std::uint64_t items_total = 0;        // all files of this run
  std::uint64_t items_ended = 0;        // of these, at an end of any kind
  std::uint64_t bytes_total = 0;
  std::uint64_t bytes_acked = 0;  // over all items, ended ones counted whole
  std::uint64_t bytes_in_air = 0;
};

// An item that came to its end, or that an earlier run had brought there.
struct IngestEnd {
  std::string path = {};     // bytes
  std::string stage = {};    // "done", "failed", "cancelled", "skipped"
  std::string text = {};     // for failed and skipped: what and why
  std::string remedy = {};   // for failed: what to do
  bool from_before = false;  // an earlier run did the work
  std::string json = {};     // the item as GET /v1/items/{id} shows it in a list; views::item_json()
};

// Where the engine's news go; the calls come from the engine's one thread.
class Progress {
 public:
  virtual ~Progress() = default;
  virtual void show(IngestSnapshot const& snapshot) = 0;  // at most ten times a second
  virtual void ended(IngestEnd const& end) = 0;           // once per item
  virtual void note(std::string const& line) = 0;         // "offline: trying again in 4 s"; for people
  // The run as a whole cannot begin or go on: what, why and the next command. Once, before returning.
  virtual void stopped(std::string const& text, std::string const& remedy) = 0;
};

// Runs to the end of all items, or until it is stopped.
//
// Returns  the exit code of the product page, section 8: 0 all done (or skipped as duplicates); 3 some
//          failed; 7 key missing or refused; 8 platform unreachable; 9 a path is missing or unreadable;
//          10 journal locked, damaged or newer; 78 invalid configuration; 1 internal error.
int run_ingest(IngestOptions const& options, Progress& progress);

}  // namespace sluice::daemon

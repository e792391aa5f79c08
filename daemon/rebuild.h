// rebuild.h - `sluice journal rebuild` and `sluice journal check`: the stopped daemon's journal, under its lock.
//
// A rebuild makes a new journal from what still knows: the platform's lists, the sources and their receipts
// (docs/JOURNAL.md).
// A journal in which nothing is wrong is replaced only where a person insists: it knows more than a new one.
// It only reads from the platform. The old files are set aside under another name, never deleted. It may be
// killed at any moment and run again: until the new journal is whole and in its place, nothing starts on it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "daemon/offline_setup.h"

namespace sluice::daemon {

struct JournalOptions {
  std::string config_file = {};         // --config; "": found as always
  std::string state_dir = {};           // --state-dir, for the journal of `sluice ingest`
  std::vector<std::string> paths = {};  // of `sluice ingest`: its files and folders; none: the daemon's journal
  bool dry_run = false;                 // say what would be done; write nothing
  bool force = false;                   // replace a sound journal, too, or one of a newer version
};

struct RebuildReport {
  std::string journal = {};    // its file
  std::string set_aside = {};  // the old one's new name; "" if there was none, or nothing was written
  std::uint64_t files = 0;     // of the sources, that some pipeline takes
  std::uint64_t adopted = 0;
  std::uint64_t ambiguous = 0;
  std::uint64_t to_upload = 0;           // files that the platform has nothing of: the daemon takes them as new
  std::uint64_t unfinished_uploads = 0;  // reservations on the platform, which expire by themselves
  std::uint64_t strangers = 0;           // assets that belong to no file of these sources
  std::uint64_t kept = 0;                // assets that are adopted when their URL or file comes
  std::uint64_t assets_of_files = 0;     // that files were made into by our tags, whatever became of the files
  std::uint64_t receipts = 0;            // that were read
  std::uint64_t decided = 0;             // files of which a receipt says which asset they are, among `adopted`
  std::uint64_t unreadable = 0;          // receipts that cannot be read
  std::uint64_t of_unknown = 0;          // receipts of assets that the platform does not list
  std::vector<std::string> unreadable_receipts = {};  // with why, at most 100
  bool was_sound = false;                             // nothing was wrong with the old journal
  std::string next = {};                              // the command that goes on with the new one

  // Not one of the files is known, although files of ours are there: most likely something else is wrong.
  bool knows_none() const { return files > 0 && adopted == 0 && assets_of_files > 0; }
  struct Doubt {
    std::string path;
    std::vector<std::string> asset_ids;
  };
  std::vector<Doubt> doubts = {};  // the ambiguous ones; at most 100
  struct Unread {
    std::string path;  // the media file's
    std::string why;   // names the sidecar
  };
  std::uint64_t unread_sidecars = 0;            // files of which it is not known what their sidecars say
  std::vector<Unread> unread = {};              // those, at most 100
  std::vector<std::string> empty_sources = {};  // by name
  bool has_manifests = false;                   // there is a source of manifests: their lines are answered again
};

// `told` gets lines for people while it works.
// Stops  2 the journal is sound, and neither `force` nor `dry_run` is set; 7 the key, 8 the platform cannot be reached,
// 9 a source cannot be read, 10 the state directory is in use or cannot be written, or a newer version wrote the
// journal and `force` is not set, 78 the configuration; 1 else.
OrStop<RebuildReport> rebuild_journal(JournalOptions const& options, std::function<void(std::string const&)> told);

struct CheckReport {
  std::string journal = {};
  std::vector<std::string> problems = {};  // none: all is well
};
// Stops  10 as above, 78.
OrStop<CheckReport> check_journal_file(JournalOptions const& options);

}  // namespace sluice::daemon

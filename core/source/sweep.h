// sweep.h - walks one source's folder and says which files are there, a slice at a time.
//
// Events are hints, the sweep is the truth (D1): whatever inotify told or lost, a sweep of the whole
// tree finds every file. It decides by name and type only; whether a file is finished, known or wanted
// is for others. It follows no link, opens no file, and remembers nothing but the folders still to be
// listed: at most kDepthMax levels of one folder's subfolders, and kWantedMax wishes; and, while it walks the whole
// tree, what is left out.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/time.h"
#include "core/ports/files.h"
#include "core/source/scope.h"

namespace sluice::source {

struct Candidate {
  std::string path;  // beneath the root, bytes
  ports::FilePrint print;
  bool is_marked = false;           // a file by the name of its marker is beside it
  std::int64_t sidecars_print = 0;  // of its sidecars (sidecar.h); 0: it has none
};

struct Problem {
  enum class Code : std::uint8_t {
    kSymlink,              // never followed (D31, D40)
    kSpecial,              // a fifo, socket or device; never opened (D14)
    kUnreadableDirectory,  // what is below it is not known; it is tried again by the next sweep (D36)
    kPathTooLong,          // deeper than kDepthMax folders, or longer than kPathBytesMax (D12, D46)
    kOrphanSidecar,        // NAME.mp4.json without NAME.mp4, for kOrphanAfter (D51)
  };
  std::string path;  // beneath the root, bytes
  std::string text;  // for people; printable
  Code code = Code::kSymlink;
};

std::string_view name_of(
    Problem::Code code);  // "symlink", "special", "unreadable_directory", "path_too_long", "orphan_sidecar"

// What people would miss of a whole tree.
struct LeftOut {
  static constexpr std::size_t kKeptMax = 100;
  std::vector<Problem> first = {};  // in the order in which they were met
  std::uint64_t total = 0;
};

struct Slice {
  std::vector<Candidate> candidates;
  std::vector<Problem> problems;
  bool finished = false;  // nothing is left to be listed, until the next wish
  // The whole tree was walked, to its end in this slice: all problems of that walk.
  std::optional<LeftOut> left_out = {};
  // The root cannot be listed, or its guard file is not there: the text says why. All wishes are dropped; what was
  // known before stays known, since a folder that is not mounted is no proof that its files are gone (D8, D9).
  std::optional<std::string> source_gone;
};

// What a sidecar describes may come under another name first, and take its time.
inline constexpr Millis kOrphanAfter = std::chrono::hours(1);

inline constexpr std::size_t kWantedMax = 1024;  // more folders than this: the whole tree instead

class Sweep {
 public:
  Sweep(ports::Files& files, Scope scope);
  Sweep(Sweep&&) = default;
  Sweep(Sweep const&) = delete;  // a folder that is being listed is read once

  Scope const& scope() const { return scope_; }

  // Wants the whole tree. While a sweep of it is under way: once more after that.
  void all();
  // Wants one folder, with what is below it if the source is recursive. `relative` is a path beneath
  // the root, "" for the root. One that the source does not cover is ignored.
  void directory(std::string relative);
  bool finished() const { return !at_work() && wanted_.empty(); }

  // Looks at no more than `max_entries` entries. `now` tells how old a sidecar is. Requires max_entries > 0.
  Slice step(std::size_t max_entries, WallTime now = {});

 private:
  struct Folder {
    std::string path;
    std::unique_ptr<ports::Listing> listing;  // as long as names are left to be read
    std::vector<ports::DirEntry> entries;     // still to be looked at, last first once all are read
    std::set<std::string> unfinished;         // names that have a control file beside them (NAME.aria2, D15)
    std::set<std::string> markers;
    std::unordered_map<std::string, std::int64_t> sidecars;  // print_of_sidecar(); 0: not looked at yet
    std::vector<std::string> subfolders;                     // names; still to be listed, last first
  };

  bool at_work() const { return !stack_.empty(); }
  void enter(std::string path, Slice& slice);
  std::size_t read_on(Slice& slice);
  bool is_guarded(Slice& slice);
  void add_candidate(std::string path, ports::FilePrint const& print, Slice& slice);
  template <class Names>
  std::int64_t print_of_first(Names const& names);
  std::int64_t sidecars_print_of(std::string_view name);
  void leave_out(Problem::Code code, std::string path, std::string_view what, Slice& slice);
  void listing_failed(std::string path, Error const& error, Slice& slice);
  void look_at(ports::DirEntry entry, Slice& slice);
  void tell_orphans(Slice& slice);
  void drop_all(std::string why, Slice& slice);

  ports::Files& files_;
  Scope scope_;
  std::set<std::string> wanted_;  // paths of folders, none below another if the source is recursive
  std::vector<Folder> stack_;     // the folder being looked at, above the ones that led to it
  std::optional<LeftOut> whole_;  // of the whole tree, while it is walked
  WallTime now_ = {};
};

}  // namespace sluice::source

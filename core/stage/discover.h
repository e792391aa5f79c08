// discover.h - stage DISCOVER: files in the sources' folders -> items in `seen`.
//
//   takes    what the sweeps of the sources find, a bounded slice per turn
//   writes   item: a new row in `seen`; the print of one that is still settling; one that failed or was skipped
//            anew when its file, its sidecar or its checksum file was replaced or repaired, is there or can be read
//            again, or is of a kind that a pipeline takes now
//   remote   nothing
//   unknown  -
//   then     ADMIT takes the rows left in `seen`
//
// Events are hints and only say where to look first; every folder is swept whole at start, after an
// overflow, and every `rescan` (D1, D4, D10). Memory: which folders are still to be listed.
//
// Of several sources on one folder, the one that found a file first has it; the others leave it alone, unless that one
// skipped it because it takes no such kind or path, and they do. A file that still waits in `seen` for a source that is
// no more, or has another folder, is theirs as well.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/source/sweep.h"
#include "core/stage/mended.h"
#include "core/stage/stage.h"

namespace sluice::stage {

// What became of a file that the journal knows. Pure.
enum class Known : std::uint8_t {
  kSame,      // nothing to do
  kGrowing,   // still settling, and changed: its quiet time begins anew
  kReplaced,  // at its end, and other content is there now, or the same after we put it away: a new item
  kRepaired,  // failed, and what it failed for was replaced or mended: the same item goes on
  kBack,      // ended because it was not there, or was moved away when it failed, and is there: the same item goes on
};
// Another file with the times of the former one put back (cp -p, a restored backup) shows in inode and ctime together:
// some file systems give new inodes by themselves, and a chmod is a new ctime. Whether it holds the same is for
// find_duplicate.h.
Known compare(journal::ItemRow const& known, ports::FilePrint const& fresh);

// Whether a candidate may be an item at all, and no sidecar. Temporary and companion names are no candidates: the
// sweep leaves them out (D13, D15).
bool may_be_item(std::string_view path);

// The names that a source takes.
source::Scope scope_of(SourcePolicy const& source);

class Discovery {
 public:
  Discovery(ports::Files& files, Policy const& policy);

  void want_all();                                                     // every source, whole
  void want_root(std::string const& root);                             // one source, whole
  void want_directory(std::string const& root, std::string relative);  // a hint

  void run(Context& ctx);

  // Whether some folder is still to be listed or looked at.
  bool at_work() const;
  // Whether the next turn would go on with one now; else only an answer brings it on.
  bool can_go_on() const;
  std::optional<WallTime> next_rescan() const;

  struct View {  // of one source, for status
    std::string name = {};
    std::string root = {};
    std::optional<std::string> why_down = {};  // the folder cannot be listed
    std::optional<WallTime> down_since = {};
    std::optional<WallTime> last_scan = {};  // the end of the last whole sweep
    source::LeftOut left_out = {};           // by it
  };
  std::vector<View> views() const;

 private:
  struct Watched {
    SourcePolicy const* policy;
    std::shared_ptr<source::Sweep> sweep;  // the lane's while a step is under way
    View view;
    std::optional<WallTime> next_rescan = {};
    bool stepping = false;
    bool held_up = false;               // the folder does not answer, or too much is asked of it
    std::set<std::string> wishes = {};  // folders, for the next step
    Mended mended = {};

    void want(std::string relative);
    bool has_work() const { return stepping || !wishes.empty() || !sweep->finished(); }
  };
  static Known judge(Context& ctx, SourcePolicy const& source, journal::ItemRow const& known,
                     source::Candidate const& candidate);
  static void start_step(Context& ctx, Watched& watched);
  void go_on(Context& ctx, Watched& watched);
  void note(Context& ctx, Watched& watched, source::Slice slice);
  static void adopt(Context& ctx, SourcePolicy const& source, journal::ItemRow known,
                    source::Candidate const& candidate);
  void take(Context& ctx, Watched& watched, source::Candidate const& candidate);
  static void revive(Context& ctx, SourcePolicy const& source, journal::ItemRow known, Known how,
                     source::Candidate const& candidate);
  static void take_new(Context& ctx, Watched& watched, source::Candidate const& candidate, journal::RowId latest);

  std::vector<Watched> sources_ = {};
};

// A new item in `seen`; the caller says when it is first looked at.
journal::ItemRow make_item(Context& ctx, SourcePolicy const& source, std::string path, ports::FilePrint const& print);

}  // namespace sluice::stage

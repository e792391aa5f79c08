// scout.h - asks questions about source files and has the answers later, so that no file call is made by the loop.
//
// A question is asked again and again until its answer is there: the first time it is put into its root's lane, then
// there is none yet, and some turn later the answer is handed out, once. Who asks needs no state of its own for that:
// it leaves its row as it is and comes to it again. What nobody fetches is forgotten after kKeptMax. A turn that comes
// to nothing has lost the answers that it was handed, and asks anew; but for fetch_until_committed().
//
// Every question comes to an end: where a lane has given no sign of life for kStuckAfter, whoever asks is told that the
// folder does not answer (kLocal with kSourceDown, which is waited for and charges nobody), and the piece of work that
// hangs is left to itself. Bounded: kAskedMax questions of a lane at a time; more are put once some are answered.
//
// Memory only. Belongs to the loop; the looks themselves run in the lanes and share nothing with it but their result.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/time.h"
#include "core/ports/files.h"
#include "core/ports/lanes.h"
#include "core/source/checksum_file.h"
#include "core/source/settle.h"
#include "core/source/sidecar_look.h"

namespace sluice::source {

// The code of an Error and the reason of a wait: the file is not there because its whole folder is not.
inline constexpr char kSourceDown[] = "source_down";

// What a lane's name begins with in which files are moved and deleted; a root follows. Copies may take long, so that
// such a lane never counts as stuck.
inline constexpr std::string_view kActLane = "act ";

// What is meant by a file that was not found: itself gone (kGone, as it came), or its folder unmounted or moved away
// (kLocal with kSourceDown), which is waited for and charges nobody (D8). A mount point without its mount is an empty
// folder on another device than the file was. Asks the file system; what is no kGone comes back as it is.
// So is a folder without its guard file; `guard_file` is "" where it has none (D9).
Error gone_or_away(ports::Files& files, std::string const& root, std::string const& path, std::uint64_t device,
                   std::string const& guard_file, Error error);

// Nothing: not known yet, ask again in a later turn.
template <class T>
using Answer = std::optional<Result<T>>;

// A file as it was met: opened to be read, with its print of that moment.
struct Met {
  std::shared_ptr<ports::OpenFile> file;
  ports::FilePrint print = {};                     // looked at once writers were kept out, where that can be
  ports::Writer writer = ports::Writer::kUnknown;  // keep_writers_out()
};

// All that decides whether a file is finished, and what it is.
struct Look {
  ports::FilePrint print = {};
  // What the checksum file beside it wants, where that was asked for and there is one.
  struct Checksum {
    std::string file = {};  // its name
    DigestKind kind = DigestKind::kMd5;
    Result<std::string> digits = {};  // fails where the file cannot be read, or says nothing of this one
  };
  std::optional<Checksum> checksum = {};
  SidecarLook sidecar = {};  // where that was asked for
  Marker marker = Marker::kNotAsked;
  ports::Writer writer = ports::Writer::kUnknown;
  Result<std::string> type = std::string();  // by its content, where that was asked for (Files::sniff)
  std::int64_t ends_hash = 0;                // where that was asked for (core/upload/leaves.h)
  std::string control_file = {};             // of a download under way, beside it: its name (kControlSuffix)
};

class Scout {
 public:
  static constexpr Millis kStuckAfter{15'000};
  static constexpr Millis kKeptMax{7'200'000};  // twice the longest poll.min
  static constexpr std::size_t kAskedMax = 512;

  // Guard files, by root.
  using Guards = std::map<std::string, std::string>;

  // Lanes and files outlive it, and whatever is still under way in the lanes.
  Scout(ports::Lanes& lanes, ports::Files& files, Guards guards = {})
      : lanes_(lanes), files_(files), guards_(std::move(guards)) {}

  // Fetches the answers that have come. To be called before a turn asks.
  void collect(WallTime now);

  // --- the questions; `device` is that of the file when it was last seen (gone_or_away), 0: any
  // Fail as Files::open() and OpenFile::print(), after gone_or_away().
  // `whose` tells the questions about one path apart: an answer for another item, or another generation, is none.
  Answer<Met> open(std::string const& root, std::string const& path, std::uint64_t device, std::string const& whose);
  // What a look at a file is to tell beside its print.
  struct Wanted {
    bool type = false;        // what it is by its content
    std::string marker = {};  // the name of its marker, if it needs one
    bool checksum = false;    // what its checksum file says
    bool ends = false;        // the hash of its ends
    bool sidecar = false;     // what its sidecars say
  };
  // One look, no older than `since`. Fails also  kSourceChanged: it became shorter meanwhile.
  Answer<Look> look(std::string const& root, std::string const& path, std::uint64_t device, Wanted const& wanted,
                    WallTime since);
  Answer<ports::FilePrint> stat(std::string const& root, std::string const& path, std::uint64_t device);
  // The print of an open file, as it is now.
  Answer<ports::FilePrint> print(std::string const& root, std::string const& path,
                                 std::shared_ptr<ports::OpenFile> const& file, std::string const& whose);

  // Closes a file once nobody else holds it: in the lane, since even that may hang.
  void let_go(std::string const& root, std::shared_ptr<ports::OpenFile> file);

  // The checksum of a whole file, with the print that it must have all the while. It is read in a lane of its own,
  // since that may take long: others do not wait for it, and it does not count as stuck.
  Answer<std::string> digest(std::string const& root, std::string const& path, ports::FilePrint const& print,
                             DigestKind kind);

  // Its content key (core/upload/leaves.h), in the same way.
  Answer<std::string> content_key(std::string const& root, std::string const& path, ports::FilePrint const& print);

  // Any question; `question` names it among all of that root. An answer to one that was put before `since` counts for
  // nothing.
  template <class T>
  Answer<T> ask(std::string const& root, std::string const& question, WallTime since,
                std::function<Result<T>(ports::Files&)> look) {
    if (!has_answer(root, question, since)) put(root, question, std::move(look));
    return fetch<T>(root, question);
  }

  // Puts a question whose answer is fetched later, unless it is put already.
  // Returns  whether it is on its way: not where the root does not answer, or its lane is full.
  template <class T>
  bool put(std::string const& root, std::string const& question, std::function<Result<T>(ports::Files&)> look) {
    auto const result = std::make_shared<std::optional<Result<T>>>();
    return put_untyped(root, question, result,
                       [result, look = std::move(look), &files = files_] { result->emplace(look(files)); });
  }
  bool is_put(std::string const& root, std::string const& question) { return find(root, question) != nullptr; }
  template <class T>
  Answer<T> fetch(std::string const& root, std::string const& question) {
    if (has_answer(root, question, {}))
      return std::move(*std::static_pointer_cast<std::optional<Result<T>>>(take(root, question)));
    if (auto const stuck = stuck_since(root)) return std::unexpected(does_not_answer(root, *stuck));
    return std::nullopt;
  }

  // fetch() of an answer that is worth more than the turn that has it: work was done that should not be done again. It
  // is handed out until such a turn is committed.
  template <class T>
  Answer<T> fetch_until_committed(std::string const& root, std::string const& question) {
    if (!has_answer(root, question, {})) return fetch<T>(root, question);
    return *std::static_pointer_cast<std::optional<Result<T>>>(show(root, question));
  }

  // --- at the end of a turn: exactly one of the two
  void committed();  // what it was handed until now counts as fetched
  void discard() { shown_.clear(); }

  // Since when a root's lane has shown no sign of life, if for longer than kStuckAfter.
  std::optional<WallTime> stuck_since(std::string const& root) const;
  // Whether some question is still open.
  bool is_waiting() const { return open_ > 0; }
  // When the next lane counts as stuck, if nothing comes from it until then.
  std::optional<WallTime> next_stuck() const;

 private:
  struct Asked {
    std::string root;
    std::string question;
    std::shared_ptr<void> result;
    WallTime at;
    std::optional<WallTime> answered_at = {};
  };
  struct Lane {
    std::map<std::string, std::uint64_t> asked;  // question -> ticket
    std::size_t open = 0;                        // not answered
    WallTime alive_at;                           // its last answer, or the first question after a rest
  };
  bool has_answer(std::string const& root, std::string const& question, WallTime since);
  std::shared_ptr<void> take(std::string const& root, std::string const& question);
  std::shared_ptr<void> show(std::string const& root, std::string const& question);
  bool put_untyped(std::string const& root, std::string const& question, std::shared_ptr<void> result,
                   std::function<void()> work);
  std::string guard_of(std::string const& root) const;
  static Error does_not_answer(std::string const& root, WallTime since);
  Asked* find(std::string const& root, std::string const& question);
  void forget(std::uint64_t ticket);
  void prune();
  static Millis kept_for(std::string const& question);
  void close_what_left();

  ports::Lanes& lanes_;
  ports::Files& files_;
  Guards guards_;
  std::map<std::string, Lane> by_root_ = {};
  std::map<std::uint64_t, Asked> asked_ = {};  // by ticket, and so by age
  std::vector<std::pair<std::string, std::shared_ptr<ports::OpenFile>>> leaving_ = {};
  std::vector<std::uint64_t> shown_ = {};  // tickets of answers that this turn was handed until it is committed
  std::uint64_t next_ticket_ = 1;
  std::size_t open_ = 0;
  WallTime next_prune_{};
  WallTime now_{};
};

}  // namespace sluice::source

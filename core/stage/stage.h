// stage.h - the contract of a stage, and what a turn lends it.
//
// A stage is two functions. `choose` finds due rows and, as far as the budget allows, writes what must
// be written before a call leaves and queues the call. `settle` takes one landed call and writes the
// row's next shape. Both run inside the turn's transaction and act on nothing else: no I/O, no waiting, no clock of
// their own. What a stage must know of a file it asks the scout, and leaves the row as it is until there is an answer
// (core/source/scout.h). A stage keeps no memory: what it must remember of a call is in its Flight, everything else is
// in the journal.
//
// Each stage's header says five things: takes, writes, remote, unknown (what it does when the outcome
// is not known), then.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/budget/traffic.h"
#include "core/journal/journal.h"
#include "core/ports/acts.h"
#include "core/ports/log.h"
#include "core/ports/programs.h"
#include "core/ports/random.h"
#include "core/ports/reader.h"
#include "core/ports/wire.h"
#include "core/source/scout.h"
#include "core/stage/policy.h"
#include "core/stage/poll_round.h"

namespace sluice::stage {

using source::Answer;
using source::kSourceDown;

inline constexpr char kWaitingForMarker[] = "waiting_for_marker";  // the reason of an item in `seen`
inline constexpr char kSourceGone[] = "source_gone";  // the code of kSourceChanged for a file that is not there

// The source files of items whose bytes are going up, held open so that all reads of one generation
// go to one inode (D31); of a URL that was downloaded, its file in the spool. Bounded by the files under way.
class OpenSources {
 public:
  explicit OpenSources(source::Scout& scout, std::string spool_folder = {})
      : scout_(scout), spool_folder_(std::move(spool_folder)) {}

  // The item's file, opened when it is not yet, and then as it was admitted; who reads it holds it to that print.
  // Fails  kSourceChanged (other size, mtime, ctime or inode, or gone), kSourceIo, kLocal (its folder is away, a
  // program writes to it, or this process has no descriptor left).
  Answer<std::shared_ptr<ports::OpenFile>> get(journal::ItemRow const& item);
  // As get(), and looked at anew whether it is still as it was admitted (D33).
  Answer<std::shared_ptr<ports::OpenFile>> get_unchanged(journal::ItemRow const& item);
  void forget(journal::RowId item);

  // The items to whose file a writer came (D32); it goes on only now. Whoever asks stops reading them.
  std::vector<journal::RowId> written() const;
  // Whether the item's file is held, and nobody could write to it since it was opened as admitted.
  bool keeps_writers_out(journal::RowId item) const;

  // Nobody can see who writes to the files of this source. Returns whether that is news.
  bool learn_unseen_writers(std::string const& source) { return unseen_.insert(source).second; }

 private:
  struct Held {
    std::string root;
    std::shared_ptr<ports::OpenFile> file;
  };
  std::pair<std::string, std::string> place_of(journal::ItemRow const& item) const;  // root and path

  source::Scout& scout_;
  std::string spool_folder_;
  std::map<journal::RowId, Held> open_;
  std::set<std::string> unseen_ = {};  // sources
};

class Digests;
class Spooling;

// The name of a URL's file in the spool.
inline std::string const& spool_name(journal::ItemRow const& item) { return item.ulid; }

// What a turn lends its stages.
struct Context {
  journal::Journal& journal;
  source::Scout& scout;
  ports::Reader& reader;
  ports::Acts& acts;  // used in lanes only
  ports::Random& random;
  ports::Log& log;
  Policy const& policy;
  budget::Traffic& traffic;
  OpenSources& sources;
  Digests& digests;
  PollRound& poll_round;
  WallTime now;
  Spooling* spooling = nullptr;         // null: nothing is downloaded here
  ports::Programs* programs = nullptr;  // used in lanes only; without it no program is started

  double jitter() const { return random.unit(); }
};

// One call that came back, sorted by the one table of faults.
struct Landing {
  budget::Flight const& flight;
  Result<ports::Reply> reply;
  std::uint64_t bytes_sent;  // payload that left with it
  bool answered = false;     // somebody's answer came, whatever it was
  std::uint64_t ticket = 0;
};

struct Stage {
  std::string_view name;
  void (*choose)(Context&);
};

// The next shape of a row, written and logged as one line per transition.
void move(Context& ctx, journal::ItemRow const& row, journal::ItemState was, std::string_view note = {});
void move(Context& ctx, journal::SessionRow const& row, journal::SessionState was, std::string_view note = {});
void move(Context& ctx, journal::ChunkRow const& row, journal::ChunkState was, journal::ItemRow const& item,
          std::string_view note = {});
void move(Context& ctx, journal::NamedRow const& row, journal::NamedState was, std::string_view note = {});
void move(Context& ctx, journal::StepRow const& row, journal::StepState was, std::string_view note = {});

}  // namespace sluice::stage

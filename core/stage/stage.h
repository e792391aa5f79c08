// stage.h - the contract of a stage, and what a turn lends it.
//
// A stage is two functions. `choose` finds due rows and, as far as the budget allows, writes what must
// be written before a call leaves and queues the call. `settle` takes one landed call and writes the
// row's next shape. Both run inside the turn's transaction and act on nothing else: no I/O but reading
// the source's metadata, no waiting, no clock of their own. A stage keeps no memory: what it must
// remember of a call is in its Flight, everything else is in the journal.
//
// Each stage's header says five things: takes, writes, remote, unknown (what it does when the outcome
// is not known), then.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/error.h"
#include "core/budget/traffic.h"
#include "core/journal/journal.h"
#include "core/ports/files.h"
#include "core/ports/log.h"
#include "core/ports/random.h"
#include "core/ports/reader.h"
#include "core/ports/wire.h"
#include "core/stage/policy.h"
#include "core/stage/poll_round.h"

namespace sluice::stage {

// The code of an Error and the reason of a wait: the file is not there because its whole folder is not.
inline constexpr char kSourceDown[] = "source_down";

// What is meant by a file that was not found: itself gone (kGone, as it came), or its folder unmounted or moved away
// (kLocal with kSourceDown), which is waited for and charges nobody (D8). A mount point without its mount is an empty
// folder on another device than the file was. Asks the file system; what is no kGone comes back as it is.
Error gone_or_away(ports::Files& files, journal::ItemRow const& item, Error error);

// The source files of items whose bytes are going up, held open so that all reads of one generation
// go to one inode (D31). Bounded by the files under way.
class OpenSources {
 public:
  explicit OpenSources(ports::Files& files) : files_(files) {}

  // The item's file, opened when it is not yet, and unchanged since it was admitted.
  // Fails  kSourceChanged (other size, mtime, ctime or inode, or gone), kSourceIo, kLocal (its folder is away, or this
  // process has no descriptor left).
  Result<std::shared_ptr<ports::OpenFile>> get(journal::ItemRow const& item);
  void forget(journal::RowId item) { open_.erase(item); }

 private:
  ports::Files& files_;
  std::map<journal::RowId, std::shared_ptr<ports::OpenFile>> open_;
};

// What a turn lends its stages.
struct Context {
  journal::Journal& journal;
  ports::Files& files;
  ports::Reader& reader;
  ports::Random& random;
  ports::Log& log;
  Policy const& policy;
  budget::Traffic& traffic;
  OpenSources& sources;
  PollRound& poll_round;
  WallTime now;

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

// turn.h - the loop's body: collect, settle, choose, commit, act.
//
// Everything that Sluice decides, it decides in a turn, in one transaction; nothing leaves before its
// intent is on disk. The journal is the queue: between turns memory holds only what is in the air.
// The caller loops: it waits (sockets, events, the next due time), then runs a turn; a turn that changed
// something is followed by another, since one stage's result is the next one's work.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "core/budget/stall_watch.h"
#include "core/ports/clock.h"
#include "core/ports/witness.h"
#include "core/stage/check_sum.h"
#include "core/stage/discover.h"
#include "core/stage/prune.h"
#include "core/stage/read_manifests.h"
#include "core/stage/report_results.h"
#include "core/stage/spooling.h"
#include "core/stage/stage.h"

namespace sluice::stage {

// The ways out, each owned by the caller and outliving the turn.
struct Ports {
  ports::Clock& clock;
  ports::Wire& wire;
  ports::Files& files;
  ports::Lanes& lanes;  // in which files are looked at
  ports::Acts& acts;    // by which they are moved, deleted and described, in lanes too
  ports::Reader& reader;
  ports::Random& random;
  ports::Log& log;
  ports::Witness* witness = nullptr;    // tests only
  ports::Results* results = nullptr;    // nothing is reported without it
  ports::Spool* spool = nullptr;        // nothing is downloaded without it
  ports::Programs* programs = nullptr;  // hooks that are programs wait without it
};

class Turn {
 public:
  // Requires  `policy` outlives the turn and does not change.
  Turn(journal::Journal& journal, Ports ports, Policy const& policy);

  // One turn. The first begins with the rows that a dead daemon left in the middle of something. `orders` are
  // people's wishes, carried out inside its transaction.
  // Returns  whether any row changed: then the next turn may find more to do.
  // Throws   JournalError; then nothing of this turn happened, and its outcomes are settled by the next.
  bool run(std::function<void(Context&)> const& orders = {});

  // When the next turn has something to do by itself; nothing if only an outcome or an event can bring it.
  std::optional<WallTime> next_due() const;

  // How long the last commit took: what a turn costs whoever waits for it.
  Millis commit_took() const { return commit_took_; }

  Discovery& discovery() { return discovery_; }
  Discovery const& discovery() const { return discovery_; }
  Manifests& manifests() { return manifests_; }
  Manifests const& manifests() const { return manifests_; }
  ResultsReport const& results() const { return results_; }
  budget::Traffic& traffic() { return traffic_; }
  budget::Traffic const& traffic() const { return traffic_; }

  // While draining nothing new starts; what is in the air may land.
  void drain() { draining_ = true; }

 private:
  void recover();
  void look_at_puts();
  void settle(Context& ctx, ports::Outcome const& outcome, bool is_new);
  void commit();
  void act();
  void reached(ports::Moment moment) const;
  Context context();

  journal::Journal& journal_;
  Ports ports_;
  Policy const& policy_;
  budget::Traffic traffic_;
  source::Scout scout_;
  OpenSources sources_;
  Spooling spooling_;
  Digests digests_ = {};
  PollRound poll_round_ = {};
  budget::StallWatch stalls_ = {};
  WallTime next_put_look_{}, next_concurrency_look_{};
  std::uint64_t landed_bytes_ = 0;  // of chunks that are not in the air any more
  Pruning pruning_ = {};
  Discovery discovery_;
  Manifests manifests_;
  ResultsReport results_;
  std::vector<ports::Outcome> outcomes_;  // collected, not yet committed
  std::size_t noted_ = 0;                 // of these, by a turn that failed
  Millis commit_took_{0};
  bool draining_ = false;
  bool recovered_ = false;
};

}  // namespace sluice::stage

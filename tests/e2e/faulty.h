// faulty.h - a daemon whose system calls fail, do half, or kill it, or whose clock is wrong, by the preloaded shim
// (shim/fault_shim.cc).
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>

#include "shim/fault_board.h"
#include "site.h"

namespace sluice::e2e {

class Faulty {
 public:
  // Makes the board. The site must outlive this.
  explicit Faulty(Site& site);
  ~Faulty();
  Faulty(Faulty const&) = delete;
  Faulty& operator=(Faulty const&) = delete;

  // For the daemon's next starts: the shim with this rule, "log.write:3:kill_before"; "" only counts.
  // Everything is counted anew. `more` is added to the environment.
  void arm(std::string const& rule, std::map<std::string, std::string> more = {});
  // The next starts are without the shim.
  void disarm();
  // In the running daemon: the rule strikes no more.
  void lift() { board_->lifted = 1; }
  void strike() { board_->lifted = 0; }  // ... and strikes again

  // The wall clock of the daemon, running or not, is ahead of this host's by that, or behind; until the next arm().
  void set_clock(std::chrono::seconds ahead) { board_->clock_s = ahead.count(); }

  std::uint64_t fired() const { return board_->fired; }
  std::uint64_t named() const { return board_->named; }
  // Counted calls: of a place, or of "journal" or "any"; "log.write".
  std::uint64_t count(std::string_view place_and_what) const;

 private:
  Site& site_;
  shim::FaultBoard* board_ = nullptr;
};

}  // namespace sluice::e2e

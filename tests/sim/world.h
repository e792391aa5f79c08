// world.h - one simulated run: the production turn and journal, every port replaced.
//
// The daemon of a World lives until its work is done or its witness ends it; then it is started again on
// the journal files as they lay at that instant, copied before anything could be tidied up. The
// platform, the folder and the clock live on. After the run judge() says what is wrong with its result.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/journal/journal.h"
#include "core/stage/turn.h"
#include "tests/sim/mishaps.h"
#include "tests/sim/scenario.h"
#include "tests/sim/sim_files.h"
#include "tests/sim/sim_platform.h"
#include "tests/sim/sim_ports.h"
#include "tests/sim/sim_wire.h"

namespace sluice::sim {

// The end of a life, at a moment that the witness chose.
struct Crash {
  ports::Moment moment;
};

struct RunOptions {
  std::uint64_t seed = 1;
  MishapPlan mishaps = {};
  std::uint64_t crash_at = 0;      // the moment, from 1, at which the daemon dies; 0 for never
  std::uint32_t more_crashes = 0;  // further ones, at moments that dice choose
  Aftermath aftermath = Aftermath::kByDice;
  Millis downtime_max{3'000};  // between a death and the next start
  // Sabotage: what is done to the journal between a death and the next start.
  std::function<void(journal::Journal&)> while_dead = {};
};

class World {
 public:
  World(Scenario scenario, RunOptions options);
  ~World();
  World(World const&) = delete;
  World& operator=(World const&) = delete;

  // Runs to the end of all work, and a little longer, so that late damage shows.
  // Returns  what is wrong with the run and its result; empty if nothing.
  std::vector<std::string> run();

  std::uint64_t moments() const { return moments_; }  // reached in the first life
  std::uint64_t crashes() const { return crashes_; }
  std::uint64_t turns() const { return turns_; }
  Millis virtual_time() const { return clock_.now() - kBeginning; }
  std::uint64_t hash() const { return log_.hash(); }
  MishapPlan const& mishaps() const { return options_.mishaps; }
  SimPlatform& platform() { return platform_; }
  SimWire const& wire() const { return wire_; }
  SimFiles const& files() const { return files_; }
  Scenario const& scenario() const { return scenario_; }
  // How to run exactly this again, and the last lines of its story.
  std::string how_to_repeat() const;
  std::string story() const { return log_.last_lines(); }

 private:
  class Witness;
  bool live_once();  // one life of the daemon; returns whether its work is done
  bool turn_until_done(stage::Turn& turn, journal::Journal& journal);
  void let_time_pass(stage::Turn& turn);
  void change_files();
  bool is_over(stage::Turn const& turn, journal::Journal const& journal) const;
  void protect_stored(journal::Journal const& journal);
  void check_intents(journal::Journal const& journal, Ask ask, std::size_t waiting);
  bool out_of_bounds();

  Scenario scenario_;
  RunOptions options_;
  SimClock clock_;
  SimLog log_{clock_};
  SimFiles files_{clock_};
  SimPlatform platform_;
  SimWire wire_;
  SimRandom dice_;
  std::filesystem::path folder_;
  std::filesystem::path journal_file_;
  std::size_t changes_done_ = 0;
  std::size_t drops_done_ = 0;
  std::uint64_t moments_ = 0, crashes_ = 0, turns_ = 0, lives_ = 0;
  std::optional<WallTime> over_since_ = {};
  std::vector<std::string> violations_ = {};
};

}  // namespace sluice::sim

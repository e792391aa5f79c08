// world.h - one simulated run: the production turn and journal, every port and the disk replaced.
//
// The daemon of a World lives until its work is done or something ends it: a kill or a power cut at a
// numbered moment, or its own exit after a journal error. Then it is started again on what the disk still
// has. The platform, the folder, the wire and the clock live on. A run has two phases: in the first the troubles
// of its options may happen; in the second nothing goes wrong any more, a person retries what failed, and
// everything must come to its end. Then judge() says what is wrong with the result.
//
// Moments are numbered from 1 in each life: before and after a commit, before each sync of the disk, after
// each send, after each receipt of answers, before and after each change of a file.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/journal/journal.h"
#include "core/stage/turn.h"
#include "tests/sim/instant_reader.h"
#include "tests/sim/mishaps.h"
#include "tests/sim/scenario.h"
#include "tests/sim/sim_acts.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_files.h"
#include "tests/sim/sim_hosts.h"
#include "tests/sim/sim_lanes.h"
#include "tests/sim/sim_listeners.h"
#include "tests/sim/sim_platform.h"
#include "tests/sim/sim_ports.h"
#include "tests/sim/sim_results.h"
#include "tests/sim/sim_spool.h"
#include "tests/sim/sim_wire.h"

namespace sluice::sim {

// The end of a life, at a moment that the witness chose.
struct Crash {};

// A death planned by time: it comes at the n-th moment after `at`.
struct Death {
  Millis at{0};
  std::uint64_t nth = 1;
  bool power = false;  // the power goes, not only the process
  Millis downtime{0};
};

// Something that lasts, from one time since the beginning to another.
struct Span {
  enum class What : std::uint8_t { kPaused, kDiskFull } what = What::kPaused;  // kPaused: SIGSTOP
  Millis from{0}, until{0};
};

struct RunOptions {
  std::uint64_t seed = 1;
  MishapPlan mishaps = {};
  std::uint64_t crash_at = 0;         // the moment of the first life at which it ends; 0 for never
  std::uint64_t second_crash_at = 0;  // and of the second
  bool power = false;                 // these two take the power, not only the process
  std::uint32_t more_crashes = 0;     // further ones, at moments that dice choose
  Aftermath aftermath = Aftermath::kByDice;
  Millis downtime_max{3'000};                 // between a death and the next start
  Millis rough_until{0};                      // the end of the first phase
  std::vector<Death> deaths = {};             // by time
  std::vector<Millis> restarts = {};          // SIGTERM, a drain, a new start
  std::vector<Span> spans = {};               // not overlapping, by time
  double disk_trouble = 0, file_trouble = 0;  // probability per call, in the first phase
  std::uint32_t file_troubles_max = 0;
  double program_trouble = 0;                // likewise, of the first hooks' programs
  Millis file_delay_max{0};                  // of each look at a file; 0: all are done at once
  double changed_while_dead = 0;             // of each file that came lately, at each death: its mode, or its content
  double file_hangs = 0;                     // probability that one hangs for a minute or two, in the first phase
  std::pair<Millis, Millis> results_full{};  // between these times the disk of the manifests is
  Millis repaired_after{0};  // so long after a journal error that a person has mended the host; 0: never
  bool large_pages = false;  // 4096 bytes a page of the journal, as in production, instead of 1024
  // Done once, before the first life: arming a single trouble of the disk or the files.
  std::function<void(SimDisk&, SimFiles&)> prepare = {};
  // Sabotage: what is done to the journal between a death and the next start.
  std::function<void(journal::Journal&)> while_dead = {};
  // Sabotage: what is done to the end of the run before it is judged.
  std::function<void(journal::Journal&, SimFiles&)> before_judgement = {};
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
  std::uint64_t moments_of_second() const { return moments_of_second_; }
  std::uint64_t crashes() const { return crashes_; }
  std::uint64_t power_cuts() const { return power_cuts_; }
  std::uint64_t exits() const { return exits_; }  // by itself, after a journal error
  std::uint64_t turns() const { return turns_; }
  std::uint64_t commits() const { return commits_; }
  Millis virtual_time() const { return clock_.now() - kBeginning; }
  std::uint64_t hash() const { return log_.hash(); }
  MishapPlan const& mishaps() const { return options_.mishaps; }
  SimPlatform& platform() { return platform_; }
  SimWire const& wire() const { return wire_; }
  SimFiles const& files() const { return files_; }
  SimDisk const& disk() const { return disk_; }
  Scenario const& scenario() const { return scenario_; }
  // Every trouble that happened, by name, and how often.
  std::map<std::string, std::uint64_t> fired() const;
  std::string story() const { return log_.last_lines(); }  // the last lines of it

 private:
  class Witness;
  enum class End : std::uint8_t { kDone, kDied, kRestart };
  End live_once();  // one life of the daemon
  End turn_until_done(stage::Turn& turn, journal::Journal& journal);
  bool run_turn(stage::Turn& turn);
  void give_orders(stage::Context& ctx);
  void add(stage::Context& ctx, std::string const& path);
  End drained(stage::Turn& turn);
  void next_life(bool died);
  void reconfigure();
  void apply(Change const& change, std::uint64_t generation);
  void change_while_dead();
  void calm_down();
  void let_time_pass(stage::Turn& turn);
  void pass_spans();
  void change_files(stage::Turn* turn);
  void change_media();
  void move_folders();
  bool all_items_ended(journal::Journal const& journal) const;
  bool is_over(stage::Turn const& turn, journal::Journal const& journal) const;
  bool move_back(journal::Journal const& journal, journal::ItemRow const& item);
  bool retry_failed(stage::Turn& turn, journal::Journal const& journal);
  void mend();
  void told_to_exit(journal::JournalError const& error);
  std::uint64_t moment_of_death();
  void compare(journal::Journal const& journal);
  bool out_of_bounds();
  void count(std::string const& trouble) { ++fired_[trouble]; }
  bool rough() const { return virtual_time() < options_.rough_until; }

  Scenario scenario_;
  RunOptions options_;
  SimClock clock_;
  SimLog log_{clock_};
  SimDisk disk_;
  SimFiles files_;
  SimLanes lanes_;
  SimActs acts_;
  InstantReader reader_;
  SimSpool spool_;
  SimResults results_;
  SimHosts hosts_;
  SimListeners listeners_;
  SimPlatform platform_;
  SimWire wire_;
  SimRandom dice_;
  std::size_t changes_done_ = 0, drops_done_ = 0, media_done_ = 0, orders_done_ = 0, deaths_done_ = 0,
              changes_while_dead_ = 0, restarts_done_ = 0;
  std::size_t spans_done_ = 0;
  std::vector<bool> away_now_ = {};  // by the scenario's numbers
  bool calm_ = false;
  bool power_goes_ = false;                        // at the death that is coming
  std::string committed_ = {}, uncommitted_ = {};  // all rows, shortly before the power goes
  std::uint64_t moments_ = 0, moments_of_second_ = 0, crashes_ = 0, power_cuts_ = 0, exits_ = 0;
  std::uint64_t turns_ = 0, commits_ = 0, lives_ = 0;
  int retries_ = 0;
  std::optional<WallTime> broken_since_ = {};
  bool mended_ = false;
  std::optional<WallTime> over_since_ = {};
  std::optional<WallTime> full_since_ = {};  // the disk, without a turn that came through
  Millis longest_full_{0};
  std::map<std::string, std::uint64_t> fired_ = {};
  std::vector<std::string> violations_ = {};
};

}  // namespace sluice::sim

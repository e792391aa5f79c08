// campaign.h - runs of one kind after the other: days, deaths at every moment, calls that fail.
//
// A run that breaks a promise prints what is wrong, the line that repeats it, and the end of its story to
// stderr. Several processes may share a campaign: worker w of n takes every n-th run, beginning with its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/tally.h"

namespace sluice::sim {

// One run, named so that it can be repeated.
struct Trial {
  std::string scenario = "day";  // "day", or a scenario's name
  std::uint64_t seed = 1;
  std::uint64_t hours = 24;           // of a day
  std::uint64_t crash_at = 0;         // the moment at which the daemon dies; 0: a day's own deaths, or none
  std::uint64_t second_crash_at = 0;  // and in the life after
  bool power = false;
  Aftermath aftermath = Aftermath::kByDice;
  std::string call = {};  // of a scenario: a kind of call that fails, as "disk.write.1"
  std::uint64_t nth = 0;  // which of them
  bool for_good = false;  // and all after it, until a person repairs the host

  std::string how_to_repeat() const;  // a command line
};

struct TrialOutcome {
  bool sound = false;
  std::uint64_t hash = 0;     // over every event of the run
  std::uint64_t crashes = 0;  // 0 when the run ended before the chosen moment came
  std::uint64_t moments_of_second = 0;
  bool call_failed = false;  // there was an n-th call of the chosen kind
  std::string text = {};     // for a broken one: what is wrong, how to repeat it, the end of its story
  Tally tally = {};
};
TrialOutcome run(Trial const& trial);

struct Share {
  std::uint64_t stride = 1;  // only every so manieth moment
  std::uint64_t pairs = 0;   // a second death at the first so many moments of the second life
  unsigned worker = 0, workers = 1;
};
// k = 1, 2, 3... until the run ends without reaching moment k; each by kill, with calls in the air arriving
// or not, and by power cut. The tally counts "points" and "pairs".
Tally crash_everywhere(std::vector<std::string> const& scenarios, Share share);

// The n-th call of every kind, of the disk and of the files, fails: once, and it and all after it until
// a person repairs the host. The tally counts "failed_calls".
Tally torture(std::vector<std::string> const& scenarios, Share share);

struct Days {
  std::uint64_t first = 1, count = 1, hours = 24;
  unsigned worker = 0, workers = 1;
};
Tally live_days(Days days);

// A scenario by its name; aborts on any other.
Scenario scenario_named(std::string const& name);
std::vector<std::string> const& scenario_names();

}  // namespace sluice::sim

#include "tests/sim/campaign.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <utility>

#include "tests/sim/day.h"

namespace sluice::sim {
namespace {

constexpr std::uint64_t kSeed = 7;        // of the runs that are not days
constexpr std::uint64_t kBrokenMax = 10;  // after so many broken runs a campaign stops

struct NamedScenario {
  std::string name;
  Scenario (*make)();  // no captures: a plain function
};

std::vector<NamedScenario> const& all_scenarios() {
  static std::vector<NamedScenario> const kAll = {
      {"main_job", main_job},
      {"main_job_on_an_old_platform", main_job_on_an_old_platform},
      {"ten_photos", [] { return photos(10); }},
      {"four_people", [] { return people(4); }},
      {"fifty_photos", [] { return photos(50); }},
      {"direct_uploads", direct_uploads},
      {"direct_uploads_on_an_old_platform", direct_uploads_on_an_old_platform},
      {"short_lives", [] { return short_lives(9); }},
      {"short_lives_of_many_chunks", [] { return short_lives(60); }},
      {"changing_files", changing_files},
      {"changed_while_dead", changed_while_dead},
      {"copies", copies},
      {"failing_asset", failing_asset},
      {"files_put_away", files_put_away},
      {"files_deleted", files_deleted},
      {"away_folders", away_folders},
      {"away_notes", away_notes},
      {"renamed", renamed},
      {"removed", removed},
      {"other_plans", other_plans},
      {"sidecars", sidecars},
      {"cancelled_items", cancelled_items},
      {"vanishing_assets", vanishing_assets},
      {"vanishing_assets_on_an_old_platform", vanishing_assets_on_an_old_platform},
      {"vanishing_places", vanishing_places},
      {"forgotten_after_72_hours", forgotten_after_72_hours},
      {"asset_that_never_stays", asset_that_never_stays},
      {"urls", urls},
      {"urls_on_an_old_platform", urls_on_an_old_platform},
      {"downloads", downloads},
      {"manifests", manifests},
      {"ends_told", ends_told},
      {"refused_files", refused_files}};
  return kAll;
}

TrialOutcome finish(World& world, Trial const& trial) {
  auto const broken = world.run();
  TrialOutcome outcome{.sound = broken.empty(),
                       .hash = world.hash(),
                       .crashes = world.crashes(),
                       .moments_of_second = world.moments_of_second()};
  outcome.tally.add(world, broken);
  if (broken.empty()) return outcome;
  outcome.text = "broken: " + trial.how_to_repeat() + "\n";
  for (auto const& sentence : broken) outcome.text += "  - " + sentence + "\n";
  outcome.text += world.story();
  return outcome;
}

// Prints a broken run; whether the campaign shall go on.
bool go_on(TrialOutcome const& outcome, Tally& total) {
  total.add(outcome.tally);
  if (!outcome.sound) std::fputs(outcome.text.c_str(), stderr);
  return total.count("violations") < kBrokenMax;
}

// The large scenarios, whose small sisters die at every moment, die at some only.
std::uint64_t stride_of(std::string const& name, std::uint64_t stride) {
  return name == "fifty_photos" || name == "short_lives_of_many_chunks" ? 24 * stride : stride;
}

struct Ending {
  bool power;
  Aftermath aftermath;
};
constexpr Ending kEndings[] = {
    {false, Aftermath::kAllArrive}, {false, Aftermath::kNoneArrives}, {true, Aftermath::kByDice}};

// All deaths at moment k, and the pairs that begin with it. Returns whether the run comes so far.
bool die_at(std::string const& name, std::uint64_t k, Share const& share, Tally& total) {
  auto reached = false;
  for (auto const& ending : kEndings) {
    Trial trial{.scenario = name, .seed = kSeed, .crash_at = k, .power = ending.power, .aftermath = ending.aftermath};
    auto const outcome = run(trial);
    if (outcome.sound && outcome.crashes == 0) return reached;
    reached = true;
    total.bump("points");
    if (!go_on(outcome, total)) return false;
    for (std::uint64_t second = 1; second <= std::min(share.pairs, outcome.moments_of_second); ++second) {
      trial.second_crash_at = second;
      total.bump("pairs");
      if (!go_on(run(trial), total)) return false;
    }
  }
  return reached;
}

struct Call {
  std::string name;
  std::function<void(SimDisk&, SimFiles&, std::uint64_t, bool)> fail;
  std::function<std::uint64_t(World const&)> count;
};

// Every kind of call with every error that it can meet.
std::vector<Call> fallible_calls() {
  std::vector<Call> all;
  for (std::size_t i = 0; i < kDiskCalls; ++i) {
    auto const call = static_cast<DiskCall>(i);
    for (auto const error : {DiskError::kIo, DiskError::kFull, DiskError::kReadOnly, DiskError::kNoDescriptors}) {
      auto const writes = call == DiskCall::kWrite || call == DiskCall::kTruncate || call == DiskCall::kSync;
      if (error == DiskError::kFull && !writes) continue;
      if (error == DiskError::kReadOnly && call != DiskCall::kWrite) continue;
      if ((error == DiskError::kNoDescriptors) != (call == DiskCall::kOpen)) continue;
      all.push_back({.name = "disk." + std::string(name_of(call)) + "." + std::to_string(static_cast<int>(error)),
                     .fail = [=](SimDisk& disk, SimFiles&, std::uint64_t nth,
                                 bool for_good) { disk.fail_at(call, nth, error, for_good); },
                     .count = [=](World const& world) { return world.disk().calls(call); }});
    }
  }
  for (std::size_t i = 0; i < kFileCalls; ++i) {
    auto const call = static_cast<FileCall>(i);
    all.push_back({.name = "file." + std::to_string(i),
                   .fail = [=](SimDisk&, SimFiles& files, std::uint64_t nth,
                               bool for_good) { files.fail_at(call, nth, for_good); },
                   .count = [=](World const& world) { return world.files().calls(call); }});
  }
  return all;
}

// The core stops the process where the journal is not what it believes; the line that repeats it must not be lost.
std::string being_tried;

void say_what_was_tried(int) { static_cast<void>(::write(STDERR_FILENO, being_tried.data(), being_tried.size())); }

void remember(std::string text) {
  being_tried = "the program stopped itself at: " + std::move(text) + "\n";
  std::signal(SIGABRT, say_what_was_tried);
}

TrialOutcome fail_call(Trial const& trial) {
  auto const calls = fallible_calls();
  auto const call = std::ranges::find(calls, trial.call, &Call::name);
  if (call == calls.end()) {
    std::fprintf(stderr, "no such call: %s\n", trial.call.c_str());
    std::abort();
  }
  auto scenario = scenario_named(trial.scenario);
  scenario.retries = true;
  scenario.requests_max *= 3;
  RunOptions options{.seed = trial.seed};
  options.repaired_after = Millis(600'000);
  options.prepare = [&](SimDisk& disk, SimFiles& files) { call->fail(disk, files, trial.nth, trial.for_good); };
  World world(std::move(scenario), std::move(options));
  auto outcome = finish(world, trial);
  outcome.call_failed = call->count(world) >= trial.nth;
  return outcome;
}

}  // namespace

std::string Trial::how_to_repeat() const {
  auto text = "sluice-sim --seed " + std::to_string(seed);
  if (scenario != "day") text += " --scenario " + scenario;
  if (scenario == "day" && hours != 24) text += " --hours " + std::to_string(hours);
  if (crash_at != 0) text += " --crash-at " + std::to_string(crash_at);
  if (second_crash_at != 0) text += " --then-at " + std::to_string(second_crash_at);
  if (power) text += " --power";
  if (aftermath == Aftermath::kAllArrive) text += " --aftermath all";
  if (aftermath == Aftermath::kNoneArrives) text += " --aftermath none";
  if (!call.empty()) text += " --call " + call + " --nth " + std::to_string(nth) + (for_good ? " --for-good" : "");
  return text;
}

TrialOutcome run(Trial const& trial) {
  remember(trial.how_to_repeat());
  if (!trial.call.empty()) return fail_call(trial);
  auto day = trial.scenario == "day" ? day_of(trial.seed, std::chrono::hours(trial.hours))
                                     : Day{.scenario = scenario_named(trial.scenario), .options = {}};
  auto& options = day.options;
  options.seed = trial.seed;
  options.crash_at = trial.crash_at;
  options.second_crash_at = trial.second_crash_at;
  options.power = trial.power;
  options.aftermath = trial.aftermath;
  World world(std::move(day.scenario), std::move(options));
  return finish(world, trial);
}

Tally crash_everywhere(std::vector<std::string> const& scenarios, Share share) {
  Tally total;
  for (auto const& name : scenarios) {
    auto const stride = stride_of(name, share.stride);
    for (auto k = 1 + share.worker * stride; die_at(name, k, share, total); k += share.workers * stride) {
    }
  }
  return total;
}

Tally torture(std::vector<std::string> const& scenarios, Share share) {
  Tally total;
  for (auto const& name : scenarios)
    for (auto const& call : fallible_calls())
      for (auto const for_good : {false, true})
        for (auto nth = 1 + share.worker * share.stride;; nth += share.workers * share.stride) {
          auto const outcome =
              run({.scenario = name, .seed = kSeed, .call = call.name, .nth = nth, .for_good = for_good});
          if (!outcome.call_failed) break;
          total.bump("failed_calls");
          if (!go_on(outcome, total)) return total;
        }
  return total;
}

Tally live_days(Days days) {
  Tally total;
  for (auto seed = days.first + days.worker; seed < days.first + days.count; seed += days.workers)
    if (!go_on(run({.scenario = "day", .seed = seed, .hours = days.hours}), total)) break;
  return total;
}

Scenario scenario_named(std::string const& name) {
  for (auto const& known : all_scenarios())
    if (known.name == name) {
      auto scenario = known.make();
      scenario.name = name;
      return scenario;
    }
  std::fprintf(stderr, "no such scenario: %s\n", name.c_str());
  std::abort();
}

std::vector<std::string> const& scenario_names() {
  static std::vector<std::string> const kNames = [] {
    std::vector<std::string> names;
    for (auto const& known : all_scenarios()) names.push_back(known.name);
    return names;
  }();
  return kNames;
}

}  // namespace sluice::sim

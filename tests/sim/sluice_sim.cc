// sluice-sim: runs the simulation, one number at a time or a million.
//
//   sluice-sim --seed 41                       one day, its story told; the line that a failure prints
//   sluice-sim --seeds 20000 --jobs 2          many days
//   sluice-sim --scenario main_job --points    a death at every moment of a scenario, by kill and by power cut
//   sluice-sim --points --pairs 12             of all scenarios; and a second death at the first moments after it
//   sluice-sim --torture                       every call of the disk and the files fails, once and for good
//   sluice-sim --hotel 2000                    so many files over a line at its worst, beside the same over a good one
//
// Exit code 0 if no promise was broken, else 1; 2 for a wrong command line.
#include <malloc.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "tests/sim/campaign.h"
#include "tests/sim/hotel.h"
#include "tests/sim/workers.h"

namespace {

using namespace sluice;
using namespace sluice::sim;

struct Wish {
  std::uint64_t seed = 0, first = 1, seeds = 0, hours = 24, crash_at = 0, second_crash_at = 0, pairs = 0;
  std::uint64_t stride = 1, hotel = 0;
  unsigned jobs = 1;
  std::string scenario = {}, call = {};
  std::uint64_t nth = 1;
  Aftermath aftermath = Aftermath::kByDice;
  bool power = false, points = false, torture = false, list = false, quiet = false, for_good = false;
};

void read_command_line(CLI::App& app, Wish& wish) {
  app.add_option("--seed", wish.seed, "run this one day, or this seed of --scenario, and tell its story");
  app.add_option("--seeds", wish.seeds, "run so many days");
  app.add_option("--first", wish.first, "the first of them")->capture_default_str();
  app.add_option("--hours", wish.hours, "how long files come and troubles last in a day")->capture_default_str();
  app.add_option("--jobs", wish.jobs, "processes that share the work")->capture_default_str()->check(CLI::Range(1, 64));
  app.add_option("--scenario", wish.scenario, "a scenario instead of days")->check(CLI::IsMember(scenario_names()));
  app.add_option("--crash-at", wish.crash_at, "with --seed: the daemon dies at this moment");
  app.add_option("--then-at", wish.second_crash_at, "with --crash-at: and at this moment of its next life");
  app.add_flag("--power", wish.power, "with --crash-at: the power goes, not only the process");
  app.add_option("--aftermath", wish.aftermath, "what becomes of calls in the air at a death")
      ->transform(CLI::CheckedTransformer(std::map<std::string, Aftermath>{
          {"dice", Aftermath::kByDice}, {"all", Aftermath::kAllArrive}, {"none", Aftermath::kNoneArrives}}));
  app.add_flag("--points", wish.points, "die at every moment of the scenario, or of all scenarios");
  app.add_option("--pairs", wish.pairs, "with --points: also a second death at each of the first so many moments");
  app.add_option("--stride", wish.stride, "with --points: only every so manieth moment")->check(CLI::PositiveNumber);
  app.add_flag("--torture", wish.torture, "every call of the disk and the files fails");
  app.add_option("--hotel", wish.hotel, "send so many files over a line at its worst; --seed counts");
  app.add_option("--call", wish.call, "with --seed and --scenario: a call of this kind fails, such as disk.write.1");
  app.add_option("--nth", wish.nth, "with --call: which")->capture_default_str();
  app.add_flag("--for-good", wish.for_good, "with --call: and all after it, until a person repairs the host");
  app.add_flag("--list", wish.list, "print the names of all scenarios and troubles");
  app.add_flag("--quiet", wish.quiet, "print no distribution and no list of troubles");
}

int run_one(Wish const& wish) {
  auto const name = wish.scenario.empty() ? std::string("day") : wish.scenario;
  Trial trial{.scenario = name,
              .seed = wish.seed,
              .hours = wish.hours,
              .crash_at = wish.crash_at,
              .second_crash_at = wish.second_crash_at,
              .power = wish.power,
              .aftermath = wish.aftermath,
              .call = wish.call,
              .nth = wish.nth,
              .for_good = wish.for_good};
  auto const outcome = run(trial);
  std::cout << outcome.text << "event hash " << std::hex << outcome.hash << std::dec << '\n' << outcome.tally.report();
  return outcome.sound ? 0 : 1;
}

std::vector<std::string> chosen_scenarios(Wish const& wish) {
  return wish.scenario.empty() ? scenario_names() : std::vector<std::string>{wish.scenario};
}

// Of this process and the ended workers.
double cpu_seconds() {
  double all = 0;
  for (auto const whose : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage used{};
    if (::getrusage(whose, &used) != 0) std::abort();
    for (auto const& time : {used.ru_utime, used.ru_stime})
      all += static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  }
  return all;
}

int run_many(Wish const& wish) {
  std::string what;
  Tally total;
  if (wish.points) {
    what = "crash points";
    total = share_out(wish.jobs, [&](unsigned worker) {
      return crash_everywhere(chosen_scenarios(wish),
                              {.stride = wish.stride, .pairs = wish.pairs, .worker = worker, .workers = wish.jobs});
    });
  } else if (wish.torture) {
    what = "torture";
    total = share_out(wish.jobs, [&](unsigned worker) {
      return torture(chosen_scenarios(wish), {.stride = wish.stride, .worker = worker, .workers = wish.jobs});
    });
  } else {
    what = "days of " + std::to_string(wish.hours) + " h";
    total = share_out(wish.jobs, [&](unsigned worker) {
      return live_days(
          {.first = wish.first, .count = wish.seeds, .hours = wish.hours, .worker = worker, .workers = wish.jobs});
    });
  }
  auto const seconds = cpu_seconds();
  if (!wish.quiet) std::cout << total.report();
  std::printf("sluice-sim: %s: %llu runs in %.1f s of CPU (%.0f per second and core), %llu violations\n", what.c_str(),
              static_cast<unsigned long long>(total.count("runs")), seconds,
              static_cast<double>(total.count("runs")) / seconds,
              static_cast<unsigned long long>(total.count("violations")));
  return total.count("violations") == 0 && total.count("broken_workers") == 0 ? 0 : 1;
}

int stay(Wish const& wish) {
  Stay stays[2];
  for (auto const is_bad : {false, true}) {
    auto& stay = stays[is_bad];
    stay = stay_in_hotel(wish.seed, wish.hotel, is_bad);
    std::printf("%s line: %llu files in %s, %llu requests, %llu bytes of files, %llu calls failed\n",
                is_bad ? "bad " : "good", static_cast<unsigned long long>(wish.hotel),
                to_words(stay.virtual_time).c_str(), static_cast<unsigned long long>(stay.requests),
                static_cast<unsigned long long>(stay.body_bytes), static_cast<unsigned long long>(stay.troubles));
    for (auto const& broken : stay.broken) std::cout << "broken: " << broken << '\n';
    if (!stay.broken.empty()) std::cout << stay.story;
  }
  auto const of = [](std::uint64_t bad, std::uint64_t good) {
    return static_cast<double>(bad) / static_cast<double>(good);
  };
  for (auto const& [name, times] : stays[1].calls)
    std::cout << "  " << name << ' ' << stays[0].calls[name] << " -> " << times << '\n';
  std::printf("sluice-sim: hotel: %.3f times the requests, %.3f times the bytes\n",
              of(stays[1].requests, stays[0].requests), of(stays[1].body_bytes, stays[0].body_bytes));
  return stays[0].broken.empty() && stays[1].broken.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  // A day allocates and frees a journal's page cache several times over: kept, it is not asked of the kernel anew.
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
  mallopt(M_MMAP_THRESHOLD, 64 << 20);
  CLI::App app("The production core against a simulated world.", "sluice-sim");
  Wish wish;
  read_command_line(app, wish);
  CLI11_PARSE(app, argc, argv);
  if (wish.list) {
    for (auto const& name : scenario_names()) std::cout << "scenario " << name << '\n';
    for (auto const& name : all_trouble_names()) std::cout << "trouble " << name << '\n';
    return 0;
  }
  if (wish.hotel > 0) return stay(wish);
  if (wish.seeds == 0 && !wish.points && !wish.torture) return run_one(wish);
  return run_many(wish);
}

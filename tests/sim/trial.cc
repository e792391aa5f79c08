#include "tests/sim/trial.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace sluice::sim {
namespace {

struct NamedScenario {
  std::string name;
  Scenario (*make)();  // no captures: a plain function
};

std::vector<NamedScenario> const& all_scenarios() {
  static std::vector<NamedScenario> const kAll = {
      {"main_job", main_job},
      {"main_job_on_an_old_platform", main_job_on_an_old_platform},
      {"ten_photos", [] { return photos(10); }},
      {"fifty_photos", [] { return photos(50); }},
      {"direct_uploads", direct_uploads},
      {"direct_uploads_on_an_old_platform", direct_uploads_on_an_old_platform},
      {"short_lives", [] { return short_lives(9); }},
      {"short_lives_of_many_chunks", [] { return short_lives(60); }},
      {"changing_files", changing_files},
      {"failing_asset", failing_asset},
      {"vanishing_assets", vanishing_assets},
      {"vanishing_assets_on_an_old_platform", vanishing_assets_on_an_old_platform},
      {"vanishing_places", vanishing_places},
      {"forgotten_after_72_hours", forgotten_after_72_hours},
      {"asset_that_never_stays", asset_that_never_stays},
      {"refused_files", refused_files}};
  return kAll;
}

std::optional<std::uint64_t> number_of(char const* variable) {
  auto const* const text = std::getenv(variable);
  if (text == nullptr || *text == '\0') return std::nullopt;
  return std::strtoull(text, nullptr, 10);
}

}  // namespace

Tally& tally() {
  static Tally all;
  return all;
}

Outcome try_out(Scenario scenario, RunOptions options) {
  World world(std::move(scenario), std::move(options));
  auto const broken = world.run();
  if (!broken.empty()) {
    tally().violations += broken.size();
    std::string text = world.how_to_repeat() + "\n";
    for (auto const& sentence : broken) text += "  - " + sentence + "\n";
    ADD_FAILURE() << text << world.story();
  }
  return {.crashes = world.crashes(), .creates = world.mishaps().creates_seen(), .sound = broken.empty()};
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

std::uint64_t seed_or(std::uint64_t otherwise) { return chosen_seed().value_or(otherwise); }
std::optional<std::uint64_t> chosen_seed() { return number_of("SLUICE_SEED"); }
std::optional<std::uint64_t> chosen_crash() { return number_of("SLUICE_CRASH_AT"); }
std::uint64_t stride_or(std::uint64_t otherwise) { return number_of("SLUICE_STRIDE").value_or(otherwise); }
std::uint64_t seeds_or(std::uint64_t otherwise) { return number_of("SLUICE_SEEDS").value_or(otherwise); }

}  // namespace sluice::sim

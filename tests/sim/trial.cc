#include "tests/sim/trial.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <utility>

namespace sluice::sim {

Tried try_out(Scenario scenario, RunOptions options) {
  World world(std::move(scenario), std::move(options));
  auto const broken = world.run();
  if (!broken.empty()) {
    std::string text = world.scenario().name + ":\n";
    for (auto const& sentence : broken) text += "  - " + sentence + "\n";
    ADD_FAILURE() << text << world.story();
  }
  return {.creates = world.mishaps().creates_seen(), .sound = broken.empty()};
}

std::uint64_t seed_or(std::uint64_t otherwise) {
  auto const* const text = std::getenv("SLUICE_SEED");
  return text == nullptr || *text == '\0' ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace sluice::sim

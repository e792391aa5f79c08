#include "tests/sim/hotel.h"

#include <utility>

#include "tests/sim/world.h"

namespace sluice::sim {
namespace {

Scenario luggage(std::uint64_t seed, std::uint64_t files) {
  SimRandom dice(seed, 30);
  Scenario scenario{.name = "hotel", .policy = usual_policy()};
  auto& policy = scenario.policy;
  policy.files_max = 8;
  policy.chunks_max = 32;
  policy.retry_max = Millis(300'000);
  policy.rescan = Millis(600'000);
  scenario.traits.chunk_bytes = 2'048;
  for (std::uint64_t i = 0; i < files; ++i) {
    auto const is_video = i % 2 == 0;
    auto const path = (is_video ? "video" : "sound") + std::to_string(i) + (is_video ? ".mp4" : ".mp3");
    auto const size = is_video ? dice.between(Millis(4'001), Millis(40'000)) : dice.between(Millis(300), Millis(3'999));
    scenario.drops.push_back({.path = path,
                              .size_bytes = static_cast<std::uint64_t>(size.count()),
                              .at = Millis(static_cast<std::int64_t>(600'000 * i / files))});
    scenario.expected.push_back(filmed(path));
  }
  scenario.requests_max = scenario.turns_max = 1'000'000'000;
  scenario.virtual_max = Millis(48 * 3'600'000);
  return scenario;
}

}  // namespace

Stay stay_in_hotel(std::uint64_t seed, std::uint64_t files, bool is_bad) {
  RunOptions options{.seed = seed};
  if (is_bad) options.mishaps.as_in_a_bad_hotel(seed);
  World world(luggage(seed, files), std::move(options));
  Stay stay{.broken = world.run()};
  stay.requests = world.wire().requests();
  stay.body_bytes = world.wire().body_bytes();
  stay.virtual_time = world.virtual_time();
  stay.story = world.story();
  for (auto i = 0; i < static_cast<int>(Ask::kUnknown); ++i)
    if (auto const seen = world.mishaps().seen(static_cast<Ask>(i))) stay.calls[name_of(static_cast<Ask>(i))] = seen;
  for (auto const& [name, times] : world.mishaps().fired()) stay.troubles += times;
  return stay;
}

}  // namespace sluice::sim

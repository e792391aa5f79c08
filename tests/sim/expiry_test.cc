// URLs that die young, nights without a network, and a host's clock that is wrong: no file fails for it.
#include <gtest/gtest.h>

#include <cstdio>
#include <utility>

#include "tests/sim/trial.h"
#include "tests/sim/world.h"

namespace sluice::sim {
namespace {

using namespace std::chrono_literals;

struct Trouble {
  Millis url_life, outage, platform_ahead;
};

// Two videos of many chunks, a photo and a sound; the network goes away while the first is on its way.
Scenario job(Trouble const& trouble) {
  Scenario s{.name = "expiry", .policy = usual_policy()};
  s.drops = {{.path = "long.mp4", .size_bytes = 60 * 1'024 + 5},
             {.path = "late.mov", .size_bytes = 20 * 1'024 + 990, .at = 14s},
             {.path = "ada/face.jpg", .size_bytes = 700, .at = 10s},
             {.path = "short.mp3", .size_bytes = 900}};
  s.expected = {filmed("long.mp4"), filmed("late.mov"), cast("ada/face.jpg", "ada"), filmed("short.mp3")};
  s.policy.direct_max_bytes = 1'000;
  s.policy.chunks_max = 3;
  s.policy.url_renew_before = stage::Policy{}.url_renew_before;  // the product's own, longer than the short lives
  s.traits.chunk_bytes = 1'024;
  s.traits.initial_urls = 40;
  s.traits.url_life = trouble.url_life;
  s.traits.clock_ahead = trouble.platform_ahead;
  s.requests_max = 20'000;
  s.turns_max = 1'000'000;
  s.virtual_max = 24h;
  return s;
}

TEST(Expiry, FailsNoFileWhateverTheLifeOfUrlsTheOutageAndTheClock) {
  int runs = 0;
  for (Millis const url_life : {5s, 30s, 300s, 3'600s}) {
    for (Millis const outage : {0s, 20s, 600s, 3'600s, 36'000s}) {
      // A host that boots in 1970 is half a century behind.
      for (Millis const ahead : {Millis(0s), Millis(24h), Millis(-24h), Millis(24h * 365 * 56)}) {
        RunOptions options{.seed = seed_or(11) + static_cast<std::uint64_t>(++runs)};
        options.mishaps.unplug(12s, 12s + outage);
        World world(job({url_life, outage, ahead}), std::move(options));
        auto const broken = world.run();
        ASSERT_EQ(outage > 0s, world.mishaps().fired().contains("put.not_sent")) << "the outage met an upload";
        ASSERT_TRUE(broken.empty()) << "URLs live for " << to_words(url_life) << ", the outage took "
                                    << to_words(outage) << ", the platform's clock is ahead by " << ahead.count()
                                    << " ms: " << broken.front() << "\n"
                                    << world.story();
      }
    }
  }
  std::printf("%d runs\n", runs);
}

}  // namespace
}  // namespace sluice::sim

// The simulated lanes are as the daemon's are: what comes behind a piece is not done before it.
#include <gtest/gtest.h>

#include "tests/sim/sim_lanes.h"

namespace sluice::sim {
namespace {

TEST(SimLanes, APieceIsDoneAfterThoseThatAreBeforeItInItsLane) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SimClock clock;
    SimLanes lanes(clock, seed);
    lanes.be_slow(std::chrono::seconds(1), 0);
    std::vector<int> done;
    for (int n = 0; n < 5; ++n)
      lanes.start("act /srv/drop", static_cast<std::uint64_t>(n), [&, n] { done.push_back(n); });
    clock.advance_to(clock.now() + std::chrono::seconds(10));
    EXPECT_EQ(lanes.collect().size(), 5u);
    EXPECT_EQ(done, (std::vector<int>{0, 1, 2, 3, 4})) << "seed " << seed;
  }
}

}  // namespace
}  // namespace sluice::sim

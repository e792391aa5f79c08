// A line at its worst: what it costs, and that nothing is lost on it.
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/sim/hotel.h"
#include "tests/sim/trial.h"

namespace sluice::sim {
namespace {

TEST(ABadHotel, LosesNoFileAndSendsLittleTwice) {
  constexpr std::uint64_t kFiles = 100;
  auto const seed = seed_or(7);
  auto const good = stay_in_hotel(seed, kFiles, false);
  auto const bad = stay_in_hotel(seed, kFiles, true);
  ASSERT_TRUE(good.broken.empty()) << good.broken.front() << good.story;
  ASSERT_TRUE(bad.broken.empty()) << "SLUICE_SEED=" << seed << ": " << bad.broken.front() << bad.story;
  EXPECT_GT(bad.troubles, 100u);
  auto const requests = static_cast<double>(bad.requests) / static_cast<double>(good.requests);
  auto const bytes = static_cast<double>(bad.body_bytes) / static_cast<double>(good.body_bytes);
  std::printf("%llu calls failed; %.3f times the requests, %.3f times the bytes\n",
              static_cast<unsigned long long>(bad.troubles), requests, bytes);
  EXPECT_LT(requests, 1.4);
  EXPECT_LT(bytes, 1.15);
}

}  // namespace
}  // namespace sluice::sim

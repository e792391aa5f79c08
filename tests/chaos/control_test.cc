// The rules as text.
#include <gtest/gtest.h>

#include "tests/chaos/control.h"

namespace sluice::chaos {
namespace {

using namespace std::chrono_literals;

struct Told {
  Proxy proxy{1};
  Told() { proxy.open("store"); }
  std::string tell(std::string const& command) { return obey(proxy, command); }
  Rules rules() { return proxy.rules("store"); }
};

TEST(Control, SetsTheCourseOfOneWay) {
  Told told;
  EXPECT_EQ(told.tell("store there delay=200ms jitter=1.5s rate=10MB/s"), "ok");
  EXPECT_EQ(told.tell("store back all-rate=64KiB/s"), "ok");
  EXPECT_EQ(told.rules().there.delay, 200ms);
  EXPECT_EQ(told.rules().there.jitter, 1'500ms);
  EXPECT_EQ(told.rules().there.bytes_per_s, 10'000'000u);
  EXPECT_EQ(told.rules().back.all_bytes_per_s, 65'536u);
}

TEST(Control, AddsFaultsOneByOne) {
  Told told;
  EXPECT_EQ(told.tell("store fault reset back share=0.05 within=64KiB"), "ok");
  EXPECT_EQ(told.tell("store fault stall there connection after=100KB lasts=60s every=50 times=2"), "ok");
  auto const faults = told.rules().faults;
  ASSERT_EQ(faults.size(), 2u);
  EXPECT_EQ(faults[0].way, Way::kBack);
  EXPECT_EQ(faults[0].share, 0.05);
  EXPECT_EQ(faults[0].within_bytes, 65'536u);
  EXPECT_TRUE(faults[1].of_connection);
  EXPECT_EQ(faults[1].after_bytes, 100'000u);
  EXPECT_EQ(faults[1].lasts, 60s);
  EXPECT_EQ(faults[1].every, 50u);
  EXPECT_EQ(faults[1].times, 2u);
}

TEST(Control, SetsAnOutageAndClearsAll) {
  Told told;
  EXPECT_EQ(told.tell("store outage silence lasts=30s every=5m"), "ok");
  EXPECT_EQ(told.rules().outage->every, 300s);
  EXPECT_EQ(told.tell("store clear"), "ok");
  EXPECT_FALSE(told.rules().outage);
}

TEST(Control, TellsWhatCameBy) {
  Told told;
  EXPECT_EQ(told.tell("store counts").substr(0, 24), "connections=0 turns=0 by");
}

TEST(Control, RefusesWhatItDoesNotKnowAndChangesNothing) {
  Told told;
  for (auto const* const wrong :
       {"", "store", "nowhere cut", "store dance", "store there delay=200", "store there rate=5MB", "store fault fire",
        "store fault reset per-mib=1", "store fault stall color=red", "store outage sometimes",
        "store outage refuse lasts=2s every=1s", "store to"})
    EXPECT_TRUE(told.tell(wrong).starts_with("error: ")) << wrong << ": " << told.tell(wrong);
  EXPECT_TRUE(told.rules().faults.empty());
}

}  // namespace
}  // namespace sluice::chaos

// outage_test.cc - the network goes away under the daemon, and comes back.
//
// Daemon, emulator and this test run in a network namespace of the test's own, where only the loopback link is: taking
// it down cuts everything, and nobody else notices.

#include <chrono>
#include <cstdio>

#include "site.h"
#include "tests/network/own_network.h"

namespace sluice::e2e {
namespace {

using network::OwnNetwork;

constexpr int kFiles = 20;

bool has_reason(Site& site, std::string const& code) {
  auto const status = site.daemon().status();
  for (auto const& reason : status.at("health").at("reasons"))
    if (reason.at("code") == code) return true;
  return false;
}

TEST(Outage, OfTheWholeNetworkChargesNobodyAndEndsByItself) {
  OwnNetwork const network;
  if (!network.is_made()) GTEST_SKIP() << "no network namespace of one's own without privileges";
  Site site;
  site.daemon().start();
  site.drop("before.mp4", 50'000, 1);
  ASSERT_TRUE(site.wait_for("done", 1));

  ASSERT_TRUE(OwnNetwork::set_link(false));
  for (int i = 0; i < kFiles; ++i)
    site.drop("clip" + std::to_string(i) + ".mp4", 40'000, 10 + static_cast<unsigned>(i));
  ASSERT_TRUE(site.wait_until("offline", [&] { return has_reason(site, "offline"); }));
  auto const why = site.daemon().item("clip7.mp4").at("why");
  EXPECT_EQ(why.at("code"), "offline") << why;
  auto const back = std::chrono::steady_clock::now();
  ASSERT_TRUE(OwnNetwork::set_link(true));
  ASSERT_TRUE(site.wait_for("done", 2));
  auto const took = std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - back);
  std::printf("the first item was done %lld ms after the link came back\n", static_cast<long long>(took.count()));

  ASSERT_TRUE(site.wait_for("done", 1 + kFiles));
  EXPECT_FALSE(has_reason(site, "offline"));
  for (int i = 0; i < kFiles; ++i)
    EXPECT_EQ(site.daemon().item("clip" + std::to_string(i) + ".mp4").at("attempts"), 0) << i;
  EXPECT_TRUE(site.every_file_is_there_once());
}

}  // namespace
}  // namespace sluice::e2e

// limits_test.cc - what the operator lets Sluice spend: calls, media, bandwidth.

#include <gtest/gtest.h>

#include <csignal>

#include "site.h"

namespace sluice::e2e {
namespace {

bool says(std::string const& text, std::string const& part) { return text.find(part) != std::string::npos; }

std::uint64_t items_with(Site& site, std::string const& code) {
  std::uint64_t count = 0;
  for (auto const& item : site.daemon().items())
    if (item.at("why").is_object() && item.at("why").at("code") == code) ++count;
  return count;
}

// Three videos, and a budget for the indexing calls of one: the others are uploaded, wait and say until when.
TEST(RateLimit, ThatIsSpentParksWhatNeedsItAndLetsUploadsGoOn) {
  Site site({.more = "rate_limits: {indexing: {per_day: 4}}\n"});
  site.daemon().start();
  for (int i = 0; i < 3; ++i) site.drop("clip" + std::to_string(i) + ".mp4", 60'000, 1 + static_cast<unsigned>(i));
  site.drop("ada/face.jpg", 20'000, 9);
  ASSERT_TRUE(site.wait_until("parked", [&] { return items_with(site, "rate_limit") >= 2; }));
  ASSERT_TRUE(site.wait_until("the picture", [&] { return site.daemon().item("face.jpg").at("stage") == "done"; }));
  for (auto const& item : site.daemon().items()) {
    EXPECT_TRUE(item.at("asset_id").is_string()) << "uploads went on";
    EXPECT_EQ(item.at("attempts"), 0);
    if (!item.at("why").is_object() || item.at("why").at("code") != "rate_limit") continue;
    EXPECT_TRUE(item.at("why").at("until").is_string()) << item;
    EXPECT_TRUE(says(item.at("why").at("text"), "4 calls a day about indexing")) << item;
    EXPECT_EQ(item.at("why").at("whose"), "configuration");
  }
  auto const reasons = site.daemon().status().at("health").at("reasons");
  ASSERT_EQ(reasons.size(), 1u) << reasons;
  EXPECT_EQ(reasons[0].at("code"), "rate_limit");

  // A restart forgets nothing of what was spent.
  EXPECT_EQ(site.daemon().stop(), 0);
  site.daemon().start();
  ASSERT_TRUE(site.wait_until("parked", [&] { return items_with(site, "rate_limit") >= 2; }));

  // And more of it lets them go on.
  EXPECT_EQ(site.daemon().stop(), 0);
  site.configure({});
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", 4));
  EXPECT_TRUE(site.every_file_is_there_once());
}

// The emulator's videos play for ten seconds each; its lists do not say so.
TEST(RateLimit, OfMediaCountsWhatThePlatformSaysThatFilesPlay) {
  Site site({.more = "rate_limits: {indexing: {media_per_day: 1m}}\n"});
  site.daemon().start();
  for (int i = 0; i < 8; ++i) site.drop("clip" + std::to_string(i) + ".mp4", 60'000, 1 + static_cast<unsigned>(i));
  ASSERT_TRUE(site.wait_for("done", 6));
  ASSERT_TRUE(site.wait_until("parked", [&] { return items_with(site, "rate_limit") == 2; }));
  EXPECT_EQ(site.daemon().total("done"), 6u);
  for (auto const& item : site.daemon().items()) {
    if (!item.at("why").is_object()) continue;
    EXPECT_TRUE(says(item.at("why").at("text"), "1 min of media a day")) << item;
  }
}

TEST(Bandwidth, IsCappedAndLiftedWhileAnUploadIsUnderWay) {
  Settings settings{.direct_max = "1MiB", .bandwidth = "64kB/s"};
  Site site(settings);
  site.daemon().start();
  site.drop("big.mp4", 12'000'000, 1);  // three minutes under the cap
  ASSERT_TRUE(site.wait_until("under way", [&] {
    auto const items = site.daemon().items();
    return !items.empty() && items.front().at("bytes_sent").get<std::uint64_t>() > 0;
  }));
  EXPECT_TRUE(says(site.daemon().item("big.mp4").at("why").at("text"), "transfer.bandwidth allows 64 kB a second"));

  settings.bandwidth = "[{days: mon-sun, rate: 64MB/s, from: \"25:00\"}]";
  site.configure(settings);
  site.daemon().send(SIGHUP);
  ASSERT_TRUE(site.wait_until("refused", [&] { return says(site.daemon().log(), "the last one is kept"); }));
  EXPECT_TRUE(says(site.daemon().log(), "is not a time of day"));

  settings.bandwidth = "[{rate: 64MB/s}]";
  site.configure(settings);
  site.daemon().send(SIGHUP);
  ASSERT_TRUE(site.wait_for("done", 1));
  EXPECT_TRUE(says(site.daemon().log(), "transfer.bandwidth is read anew"));
  EXPECT_TRUE(site.every_file_is_there_once());
}

}  // namespace
}  // namespace sluice::e2e

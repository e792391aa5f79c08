// kill_many_test.cc - many files at once while the daemon is killed again and again.
//
// $SLUICE_E2E_MANY sets how many, $SLUICE_E2E_MANY_MAX how large at most, $SLUICE_E2E_KILL_SECONDS how
// long the killing goes on, $SLUICE_SEED everything that is random.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <set>

#include "site.h"

namespace sluice::e2e {
namespace {

using Clock = std::chrono::steady_clock;

// Kills the running daemon and starts it again until `span` is over; each life lasts between the two
// from the moment it is ready. Returns how often; the daemon runs then.
int keep_killing(Site& site, Dice& dice, std::chrono::seconds span, std::uint64_t least_ms, std::uint64_t most_ms) {
  auto const end = Clock::now() + span;
  int kills = 0;
  while (Clock::now() < end) {
    EXPECT_TRUE(site.daemon().lives_for(Millis(dice.between(least_ms, most_ms)))) << "it ended by itself";
    site.daemon().kill_at_once();
    site.daemon().start();
    ++kills;
  }
  return kills;
}

// Makes each upload take a while, so that the deaths find some in the air. A delay and not a rate: what a
// dead daemon has sent takes effect up to so much later, and that must stay below the daemon's list_lag.
void slow_down(Site const& site) {
  site.emulator().arm(Json::array({{{"method", "POST"}, {"path", "/assets"}, {"action", "delay"}, {"ms", 400}},
                                   {{"method", "PUT"}, {"path", "/chunk-store/*"}, {"action", "delay"}, {"ms", 400}}}));
}

TEST(Kill, LosesAndDoublesNoneOfManyFiles) {
  Dice dice(run_seed());
  auto const count = setting("SLUICE_E2E_MANY", 100);
  auto const largest = setting("SLUICE_E2E_MANY_MAX", 512U << 10U);
  auto const span = std::chrono::seconds(setting("SLUICE_E2E_KILL_SECONDS", 6));
  std::vector<Site::Make> files;
  for (std::uint64_t i = 0; i < count; ++i)
    files.push_back(
        {"reel" + std::to_string(i % 10) + "/clip" + std::to_string(i) + ".mp4", dice.between(64U << 10U, largest)});
  auto const chunk = std::max<std::uint64_t>(128U << 10U, largest / 4);
  Site site({.direct_max = "256KiB", .chunks_max = count > 200 ? 32 : 8},
            {"--keep-objects", "off", "--chunk-size", std::to_string(chunk) + "B"});
  slow_down(site);
  site.daemon().start();
  site.drop_all(files, dice.between(1, 1U << 30U));

  auto const kills = keep_killing(site, dice, span, 700, 1300);
  auto const before = site.emulator().ledger().at("assets").size();
  auto const began = Clock::now();
  ASSERT_TRUE(site.wait_for("done", count, Millis(45'000 + 200 * count)));

  EXPECT_TRUE(site.every_file_is_there_once());
  EXPECT_EQ(site.daemon().total("items"), count);
  auto const ledger = site.emulator().ledger();
  EXPECT_EQ(ledger.at("indexed_assets").size(), count);
  EXPECT_EQ(ledger.at("indexes").size(), 1u);
  auto const took = std::chrono::duration<double>(Clock::now() - began).count();
  std::printf(
      "many: %llu files, %d kills in %lld s; %zu were up when the killing stopped, the rest %.1f s later\n"
      "many: assets %zu, indexed assets %zu, duplicates %zu, lost 0\n",
      static_cast<unsigned long long>(count), kills, static_cast<long long>(span.count()), before, took,
      ledger.at("assets").size(), ledger.at("indexed_assets").size(), ledger.at("duplicates").size());
}

TEST(Kill, MakesOneEntityOfFiftyPhotosOfOneName) {
  constexpr std::size_t kPhotos = 50;
  Dice dice(run_seed());
  std::chrono::seconds const span(6);
  std::vector<Site::Make> photos;
  for (std::size_t i = 0; i < kPhotos; ++i)
    photos.push_back({"Grace Hopper/photo" + std::to_string(i) + ".jpg", dice.between(20'000, 400'000)});
  Site site;
  slow_down(site);
  site.daemon().start();
  site.drop_all(photos, dice.between(1, 1U << 30U));

  auto const kills = keep_killing(site, dice, span, 50, 1200);
  ASSERT_TRUE(site.wait_for("done", kPhotos));

  EXPECT_TRUE(site.every_file_is_there_once());
  auto const ledger = site.emulator().ledger();
  EXPECT_EQ(ledger.at("entity_collections").size(), 1u);
  ASSERT_EQ(ledger.at("entities").size(), 1u);
  EXPECT_EQ(ledger.at("entities")[0].at("name"), "Grace Hopper");
  auto const attached = ledger.at("entities")[0].at("asset_ids").get<std::set<std::string>>();
  EXPECT_EQ(attached.size(), kPhotos);
  std::printf("photos: %zu of one name, %d kills; collections %zu, entities %zu, assets attached %zu, duplicates %zu\n",
              kPhotos, kills, ledger.at("entity_collections").size(), ledger.at("entities").size(), attached.size(),
              ledger.at("duplicates").size());
}

}  // namespace
}  // namespace sluice::e2e

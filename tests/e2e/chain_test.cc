// chain_test.cc - from a dropped file to the end of its chain, with nothing going wrong.

#include "site.h"

namespace sluice::e2e {
namespace {

constexpr std::uint64_t kMiB = 1U << 20U;

TEST(Chain, MakesDroppedFilmsReadyAssetsAndIndexedAssets) {
  Site site;
  site.daemon().start();
  site.drop("small.mp4", 3 * kMiB, 1);
  site.drop("day1/large.mp4", 21 * kMiB + 17, 2);
  ASSERT_TRUE(site.wait_for("done", 2));

  EXPECT_TRUE(site.every_file_is_there_once());
  auto const ledger = site.emulator().ledger();
  for (auto const& asset : ledger.at("assets")) EXPECT_EQ(asset.at("status"), "ready") << asset;
  ASSERT_EQ(ledger.at("indexes").size(), 1u);
  EXPECT_EQ(ledger.at("indexes")[0].at("name"), "footage");
  ASSERT_EQ(ledger.at("indexed_assets").size(), 2u);
  for (auto const& indexed : ledger.at("indexed_assets")) EXPECT_EQ(indexed.at("status"), "ready") << indexed;
  ASSERT_EQ(ledger.at("sessions").size(), 1u);
  EXPECT_EQ(ledger.at("sessions")[0].at("bytes_received"), 21 * kMiB + 17) << "a chunk was sent twice";

  auto const item = site.daemon().item("large.mp4");
  EXPECT_EQ(item.at("stage"), "done");
  EXPECT_EQ(item.at("method"), "multipart");
  EXPECT_EQ(item.at("bytes_acked"), 21 * kMiB + 17);
  EXPECT_EQ(item.at("indexed_assets")[0].at("status"), "ready");
  EXPECT_EQ(site.daemon().item("small.mp4").at("method"), "direct");
}

TEST(Chain, MakesAPhotoAnAssetAndAnEntityNamedForItsFolder) {
  Site site;
  site.daemon().start();
  site.drop("Ada Lovelace/portrait.jpg", 200'000, 3);
  ASSERT_TRUE(site.wait_for("done", 1));

  EXPECT_TRUE(site.every_file_is_there_once());
  auto const ledger = site.emulator().ledger();
  ASSERT_EQ(ledger.at("entity_collections").size(), 1u);
  EXPECT_EQ(ledger.at("entity_collections")[0].at("name"), "Cast");
  ASSERT_EQ(ledger.at("entities").size(), 1u);
  auto const& entity = ledger.at("entities")[0];
  EXPECT_EQ(entity.at("name"), "Ada Lovelace");
  EXPECT_EQ(entity.at("status"), "ready");
  EXPECT_EQ(entity.at("asset_ids"), Json::array({ledger.at("assets")[0].at("id")}));
}

TEST(Chain, TakesFilesThatCameWhileTheDaemonWasDown) {
  Site site;
  site.drop("early.mp4", 70'000, 4);
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", 1));
  ASSERT_EQ(site.daemon().stop(), 0);
  site.drop("between.mp3", 80'000, 5);
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", 2));
  EXPECT_TRUE(site.every_file_is_there_once());
}

}  // namespace
}  // namespace sluice::e2e

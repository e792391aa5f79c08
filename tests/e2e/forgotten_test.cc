// forgotten_test.cc - the platform, or a person there, deletes what it was given (R41).

#include "site.h"

namespace sluice::e2e {
namespace {

std::string only_id(Json const& rows) { return rows.size() == 1 ? rows[0].at("id").get<std::string>() : ""; }

// A rule that holds back all that could end the chain, until it is armed anew.
Json held_back(char const* path) {
  return Json::array({{{"method", "POST"}, {"path", path}, {"action", "throttle"}, {"retry_after", "1"}}});
}

TEST(Forgotten, AnAssetDeletedWhileItIsProcessedIsUploadedAgainAndSaid) {
  Site site({}, {"--ready-after", "3s"});
  site.daemon().start();
  site.drop("clip.mp4", 300'000, 1);
  std::string first;
  ASSERT_TRUE(site.wait_until("sent", [&] {
    first = only_id(site.emulator().ledger().at("assets"));
    return !first.empty();
  }));
  site.emulator().forget("assets/" + first + "?force=true");
  ASSERT_TRUE(site.wait_for("done", 1));

  EXPECT_TRUE(site.every_file_is_there_once());
  auto const item = site.daemon().item("clip.mp4");
  EXPECT_EQ(item.at("generation"), 2);
  EXPECT_NE(item.at("asset_id"), first);
  EXPECT_EQ(site.emulator().calls("POST /assets"), 2u);
  auto const shown = site.sluice({"show", item.at("id").get<std::string>()});
  EXPECT_NE(shown.out.find("the platform no longer has the asset"), std::string::npos) << shown.out;
  EXPECT_NE(site.daemon().log().find("is gone from the platform"), std::string::npos);
}

TEST(Forgotten, AnAssetDeletedWhileItsIndexingIsThrottledIsUploadedAgain) {
  Site site;
  site.emulator().arm(held_back("/indexes/*/indexed-assets"));
  site.daemon().start();
  site.drop("clip.mp4", 300'000, 1);
  ASSERT_TRUE(site.wait_until("throttled",
                              [&] { return site.emulator().calls("POST /indexes/{index_id}/indexed-assets") > 0; }));
  site.emulator().forget("assets/" + only_id(site.emulator().ledger().at("assets")));
  site.emulator().arm(Json::array());
  ASSERT_TRUE(site.wait_for("done", 1));
  EXPECT_TRUE(site.every_file_is_there_once());
  EXPECT_EQ(site.emulator().ledger().at("indexed_assets").size(), 1u);
}

TEST(Forgotten, AnIndexDeletedUnderUsIsMadeAgainByItsName) {
  Site site;
  site.daemon().start();
  site.drop("before.mp4", 300'000, 1);
  ASSERT_TRUE(site.wait_for("done", 1));
  auto const first = only_id(site.emulator().ledger().at("indexes"));
  site.emulator().forget("indexes/" + first);
  site.drop("after.mp4", 300'000, 2);
  ASSERT_TRUE(site.wait_for("done", 2));
  auto const ledger = site.emulator().ledger();
  ASSERT_EQ(ledger.at("indexes").size(), 1u);
  EXPECT_NE(ledger.at("indexes")[0].at("id"), first);
  EXPECT_EQ(ledger.at("indexed_assets").size(), 1u) << "what is done is not watched";
  EXPECT_TRUE(site.every_file_is_there_once());
}

}  // namespace
}  // namespace sluice::e2e

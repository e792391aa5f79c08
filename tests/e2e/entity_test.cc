// entity_test.cc - many images of one name are one entity: few calls, and no second one whatever happens.

#include "site.h"

namespace sluice::e2e {
namespace {

constexpr char kNewOnes[] = R"(
  cast:
    kinds: [image]
    entity: {collection: Cast, name: "{dir}", existing: new}
)";
constexpr char kCreates[] = "POST /entity-collections/{entity_collection_id}/entities";
constexpr char kBulk[] = "POST /entity-collections/{entity_collection_id}/entities/bulk";
constexpr char kAdds[] = "POST /entity-collections/{entity_collection_id}/entities/{entity_id}/assets";

std::vector<Site::Make> photos_of(std::string const& name, std::size_t count) {
  std::vector<Site::Make> photos;
  for (std::size_t i = 0; i < count; ++i) photos.push_back({name + "/photo" + std::to_string(i) + ".jpg", 20'000 + i});
  return photos;
}

// Holds the first call for a collection up until the photos are there.
void delay_collection(Site const& site) {
  site.emulator().arm(
      Json::array({{{"method", "POST"}, {"path", "/entity-collections"}, {"action", "delay"}, {"ms", 3'000}}}));
}

Json entities_named(Site const& site, std::string const& name) {
  auto found = Json::array();
  auto const ledger = site.emulator().ledger();
  for (auto const& entity : ledger.at("entities"))
    if (entity.at("name") == name) found.push_back(entity);
  return found;
}

TEST(AnEntity, IsMadeOfManyPhotosInFewCallsAndTakesLaterOnes) {
  constexpr std::size_t kPhotos = 30;
  Site site;
  delay_collection(site);
  site.daemon().start();
  site.drop_all(photos_of("Grace", kPhotos), 7);
  ASSERT_TRUE(site.wait_for("done", kPhotos));
  EXPECT_EQ(site.emulator().calls(kCreates), 1u);
  EXPECT_LT(site.emulator().calls(kAdds), kPhotos / 2);
  site.drop("Grace/late.jpg", 30'000, 8);
  ASSERT_TRUE(site.wait_for("done", kPhotos + 1));
  EXPECT_TRUE(site.every_file_is_there_once());
  auto const ours = entities_named(site, "Grace");
  ASSERT_EQ(ours.size(), 1u);
  EXPECT_EQ(ours[0].at("asset_ids").size(), kPhotos + 1);
}

TEST(AnEntity, ThatIsRefusedWithSeveralAssetsIsMadeOfOneAndTheOthersAreAdded) {
  constexpr std::size_t kPhotos = 6;
  Site site;
  auto const refuse_once = [](std::string const& path) {
    return Json{{"method", "POST"}, {"path", path},        {"action", "status"},
                {"status", 400},    {"code", "some_code"}, {"times", 1}};
  };
  site.emulator().arm(
      Json::array({{{"method", "POST"}, {"path", "/entity-collections"}, {"action", "delay"}, {"ms", 3'000}},
                   refuse_once("/entity-collections/*/entities"),
                   refuse_once("/entity-collections/*/entities/*/assets")}));
  site.daemon().start();
  site.drop_all(photos_of("Grace", kPhotos), 9);
  ASSERT_TRUE(site.wait_for("done", kPhotos));
  auto const ours = entities_named(site, "Grace");
  ASSERT_EQ(ours.size(), 1u);
  EXPECT_EQ(ours[0].at("asset_ids").size(), kPhotos);
}

// Twenty people with one photo each, whose entities are looked for at the same time.
TEST(ManyEntities, AreMadeByFewCallsAlsoWhenAnAnswerIsLost) {
  constexpr std::size_t kPeople = 20;
  Site site;
  site.emulator().arm(Json::array(
      {{{"method", "POST"}, {"path", "/entity-collections"}, {"action", "delay"}, {"ms", 3'000}},
       {{"method", "POST"}, {"path", "/entity-collections/*/entities/bulk"}, {"nth", 1}, {"action", "cut_after"}}}));
  site.daemon().start();
  std::vector<Site::Make> photos;
  for (std::size_t i = 0; i < kPeople; ++i) photos.push_back({"person" + std::to_string(i) + "/face.jpg", 20'000 + i});
  site.drop_all(photos, 11);
  ASSERT_TRUE(site.wait_for("done", kPeople));
  EXPECT_TRUE(site.every_file_is_there_once());
  EXPECT_EQ(site.emulator().ledger().at("entities").size(), kPeople);
  EXPECT_GE(site.emulator().cut_calls(kBulk), 1u) << "no answer was lost";
  EXPECT_LT(site.emulator().calls(kBulk) + site.emulator().calls(kCreates), kPeople / 2);
}

TEST(AnEntity, OfSomebodyElseIsLeftAloneWhereNewOnesAreWanted) {
  Site site({.pipelines = kNewOnes});
  auto const theirs = site.make_file("theirs.jpg", 40'000, 1);
  auto const other = site.sluice({"ingest", "--config", site.home().config_file(), "--state-dir",
                                  site.folder() + "/somebody", "--collection", "Cast", "--entity", "Grace", theirs},
                                 50s);
  ASSERT_EQ(other.code, 0) << other.out << other.err;
  ASSERT_EQ(entities_named(site, "Grace").size(), 1u);
  auto const their_id = entities_named(site, "Grace")[0].at("id");

  site.daemon().start();
  site.drop_all(photos_of("Grace", 3), 2);
  ASSERT_TRUE(site.wait_for("done", 3));
  site.daemon().kill_at_once();
  site.daemon().start();
  site.drop("Grace/late.jpg", 30'000, 3);
  ASSERT_TRUE(site.wait_for("done", 4));

  auto const all = entities_named(site, "Grace");
  ASSERT_EQ(all.size(), 2u) << all;
  for (auto const& entity : all)
    EXPECT_EQ(entity.at("asset_ids").size(), entity.at("id") == their_id ? 1u : 4u) << entity;
}

}  // namespace
}  // namespace sluice::e2e

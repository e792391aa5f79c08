// match_test.cc - what a path says, taken out of it by the `match` of its source.

#include "site.h"

namespace sluice::e2e {
namespace {

constexpr char kOfCards[] = R"(
  footage:
    kinds: [video]
    asset: {filename: "{match.site} {name}", user_metadata: {reel: "{match.reel}", take: "{match.take}"}}
  cast:
    kinds: [image]
    entity: {collection: Cast, name: "{match.reel}", metadata: {site: "{match.site}"}}
)";

// The one source there is gets these keys on top.
Settings matching(std::string const& expression) {
  return {.pipelines = kOfCards, .more_sources = "  match: '" + expression + "'\n"};
}

Json asset_named(Json const& ledger, std::string const& filename) {
  for (auto const& asset : ledger.at("assets"))
    if (asset.at("filename") == filename) return asset;
  return {};
}

Json shown_by_the_platform(Site const& site, std::string const& asset_id) {
  Place const api{.port = site.emulator().api_port()};
  return ask(api, "GET", "/v1.3/assets/" + asset_id, "", "x-api-key: " + site.key() + "\r\n").json();
}

TEST(AMatch, TakesNamesAndMetadataOutOfThePath) {
  Site site(matching(R"(^(?P<site>[^/]+)/(?P<reel>R\d+)_(?:T(?P<take>\d+)_)?)"));
  site.daemon().start();
  site.drop("north/R17_T3_a.mp4", 20'000, 1);
  site.drop("south/R18_one.jpg", 20'000, 2);
  site.drop("south/R18_two.jpg", 20'000, 3);
  ASSERT_TRUE(site.wait_for("done", 3));
  auto const ledger = site.emulator().ledger();
  ASSERT_EQ(ledger.at("assets").size(), 3u);
  auto const film = asset_named(ledger, "north R17_T3_a.mp4");
  ASSERT_FALSE(film.is_null()) << ledger.at("assets");
  auto const metadata = shown_by_the_platform(site, film.at("id")).at("user_metadata");
  EXPECT_EQ(metadata.at("reel"), "R17");
  EXPECT_EQ(metadata.at("take"), "3");
  ASSERT_EQ(ledger.at("entities").size(), 1u);
  EXPECT_EQ(ledger.at("entities")[0].at("name"), "R18");
  EXPECT_EQ(ledger.at("entities")[0].at("asset_ids").size(), 2u);
  EXPECT_TRUE(ledger.at("duplicates").empty());
}

TEST(AMatch, LeavesOutWhatDoesNotFitAndSaysSoUntilItIsChanged) {
  auto const reel = [](std::string const& digits) {
    return R"(^(?P<site>[^/]+)/(?P<reel>R)" + digits + R"()_(?:T(?P<take>\d+)_)?)";
  };
  Site site(matching(reel(R"(\d{2})")));
  site.daemon().start();
  site.drop("north/R17_a.mp4", 20'000, 1);
  site.drop("north/R117_b.mp4", 20'000, 2);
  ASSERT_TRUE(site.wait_for("done", 1));
  ASSERT_TRUE(site.wait_for("skipped", 1));
  auto const left_out = site.daemon().item("R117_b.mp4");
  EXPECT_EQ(left_out.at("why").at("code"), "no_match") << left_out;
  auto const told = site.daemon().get("/v1/explain?path=" + site.home().drop() + "/north/R117_b.mp4").json();
  EXPECT_EQ(told.at("verdict"), "left_out") << told;
  EXPECT_NE(told.at("text").get<std::string>().find("does not fit the `match` of source drop"), std::string::npos);

  ASSERT_EQ(site.daemon().stop(), 0);
  site.configure(matching(reel(R"(\d+)")));
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", 2));
  EXPECT_EQ(site.daemon().item("R117_b.mp4").at("id"), left_out.at("id")) << "the same item goes on";
}

TEST(AMatch, ThatIsNoExpressionOrHasNotTheGroupOfATemplateKeepsTheDaemonFromStarting) {
  Site site(matching("^(?P<site>[^/]+"));
  EXPECT_EQ(site.daemon().start_and_end(), 78);
  EXPECT_NE(site.daemon().log().find("sources[0].match: is no regular expression: missing )"), std::string::npos)
      << site.daemon().log();
  site.configure(matching("^(?P<site>[^/]+)/(?P<reel>R)"));
  EXPECT_EQ(site.daemon().start_and_end(), 78);
  EXPECT_NE(site.daemon().log().find("pipelines.footage.asset.user_metadata.take: asks for {match.take}"),
            std::string::npos)
      << site.daemon().log();
}

}  // namespace
}  // namespace sluice::e2e

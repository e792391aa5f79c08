// sidecar_test.cc - what lies beside a file says what becomes of it.

#include <filesystem>
#include <fstream>

#include "site.h"

namespace sluice::e2e {
namespace {

namespace fs = std::filesystem;

void write(Site const& site, std::string const& name, std::string const& text) {
  auto const staged = site.folder() + "/staged-sidecar";
  std::ofstream(staged) << text;
  fs::rename(staged, site.home().drop() + "/" + name);
}

// What the platform has of it.
Json asset_of(Site& site, std::string const& name) {
  return site.emulator().thing("assets/" + site.daemon().item(name).at("asset_id").get<std::string>());
}

Json indexed_asset_of(Site& site, std::string const& name) {
  auto const indexed = site.daemon().item(name).at("indexed_assets").at(0);
  return site.emulator().thing("indexes/" + indexed.at("index_id").get<std::string>() + "/indexed-assets/" +
                               indexed.at("id").get<std::string>());
}

bool acts_are_over(Site& site, std::string const& name) {
  for (auto const& item : site.daemon().items())
    if (item.at("name") == name) return !item.at("acts").empty() && item.at("acts").back().at("state") == "done";
  return false;
}

// A hidden one, which no sweep takes meanwhile.
TEST(ASidecar, IsLookedAtWhenAPersonAddsItsFile) {
  Site site;
  write(site, ".b.mp4.json", R"({"index": "nights"})");
  auto const path = site.home().drop() + "/.b.mp4";
  std::ofstream(path) << "bytes";
  site.daemon().start();
  auto const said = site.sluice({"add", "--dry-run", path}).out;
  EXPECT_NE(said.find("index it in nights"), std::string::npos) << said;
}

TEST(ASidecar, SaysWhatItsFileIsCalledWhereItGoesAndWhatIsKnownOfIt) {
  Site site({.direct_max = "100kB"});
  write(site, "_defaults.yaml", "metadata: {crew: B}\n");
  write(site, "a.mp4.json", R"({"name": "Night 1.mp4", "metadata": {"site": "south", "take": 3}})");
  write(site, "b.yaml", "index: nights\nmetadata:\n  reel: A7\n");
  site.daemon().start();
  site.drop("a.mp4", 300'000, 1);  // in chunks,
  site.drop("b.mp4", 20'000, 2);   // and in one request
  site.drop("day1/c.mp4", 20'000, 3);
  ASSERT_TRUE(site.wait_for("done", 3));
  auto const a = asset_of(site, "a.mp4");
  EXPECT_EQ(a.at("filename"), "Night 1.mp4");
  EXPECT_EQ(a.at("user_metadata").at("site"), "south");
  EXPECT_EQ(a.at("user_metadata").at("take"), 3);
  EXPECT_EQ(a.at("user_metadata").at("crew"), "B");
  EXPECT_EQ(indexed_asset_of(site, "a.mp4").at("user_metadata").at("take"), 3);
  EXPECT_EQ(indexed_asset_of(site, "b.mp4").at("user_metadata").at("reel"), "A7");
  EXPECT_EQ(
      site.emulator()
          .thing("indexes/" + site.daemon().item("b.mp4").at("indexed_assets").at(0).at("index_id").get<std::string>())
          .at("index_name"),
      "nights");
  EXPECT_EQ(asset_of(site, "c.mp4").at("user_metadata").at("site"), "north") << "defaults are of one folder";
  EXPECT_FALSE(asset_of(site, "c.mp4").at("user_metadata").contains("crew"));
  EXPECT_EQ(site.daemon().items().size(), 3u) << "sidecars are no items";
}

TEST(ASidecar, ThatCannotBeReadHoldsItsFileBackUntilItIsMended) {
  Site site({.pipelines = R"(
  footage:
    kinds: [video]
    asset: {filename: "{meta.reel}-{name}"}
)"});
  write(site, "a.mp4.yaml", "metadata: {reel: A7}\npriority: soon\n");
  site.daemon().start();
  site.drop("a.mp4", 20'000, 1);
  ASSERT_TRUE(site.wait_until("held", [&] {
    auto const items = site.daemon().items();
    return !items.empty() && items.at(0).at("why").at("code") == "bad_sidecar";
  }));
  auto const why = site.daemon().item("a.mp4").at("why").at("text").get<std::string>();
  EXPECT_NE(why.find("a.mp4.yaml: line 2"), std::string::npos) << why;
  EXPECT_NE(why.find("`priority`"), std::string::npos) << why;
  auto const explained = site.sluice({"explain", site.home().drop() + "/a.mp4"});
  EXPECT_NE(explained.out.find("a.mp4.yaml: line 2"), std::string::npos) << explained.out;
  EXPECT_TRUE(site.emulator().ledger().at("assets").empty());
  site.daemon().kill_at_once();
  site.daemon().start();
  write(site, "a.mp4.yaml", "metadata: {reel: A7}\npriority: 70\n");
  ASSERT_TRUE(site.wait_for("done", 1));
  EXPECT_EQ(asset_of(site, "a.mp4").at("filename"), "A7-a.mp4");
}

TEST(ASidecar, ThatChangesAfterTheUploadChangesTheMetadataAndSendsNoByteAgain) {
  Site site({.more_sources = "  poll: 1s\n"});
  write(site, "a.mp4.json", R"({"metadata": {"site": "south", "take": 3}})");
  site.daemon().start();
  site.drop("a.mp4", 20'000, 1);
  ASSERT_TRUE(site.wait_for("done", 1));
  auto const puts = site.emulator().calls("POST /assets");
  write(site, "a.mp4.json", R"({"metadata": {"take": 4, "crew": "B"}})");
  ASSERT_TRUE(site.wait_until("told", [&] {
    auto const metadata = indexed_asset_of(site, "a.mp4").at("user_metadata");
    return metadata.contains("crew") && metadata.at("take") == 4;
  }));
  ASSERT_TRUE(
      site.wait_until("over", [&] { return site.daemon().item("a.mp4").at("acts").at(0).at("state") == "done"; }));
  auto const metadata = asset_of(site, "a.mp4").at("user_metadata");
  EXPECT_EQ(metadata.at("take"), 4);
  EXPECT_EQ(metadata.at("crew"), "B");
  EXPECT_EQ(metadata.at("site"), "north") << "the pipeline's value again";
  EXPECT_TRUE(metadata.contains("client_op")) << "what is ours stays";
  EXPECT_FALSE(indexed_asset_of(site, "a.mp4").at("user_metadata").contains("site"));
  EXPECT_EQ(site.emulator().calls("POST /assets"), puts);
  EXPECT_EQ(site.daemon().items().size(), 1u);
}

TEST(ASidecar, ThatFilesShareGoesWithTheLastOfThem) {
  Site site({.more_sources = "  after_success: delete\n  ready_marker: \"{name}.ok\"\n"});
  auto const at = [&](std::string const& name) { return site.home().drop() + "/" + name; };
  write(site, "a.json", R"({"metadata": {"take": 3}})");
  site.daemon().start();
  site.drop("a.mp4", 20'000, 1);
  site.drop("a.mov", 20'000, 2);
  write(site, "a.mp4.ok", "!");
  ASSERT_TRUE(site.wait_until("the first is gone", [&] { return acts_are_over(site, "a.mp4"); }));
  EXPECT_TRUE(fs::exists(at("a.json"))) << "the other one needs it";
  EXPECT_TRUE(fs::exists(at("a.mov")));
  write(site, "a.mov.ok", "!");
  ASSERT_TRUE(
      site.wait_until("all are gone", [&] { return !fs::exists(at("a.mov.ok")) && !fs::exists(at("a.json")); }));
  EXPECT_EQ(asset_of(site, "a.mov").at("user_metadata").at("take"), 3);
}

}  // namespace
}  // namespace sluice::e2e

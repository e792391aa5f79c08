// marker_test.cc - files that wait for their marker, and a folder that waits for its guard file.

#include <filesystem>
#include <fstream>

#include "site.h"

namespace sluice::e2e {
namespace {

namespace fs = std::filesystem;

// The one source there is gets these keys on top.
Settings with_keys(std::string const& keys) { return {.more_sources = keys}; }

TEST(AReadyMarker, IsWaitedForAndSaid) {
  Site site(with_keys("  ready_marker: \"{name}.ok\"\n"));
  site.daemon().start();
  site.drop("a.mp4", 20'000, 1);
  site.drop("b.mp4", 20'000, 2);
  std::ofstream(site.home().drop() + "/b.mp4.ok").put('!');
  ASSERT_TRUE(site.wait_for("done", 1));
  EXPECT_EQ(site.daemon().item("b.mp4").at("stage"), "done");
  auto const why = site.daemon().item("a.mp4").at("why");
  EXPECT_EQ(why.at("code"), "waiting_for_marker");
  EXPECT_NE(why.at("text").get<std::string>().find("a.mp4.ok"), std::string::npos) << why;
  auto const told = site.daemon().get("/v1/explain?path=" + site.home().drop() + "/a.mp4").json();
  EXPECT_EQ(told.at("verdict"), "waits") << told;
  EXPECT_NE(told.at("text").get<std::string>().find("a.mp4.ok"), std::string::npos);
  EXPECT_EQ(told.at("item"), site.daemon().item("a.mp4").at("id"));
  std::ofstream(site.home().drop() + "/a.mp4.ok").put('!');
  ASSERT_TRUE(site.wait_for("done", 2));
  EXPECT_EQ(site.daemon().items().size(), 2u) << "markers are no items";
  EXPECT_TRUE(site.every_file_is_there_once());
}

TEST(AChecksum, HoldsAFileOfOtherBytesBack) {
  Site site(with_keys("  max_settle: 2h\n"));
  auto const drop = site.home().drop();
  auto const write_sum = [&](std::string const& name, std::string const& digits) {
    std::ofstream(drop + "/" + name + ".sha256") << digits << "  " << name << "\n";
  };
  auto const path = site.make_file("right.mp4", 300'000, 1);
  write_sum("right.mp4", site.sha256_of("right.mp4"));
  write_sum("wrong.mp4", std::string(64, '0'));
  site.daemon().start();
  fs::rename(path, drop + "/right.mp4");
  fs::rename(site.make_file("wrong.mp4", 300'000, 2), drop + "/wrong.mp4");
  ASSERT_TRUE(site.wait_for("done", 1));
  ASSERT_TRUE(site.wait_until(
      "held against it", [&] { return site.daemon().item("wrong.mp4").at("why").at("code") == "checksum_mismatch"; }));
  EXPECT_EQ(site.emulator().ledger().at("assets").size(), 1u);
  auto const told = site.daemon().get("/v1/explain?path=" + drop + "/wrong.mp4").json();
  EXPECT_NE(told.at("text").get<std::string>().find(site.sha256_of("wrong.mp4")), std::string::npos) << told;
}

TEST(AGuardFile, KeepsAFolderWithoutItFromBeingLookedAt) {
  Site site(with_keys("  guard_file: .mounted\n"));
  site.drop("a.mp4", 20'000, 1);
  site.daemon().start();
  ASSERT_TRUE(site.wait_until("told", [&] { return !site.daemon().status().at("sources").at(0).at("up"); }));
  EXPECT_TRUE(site.daemon().items().empty());
  std::ofstream(site.home().drop() + "/.mounted").put('!');
  ASSERT_TRUE(site.wait_for("done", 1));
  EXPECT_TRUE(site.daemon().status().at("sources").at(0).at("up"));
}

}  // namespace
}  // namespace sluice::e2e

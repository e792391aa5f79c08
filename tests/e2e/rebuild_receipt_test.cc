// rebuild_receipt_test.cc - what receipts know of a lost journal's files: which asset holds what.

#include <filesystem>
#include <fstream>

#include "lost_journal.h"
#include "site.h"

namespace sluice::e2e {
namespace {

namespace fs = std::filesystem;

// The site's only folder gets receipts.
void want_receipts(Site const& site, std::string const& receipt) {
  auto text = config_text(site.home(), {}, site.emulator().base_url());
  text.insert(text.find("  settle:"), "  receipt: " + receipt + "\n");
  std::ofstream(site.home().config_file()) << text;
}

std::size_t receipts_in(std::string const& folder) {
  std::size_t count = 0;
  for (auto const& entry : fs::recursive_directory_iterator(folder))
    count += entry.path().string().ends_with(".sluice.json") ? 1 : 0;
  return count;
}

TEST(RebuildReceipt, DecidesForAFileThatWasRenamedOrTouched) {
  Site site;
  want_receipts(site, "beside");
  site.daemon().start();
  site.drop("small.mp4", 90'000, 1);
  site.drop("large.mp4", (18U << 20U) + 5, 2);
  ASSERT_TRUE(site.wait_for("done", 2));
  auto const drop = fs::path(site.home().drop());
  ASSERT_TRUE(site.wait_until("receipts", [&] { return receipts_in(drop) == 2; }));
  ASSERT_EQ(site.daemon().stop(), 0);
  auto const before = made(site);
  fs::rename(drop / "small.mp4", drop / "renamed.mp4");
  fs::last_write_time(drop / "large.mp4", fs::file_time_type::clock::now());
  std::ofstream(drop / "torn.mp4.sluice.json") << R"({"schema": "sluice.rec)";
  std::ofstream(drop / "other.mp4.sluice.json")
      << R"({"schema": "sluice.receipt/1", "asset_id": "another", "content_key": "00", "size": 5})";
  delete_journal(site);
  auto const report = rebuild_report(site);
  EXPECT_EQ(report.at("adopted"), 2) << report;
  EXPECT_EQ(report.at("decided_by_receipts"), 2) << report;
  EXPECT_EQ(report.at("receipts_unreadable"), 1) << report;
  EXPECT_EQ(report.at("receipts_of_unknown_assets"), 1) << report;
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", 2));
  EXPECT_EQ(made(site), before);
}

TEST(RebuildReceipt, LeavesTheOtherAssetsOfItsSizeKept) {
  Site site;
  want_receipts(site, "beside");
  site.daemon().start();
  site.drop("renamed.mp4", 90'000, 1);
  site.drop("away.mp4", 90'000, 2);
  ASSERT_TRUE(site.wait_for("done", 2));
  auto const drop = fs::path(site.home().drop());
  ASSERT_TRUE(site.wait_until("receipts", [&] { return receipts_in(drop) == 2; }));
  ASSERT_EQ(site.daemon().stop(), 0);
  auto const before = made(site);
  fs::rename(drop / "renamed.mp4", drop / "final.mp4");
  fs::rename(drop / "away.mp4", site.folder() + "/away.mp4");
  delete_journal(site);
  auto const report = rebuild_report(site);
  EXPECT_EQ(report.at("decided_by_receipts"), 1) << report;
  EXPECT_EQ(report.at("assets_kept"), 1) << report;
  site.daemon().start();
  fs::rename(site.folder() + "/away.mp4", drop / "away.mp4");
  ASSERT_TRUE(site.wait_for("done", 2));
  EXPECT_EQ(made(site), before);
}

TEST(RebuildReceipt, DecidesByContentWhereNamesAndSizesAreTheSame) {
  Site site({}, {"--metadata", "refuse"});
  auto const folder = site.folder() + "/receipts";
  fs::create_directory(folder);
  want_receipts(site, "{dir: " + folder + "}");
  site.daemon().start();
  site.drop("monday/take.mp4", 50'000, 7);
  site.drop("tuesday/take.mp4", 50'000, 8);
  ASSERT_TRUE(site.wait_for("done", 2));
  ASSERT_TRUE(site.wait_until("receipts", [&] { return receipts_in(folder) == 2; }));
  std::map<std::string, Json> assets;
  for (auto const& item : site.daemon().items()) assets[item.at("path")] = item.at("asset_id");
  ASSERT_EQ(site.daemon().stop(), 0);
  auto const before = made(site);
  // A third one, of the same name and size, which is nobody's asset.
  site.drop("today/take.mp4", 50'000, 9);
  delete_journal(site);
  auto const report = rebuild_report(site);
  EXPECT_EQ(report.at("decided_by_receipts"), 2) << report;
  EXPECT_EQ(report.at("ambiguous"), 1) << report;
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", 2));
  EXPECT_EQ(made(site), before);
  for (auto const& item : site.daemon().items()) {
    if (item.at("state") != "done") continue;
    EXPECT_EQ(item.at("asset_id"), assets.at(item.at("path")));
  }
}

}  // namespace
}  // namespace sluice::e2e

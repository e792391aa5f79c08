// rebuild_found_test.cc - what a rebuild takes for a file's asset, and what it must not.

#include <filesystem>
#include <fstream>

#include "lost_journal.h"
#include "site.h"

namespace sluice::e2e {
namespace {

namespace fs = std::filesystem;

// What lies in a manifest's folder is no file of that source: another index would get it.
TEST(RebuildFound, LeavesTheFilesBesideAManifestToTheSourceWhoseFolderItIs) {
  Site site;
  std::string const pipelines = std::string(kPipelines) +
                                "  bought:\n    kinds: [video]\n    index: {name: bought, create: {models: [{name: "
                                "marengo3.0, options: [visual]}]}}\n";
  auto text = config_text(site.home(), {.pipelines = pipelines}, site.emulator().base_url());
  text.insert(text.find("- name: drop"),
              "- {name: partner, manifest: " + site.home().drop() + "/*.txt, pipelines: [bought]}\n");
  std::ofstream(site.home().config_file()) << text;
  site.daemon().start();
  site.drop("x.mp4", 90'000, 1);
  ASSERT_TRUE(site.wait_for("done", 1));
  ASSERT_EQ(site.daemon().stop(), 0);
  auto const before = made(site);
  delete_journal(site);
  auto const report = rebuild_report(site);
  EXPECT_EQ(report.at("adopted"), 1) << report;
  EXPECT_EQ(report.at("empty_sources"), Json::array()) << report;
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", 1));
  EXPECT_EQ(site.daemon().item("x.mp4").at("source"), "drop");
  EXPECT_EQ(made(site), before);
}

// A call of the dead daemon may take effect so late, and show up so much later (docs/adr/0004).
TEST(RebuildFound, WaitsUntilALateEffectIsListedToo) {
  Site site({.list_lag = "1s", .late_effect = "2s"});
  auto const finished = rebuild(site, {"--dry-run"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_NE(finished.err.find("3 s after"), std::string::npos) << finished.err;
}

}  // namespace
}  // namespace sluice::e2e

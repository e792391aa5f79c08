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

// By its name or its mtime it is another one, by all else the one that is there.
TEST(RebuildFound, LeavesAFileThatWasRenamedOrTouchedToAPerson) {
  Site site;
  site.daemon().start();
  site.drop("small.mp4", 90'000, 1);
  site.drop("large.mp4", (18U << 20U) + 5, 2);
  ASSERT_TRUE(site.wait_for("done", 2));
  ASSERT_EQ(site.daemon().stop(), 0);
  auto const before = made(site);
  auto const drop = fs::path(site.home().drop());
  fs::rename(drop / "small.mp4", drop / "renamed.mp4");
  fs::last_write_time(drop / "large.mp4", fs::file_time_type::clock::now());
  delete_journal(site);
  auto const finished = rebuild(site);
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_NE(finished.out.find("2 files may be there"), std::string::npos) << finished.out;
  EXPECT_NE(finished.out.find("warning: not one file is known"), std::string::npos) << finished.out;
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("failed", 2));
  EXPECT_EQ(made(site), before);
  EXPECT_EQ(site.daemon().story("renamed.mp4").at("why").at("code"), "rebuild_ambiguous");
}

TEST(RebuildFound, ReplacesASoundJournalOnlyWhereAPersonInsists) {
  Site site;
  site.daemon().start();
  site.drop("clip.mp4", 90'000, 1);
  ASSERT_TRUE(site.wait_for("done", 1));
  ASSERT_EQ(site.daemon().stop(), 0);
  auto const refused = rebuild(site);
  EXPECT_EQ(refused.code, 2) << refused.out;
  EXPECT_NE(refused.err.find("nothing wrong with it"), std::string::npos) << refused.err;
  EXPECT_NE(refused.err.find("--force"), std::string::npos) << refused.err;
  auto const dry = rebuild(site, {"--dry-run"});
  EXPECT_EQ(dry.code, 0) << dry.err;
  EXPECT_NE(dry.out.find("only with --force"), std::string::npos) << dry.out;
  for (auto const& entry : fs::directory_iterator(site.home().state()))
    EXPECT_EQ(entry.path().string().find("before-rebuild"), std::string::npos) << entry.path();
  EXPECT_EQ(rebuild(site, {"--force"}).code, 0);
  EXPECT_EQ(site.journal().rows("SELECT 1 FROM meta WHERE key = 'events_from'").size(), 1u) << "see SendHook";
  site.daemon().start();
  EXPECT_TRUE(site.wait_for("done", 1));
}

}  // namespace
}  // namespace sluice::e2e

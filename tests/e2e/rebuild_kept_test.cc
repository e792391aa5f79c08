// rebuild_kept_test.cc - assets that belong to no file: kept by a rebuild, and adopted when their URL or file comes.

#include <filesystem>
#include <fstream>

#include "lost_journal.h"
#include "media_host.h"
#include "site.h"

namespace sluice::e2e {
namespace {

namespace fs = std::filesystem;

std::string url_of(std::string const& name) { return "https://media.localhost/feed/" + name; }

// Loses the journal of a daemon that has ended, and rebuilds it.
Json lose_and_rebuild(Site const& site, std::vector<std::string> const& more = {}) {
  delete_journal(site);
  return rebuild_report(site, more);
}

TEST(RebuildKept, ManifestLinesThatWereDoneAreFoundAndNotFetchedAgain) {
  Site site;
  auto const feeds = site.folder() + "/feeds";
  fs::create_directory(feeds);
  site.configure({.more_sources = "- {name: partner, manifest: " + feeds + "/*.jsonl, settle: 0s, poll: 1s}\n"});
  for (auto const* name : {"one.mp4", "two.mp4", "three.mp3"})
    std::ofstream(feeds + "/a.jsonl", std::ios::app) << R"({"url":")" + url_of(name) + "\"}\n";
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", 3));
  ASSERT_EQ(site.daemon().stop(), 0);
  auto const before = made(site);
  auto const fetches = site.emulator().calls("POST /assets");
  auto const report = lose_and_rebuild(site);
  EXPECT_EQ(report.at("assets_kept"), 3) << report;
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", 3));
  EXPECT_EQ(made(site), before);
  EXPECT_EQ(site.emulator().calls("POST /assets"), fetches);
  EXPECT_NE(site.daemon().story("one.mp4").dump().find("kept when the journal was rebuilt"), std::string::npos);
}

// A file that waits in a folder has the size of what was downloaded: that makes no line unknown.
TEST(RebuildKept, LinesOfOneSizeAreFoundWhateverElseOfThatSizeIsThere) {
  MediaHost host;
  Site site;
  auto const feeds = site.folder() + "/feeds";
  fs::create_directory(feeds);
  site.configure({.more_sources = "- {name: partner, manifest: " + feeds +
                                  "/*.jsonl, settle: 0s, poll: 1s, fetch: relay, allow_hosts: [\"" + host.place() +
                                  "\"]}\n"});
  for (auto const* name : {"one.mp4", "two.mp4", "three.mp4"}) {
    host.serve(name, site.make_file(name, 50'000, static_cast<std::uint64_t>(name[1])));
    std::ofstream(feeds + "/a.jsonl", std::ios::app) << R"({"url":")" + host.url(name) + "\"}\n";
  }
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", 3));
  ASSERT_EQ(site.daemon().stop(), 0);
  auto const fetched = host.bytes_sent();
  auto const other = site.make_file("other.mp4", 50'000, 7);
  fs::last_write_time(other, fs::file_time_type::clock::now() - 24h);
  fs::rename(other, site.home().drop() + "/other.mp4");
  auto const report = lose_and_rebuild(site);
  EXPECT_EQ(report.at("assets_kept"), 3) << report;
  EXPECT_EQ(report.at("to_upload"), 1) << "what was made of a URL is no asset of a file: " << report;
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", 4));
  EXPECT_EQ(host.bytes_sent(), fetched);
  EXPECT_EQ(site.emulator().ledger().at("assets").size(), 4u);
}

// Under its key the line had another URL first, whose asset is there, too; then it has a third one.
TEST(RebuildKept, ACorrectedLineIsGivenTheAssetOfItsUrlAndNoOther) {
  Site site;
  auto const feeds = site.folder() + "/feeds";
  fs::create_directory(feeds);
  site.configure({.more_sources = "- {name: partner, manifest: " + feeds + "/*.jsonl, settle: 0s, poll: 1s}\n"});
  auto const say = [&](std::string const& name) {
    std::ofstream(site.folder() + "/fresh") << R"({"key":"k","url":")" + url_of(name) + "\"}\n";
    fs::rename(site.folder() + "/fresh", feeds + "/a.jsonl");
  };
  site.emulator().arm(Json::array(
      {{{"method", "POST"}, {"path", "/indexes/*/indexed-assets"}, {"action", "status"}, {"status", 400}}}));
  say("wrong.mp4");
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("failed", 1));
  site.emulator().arm(Json::array());
  ASSERT_TRUE(site.wait_until("told", [&] { return site.daemon().status().at("manifests").at(0).at("failed") == 1; }));
  ASSERT_EQ(site.daemon().stop(), 0);
  say("right.mp4");
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", 1));
  auto const asset = site.daemon().item("right.mp4").at("asset_id");
  ASSERT_EQ(site.daemon().stop(), 0);
  auto const before = made(site);
  EXPECT_EQ(lose_and_rebuild(site).at("assets_kept"), 2);
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", 1));
  EXPECT_EQ(made(site), before);
  EXPECT_EQ(site.daemon().item("right.mp4").at("asset_id"), asset);
  ASSERT_EQ(site.daemon().stop(), 0);
  EXPECT_EQ(lose_and_rebuild(site).at("assets_kept"), 2);
  say("third.mp4");
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("failed", 1));
  EXPECT_EQ(site.daemon().story("third.mp4").at("why").at("code"), "rebuild_ambiguous");
  EXPECT_EQ(made(site), before) << "a person decides";
  ASSERT_EQ(site.sluice({"retry", "--failed"}).code, 0);
  ASSERT_TRUE(site.wait_for("done", 1));
  EXPECT_EQ(site.emulator().ledger().at("assets").size(), 3u);
}

TEST(RebuildKept, AUrlThatIsAddedByHandIsFoundAndAnotherOneIsFetched) {
  Site site;
  site.daemon().start();
  ASSERT_EQ(site.sluice({"add", url_of("film.mp4")}).code, 0);
  ASSERT_TRUE(site.wait_for("done", 1));
  auto const id = site.daemon().item("film.mp4").at("id");
  ASSERT_EQ(site.daemon().stop(), 0);
  auto const before = made(site);
  lose_and_rebuild(site);
  site.daemon().start();
  ASSERT_EQ(site.sluice({"add", url_of("film.mp4")}).code, 0);
  ASSERT_TRUE(site.wait_for("done", 1));
  EXPECT_EQ(made(site), before);
  EXPECT_EQ(site.daemon().item("film.mp4").at("id"), id);
  ASSERT_EQ(site.sluice({"add", url_of("other.mp4")}).code, 0);
  ASSERT_TRUE(site.wait_for("done", 2));
  EXPECT_EQ(site.emulator().ledger().at("assets").size(), 2u);
}

TEST(RebuildKept, AFileThatComesBackToItsPlaceIsFound) {
  Site site;
  site.daemon().start();
  site.drop("small.mp4", 90'000, 1);
  site.drop("large.mp4", (18U << 20U) + 5, 2);
  ASSERT_TRUE(site.wait_for("done", 2));
  ASSERT_EQ(site.daemon().stop(), 0);
  auto const before = made(site);
  for (auto const* name : {"/small.mp4", "/large.mp4"}) fs::rename(site.home().drop() + name, site.folder() + name);
  auto const report = lose_and_rebuild(site);
  EXPECT_EQ(report.at("files"), 0) << report;
  EXPECT_EQ(report.at("assets_kept"), 2) << report;
  site.daemon().start();
  for (auto const* name : {"/small.mp4", "/large.mp4"}) fs::rename(site.folder() + name, site.home().drop() + name);
  ASSERT_TRUE(site.wait_for("done", 2));
  EXPECT_EQ(made(site), before);
}

// The second rebuild drops the first one's item; its asset is kept.
TEST(RebuildKept, FilesOfIngestThatWereNotNamedAreFound) {
  Site site;
  auto const a = site.make_file("a.mp4", 90'000, 1);
  auto const b = site.make_file("b.mp4", 80'000, 2);
  auto const state = site.folder() + "/own";
  std::vector<std::string> const words = {"ingest", "--config", site.home().config_file(), "--state-dir", state, a, b};
  ASSERT_EQ(site.sluice(words, 50s).code, 0);
  auto const before = made(site);
  fs::remove(state + "/journal.db");
  ASSERT_EQ(rebuild(site, {"--state-dir", state, a}).code, 0);
  auto const again = rebuild(site, {"--state-dir", state, "--force", b});
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_NE(again.out.find("--state-dir " + state + " PATH..."), std::string::npos) << again.out;
  EXPECT_EQ(again.out.find("systemctl"), std::string::npos) << again.out;
  auto const ingested = site.sluice(words, 50s);
  EXPECT_EQ(ingested.code, 0) << ingested.out << ingested.err;
  EXPECT_EQ(made(site), before);
}

}  // namespace
}  // namespace sluice::e2e

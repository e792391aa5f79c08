// life_test.cc - starting, stopping, and the control socket.

#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "site.h"

namespace sluice::e2e {
namespace {

constexpr std::uint64_t kMiB = 1U << 20U;

std::uint64_t received(Site const& site) { return site.emulator().ledger().at("totals").at("bytes_received"); }

TEST(Life, SigtermLetsWhatIsInTheAirLandAndTheNextStartGoesOn) {
  Site site({.chunks_max = 4}, {"--rate", "8MB/s", "--chunk-size", "1MiB"});
  site.daemon().start();
  site.drop("big.mp4", 24 * kMiB, 1);
  ASSERT_TRUE(site.wait_until("a quarter", [&] { return received(site) > 6 * kMiB; }));
  EXPECT_EQ(site.daemon().stop(), 0);
  EXPECT_LT(received(site), 20 * kMiB) << "it went on instead of draining";
  EXPECT_TRUE(site.journal().chunks_in_air().empty()) << "a chunk was left in the air";
  EXPECT_FALSE(std::filesystem::exists(site.home().socket()));

  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", 1));
  EXPECT_TRUE(site.every_file_is_there_once());
  EXPECT_EQ(received(site), 24 * kMiB) << "a drained stop costs no byte";
}

TEST(Life, TheSameContentHasTheSameKeyUnderEveryNameAlsoAfterADeath) {
  Site site({.more_sources = "  duplicates: upload\n", .direct_max = "256KiB", .chunks_max = 4},
            {"--rate", "8MB/s", "--chunk-size", "1MiB"});
  site.daemon().start();
  site.drop("one.mp4", 9 * kMiB + 5, 1);
  ASSERT_TRUE(site.wait_until("a third", [&] { return received(site) > 3 * kMiB; }));
  site.daemon().kill_at_once();
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", 1));
  site.drop("same.mp4", 9 * kMiB + 5, 1);
  site.drop("other.mp4", 9 * kMiB + 5, 2);
  ASSERT_TRUE(site.wait_for("done", 3));
  auto const key = site.daemon().item("one.mp4").at("content_key");
  ASSERT_TRUE(key.is_string()) << key;
  EXPECT_EQ(site.daemon().item("same.mp4").at("content_key"), key);
  EXPECT_NE(site.daemon().item("other.mp4").at("content_key"), key);
}

TEST(Life, ASecondSigtermEndsAtOnce) {
  Site site({}, {"--rate", "200kB/s"});
  site.daemon().start();
  site.drop("slow.mp4", 24 * kMiB, 1);
  ASSERT_TRUE(site.wait_until("some bytes", [&] { return received(site) > 100'000; }));
  ASSERT_EQ(site.daemon().stop(500ms), -1) << "nothing was in the air";
  EXPECT_EQ(site.daemon().stop(4000ms), 0);
}

TEST(Life, TheSocketIsForItsOwnerAndGroup) {
  Site site;
  site.daemon().start();
  struct stat there {};
  ASSERT_EQ(::stat(site.home().socket().c_str(), &there), 0);
  EXPECT_EQ(there.st_mode & 0777U, 0660U);
  ASSERT_EQ(::stat((site.home().state() + "/journal.db").c_str(), &there), 0);
  EXPECT_EQ(there.st_mode & 0777U, 0600U);
}

TEST(Life, AStaleSocketOfADeadDaemonIsReplaced) {
  Site site;
  site.daemon().start();
  site.daemon().kill_at_once();
  ASSERT_TRUE(std::filesystem::exists(site.home().socket()));
  site.daemon().start();
  EXPECT_EQ(site.daemon().get("/livez").status, 200);
}

TEST(Life, CurlTalksToTheSocket) {
  if (!std::filesystem::exists("/usr/bin/curl")) GTEST_SKIP() << "there is no curl";
  Site site;
  site.daemon().start();
  site.drop("clip.mp4", 50'000, 1);
  ASSERT_TRUE(site.wait_for("done", 1));
  auto const curl = [&](std::vector<std::string> words) {
    std::vector<std::string> const front{"/usr/bin/curl", "--silent", "--show-error", "--unix-socket",
                                         site.home().socket()};
    words.insert(words.begin(), front.begin(), front.end());
    return run(site.folder(), {.words = words, .environment = {}, .out_file = {}, .err_file = {}});
  };
  auto const status = curl({"http://localhost/v1/status"});
  ASSERT_EQ(status.code, 0) << status.err;
  EXPECT_EQ(Json::parse(status.out).at("totals").at("done"), 1);
  auto const id = site.daemon().item("clip.mp4").at("id").get<std::string>();
  auto const refused = curl({"--request", "POST", "http://localhost/v1/items/" + id + "/cancel"});
  EXPECT_EQ(Json::parse(refused.out).at("error").at("code"), "at_end") << refused.out;
}

TEST(Life, TheCommandLineShowsWhatTheDaemonHas) {
  Site site;
  site.daemon().start();
  site.drop("clip.mp4", 50'000, 1);
  ASSERT_EQ(site.sluice({"wait", "--all", "--timeout", "1ms"}).code >= 0, true);
  ASSERT_TRUE(site.wait_for("done", 1));
  EXPECT_EQ(site.sluice({"wait", "--all", "--timeout", "20s"}).code, 0);
  auto const listed = site.sluice({"ls"});
  EXPECT_EQ(listed.code, 0);
  EXPECT_NE(listed.out.find("clip.mp4"), std::string::npos) << listed.out;
  auto const shown = site.sluice({"show", site.home().drop() + "/clip.mp4", "--json"});
  ASSERT_EQ(shown.code, 0) << shown.err;
  EXPECT_EQ(Json::parse(shown.out).at("stage"), "done");
  ASSERT_EQ(site.daemon().stop(), 0);
  EXPECT_EQ(site.sluice({"status"}).code, 11);
}

// What is written by a hard link's other name makes no event in the watched folder.
TEST(Life, ARescanFindsAtOnceWhatMadeNoEvent) {
  Site site;
  site.daemon().start();
  site.drop("clip.mp4", 50'000, 1);
  ASSERT_TRUE(site.wait_for("done", 1));
  ASSERT_TRUE(site.wait_until("watched", [&] {
    auto const source = site.daemon().status().at("sources").at(0);
    return source.at("watched") == 1 && source.at("needed") == 1 && source.at("overflows") == 0;
  }));
  std::filesystem::create_hard_link(site.home().drop() + "/clip.mp4", site.folder() + "/elsewhere.mp4");
  std::ofstream(site.folder() + "/elsewhere.mp4", std::ios::app) << "more";

  EXPECT_EQ(site.sluice({"rescan", "dorp"}).code, 2);
  auto const rescan = site.sluice({"rescan", "drop"});
  EXPECT_EQ(rescan.code, 0) << rescan.err;
  EXPECT_EQ(rescan.out, "rescanning  drop\n");
  EXPECT_TRUE(site.wait_for("done", 2));
}

}  // namespace
}  // namespace sluice::e2e

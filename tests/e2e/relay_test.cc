// relay_test.cc - fetch: relay. What is behind URLs is downloaded through every interruption, once, and goes up whole.

#include <filesystem>
#include <fstream>

#include "canary.h"
#include "media_host.h"
#include "site.h"
#include "tests/network/relay.h"

namespace sluice::e2e {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMebi = 1024 * 1024;
constexpr std::uint64_t kPiecesInFlight = 4 * 8 * kMebi;

std::string by_hand(std::string const& allowed) {
  return "by_hand: {fetch: relay, allow_hosts: [" + allowed + "]}\nspool: {max: 64MiB}\n";
}

class Relay : public testing::Test {
 protected:
  // A file on the host, known to the site by its SHA-256.
  void serve(Site& site, std::string const& name, std::uint64_t bytes, std::uint64_t seed) {
    host_.serve(name, site.make_file(name, bytes, seed));
  }
  static std::uint64_t in_spool(Site const& site) {
    std::error_code error;
    auto const at = fs::directory_iterator(site.home().state() + "/spool", error);
    return error ? 0 : static_cast<std::uint64_t>(std::distance(begin(at), end(at)));
  }
  static testing::AssertionResult leaves_the_spool_empty(Site& site) {
    return site.wait_until("the spool is empty", [&] { return in_spool(site) == 0; });
  }

  MediaHost host_;
};

TEST_F(Relay, BringsSmallFilesAndLargeOnesAndLeavesNothingInTheSpool) {
  Site site({.more = by_hand(host_.place())});
  serve(site, "small.mp4", 70'000, 1);
  serve(site, "large.mp4", 40 * kMebi + 7, 2);
  site.daemon().start();
  for (auto const* name : {"small.mp4", "large.mp4"})
    ASSERT_EQ(site.sluice({"add", host_.url(name) + "?token=SECRETQUERY"}).code, 0);
  ASSERT_TRUE(site.wait_for("done", 2));
  EXPECT_TRUE(site.every_file_is_there_once());
  EXPECT_TRUE(leaves_the_spool_empty(site));
  EXPECT_EQ(host_.bytes_sent(), 70'000 + 40 * kMebi + 7);
  EXPECT_EQ(site.daemon().item("small.mp4").at("method"), "direct");
  EXPECT_EQ(site.daemon().item("large.mp4").at("method"), "multipart");
  EXPECT_EQ(network::count_of(host_.requests(), site.key()), 0u);
  auto const answers = all_answers(site);
  ASSERT_EQ(site.daemon().stop(), 0);
  EXPECT_EQ(network::count_of(answers + site.all_output(), "SECRETQUERY"), 0u);
  EXPECT_TRUE(site.journal().rows("SELECT 1 FROM download").empty());
}

TEST_F(Relay, GoesOnThroughTenBrokenConnections) {
  Site site({.more = by_hand(host_.place())});
  auto const size = 60 * kMebi + 11;
  serve(site, "film.mp4", size, 3);
  host_.break_off(10, 2 * kMebi + kMebi / 2);
  site.daemon().start();
  ASSERT_EQ(site.sluice({"add", host_.url("film.mp4")}).code, 0);
  ASSERT_TRUE(site.wait_for("done", 1));
  EXPECT_TRUE(site.every_file_is_there_once());
  EXPECT_GE(host_.connections(), 10);
  EXPECT_LE(host_.bytes_sent(), size + 10 * kMebi) << "only the block that broke is fetched again";
}

TEST_F(Relay, GoesOnAfterKillMinus9) {
  Site site({.more = by_hand(host_.place())});
  auto const size = 60 * kMebi + 11;
  serve(site, "film.mp4", size, 4);
  for (auto const bytes : {20 * kMebi, 45 * kMebi}) {
    host_.hold_after(bytes);
    site.daemon().start();
    site.sluice({"add", host_.url("film.mp4")});
    ASSERT_TRUE(site.wait_until("bytes", [&] { return host_.bytes_sent() >= bytes; }));
    site.daemon().kill_at_once();
    host_.release();
  }
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", 1));
  EXPECT_TRUE(site.every_file_is_there_once());
  EXPECT_LE(host_.bytes_sent(), size + 2 * kPiecesInFlight);
  EXPECT_TRUE(leaves_the_spool_empty(site));
}

TEST_F(Relay, RemovesAtTheStartWhatIsNobodysAndKeepsTheRest) {
  Site site({.more = by_hand(host_.place())});
  serve(site, "film.mp4", 40 * kMebi, 5);
  host_.hold_after(20 * kMebi);
  site.daemon().start();
  ASSERT_EQ(site.sluice({"add", host_.url("film.mp4")}).code, 0);
  ASSERT_TRUE(site.wait_until("the file in the spool", [&] { return in_spool(site) == 1; }));
  site.daemon().kill_at_once();
  std::ofstream(site.home().state() + "/spool/01ARZ3NDEKTSV4RRFFQ69G5FAV") << "left by somebody";
  site.daemon().start();
  ASSERT_TRUE(site.wait_until("the stray is gone", [&] { return in_spool(site) == 1; }));
  host_.release();
  ASSERT_TRUE(site.wait_for("done", 1));
  EXPECT_TRUE(site.every_file_is_there_once());
}

TEST_F(Relay, TakesAFileAnewThatChangedInTheMiddleAndNeverMixes) {
  Site site({.more = by_hand(host_.place())});
  auto const old = site.folder() + "/old";
  write_media(old, 60 * kMebi, 6);
  host_.serve("film.mp4", old);
  host_.hold_after(20 * kMebi);
  site.daemon().start();
  ASSERT_EQ(site.sluice({"add", host_.url("film.mp4")}).code, 0);
  ASSERT_TRUE(site.wait_until("half of it", [&] { return host_.bytes_sent() >= 20 * kMebi; }));
  serve(site, "film.mp4", 60 * kMebi, 7);  // of the same size
  host_.release();
  ASSERT_TRUE(site.wait_for("done", 1));
  EXPECT_TRUE(site.every_file_is_there_once()) << "the new one, whole";
}

TEST_F(Relay, WaitsForRoomInTheSpoolAndSaysSo) {
  Site site({.more = by_hand(host_.place())});
  serve(site, "one.mp4", 40 * kMebi, 8);
  serve(site, "two.mp4", 41 * kMebi, 9);
  host_.hold_after(25 * kMebi);
  site.daemon().start();
  for (auto const* name : {"one.mp4", "two.mp4"}) ASSERT_EQ(site.sluice({"add", host_.url(name)}).code, 0);
  auto const waiting = [&]() -> std::string {
    for (auto const* name : {"one.mp4", "two.mp4"})
      if (site.daemon().item(name).at("why").at("code") == "spool_full") return name;
    return "";
  };
  ASSERT_TRUE(site.wait_until("one waits", [&] { return !waiting().empty(); }));
  auto const shown = site.sluice({"show", host_.url(waiting())});
  EXPECT_NE(shown.out.find("spool"), std::string::npos) << shown.out << shown.err;
  host_.release();
  ASSERT_TRUE(site.wait_for("done", 2));
  EXPECT_TRUE(site.every_file_is_there_once());
}

TEST_F(Relay, ConnectsNowhereWithinThisHostUnlessItIsAllowed) {
  MediaHost inside;
  Site site({.more = by_hand(host_.place()), .retry = "{initial: 100ms, max: 200ms, attempts: 2}"});
  auto const file = site.folder() + "/secret";
  write_media(file, 1'000, 10);
  inside.serve("a.mp4", file);
  host_.redirect("led.mp4", "https://" + inside.place() + "/a.mp4");
  host_.redirect("plain.mp4", inside.url("a.mp4"));
  auto const port = inside.place().substr(inside.place().find(':'));
  site.daemon().start();
  EXPECT_NE(site.sluice({"add", inside.url("a.mp4")}).code, 0) << "plain http to whom nobody allowed";
  int added = 0;
  for (auto const& url :
       {host_.url("led.mp4"), host_.url("plain.mp4"), "https://127.0.0.1" + port + "/1.mp4",
        "https://localhost" + port + "/2.mp4", "https://2130706433" + port + "/3.mp4",
        "https://0x7f.1" + port + "/4.mp4", "https://[::ffff:127.0.0.1]" + port + "/5.mp4",
        "https://0.0.0.0" + port + "/6.mp4", "https://127.1" + port + "/7.mp4", "https://[::1]" + port + "/8.mp4"}) {
    ASSERT_EQ(site.sluice({"add", url}).code, 0) << url;
    ++added;
  }
  ASSERT_TRUE(site.wait_for("failed", static_cast<std::uint64_t>(added)));
  EXPECT_EQ(inside.connections(), 0);
  EXPECT_EQ(site.daemon().item("led.mp4").at("why").at("code"), "address_denied");
  EXPECT_EQ(site.daemon().item("plain.mp4").at("why").at("code"), "http_denied");
  EXPECT_EQ(site.daemon().item("3.mp4").at("why").at("code"), "address_denied");
  EXPECT_TRUE(site.emulator().ledger().at("assets").empty());
}

TEST_F(Relay, OfAManifestVerifiesChecksumsAndAnswersForEachLine) {
  Site site;
  auto const feeds = site.folder() + "/feeds";
  fs::create_directory(feeds);
  site.configure({.more_sources = "- {name: partner, manifest: " + feeds +
                                  "/*.jsonl, settle: 0s, poll: 1s, fetch: relay, " + "allow_hosts: ['" + host_.place() +
                                  "']}\n"});
  serve(site, "good.mp4", 3 * kMebi, 11);
  auto const other = site.folder() + "/other";
  write_media(other, 1'000, 12);
  host_.serve("bad.mp4", other);
  std::ofstream(feeds + "/a.jsonl") << R"({"url":")" << host_.url("good.mp4") << R"(","sha256":")"
                                    << site.sha256_of("good.mp4") << "\"}\n"
                                    << R"({"url":")" << host_.url("bad.mp4") << R"(","sha256":")"
                                    << site.sha256_of("good.mp4") << "\"}\n"
                                    << R"({"url":")" << host_.url("none.mp4") << "\"}\n";
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", 1));
  ASSERT_TRUE(site.wait_for("failed", 2));
  EXPECT_TRUE(site.every_file_is_there_once());
  EXPECT_EQ(site.daemon().item("bad.mp4").at("why").at("code"), "checksum_mismatch");
  EXPECT_EQ(site.daemon().item("none.mp4").at("why").at("code"), "fetch_gone");
}

TEST_F(Relay, SaysWhereADownloadStands) {
  Site site({.more = by_hand(host_.place())});
  serve(site, "film.mp4", 40 * kMebi, 14);
  host_.hold_after(20 * kMebi);
  site.daemon().start();
  EXPECT_NE(site.sluice({"explain", host_.url("film.mp4")}).out.find("this host downloads it"), std::string::npos);
  auto const dry = site.sluice({"add", "--dry-run", host_.url("film.mp4")});
  EXPECT_NE(dry.out.find("download it from its host"), std::string::npos) << dry.out << dry.err;
  ASSERT_EQ(site.sluice({"add", host_.url("film.mp4")}).code, 0);
  ASSERT_TRUE(site.wait_until("a piece is in the spool", [&] {
    return site.daemon().item("film.mp4").at("download").at("bytes").get<std::uint64_t>() >= 8 * kMebi;
  }));
  auto const item = site.daemon().item("film.mp4");
  EXPECT_EQ(item.at("download").at("total_bytes"), 40 * kMebi);
  EXPECT_NE(item.at("why").at("text").get<std::string>().find("of 41.9 MB are here"), std::string::npos) << item;
  auto const shown = site.sluice({"show", host_.url("film.mp4")});
  EXPECT_NE(shown.out.find("of 41.9 MB are in the spool"), std::string::npos) << shown.out;
  host_.release();
  ASSERT_TRUE(site.wait_for("done", 1));
}

TEST_F(Relay, OfIngestNeedsNoDaemonAndIsRepeatedForNothing) {
  Site site({.more = by_hand(host_.place())});
  serve(site, "film.mp4", 20 * kMebi, 13);
  std::vector<std::string> const words = {
      "ingest", "--config", site.home().config_file(), "--state-dir", site.folder() + "/own", host_.url("film.mp4")};
  auto const first = site.sluice(words, 50s);
  ASSERT_EQ(first.code, 0) << first.out << first.err;
  ASSERT_EQ(site.sluice(words).code, 0);
  EXPECT_EQ(host_.bytes_sent(), 20 * kMebi);
  EXPECT_TRUE(site.every_file_is_there_once());
}

}  // namespace
}  // namespace sluice::e2e

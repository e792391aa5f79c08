// url_test.cc - URLs: named by hand, fetched by the platform, exactly once, and their queries nowhere to be read.

#include "canary.h"
#include "media_host.h"
#include "programs.h"
#include "site.h"
#include "tests/network/relay.h"

namespace sluice::e2e {
namespace {

using network::count_of;

// Whatever ends in .localhost is this host, without a question to any name server; the platform is not connected to it.
constexpr char kUrl[] = "https://media.localhost/day1/My%20Film.mp4?id=7&token=SECRETQUERY";
constexpr char kShown[] = "https://media.localhost/day1/My%20Film.mp4";

Json rule(std::string const& action) {
  return {{"method", "POST"}, {"path", "/assets"}, {"nth", 1}, {"action", action}};
}

Json refusal(std::string const& code) {
  return {{"method", "POST"}, {"path", "/assets"}, {"action", "status"}, {"status", 400}, {"code", code}};
}

std::vector<std::string> ingest_words(Site const& site, std::vector<std::string> const& more) {
  std::vector<std::string> words = {"ingest", "--config", site.home().config_file(), "--state-dir",
                                    site.folder() + "/own"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST(Url, IsAddedOnceFetchedByThePlatformAndIndexed) {
  Site site;
  site.daemon().start();
  auto const added = site.sluice({"add", kUrl});
  ASSERT_EQ(added.code, 0) << added.err;
  EXPECT_NE(added.out.find(kShown), std::string::npos) << added.out;
  auto const again = site.sluice({"add", kUrl});
  EXPECT_EQ(again.out.find("known"), 0u) << again.out;
  ASSERT_EQ(site.sluice({"wait", kUrl}).code, 0);

  auto const ledger = site.emulator().ledger();
  ASSERT_EQ(ledger.at("assets").size(), 1u);
  EXPECT_EQ(ledger.at("assets")[0].at("url"), kUrl);
  EXPECT_EQ(ledger.at("assets")[0].at("filename"), "My Film.mp4");
  EXPECT_TRUE(ledger.at("duplicates").empty());
  ASSERT_EQ(ledger.at("indexed_assets").size(), 1u);
  auto const item = site.daemon().item("My Film.mp4");
  EXPECT_EQ(item.at("url"), kShown);
  EXPECT_FALSE(item.contains("path"));
  EXPECT_EQ(item.at("method"), "url");
  EXPECT_TRUE(item.at("size").is_null());
  EXPECT_EQ(site.sluice({"show", kShown}).code, 0) << "its query need not be repeated";
  EXPECT_EQ(site.sluice({"show", "https://media.localhost/other.mp4"}).code, 12);
}

TEST(Url, ConnectsNowhereWithinThisHostToTryOne) {
  MediaHost host;
  Site site;
  host.serve("film.mp4", site.make_file("film.mp4", 70'000, 1));
  site.daemon().start();
  ASSERT_EQ(site.sluice({"add", host.url("film.mp4")}).code, 0);
  ASSERT_EQ(site.sluice({"wait", host.url("film.mp4")}).code, 0) << "that says nothing of what the platform reaches";
  EXPECT_EQ(host.connections(), 0);
  EXPECT_EQ(site.emulator().ledger().at("assets").size(), 1u);
  EXPECT_NE(site.all_output().find("not tried from here"), std::string::npos);
}

TEST(Url, IsCancelledRetriedAndExplained) {
  Site site;
  site.emulator().arm(Json::array({refusal("media_url_unsupported_format")}));
  site.daemon().start();
  auto const before = site.sluice({"explain", kUrl});
  EXPECT_EQ(before.code, 0) << before.err;
  EXPECT_NE(before.out.find("footage"), std::string::npos) << before.out;
  ASSERT_EQ(site.sluice({"add", kUrl}).code, 0);
  ASSERT_EQ(site.sluice({"wait", kUrl}).code, 3);
  EXPECT_EQ(site.daemon().item("My Film.mp4").at("why").at("code"), "media_url_unsupported_format");
  EXPECT_NE(site.sluice({"explain", kUrl}).out.find("it is an item, failed"), std::string::npos);
  site.emulator().arm(Json::array());
  ASSERT_EQ(site.sluice({"retry", kUrl}).code, 0);
  ASSERT_EQ(site.sluice({"wait", kUrl}).code, 0);
  EXPECT_EQ(site.emulator().ledger().at("assets").size(), 1u);
}

TEST(Url, FailsWithEachOfThePlatformsWords) {
  for (auto const* code : {"media_url_not_accessible", "media_url_file_broken", "media_filesize_too_large"}) {
    Site site({.retry = "{initial: 100ms, max: 200ms, attempts: 3}"});
    site.emulator().arm(Json::array({refusal(code)}));
    site.daemon().start();
    ASSERT_EQ(site.sluice({"add", kUrl}).code, 0);
    EXPECT_EQ(site.sluice({"wait", kUrl}).code, 3);
    EXPECT_EQ(site.daemon().item("My Film.mp4").at("why").at("code"), code);
    auto const status = site.daemon().status().at("health").at("status");
    EXPECT_EQ(status, "ok") << "the platform is not to blame";
    auto const calls = site.emulator().calls("POST /assets");
    EXPECT_EQ(calls, std::string(code) == "media_url_not_accessible" ? 3u
                     : std::string(code) == "media_url_file_broken"  ? 2u
                                                                     : 1u);
  }
}

TEST(Url, FailsWhenWhatWasFetchedIsNoGood) {
  Site site;
  auto fails = rule("fail_asset");
  fails["message"] = std::string("GET ") + kUrl + " gave a web page";
  site.emulator().arm(Json::array({fails}));
  site.daemon().start();
  ASSERT_EQ(site.sluice({"add", kUrl}).code, 0);
  ASSERT_EQ(site.sluice({"wait", kUrl}).code, 3);
  auto const why = site.daemon().item("My Film.mp4").at("why");
  EXPECT_EQ(why.at("code"), "asset_failed");
  EXPECT_NE(why.at("text").get<std::string>().find(std::string(kShown) + " gave a web page"), std::string::npos) << why;
  EXPECT_EQ(count_of(all_answers(site) + site.all_output(), "SECRETQUERY"), 0u) << "the platform had quoted it";
}

TEST(Url, IsOneAssetWhateverBecomesOfTheAnswer) {
  for (auto const* action : {"cut_after", "cut_before"}) {
    Site site;
    site.emulator().arm(Json::array({rule(action)}));
    site.daemon().start();
    ASSERT_EQ(site.sluice({"add", kUrl}).code, 0);
    ASSERT_EQ(site.sluice({"wait", kUrl}).code, 0) << action;
    auto const ledger = site.emulator().ledger();
    EXPECT_EQ(ledger.at("assets").size(), 1u) << action;
    EXPECT_TRUE(ledger.at("duplicates").empty());
  }
}

TEST(Url, IsOneAssetAfterKillMinus9BeforeTheAnswer) {
  Site site;
  site.emulator().arm(
      Json::array({{{"method", "POST"}, {"path", "/assets"}, {"nth", 1}, {"action", "delay"}, {"ms", 300}}}));
  site.daemon().start();
  ASSERT_EQ(site.sluice({"add", kUrl}).code, 0);
  ASSERT_TRUE(site.wait_until("the call is in the air",
                              [&] { return site.daemon().item("My Film.mp4").at("state") == "sending"; }));
  site.daemon().kill_at_once();
  site.daemon().start();
  ASSERT_EQ(site.sluice({"wait", kUrl}).code, 0);
  auto const ledger = site.emulator().ledger();
  EXPECT_EQ(ledger.at("assets").size(), 1u);
  EXPECT_TRUE(ledger.at("duplicates").empty());
}

TEST(Url, OfASignatureThatEndedNeedsANewOneAndGoesOnWithIt) {
  Site site;
  site.daemon().start();
  std::string const old = "https://media.localhost/a.mp4?Signature=SECRETQUERY&Expires=1000000000";
  auto const refused = site.sluice({"add", old});
  EXPECT_EQ(refused.code, 2) << refused.out << refused.err;
  EXPECT_NE((refused.out + refused.err).find("ended at"), std::string::npos) << refused.out << refused.err;
  ASSERT_EQ(site.sluice({"add", "https://media.localhost/a.mp4?Signature=SECRETQUERY&Expires=4000000000"}).code, 0);
  ASSERT_EQ(site.sluice({"wait", "https://media.localhost/a.mp4"}).code, 0);
  EXPECT_EQ(site.emulator().ledger().at("assets").size(), 1u);
}

TEST(Url, IsIngestedWithNoDaemonAndNotTwice) {
  Site site;
  auto const file = site.make_file("clip.mp4", 50'000, 1);
  auto const dry = site.sluice(ingest_words(site, {"--dry-run", kUrl, file}));
  ASSERT_EQ(dry.code, 0) << dry.err;
  EXPECT_NE((dry.out + dry.err).find("let the platform fetch it"), std::string::npos) << dry.out << dry.err;
  EXPECT_NE((dry.out + dry.err).find("upload it in one request"), std::string::npos) << dry.out << dry.err;
  EXPECT_EQ(site.emulator().calls("POST /assets"), 0u);

  auto const first = site.sluice(ingest_words(site, {kUrl, file}), 50s);
  ASSERT_EQ(first.code, 0) << first.out << first.err;
  EXPECT_NE(first.out.find(kShown), std::string::npos) << first.out;
  EXPECT_EQ(site.emulator().ledger().at("assets").size(), 2u);
  auto const second = site.sluice(ingest_words(site, {kUrl, file}));
  ASSERT_EQ(second.code, 0) << second.out << second.err;
  EXPECT_EQ(site.emulator().calls("POST /assets"), 2u);
  EXPECT_EQ(site.sluice(ingest_words(site, {"https://media.localhost/watch?v=7"})).code, 2);
  EXPECT_EQ(site.sluice(ingest_words(site, {"https://media.localhost/watch?v=7", "--name", "seven.mp4"})).code, 0);
}

TEST(Url, KeepsItsQueryToItself) {
  Site site({.log_level = "debug"});
  site.emulator().arm(Json::array({rule("cut_after")}));
  site.daemon().start();
  ASSERT_EQ(site.sluice({"add", kUrl}).code, 0);
  ASSERT_EQ(site.sluice({"add", "--dry-run", "--json", kUrl}).code, 0);
  ASSERT_EQ(site.sluice({"wait", kUrl}).code, 0);
  for (auto const* verb : {"show", "explain", "retry", "cancel"}) site.sluice({verb, kUrl});
  site.sluice({"show", "https://media.localhost/none.mp4?token=SECRETQUERY"});
  site.sluice({"add", "http://media.localhost/a.mp4?token=SECRETQUERY"});
  site.sluice({"ls", "--json"});
  auto const answers = all_answers(site);
  ASSERT_EQ(site.daemon().stop(), 0);
  EXPECT_EQ(count_of(answers + site.all_output(), "SECRETQUERY"), 0u);
  EXPECT_TRUE(site.journal().rows("SELECT 1 FROM item WHERE url IS NOT NULL").empty()) << "kept though it is done";
}

}  // namespace
}  // namespace sluice::e2e

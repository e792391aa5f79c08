// bad_input_test.cc - what people get wrong, and files that cannot become assets.

#include <regex.h>

#include <filesystem>
#include <fstream>

#include "site.h"

namespace sluice::e2e {
namespace {

namespace fs = std::filesystem;

constexpr int kNoKey = 7;
constexpr int kJournalLocked = 10;
constexpr int kBadConfig = 78;

// An extended regular expression of POSIX, since <regex> of GCC 12 does not pass our warnings with sanitizers.
bool says(std::string const& text, std::string const& pattern) {
  regex_t compiled{};
  if (::regcomp(&compiled, pattern.c_str(), REG_EXTENDED | REG_NOSUB | REG_NEWLINE) != 0) return false;
  bool const found = ::regexec(&compiled, text.c_str(), 0, nullptr, 0) == 0;
  ::regfree(&compiled);
  return found;
}

std::vector<std::string> reason_codes(Json const& status) {
  std::vector<std::string> codes;
  for (auto const& reason : status.at("health").at("reasons")) codes.push_back(reason.at("code"));
  return codes;
}

TEST(BadInput, WithoutAKeyTheDaemonEndsWith7AndNamesTheFile) {
  Site site({.key_file = "/nonexistent/key"});
  EXPECT_EQ(site.daemon().start_and_end(), kNoKey);
  EXPECT_NE(site.daemon().log().find("/nonexistent/key"), std::string::npos);
}

TEST(BadInput, AKeyFileThatOthersCanReadIsRefused) {
  Site site;
  fs::permissions(site.home().key_file(), fs::perms(0644));
  EXPECT_EQ(site.daemon().start_and_end(), kNoKey);
}

TEST(BadInput, WithoutAHooksSecretTheDaemonEndsWith7AndNamesHookAndFile) {
  Site site({.more = "hooks:\n- {url: 'https://example.net/a', name: desk, secret: {file: /nonexistent/secret}}\n"});
  EXPECT_EQ(site.daemon().start_and_end(), kNoKey);
  EXPECT_TRUE(says(site.daemon().log(), "/nonexistent/secret.*the secret of hook desk")) << site.daemon().log();
}

TEST(BadInput, AnUnknownKeyEndsWith78AtItsPlaceAndWithASuggestion) {
  Site site({.more = "transfers: {max_files: 3}\n"});
  EXPECT_EQ(site.daemon().start_and_end(), kBadConfig);
  EXPECT_TRUE(says(site.daemon().log(), "sluice\\.yaml:[0-9]+:1: transfers: .*did you mean.*transfer"))
      << site.daemon().log();
}

TEST(BadInput, AWrongTypeEndsWith78AtItsPlace) {
  Site site({.more = "hooks: []\nrate_limits: 7\n"});
  EXPECT_EQ(site.daemon().start_and_end(), kBadConfig);
  EXPECT_TRUE(says(site.daemon().log(), "sluice\\.yaml:[0-9]+:[0-9]+: rate_limits: ")) << site.daemon().log();
}

TEST(BadInput, AMissingFolderDegradesAndLeavesTheOtherSourceAlone) {
  Site site({.more_sources = "- name: gone\n  folder: /nonexistent/folder\n"});
  site.daemon().start();
  site.drop("fine.mp4", 50'000, 1);
  ASSERT_TRUE(site.wait_for("done", 1));

  auto const status = site.daemon().status();
  EXPECT_EQ(status.at("health").at("status"), "degraded");
  EXPECT_EQ(reason_codes(status), std::vector<std::string>{"source_down"});
  EXPECT_EQ(site.daemon().get("/readyz").status, 200);
  auto const shown = site.sluice({"status"});
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_NE(shown.out.find("gone"), std::string::npos) << shown.out;
}

TEST(BadInput, AFolderThatComesBackIsTakenUpByItself) {
  Site site;
  fs::rename(site.home().drop(), site.folder() + "/away");
  site.daemon().start();
  ASSERT_TRUE(
      site.wait_until("degraded", [&] { return site.daemon().status().at("health").at("status") == "degraded"; }));
  fs::rename(site.folder() + "/away", site.home().drop());
  site.drop("back.mp4", 50'000, 1);
  ASSERT_TRUE(site.wait_for("done", 1));
  EXPECT_TRUE(site.wait_until("ok", [&] { return site.daemon().status().at("health").at("status") == "ok"; }));
}

TEST(BadInput, ASecondDaemonEndsWith10AndNamesTheFirst) {
  Site site;
  site.daemon().start();
  Daemon second(site.home());
  EXPECT_EQ(second.start_and_end(), kJournalLocked);
  EXPECT_TRUE(says(second.log(), "\\b" + std::to_string(site.daemon().pid()) + "\\b")) << second.log();
  EXPECT_EQ(site.daemon().get("/livez").status, 200) << "the first was disturbed";
}

TEST(BadInput, AnEmptyFileFailsAndTheOthersGoOn) {
  Site site;
  site.daemon().start();
  std::ofstream(site.home().drop() + "/empty.mp4").close();
  site.drop("fine.mp4", 50'000, 1);
  ASSERT_TRUE(site.wait_for("failed", 1));
  ASSERT_TRUE(site.wait_for("done", 1));
  EXPECT_EQ(site.daemon().item("empty.mp4").at("why").at("code"), "empty_file");
  EXPECT_TRUE(site.every_file_is_there_once());
}

TEST(BadInput, AFileLargerThanThePlatformTakesFailsBeforeItsFirstByte) {
  Site site({.limits = "direct_video: 1MiB\n    multipart_video: 2MiB", .direct_max = "1MiB"});
  site.daemon().start();
  site.drop("huge.mp4", (2U << 20U) + 1, 1);
  ASSERT_TRUE(site.wait_for("failed", 1));
  auto const why = site.daemon().item("huge.mp4").at("why");
  EXPECT_EQ(why.at("code"), "too_large");
  EXPECT_TRUE(says(why.at("text"), "upload step")) << why;
  EXPECT_EQ(site.emulator().ledger().at("totals").at("bytes_received"), 0);
  EXPECT_EQ(site.emulator().calls("POST /assets/multipart-uploads"), 0u);
}

TEST(BadInput, ARefusedKeyPausesTheDaemonUntilAnotherIsInItsPlaceAndChargesNoItem) {
  Site site;
  write_key(site.home().key_file(), "another-key-altogether");
  site.daemon().start();
  site.drop("waits.mp4", 50'000, 1);
  ASSERT_TRUE(site.wait_until("paused", [&] { return site.daemon().status().at("daemon").at("state") == "paused"; }));
  EXPECT_EQ(reason_codes(site.daemon().status()), std::vector<std::string>{"key_refused"});
  EXPECT_TRUE(site.daemon().lives_for(1500ms));
  EXPECT_EQ(site.daemon().total("failed"), 0u);
  EXPECT_EQ(site.daemon().item("waits.mp4").at("attempts"), 0);

  write_key(site.home().key_file(), site.key());
  ASSERT_TRUE(site.wait_for("done", 1));
  EXPECT_TRUE(site.every_file_is_there_once());
  EXPECT_TRUE(says(site.daemon().log(), "another API key is used from now on"));
}

TEST(BadInput, ASignalMakesTheDaemonReadItsKeyAnew) {
  Site site;
  site.daemon().start();
  fs::remove(site.home().key_file());
  site.daemon().send(SIGHUP);
  ASSERT_TRUE(site.wait_until("said", [&] { return says(site.daemon().log(), "the last one is kept"); }));
  write_key(site.home().key_file(), "another-key-altogether");
  site.daemon().send(SIGHUP);
  ASSERT_TRUE(site.wait_until("taken", [&] { return says(site.daemon().log(), "another API key is used"); }));
}

TEST(BadInput, AnAssetThatThePlatformFailsIsFailedWithItsMessage) {
  Site site;
  site.daemon().start();
  site.drop("bad.mp4", 50'000, 1, "SLUICE-FAIL");
  site.drop("good.mp4", 50'000, 2);
  site.drop("Ada/good.jpg", 50'000, 3);
  ASSERT_TRUE(site.wait_for("done", 2));
  ASSERT_TRUE(site.wait_for("failed", 1));
  auto const item = site.daemon().item("bad.mp4");
  EXPECT_EQ(item.at("why").at("code"), "asset_failed");
  EXPECT_FALSE(item.at("last_error").get<std::string>().empty());
  auto const waited = site.sluice({"wait", "--all", "--timeout", "10s"});
  EXPECT_EQ(waited.code, 3) << waited.out << waited.err;
}

TEST(BadInput, AFailedItemIsRetriedFromItsFirstByteAndDone) {
  Site site;
  site.emulator().arm(Json::array({{{"method", "POST"},
                                    {"path", "/assets"},
                                    {"nth", 1},
                                    {"action", "fail_asset"},
                                    {"message", "the first try is doomed"}}}));
  site.daemon().start();
  site.drop("clip.mp4", 50'000, 1);
  ASSERT_TRUE(site.wait_for("failed", 1));
  auto const item = site.daemon().item("clip.mp4");
  EXPECT_TRUE(says(item.at("why").at("text"), "the first try is doomed")) << item;

  auto const retried = site.sluice({"retry", item.at("id").get<std::string>()});
  EXPECT_EQ(retried.code, 0) << retried.err;
  ASSERT_TRUE(site.wait_for("done", 1));
  auto const after = site.daemon().item("clip.mp4");
  EXPECT_EQ(after.at("generation"), 2);
  EXPECT_NE(after.at("asset_id"), item.at("asset_id"));
  EXPECT_TRUE(site.emulator().ledger().at("duplicates").empty());
  EXPECT_EQ(site.sluice({"retry", item.at("id").get<std::string>()}).code, 2) << "a done item is not retried";
  EXPECT_EQ(site.sluice({"show", "01NOSUCHITEM"}).code, 12);
}

}  // namespace
}  // namespace sluice::e2e

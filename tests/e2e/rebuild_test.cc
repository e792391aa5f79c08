// rebuild_test.cc - a journal that is lost, damaged or old: refused, rebuilt, and nothing complete sent again.

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "lost_journal.h"
#include "programs.h"
#include "site.h"

namespace sluice::e2e {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMiB = 1U << 20U;

std::map<std::string, std::string> ids_by_path(Site& site) {
  std::map<std::string, std::string> ids;
  for (auto const& item : site.daemon().items()) ids.emplace(item.at("path"), item.at("id"));
  return ids;
}

// Large and small films, a sound, and photos of two people: both ways up, an index and two entities.
constexpr std::uint64_t kFiles = 6;
void drop_mix(Site& site) {
  site.drop("large.mp4", 18 * kMiB + 5, 1);
  site.drop("small.mp4", 300'000, 2);
  site.drop("sound.mp3", 200'000, 3);
  site.drop("Ada/one.jpg", 60'000, 4);
  site.drop("Ada/two.jpg", 70'000, 5);
  site.drop("Grace/one.jpg", 80'000, 6);
}

void expect_refused(Site& site, std::string const& why) {
  EXPECT_EQ(site.daemon().start_and_end(), 10);
  auto const log = site.daemon().log();
  EXPECT_NE(log.find(why), std::string::npos) << log;
  EXPECT_NE(log.find("sluice journal rebuild"), std::string::npos) << log;
}

// Rebuilds, starts, and sees every file done with nothing made or sent.
void expect_rebuilt(Site& site, Json const& before, std::uint64_t files) {
  auto const finished = rebuild(site, {"--json"});
  ASSERT_EQ(finished.code, 0) << finished.out << finished.err;
  auto const report = Json::parse(finished.out);
  EXPECT_EQ(report.at("adopted"), files) << report;
  EXPECT_EQ(report.at("to_upload"), 0) << report;
  EXPECT_EQ(report.at("ambiguous"), 0) << report;
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", files));
  EXPECT_EQ(made(site), before);
  EXPECT_TRUE(site.every_file_is_there_once());
}

struct Loss {
  char const* name;
  void (*do_it)(Site const& site);
  char const* why;  // what the refusal says
};

void flip_a_bit(std::string const& file, off_t at) {
  auto const fd = ::open(file.c_str(), O_RDWR);
  char byte = 0;
  ASSERT_EQ(::pread(fd, &byte, 1, at), 1);
  byte = static_cast<char>(byte ^ 4);
  ASSERT_EQ(::pwrite(fd, &byte, 1, at), 1);
  ::close(fd);
}

class LostJournal : public testing::TestWithParam<Loss> {};

TEST_P(LostJournal, IsRefusedAndRebuiltAndNothingIsSentAgain) {
  Site site;
  site.daemon().start();
  drop_mix(site);
  ASSERT_TRUE(site.wait_for("done", kFiles));
  auto const ids = ids_by_path(site);
  ASSERT_EQ(site.daemon().stop(), 0);
  auto const before = made(site);

  GetParam().do_it(site);
  expect_refused(site, GetParam().why);
  EXPECT_EQ(made(site), before) << "the refused start did something";
  expect_rebuilt(site, before, kFiles);
  EXPECT_EQ(ids_by_path(site), ids) << "the items are not what they were";
  ASSERT_EQ(site.daemon().stop(), 0);
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", kFiles));
  EXPECT_EQ(made(site), before);
}

std::string name_of_loss(testing::TestParamInfo<Loss> const& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(
    Ways, LostJournal,
    testing::Values(Loss{"deleted", delete_journal, "it is not there, although there was one"},
                    Loss{"emptied", [](Site const& site) { fs::resize_file(journal_of(site), 0); }, "it is empty"},
                    Loss{"cut", [](Site const& site) { fs::resize_file(journal_of(site), 30'000); }, "is damaged"},
                    Loss{"cut_to_its_header", [](Site const& site) { fs::resize_file(journal_of(site), 100); },
                         "journal"},
                    Loss{"flipped", [](Site const& site) { flip_a_bit(journal_of(site), 4096 + 3); }, "is damaged"},
                    Loss{"no_database", [](Site const& site) { flip_a_bit(journal_of(site), 3); }, "is damaged"}),
    name_of_loss);

TEST(OldJournal, IsRefusedAndRebuiltAndNothingIsSentAgain) {
  Site site;
  site.daemon().start();
  site.drop("early.mp4", 300'000, 1);
  ASSERT_TRUE(site.wait_for("done", 1));
  ASSERT_EQ(site.daemon().stop(), 0);
  auto const backup = site.folder() + "/backup.db";
  fs::copy_file(journal_of(site), backup);
  site.daemon().start();
  site.drop("late.mp4", 400'000, 2);
  ASSERT_TRUE(site.wait_for("done", 2));
  ASSERT_EQ(site.daemon().stop(), 0);
  auto const before = made(site);

  fs::copy_file(backup, journal_of(site), fs::copy_options::overwrite_existing);
  expect_refused(site, "it is older than it was");
  auto const check = site.sluice({"journal", "check", "--config", site.home().config_file()});
  EXPECT_EQ(check.code, 10);
  EXPECT_NE(check.out.find("it is older than it was"), std::string::npos) << check.out;
  expect_rebuilt(site, before, 2);
}

TEST(OldJournal, IsNoticedWhenOnlyTheLogsLastCommitsAreLost) {
  Site site;
  site.daemon().start();
  drop_mix(site);
  ASSERT_TRUE(site.wait_for("done", kFiles));
  site.daemon().kill_at_once();
  auto const before = made(site);
  auto const log = journal_of(site) + "-wal";
  ASSERT_GT(fs::file_size(log), 0u);
  flip_a_bit(log, static_cast<off_t>(fs::file_size(log) / 2));  // SQLite takes the log up to there, and says nothing
  expect_refused(site, "its last commits are lost");
  expect_rebuilt(site, before, kFiles);
}

TEST(AnotherJournal, IsRefused) {
  Site site;
  site.daemon().start();
  ASSERT_EQ(site.daemon().stop(), 0);
  delete_journal(site);
  fs::rename(site.home().state() + "/journal.id", site.folder() + "/journal.id");
  site.daemon().start();  // with the mark gone too it begins anew: a person said so
  ASSERT_EQ(site.daemon().stop(), 0);
  fs::rename(site.folder() + "/journal.id", site.home().state() + "/journal.id");
  expect_refused(site, "it is not the one that belongs here");
}

TEST(Rebuild, IsRefusedWhileTheDaemonRuns) {
  Site site;
  site.daemon().start();
  auto const finished = rebuild(site);
  EXPECT_EQ(finished.code, 10);
  EXPECT_NE(finished.err.find("systemctl stop sluiced"), std::string::npos) << finished.err;
  EXPECT_EQ(site.sluice({"journal", "check", "--config", site.home().config_file()}).code, 10);
  ASSERT_EQ(site.daemon().stop(), 0);
  auto const check = site.sluice({"journal", "check", "--config", site.home().config_file()});
  EXPECT_EQ(check.code, 0) << check.out << check.err;
}

TEST(Rebuild, SaysWhatItWouldDoAndWritesNothingWhenDry) {
  Site site;
  site.daemon().start();
  drop_mix(site);
  ASSERT_TRUE(site.wait_for("done", kFiles));
  ASSERT_EQ(site.daemon().stop(), 0);
  delete_journal(site);
  site.drop("new.mp4", 90'000, 9);
  auto const finished = rebuild(site, {"--dry-run"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_NE(finished.out.find("6 files are on the platform already"), std::string::npos) << finished.out;
  EXPECT_NE(finished.out.find("1 file is not there"), std::string::npos) << finished.out;
  EXPECT_FALSE(fs::exists(journal_of(site)));
  EXPECT_EQ(site.daemon().start_and_end(), 10);
}

TEST(Rebuild, KeepsTheOldJournalUnderAnotherName) {
  Site site;
  site.daemon().start();
  site.drop("clip.mp4", 90'000, 1);
  ASSERT_TRUE(site.wait_for("done", 1));
  ASSERT_EQ(site.daemon().stop(), 0);
  auto const finished = rebuild(site, {"--json", "--force"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  auto const aside = Json::parse(finished.out).at("set_aside").get<std::string>();
  EXPECT_TRUE(aside.starts_with(journal_of(site) + ".before-rebuild-")) << aside;
  EXPECT_TRUE(fs::exists(aside));
  EXPECT_EQ(fs::status(journal_of(site)).permissions(), fs::perms(0600));
}

TEST(Rebuild, MayBeKilledAndRunAgain) {
  Site site;
  site.daemon().start();
  drop_mix(site);
  ASSERT_TRUE(site.wait_for("done", kFiles));
  ASSERT_EQ(site.daemon().stop(), 0);
  auto const before = made(site);
  delete_journal(site);

  // While it reads the lists.
  auto const lists = site.emulator().calls("GET /assets");
  site.emulator().arm(
      Json::array({{{"method", "GET"}, {"path", "/assets"}, {"action", "status"}, {"status", 503}, {"code", "x"}}}));
  {
    Process process({.words = {program("sluice"), "journal", "rebuild", "--config", site.home().config_file()},
                     .environment = {{"HOME", site.folder()}},
                     .out_file = site.folder() + "/killed.out",
                     .err_file = {}});
    ASSERT_TRUE(until(30s, [&] { return site.emulator().calls("GET /assets") > lists + 1; }));
    process.kill_at_once();
  }
  site.emulator().arm(Json::array());
  expect_refused(site, "it is not there");

  // While it puts the new journal into place: the mark stands, the old files are away, the new one half there.
  std::ofstream(site.home().state() + "/journal.id") << "sluice journal being rebuilt\n";
  std::ofstream(journal_of(site) + ".rebuilding") << "half a journal";
  expect_refused(site, "a rebuild of it did not come to its end");
  expect_rebuilt(site, before, kFiles);
  EXPECT_FALSE(fs::exists(journal_of(site) + ".rebuilding"));
}

// Its places are those that the sidecar gives it: without it, the file would be indexed once more, elsewhere.
TEST(Rebuild, ReadsTheSidecarsOfTheFilesThatItSeeks) {
  Site site;
  site.daemon().start();
  std::ofstream(site.home().drop() + "/a.mp4.json") << R"({"index": "nights", "metadata": {"take": 7}})";
  site.drop("a.mp4", 300'000, 1);
  ASSERT_TRUE(site.wait_for("done", 1));
  ASSERT_EQ(site.daemon().stop(), 0);
  auto const before = made(site);
  delete_journal(site);
  expect_rebuilt(site, before, 1);
}

// What the lost journal knew of their contents is lost with it; what they hold is not.
TEST(Rebuild, LeavesFilesThatAreRenamedOrCopiedAfterwardsKnown) {
  Site site;
  site.daemon().start();
  site.drop("large.mp4", 18 * kMiB + 5, 1);
  site.drop("small.mp4", 300'000, 2);
  ASSERT_TRUE(site.wait_for("done", 2));
  ASSERT_EQ(site.daemon().stop(), 0);
  auto const before = made(site);
  delete_journal(site);
  ASSERT_EQ(rebuild(site).code, 0);
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", 2));
  auto const drop = fs::path(site.home().drop());
  fs::rename(drop / "large.mp4", drop / "renamed.mp4");
  fs::copy_file(drop / "small.mp4", drop / "copied.mp4");
  ASSERT_TRUE(site.wait_for("skipped", 2));
  EXPECT_EQ(made(site), before);
}

TEST(Rebuild, LetsAnUnfinishedUploadBeginAnew) {
  Site site({.chunks_max = 4}, {"--rate", "6MB/s", "--chunk-size", "1MiB"});
  site.daemon().start();
  site.drop("done.mp4", 90'000, 1);
  ASSERT_TRUE(site.wait_for("done", 1));
  site.drop("half.mp4", 24 * kMiB, 2);
  ASSERT_TRUE(site.wait_until("half of it is up", [&] {
    return site.emulator().ledger().at("totals").at("bytes_received").get<std::uint64_t>() > 6 * kMiB;
  }));
  site.daemon().kill_at_once();
  delete_journal(site);
  auto const finished = rebuild(site, {"--json"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  auto const report = Json::parse(finished.out);
  EXPECT_EQ(report.at("adopted"), 1);
  EXPECT_EQ(report.at("to_upload"), 1);
  EXPECT_EQ(report.at("unfinished_uploads"), 1);
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", 2));
  EXPECT_TRUE(site.every_file_is_there_once());
}

TEST(Rebuild, FollowsACompleteUploadThatThePlatformStillPrepares) {
  Site site({}, {"--ready-after", "5s"});
  site.daemon().start();
  site.drop("large.mp4", 18 * kMiB, 1);
  site.drop("small.mp4", 90'000, 2);
  auto const uploaded = [&](char const* name, char const* state) {
    for (auto const& item : site.daemon().items())
      if (item.at("name") == name) return item.at("state") == state;
    return false;
  };
  ASSERT_TRUE(site.wait_until("both are up",
                              [&] { return uploaded("large.mp4", "completed") && uploaded("small.mp4", "sent"); }));
  site.daemon().kill_at_once();
  auto const bytes = made(site).at("bytes");
  delete_journal(site);
  auto const finished = rebuild(site, {"--json"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_EQ(Json::parse(finished.out).at("adopted"), 2) << finished.out;
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", 2));
  EXPECT_EQ(made(site).at("bytes"), bytes);
  EXPECT_TRUE(site.every_file_is_there_once());
}

TEST(Rebuild, LooksThroughTheIndexWhereThePlatformHidesTheListByAsset) {
  Site site({}, {"--lookup", "hide"});
  site.daemon().start();
  drop_mix(site);
  ASSERT_TRUE(site.wait_for("done", kFiles));
  ASSERT_EQ(site.daemon().stop(), 0);
  auto const before = made(site);
  delete_journal(site);
  expect_rebuilt(site, before, kFiles);
}

TEST(Rebuild, DoesNotWaitForAnIndexThatNobodyMakes) {
  Site site;
  site.daemon().start();
  site.drop("small.mp4", 90'000, 1);
  ASSERT_TRUE(site.wait_for("done", 1));
  ASSERT_EQ(site.daemon().stop(), 0);
  delete_journal(site);
  site.configure({.pipelines = "\n  footage:\n    kinds: [video]\n    index: {name: another}\n"});
  ASSERT_EQ(rebuild(site).code, 0);
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("failed", 1));
  EXPECT_EQ(site.daemon().story("small.mp4").at("why").at("code"), "index_missing");
}

TEST(Rebuild, WithoutTagsGoesByNameSizeAndTimeAndAsksAPersonWhereThatIsNotEnough) {
  Site site({}, {"--metadata", "refuse"});
  site.daemon().start();
  drop_mix(site);
  site.drop("monday/take.mp4", 50'000, 7);
  site.drop("tuesday/take.mp4", 50'000, 8);
  ASSERT_TRUE(site.wait_for("done", kFiles + 2));
  ASSERT_EQ(site.daemon().stop(), 0);
  auto const before = made(site);
  delete_journal(site);
  auto const finished = rebuild(site, {"--json"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  auto const report = Json::parse(finished.out);
  EXPECT_EQ(report.at("adopted"), kFiles) << report;
  EXPECT_EQ(report.at("ambiguous"), 2) << report;
  EXPECT_EQ(report.at("ambiguous_files")[0].at("asset_ids").size(), 2u) << report;

  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", kFiles));
  ASSERT_TRUE(site.wait_for("failed", 2));
  EXPECT_EQ(made(site), before);
  auto const why = site.daemon().story("take.mp4").at("why");
  EXPECT_EQ(why.at("code"), "rebuild_ambiguous") << why;
  EXPECT_NE(why.at("remedy").get<std::string>().find("sluice retry"), std::string::npos) << why;
}

TEST(Rebuild, OfTheJournalOfIngestIsForTheFilesNamed) {
  Site site;
  auto const path = site.make_file("clip.mp4", 18 * kMiB, 1);
  auto const state = site.folder() + "/own";
  std::vector<std::string> const words = {"ingest", "--config", site.home().config_file(), "--state-dir", state, path};
  ASSERT_EQ(site.sluice(words, 50s).code, 0);
  auto const before = made(site);
  fs::remove(state + "/journal.db");
  auto const refused = site.sluice(words);
  EXPECT_EQ(refused.code, 10);
  EXPECT_NE(refused.err.find("sluice journal rebuild PATH"), std::string::npos) << refused.err;
  auto const rebuilt = rebuild(site, {"--state-dir", state, path});
  ASSERT_EQ(rebuilt.code, 0) << rebuilt.out << rebuilt.err;
  auto const again = site.sluice(words, 50s);
  ASSERT_EQ(again.code, 0) << again.out << again.err;
  EXPECT_EQ(made(site), before);
}

TEST(Rebuild, StopsWhereAFolderCannotBeSeen) {
  Site site;
  site.daemon().start();
  ASSERT_EQ(site.daemon().stop(), 0);
  fs::rename(site.home().drop(), site.home().drop() + ".away");
  auto const finished = rebuild(site, {"--force"});
  EXPECT_EQ(finished.code, 9) << finished.out;
  EXPECT_NE(finished.err.find("source drop"), std::string::npos) << finished.err;
}

}  // namespace
}  // namespace sluice::e2e

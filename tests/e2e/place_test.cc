// place_test.cc - what is done to the journal's files while the daemon runs: damage, removal, a second daemon, root's
// hands.

#include <sys/mount.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "site.h"

namespace sluice::e2e {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kPageBytes = 4096;

std::string journal_of(Site const& site) { return site.home().state() + "/journal.db"; }

Finished journal_verb(Site const& site, std::string const& verb, std::vector<std::string> const& more = {}) {
  std::vector<std::string> words = {"journal", verb, "--config", site.home().config_file()};
  words.insert(words.end(), more.begin(), more.end());
  return site.sluice(words);
}

std::uint64_t assets(Site const& site) { return site.emulator().ledger().at("assets").size(); }

bool has(std::string const& text, std::string const& part) { return text.find(part) != std::string::npos; }

// One bit of that name, as the index of items by their paths holds it: the file would look new.
void flip_in_item_path(Site const& site, std::uint64_t page, std::string const& name) {
  std::fstream file(journal_of(site), std::ios::in | std::ios::out | std::ios::binary);
  std::string bytes(kPageBytes, '\0');
  auto const start = static_cast<std::streamoff>((page - 1) * kPageBytes);
  file.seekg(start);
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  auto const at = bytes.find(name);
  ASSERT_NE(at, std::string::npos) << "the index is elsewhere";
  file.seekp(start + static_cast<std::streamoff>(at));
  file.put(static_cast<char>(bytes[at] ^ 4));
}

TEST(Damage, ThatCameWhileTheDaemonRanIsNotSealedAndTheNextStartIsRefused) {
  Site site;
  site.daemon().start();
  site.drop("known.mp4", 90'000, 1);
  ASSERT_TRUE(site.wait_for("done", 1));
  ASSERT_EQ(site.daemon().stop(), 0);
  auto const page =
      std::stoull(site.journal().rows("SELECT rootpage FROM sqlite_schema WHERE name = 'item_path'").at(0).at(0));
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", 1));
  flip_in_item_path(site, page, "known.mp4");
  EXPECT_EQ(site.daemon().stop(), 10) << "it ended as if all were well";
  EXPECT_TRUE(has(site.daemon().log(), "missing from index item_path")) << site.daemon().log();
  EXPECT_TRUE(has(site.daemon().log(), "sluice journal rebuild")) << site.daemon().log();
  EXPECT_EQ(site.daemon().start_and_end(), 10);
  EXPECT_EQ(assets(site), 1u);
}

TEST(RemovedLock, LetsNoRebuildTakeTheJournalFromARunningDaemon) {
  Site site;
  site.daemon().start();
  site.drop("early.mp4", 90'000, 1);
  ASSERT_TRUE(site.wait_for("done", 1));
  fs::remove(site.home().state() + "/lock");
  auto const refused = journal_verb(site, "rebuild");
  EXPECT_EQ(refused.code, 10) << refused.out;
  EXPECT_TRUE(has(refused.err, std::to_string(site.daemon().pid()))) << refused.err;
  EXPECT_TRUE(has(refused.err, "systemctl stop sluiced")) << refused.err;
  fs::remove(site.home().state() + "/lock");
  EXPECT_EQ(journal_verb(site, "check").code, 10);
  site.drop("late.mp4", 90'000, 2);
  ASSERT_TRUE(site.wait_for("done", 2));
  ASSERT_EQ(site.daemon().stop(), 0);
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", 2));
  EXPECT_TRUE(site.every_file_is_there_once());
}

TEST(RemovedLock, LetsNoSecondDaemonStart) {
  Site site;
  site.daemon().start();
  fs::remove(site.home().state() + "/lock");
  Daemon second(site.home());
  EXPECT_EQ(second.start_and_end(), 10);
  EXPECT_TRUE(has(second.log(), "process " + std::to_string(site.daemon().pid()))) << second.log();
  EXPECT_EQ(site.daemon().get("/livez").status, 200) << "the first was disturbed";
}

// Waits for the daemon's own end; returns its code.
int end_of(Site& site) { return site.daemon().ended(45s).value_or(-1); }

// The copy that the daemon left when it ended.
fs::path saved_in(Site const& site) {
  for (auto const& entry : fs::directory_iterator(site.home().state()))
    if (entry.path().filename().string().starts_with("journal.db.saved-")) return entry.path();
  return {};
}

class TakenAway : public testing::TestWithParam<char const*> {};

TEST_P(TakenAway, TheJournalIsSavedAndGoesOnFromTheCopy) {
  Site site;
  site.daemon().start();
  site.drop("early.mp4", 90'000, 1);
  ASSERT_TRUE(site.wait_for("done", 1));
  auto const lost = site.home().state() + "/" + GetParam();
  fs::remove(lost);
  site.drop("late.mp4", 90'000, 2);
  EXPECT_EQ(end_of(site), 10);
  EXPECT_TRUE(has(site.daemon().log(), lost + " was removed")) << site.daemon().log();
  auto const saved = saved_in(site);
  ASSERT_FALSE(saved.empty());
  EXPECT_TRUE(has(site.daemon().log(), "mv " + saved.string() + " " + journal_of(site))) << site.daemon().log();
  EXPECT_EQ(fs::status(saved).permissions(), fs::perms(0600));
  fs::remove(journal_of(site));
  fs::rename(saved, journal_of(site));
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", 2));
  EXPECT_TRUE(site.every_file_is_there_once());
}

std::string name_of(testing::TestParamInfo<char const*> const& tested) {
  return std::string(tested.param) == "journal.db" ? "database" : "log";
}

INSTANTIATE_TEST_SUITE_P(Files, TakenAway, testing::Values("journal.db", "journal.db-wal"), name_of);

TEST(Journal, ThatWasTakenAwayIsNoticedAtTheEndAtTheLatest) {
  Site site;
  site.daemon().start();
  site.drop("clip.mp4", 90'000, 1);
  ASSERT_TRUE(site.wait_for("done", 1));
  fs::remove(journal_of(site));
  EXPECT_EQ(site.daemon().stop(), 10);
  ASSERT_FALSE(saved_in(site).empty()) << site.daemon().log();
  fs::rename(saved_in(site), journal_of(site));
  site.daemon().start();
  EXPECT_EQ(site.daemon().total("done"), 1u);
  EXPECT_EQ(assets(site), 1u);
}

TEST(Journal, WhoseWholeFolderIsTakenAwayEndsWithWordsOfWhatToDo) {
  Site site;
  site.daemon().start();
  fs::rename(site.home().state(), site.home().state() + ".away");
  EXPECT_EQ(end_of(site), 10);
  EXPECT_TRUE(has(site.daemon().log(), "could not be saved")) << site.daemon().log();
  EXPECT_TRUE(has(site.daemon().log(), "sluice journal rebuild")) << site.daemon().log();
}

TEST(RemovedLock, IsTakenAnewAndSoIsTheMark) {
  Site site;
  site.daemon().start();
  for (auto const* name : {"lock", "journal.id"}) {
    auto const file = fs::path(site.home().state()) / name;
    fs::remove(file);
    ASSERT_TRUE(site.wait_until("a new " + std::string(name), [&] { return fs::exists(file); }));
  }
  EXPECT_EQ(site.daemon().get("/livez").status, 200);
  auto const refused = journal_verb(site, "check");
  EXPECT_TRUE(has(refused.err, "is in use by process " + std::to_string(site.daemon().pid()))) << refused.err;
  EXPECT_EQ(site.daemon().stop(), 0);
  site.daemon().start();
}

bool says_new(Site& site) {
  auto const health = site.daemon().status().at("health");
  EXPECT_EQ(health.at("status"), "ok") << health;
  return std::ranges::any_of(health.at("notices"),
                             [](Json const& notice) { return notice.at("code") == "journal_new"; });
}

// An empty directory may be a first start, or a disk that is not mounted: only a person knows.
TEST(NewJournal, IsToldInTheLogAndTheStatusUntilTheFirstItemIsDone) {
  Site site;
  site.daemon().start();
  EXPECT_TRUE(has(site.daemon().log(), "the state directory " + site.home().state() + " was not there"))
      << site.daemon().log();
  EXPECT_TRUE(has(site.daemon().log(), "warning a new journal was made in " + site.home().state()))
      << site.daemon().log();
  EXPECT_TRUE(says_new(site));
  auto const shown = site.sluice({"status"});
  EXPECT_TRUE(has(shown.out, "every file in the sources counts as new")) << shown.out;
  EXPECT_TRUE(has(shown.out, "sluice journal rebuild")) << shown.out;
  site.drop("clip.mp4", 90'000, 1);
  ASSERT_TRUE(site.wait_for("done", 1));
  EXPECT_FALSE(says_new(site));
  ASSERT_EQ(site.daemon().stop(), 0);

  auto const before = site.daemon().log().size();
  site.daemon().start();
  EXPECT_FALSE(has(site.daemon().log().substr(before), "a new journal")) << site.daemon().log();
  ASSERT_EQ(site.daemon().stop(), 0);
  fs::rename(site.home().state(), site.home().state() + ".unmounted");
  fs::remove(site.home().drop() + "/clip.mp4");
  fs::create_directory(site.home().state());
  site.daemon().start();
  EXPECT_TRUE(has(site.daemon().log().substr(before), "a new journal was made")) << site.daemon().log();
  EXPECT_TRUE(says_new(site));
}

TEST(NewJournal, IsNoneThatWasRebuilt) {
  Site site;
  site.daemon().start();
  ASSERT_EQ(site.daemon().stop(), 0);
  for (auto const* part : {"", "-wal"}) fs::remove(journal_of(site) + part);
  ASSERT_EQ(journal_verb(site, "rebuild").code, 0);
  site.daemon().start();
  EXPECT_FALSE(says_new(site));
}

void make_journal_newer(Site& site) {
  site.daemon().start();
  ASSERT_EQ(site.daemon().stop(), 0);
  std::fstream file(journal_of(site), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(63);  // the last byte of user_version (fileformat2.html)
  file.put(99);
}

TEST(NewerJournal, IsNotCalledFineByTheCheck) {
  Site site;
  make_journal_newer(site);
  EXPECT_EQ(site.daemon().start_and_end(), 10);
  auto const checked = journal_verb(site, "check");
  EXPECT_EQ(checked.code, 10) << checked.out;
  EXPECT_TRUE(has(checked.out, "a newer Sluice")) << checked.out;
  EXPECT_TRUE(has(checked.out, "install that version again")) << checked.out;
  EXPECT_TRUE(has(checked.out, "next: what is said above")) << "a rebuild would set a good journal aside";
}

TEST(NewerJournal, IsReplacedOnlyWhereAPersonInsists) {
  Site site;
  make_journal_newer(site);
  for (auto const& more : {std::vector<std::string>{}, {"--dry-run"}}) {
    auto const refused = journal_verb(site, "rebuild", more);
    EXPECT_EQ(refused.code, 10) << refused.out;
    EXPECT_TRUE(has(refused.err, "a newer Sluice")) << refused.err;
    EXPECT_TRUE(has(refused.err, "--force")) << refused.err;
  }
  EXPECT_EQ(site.daemon().start_and_end(), 10) << "it is in its place still";
  EXPECT_EQ(journal_verb(site, "rebuild", {"--force"}).code, 0);
  site.daemon().start();
}

TEST(ReadOnlyDisk, IsNotTakenForARunningDaemonByTheCheck) {
  Site site;
  auto const state = site.home().state();
  fs::create_directory(state);
  if (::mount("none", state.c_str(), "tmpfs", 0, "size=1m") != 0) GTEST_SKIP() << "a disk of one's own needs root";
  std::ofstream(state + "/lock").close();
  EXPECT_EQ(::mount("none", state.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=1m"), 0);
  auto const checked = journal_verb(site, "check");
  ::umount2(state.c_str(), MNT_DETACH);
  EXPECT_EQ(checked.code, 10);
  EXPECT_TRUE(has(checked.err, state + "/lock")) << checked.err;
  EXPECT_TRUE(has(checked.err, "Read-only file system")) << checked.err;
  EXPECT_TRUE(has(checked.err, "copy the whole folder to another disk")) << checked.err;
  EXPECT_FALSE(has(checked.err, "systemctl stop")) << checked.err;
}

}  // namespace
}  // namespace sluice::e2e

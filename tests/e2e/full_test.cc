// full_test.cc - the state directory runs full while files go up, and is emptied again.
//
// As root it is a small tmpfs that a ballast file fills; otherwise the shim answers every write to the
// journal with ENOSPC. The daemon waits, says so, feeds its watchdog and goes on by itself.

#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>

#include "faulty.h"
#include "main_job.h"
#include "notify_socket.h"

namespace sluice::e2e {
namespace {

class TmpfsState {
 public:
  explicit TmpfsState(std::string folder) : folder_(std::move(folder)) {
    std::filesystem::create_directory(folder_);
    mounted_ = ::mount("none", folder_.c_str(), "tmpfs", 0, "size=2m,mode=0700") == 0;
  }
  ~TmpfsState() {
    if (mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
  }
  TmpfsState(TmpfsState const&) = delete;
  TmpfsState& operator=(TmpfsState const&) = delete;

  bool mounted() const { return mounted_; }
  void fill() const {  // to the last byte
    std::ofstream ballast(folder_ + "/ballast", std::ios::binary);
    std::string const block(4096, 'x');
    while (ballast.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  void empty() const { std::filesystem::remove(folder_ + "/ballast"); }

 private:
  std::string folder_;
  bool mounted_ = false;
};

bool says_full(Site& site) {
  auto const reasons = site.daemon().status().at("health").at("reasons");
  return std::ranges::any_of(reasons, [](Json const& reason) { return reason.at("code") == "journal_full"; });
}

// It is full: what a person and the supervisor see, and that nothing new leaves.
void expect_patience(Site& site, std::string const& settled_by) {
  auto const reasons = site.daemon().status().at("health").at("reasons");
  auto const hint = reasons.at(0).at("hint").get<std::string>();
  EXPECT_NE(hint.find(site.home().state()), std::string::npos) << "the message names the folder: " << hint;
  auto const shown = site.sluice({"status"});
  EXPECT_NE(shown.out.find("the state directory is full"), std::string::npos) << shown.out << shown.err;
  EXPECT_EQ(site.daemon().get("/livez").status, 200);
  EXPECT_GT(site.daemon().items().size(), 0u) << "what is known can still be read";
  auto const refused = site.daemon().post("/v1/items/" + settled_by + "/cancel");
  EXPECT_EQ(refused.status, 503) << "an order is not taken that cannot be kept: " << refused.body;

  // The watchdog is fed every 100 ms, so that a minute's worth of waiting passes in view of the test.
  NotifySocket const supervisor(site.home().notify_socket());
  ASSERT_TRUE(supervisor.hears("WATCHDOG=1", 20s, -1));
  auto const calls = site.emulator().ledger().at("requests");
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(supervisor.hears("WATCHDOG=1", 20s, -1)) << "the watchdog starves";
  EXPECT_EQ(site.emulator().ledger().at("requests"), calls) << "something new left while the journal was full";
}

void runs_full_and_is_emptied(Site& site, std::function<void()> const& fill, std::function<void()> const& empty) {
  site.daemon().start();
  site.drop("first.mp3", 40'000, 7);
  ASSERT_TRUE(site.wait_for("done", 1));
  auto const known = site.daemon().item("first.mp3").at("id").get<std::string>();
  fill();
  drop_main_job(site, 1);
  ASSERT_TRUE(site.wait_until("its word that the directory is full", [&] { return says_full(site); }));
  expect_patience(site, known);
  empty();
  ASSERT_TRUE(site.wait_for("done", 1 + kMainJobFiles));
  EXPECT_FALSE(says_full(site));
  EXPECT_TRUE(site.every_file_is_there_once());
}

std::map<std::string, std::string> watchdog() { return {{"WATCHDOG_USEC", "300000"}}; }

TEST(FullStateDirectory, IsSaidAndWaitedFor) {
  Site site(main_job_settings(), main_job_emulator());
  TmpfsState const state(site.home().state());
  if (!state.mounted()) GTEST_SKIP() << "a small tmpfs needs root; WithoutRoot tests the same by the shim";
  site.daemon().set_environment(watchdog());
  runs_full_and_is_emptied(
      site, [&] { state.fill(); }, [&] { state.empty(); });
  site.daemon().kill_at_once();
}

TEST(FullStateDirectory, IsSaidAndWaitedForWithoutRoot) {
  Site site(main_job_settings(), main_job_emulator());
  Faulty faulty(site);
  faulty.arm("journal.write:1:fail_on=" + std::to_string(ENOSPC), watchdog());
  faulty.lift();
  runs_full_and_is_emptied(
      site, [&] { faulty.strike(); }, [&] { faulty.lift(); });
}

TEST(FullStateDirectory, AtTheStartIsWaitedForToo) {
  Site site(main_job_settings(), main_job_emulator());
  TmpfsState const state(site.home().state());
  if (!state.mounted()) GTEST_SKIP() << "a small tmpfs needs root";
  site.emulator().arm(Json::array({{{"method", "PUT"}, {"path", "/chunk-store/*"}, {"action", "delay"}, {"ms", 300}}}));
  site.daemon().start();
  drop_main_job(site, 1);
  ASSERT_TRUE(
      site.wait_until("a chunk in the air", [&] { return site.emulator().ledger().at("totals").at("puts_open") > 0; }));
  site.daemon().kill_at_once();
  state.fill();
  site.daemon().start();
  EXPECT_TRUE(says_full(site)) << site.daemon().status().dump(1);
  EXPECT_EQ(site.daemon().items().size(), kMainJobFiles);
  state.empty();
  ASSERT_TRUE(site.wait_for("done", kMainJobFiles));
  EXPECT_TRUE(main_job_is_whole(site));
  site.daemon().kill_at_once();
}

// Whoever makes room in haste may remove the journal itself: the open file is the only one then.
TEST(FullStateDirectory, KeepsAJournalThatWasRemovedUntilThereIsRoomToSaveIt) {
  Site site;
  TmpfsState const state(site.home().state());
  if (!state.mounted()) GTEST_SKIP() << "a small tmpfs needs root";
  site.daemon().start();
  site.drop("early.mp4", 90'000, 1);
  ASSERT_TRUE(site.wait_for("done", 1));
  state.fill();
  auto const journal = site.home().state() + "/journal.db";
  std::filesystem::remove(journal);
  ASSERT_TRUE(site.wait_until("it is said that it has the only copy", [&] {
    auto const reasons = site.daemon().status().at("health").at("reasons");
    return std::ranges::any_of(reasons, [](Json const& reason) {
      return reason.at("code") == "journal_gone" &&
             reason.at("hint").get<std::string>().find("only copy") != std::string::npos;
    });
  }));
  state.empty();
  EXPECT_EQ(site.daemon().ended(45s), 10);
  std::filesystem::path saved;
  for (auto const& entry : std::filesystem::directory_iterator(site.home().state()))
    if (entry.path().filename().string().starts_with("journal.db.saved-")) saved = entry.path();
  ASSERT_EQ(saved.extension(), ".saved-" + saved.string().substr(saved.string().rfind("saved-") + 6)) << "and no half";
  std::filesystem::rename(saved, journal);
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", 1));
  EXPECT_TRUE(site.every_file_is_there_once());
  site.daemon().kill_at_once();
}

TEST(FullStateDirectory, EndsAnIngestByHandWith10) {
  Site site(main_job_settings(), main_job_emulator());
  TmpfsState const state(site.folder() + "/by-hand");
  if (!state.mounted()) GTEST_SKIP() << "a small tmpfs needs root";
  auto const ingest = [&](std::string const& name) {
    return site.sluice({"ingest", site.make_file(name, 30'000, 1), "--config", site.home().config_file(), "--state-dir",
                        site.folder() + "/by-hand"});
  };
  ASSERT_EQ(ingest("first.mp3").code, 0);
  state.fill();
  auto const full = ingest("second.mp3");
  EXPECT_EQ(full.code, 10) << full.out << full.err;
  EXPECT_NE(full.err.find("full"), std::string::npos) << full.out << full.err;
  state.empty();
  EXPECT_EQ(ingest("second.mp3").code, 0);
}

}  // namespace
}  // namespace sluice::e2e

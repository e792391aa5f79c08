// storm_test.cc - more changes than the kernel remembers, and more folders than it watches: no file is missed.
//
// The files are of a kind that no pipeline takes: they become items, and nothing is sent.

#include <sys/mount.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "site.h"

namespace sluice::e2e {
namespace {

namespace fs = std::filesystem;

constexpr char kSoundsOnly[] = "\n  sounds: {kinds: [audio]}\n";

void write_file(std::string const& path) { std::ofstream(path, std::ios::binary) << "a film of a few bytes"; }

Json drop_source(Daemon const& daemon) { return Json(daemon.status().at("sources").at(0)); }

// The daemon is stopped meanwhile, so that the queue of 16,384 events is full for sure.
TEST(AStormOfFiles, OverflowsTheQueueAndLeavesNoneOut) {
  auto const rounds = setting("SLUICE_E2E_STORMS", 1);
  auto const files = setting("SLUICE_E2E_STORM_FILES", 9'000);
  Site site({.pipelines = kSoundsOnly});
  auto const drop = site.home().drop();
  site.daemon().start();
  fs::create_directory(drop + "/first");
  ASSERT_TRUE(site.wait_until("watched", [&] { return drop_source(site.daemon()).at("watched") == 2; }));
  for (std::uint64_t round = 1; round <= rounds; ++round) {
    site.daemon().send(SIGSTOP);
    for (std::uint64_t n = 0; n < files; ++n)
      write_file(drop + "/first/" + std::to_string(round) + "-" + std::to_string(n) + ".mp4");
    site.daemon().send(SIGCONT);
    ASSERT_TRUE(site.wait_for("skipped", round * files, Millis(45'000 + files * 10)));
  }
  auto const source = drop_source(site.daemon());
  EXPECT_GE(source.at("overflows"), rounds) << "the queue was not full";
  std::printf("%llu files in %llu bursts, %s overflows\n", static_cast<unsigned long long>(rounds * files),
              static_cast<unsigned long long>(rounds), source.at("overflows").dump().c_str());
}

// In a user namespace of its own, whose limit of watches may be set.
TEST(TooManyFolders, AreScannedWhereTheyCannotBeWatchedAndNoFileIsMissed) {
  auto const folders = setting("SLUICE_E2E_FOLDERS", 300);
  Site site({.pipelines = kSoundsOnly, .more_sources = "  poll: 2s\n"});
  auto const drop = site.home().drop();
  auto const folder = [&](std::uint64_t n) { return drop + "/" + std::to_string(n % 10) + "/" + std::to_string(n); };
  for (std::uint64_t n = 0; n < folders; ++n) fs::create_directories(folder(n));
  site.daemon().run_within({"/usr/bin/unshare", "--user", "--map-root-user", "/bin/sh", "-c",
                            "echo 10 > /proc/sys/user/max_inotify_watches && exec \"$0\" \"$@\""});
  auto const end = site.daemon().start_or_end();
  ASSERT_NE(end, 78) << site.daemon().log();
  if (end) GTEST_SKIP() << "this needs user namespaces: exit code " << *end;
  ASSERT_TRUE(site.wait_until("told", [&] {
    auto const source = drop_source(site.daemon());
    return source.at("watched") == 10 && source.at("needed") == folders + 11;
  }));
  EXPECT_NE(drop_source(site.daemon()).at("degraded").dump().find("max_user_watches"), std::string::npos);
  for (std::uint64_t n = 0; n < folders; ++n) write_file(folder(n) + "/clip.mp4");
  ASSERT_TRUE(site.wait_for("skipped", folders, Millis(45'000 + folders * 10)));
}

}  // namespace
}  // namespace sluice::e2e

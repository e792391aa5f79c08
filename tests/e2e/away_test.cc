// away_test.cc - the watched folder is away for a while: unmounted, or moved. Nothing that was sent is sent again.

#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "site.h"

namespace sluice::e2e {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kChunkBytes = 64U << 10U;
constexpr std::uint64_t kChunks = 40;
constexpr int kInAir = 2;

class AFolderThatIsAway : public testing::Test {
 protected:
  std::uint64_t stored() const { return site_.emulator().ledger().at("totals").at("puts_stored"); }
  std::string why() { return site_.daemon().item("long.mp4").at("why").value("code", ""); }

  // The folder may be another file system.
  void drop_over(std::string const& name, std::uint64_t bytes, std::uint64_t seed) {
    auto const begun = site_.home().drop() + "/." + name;
    fs::copy_file(site_.make_file(name, bytes, seed), begun);
    fs::rename(begun, site_.home().drop() + "/" + name);
  }

  // The daemon dies in the middle of a long upload.
  void die_under_way() {
    site_.emulator().arm(
        Json::array({{{"method", "PUT"}, {"path", "/chunk-store/*"}, {"action", "delay"}, {"ms", 30}}}));
    site_.daemon().start();
    drop_over("long.mp4", kChunkBytes * kChunks, 1);
    ASSERT_TRUE(site_.wait_until("some chunks", [&] { return stored() >= 4; }));
    site_.daemon().kill_at_once();
    ASSERT_LT(stored(), kChunks - 4) << "it was through before it could be stopped";
  }

  void expect_it_went_on() {
    ASSERT_TRUE(site_.wait_for("done", 1));
    EXPECT_TRUE(site_.every_file_is_there_once());
    EXPECT_EQ(site_.daemon().item("long.mp4").at("attempts"), 0) << "nobody is charged";
    EXPECT_EQ(site_.emulator().ledger().at("sessions").size(), 1u) << "the upload session was not resumed";
    EXPECT_LE(stored(), kChunks + kInAir) << "more than what was in the air was sent again";
  }

  Site site_{{.direct_max = "16KiB", .chunks_max = kInAir}, {"--chunk-size", std::to_string(kChunkBytes) + "B"}};
};

TEST_F(AFolderThatIsAway, IsWaitedForAndItsUploadGoesOn) {
  die_under_way();
  if (HasFatalFailure()) return;
  fs::rename(site_.home().drop(), site_.folder() + "/elsewhere");
  site_.daemon().start();
  ASSERT_TRUE(site_.wait_until("told", [&] { return why() == "source_down"; }));
  fs::rename(site_.folder() + "/elsewhere", site_.home().drop());
  expect_it_went_on();
}

// Not lazily: a descriptor that the daemon held would make it busy for ever.
TEST_F(AFolderThatIsAway, CanBeUnmountedUnderAnIdleDaemonAndIsTakenUpAgain) {
  auto const disk = site_.folder() + "/disk";
  auto const drop = site_.home().drop();
  fs::create_directory(disk);
  if (::mount("none", disk.c_str(), "tmpfs", 0, "size=16m,mode=0700") != 0) GTEST_SKIP() << "a mount needs root";
  auto const mount = [&] { return ::mount(disk.c_str(), drop.c_str(), nullptr, MS_BIND, nullptr) == 0; };
  EXPECT_TRUE(mount());
  site_.daemon().start();
  for (std::uint64_t n = 1; n <= 3; ++n) {
    drop_over("clip" + std::to_string(n) + ".mp4", 20'000, n);
    EXPECT_TRUE(site_.wait_for("done", n));
    EXPECT_TRUE(until(20s, [&] { return ::umount2(drop.c_str(), 0) == 0; })) << ::strerror(errno);
    EXPECT_TRUE(mount());
  }
  EXPECT_TRUE(site_.every_file_is_there_once());
  site_.daemon().kill_at_once();
  EXPECT_EQ(::umount2(drop.c_str(), MNT_DETACH), 0);
  EXPECT_EQ(::umount2(disk.c_str(), MNT_DETACH), 0);
}

// The folder of a mount point is there, and empty.
TEST_F(AFolderThatIsAway, IsKnownByItsEmptyMountPoint) {
  auto const disk = site_.folder() + "/disk";
  fs::create_directory(disk);
  if (::mount("none", disk.c_str(), "tmpfs", 0, "size=16m,mode=0700") != 0) GTEST_SKIP() << "a mount needs root";
  ASSERT_EQ(::mount(disk.c_str(), site_.home().drop().c_str(), nullptr, MS_BIND, nullptr), 0);
  die_under_way();
  EXPECT_EQ(::umount2(site_.home().drop().c_str(), MNT_DETACH), 0);
  if (!HasFatalFailure()) {
    site_.daemon().start();
    EXPECT_TRUE(site_.wait_until("told", [&] { return why() == "source_down"; }));
    EXPECT_EQ(::mount(disk.c_str(), site_.home().drop().c_str(), nullptr, MS_BIND, nullptr), 0);
    expect_it_went_on();
    site_.daemon().kill_at_once();
    EXPECT_EQ(::umount2(site_.home().drop().c_str(), MNT_DETACH), 0);
  }
  EXPECT_EQ(::umount2(disk.c_str(), MNT_DETACH), 0);
}

}  // namespace
}  // namespace sluice::e2e

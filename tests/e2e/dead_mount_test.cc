// dead_mount_test.cc - a source on a mount that stopped answering: calls to its files neither fail nor return.
//
// The mount is a bindfs (FUSE) whose process is stopped. It needs root, /dev/fuse and bindfs; where these are missing
// the tests say so and are skipped.

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "process.h"
#include "site.h"

namespace sluice::e2e {
namespace {

namespace fs = std::filesystem;

constexpr char kBindfs[] = "/usr/bin/bindfs";

class ADeadMount : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0 || !fs::exists("/dev/fuse") || !fs::exists(kBindfs))
      GTEST_SKIP() << "this needs root, /dev/fuse and bindfs";
    fs::create_directory(behind());
    fs::create_directory(mount_point());
    mount_.emplace(Command{.words = {kBindfs, "-f", "--no-allow-other", behind(), mount_point()},
                           .out_file = site_.folder() + "/bindfs.log"});
    ASSERT_TRUE(until(20s, [&] { return device_of(mount_point()) != device_of(behind()); })) << "bindfs did not mount";
    site_.configure({.more_sources = "- name: far\n  folder: " + mount_point() + "\n  settle: 0s\n  poll: 1s\n"});
  }
  void TearDown() override {
    if (!mount_) return;
    mount_->send(SIGCONT);
    ::umount2(mount_point().c_str(), MNT_DETACH);
  }

  std::string behind() const { return site_.folder() + "/behind"; }
  std::string mount_point() const { return site_.folder() + "/far"; }
  static dev_t device_of(std::string const& path) {
    struct stat about {};
    return ::stat(path.c_str(), &about) == 0 ? about.st_dev : 0;
  }
  void drop_far(std::string const& name, std::uint64_t seed, std::uint64_t bytes = 20'000) {
    fs::rename(site_.make_file(name, bytes, seed), behind() + "/" + name);
  }
  Json source(std::string const& name) {
    auto const status = site_.daemon().status();
    for (auto const& source : status.at("sources"))
      if (source.at("name") == name) return source;
    return {};
  }

  Site site_;
  std::optional<Process> mount_;
};

TEST_F(ADeadMount, HoldsUpItsOwnFilesOnlyAndIsSaid) {
  site_.daemon().start();
  drop_far("far1.mp4", 1);
  ASSERT_TRUE(site_.wait_for("done", 1));

  mount_->send(SIGSTOP);
  site_.drop("near1.mp4", 20'000, 2);
  ASSERT_TRUE(site_.wait_for("done", 2)) << "another folder's file";
  ASSERT_TRUE(site_.wait_until("told", [&] { return !source("far").at("up").get<bool>(); }));
  EXPECT_NE(source("far").at("why_down").get<std::string>().find("does not answer since"), std::string::npos);
  site_.drop("near2.mp4", 20'000, 3);
  ASSERT_TRUE(site_.wait_for("done", 3));

  drop_far("far2.mp4", 4);
  mount_->send(SIGCONT);
  ASSERT_TRUE(site_.wait_for("done", 4));
  EXPECT_TRUE(source("far").at("up"));
  EXPECT_TRUE(site_.every_file_is_there_once());
}

TEST_F(ADeadMount, DoesNotKeepTheDaemonFromEnding) {
  site_.daemon().start();
  drop_far("far1.mp4", 1);
  ASSERT_TRUE(site_.wait_for("done", 1));
  mount_->send(SIGSTOP);
  ASSERT_TRUE(site_.wait_until("told", [&] { return !source("far").at("up").get<bool>(); }));
  site_.daemon().send(SIGTERM);
  ASSERT_TRUE(until(20s, [&] { return site_.daemon().log().find("sluiced ends") != std::string::npos; }));
  // A thread whose call the file system has taken up cannot be ended even by the kernel: the process goes when it
  // answers.
  mount_->send(SIGCONT);
  EXPECT_EQ(site_.daemon().ended(20s), 0);
}

TEST_F(ADeadMount, DoesNotKeepAnotherSourcesFileFromBeingAdded) {
  site_.daemon().start();
  site_.drop("near0.mp4", 20'000, 1);
  ASSERT_TRUE(site_.wait_for("done", 1));
  mount_->send(SIGSTOP);
  EXPECT_EQ(site_.sluice({"add", site_.home().drop() + "/near0.mp4"}).code, 0);
  mount_->kill_at_once();  // from now on every call to it fails
  EXPECT_EQ(site_.sluice({"add", site_.home().drop() + "/near0.mp4"}).code, 0);
  site_.drop("near1.mp4", 20'000, 2);
  EXPECT_TRUE(site_.wait_for("done", 2));
}

TEST_F(ADeadMount, ChargesNobodyForAnUploadUnderWay) {
  auto const far = "- name: far\n  folder: " + mount_point() + "\n  settle: 0s\n  poll: 1s\n";
  site_.configure({.more_sources = far,
                   .direct_max = "16KiB",
                   .transfer = "stall: {below: 64KiB/s, for: 1s}",
                   .retry = "{initial: 100ms, max: 200ms}",
                   .chunks_max = 2});
  site_.emulator().arm(Json::array({{{"method", "PUT"}, {"path", "/chunk-store/*"}, {"action", "delay"}, {"ms", 50}}}));
  site_.daemon().start();
  drop_far("long.mp4", 4, 20'000'000);
  ASSERT_TRUE(site_.wait_until("under way", [&] {
    auto const items = site_.daemon().items();
    return !items.empty() && items.front().at("bytes_sent").get<std::uint64_t>() > 0;
  }));
  mount_->send(SIGSTOP);
  ASSERT_TRUE(site_.wait_until("told", [&] { return !source("far").at("up").get<bool>(); }));
  EXPECT_EQ(site_.daemon().item("long.mp4").at("attempts"), 0);
  mount_->send(SIGCONT);
  ASSERT_TRUE(site_.wait_for("done", 1, 90s));
  EXPECT_EQ(site_.daemon().item("long.mp4").at("attempts"), 0);
  EXPECT_TRUE(site_.every_file_is_there_once());
}

}  // namespace
}  // namespace sluice::e2e

// open_file_test.cc - what other programs do to a file while it goes up, without changing a byte of it.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <future>

#include "site.h"

namespace sluice::e2e {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kFileBytes = 12'000'000;

class AFileUnderUpload : public testing::Test {
 protected:
  AFileUnderUpload() {
    site_.daemon().start();
    site_.drop("a.mp4", kFileBytes, 1);
  }
  bool some_is_up() {
    return static_cast<bool>(site_.wait_until("some of it is up", [&] {
      auto const items = site_.daemon().items();
      return !items.empty() && items.at(0).at("bytes_acked").get<std::uint64_t>() > 0;
    }));
  }
  std::uint64_t sent(std::string const& name) { return site_.daemon().item(name).at("bytes_sent"); }

  Settings const settings_{.direct_max = "1MiB", .bandwidth = "3MB/s"};
  Site site_{settings_, {"--chunk-size", "500000"}};
};

TEST_F(AFileUnderUpload, LetsAWriterInAndGoesOnWhereItStoodIfNothingWasWritten) {
  ASSERT_TRUE(some_is_up());
  auto const path = site_.home().drop() + "/a.mp4";
  auto opened = std::async(std::launch::async, [&] { return ::open(path.c_str(), O_WRONLY); });
  ASSERT_EQ(opened.wait_for(std::chrono::seconds(20)), std::future_status::ready) << "the kernel's patience is 45 s";
  auto const writer = opened.get();
  ASSERT_GE(writer, 0);
  EXPECT_TRUE(site_.wait_until("the writer is waited for", [&] {
    auto const why = site_.daemon().item("a.mp4").at("why");
    return !why.is_null() && why.at("code") == "being_written";
  }));
  ::close(writer);
  ASSERT_TRUE(site_.wait_for("done", 1));
  EXPECT_TRUE(site_.every_file_is_there_once());
  EXPECT_EQ(site_.emulator().calls("POST /assets/multipart-uploads"), 1u) << "one upload session";
  EXPECT_LE(sent("a.mp4"), kFileBytes + 8 * 500'000u) << "nothing but what was in the air";
}

TEST_F(AFileUnderUpload, MayBeRenamedAndItsModeChanged) {
  ASSERT_TRUE(some_is_up());
  auto const id = site_.daemon().item("a.mp4").at("id");
  auto const folder = site_.home().drop();
  ASSERT_EQ(::chmod((folder + "/a.mp4").c_str(), 0640), 0);
  fs::create_directory(folder + "/day one");
  fs::rename(folder + "/a.mp4", folder + "/day one/b.mp4");
  ASSERT_TRUE(site_.wait_for("done", 1));
  ASSERT_EQ(site_.daemon().items().size(), 1u);
  auto const item = site_.daemon().item("b.mp4");
  EXPECT_EQ(item.at("id"), id);
  EXPECT_EQ(item.at("bytes_sent"), kFileBytes);
  EXPECT_TRUE(site_.every_file_is_there_once());
}

}  // namespace
}  // namespace sluice::e2e

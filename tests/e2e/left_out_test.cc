// left_out_test.cc - what is in a folder and is no file that can be taken.

#include <sys/stat.h>

#include <filesystem>

#include "site.h"

namespace sluice::e2e {
namespace {

namespace fs = std::filesystem;

TEST(WhatIsLeftOut, IsSaidByStatusExplainAndAdd) {
  Site site;
  auto const drop = site.home().drop();
  fs::create_directories(drop + "/day1");
  fs::create_symlink("a.mp4", drop + "/link.mp4");
  ASSERT_EQ(::mkfifo((drop + "/fifo.mp4").c_str(), 0600), 0);
  site.daemon().start();
  site.drop("a.mp4", 20'000, 1);
  ASSERT_TRUE(site.wait_for("done", 1));
  ASSERT_TRUE(site.wait_until("it was swept", [&] {
    return site.daemon().get("/v1/status").json().at("sources").at(0).at("left_out").at("count") == 2;
  }));
  auto const text = site.sluice({"status"}).out;
  EXPECT_NE(text.find("leaves out 2:"), std::string::npos) << text;
  EXPECT_NE(text.find("link.mp4: symbolic links are not followed"), std::string::npos) << text;
  for (auto const* name : {"/fifo.mp4", "/day1"}) {
    auto const added = site.sluice({"add", "--dry-run", drop + name});
    EXPECT_NE(added.code, 0) << added.out;
    EXPECT_NE((added.out + added.err).find("not a regular file"), std::string::npos) << added.out << added.err;
    EXPECT_NE(site.sluice({"explain", drop + name}).out.find("not a regular file"), std::string::npos);
  }
}

}  // namespace
}  // namespace sluice::e2e

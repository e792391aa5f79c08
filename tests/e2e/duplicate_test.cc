// duplicate_test.cc - the same bytes under several names.

#include <filesystem>

#include "site.h"

namespace sluice::e2e {
namespace {

namespace fs = std::filesystem;

TEST(ADuplicate, IsSkippedAndNamesTheItemThatItRepeats) {
  Site site({.direct_max = "100kB"});
  auto const drop = site.home().drop();
  auto const copies = [&](std::string const& name, std::uint64_t bytes, std::uint64_t seed) {
    auto const path = site.make_file(name, bytes, seed);
    fs::create_directory(drop + "/again");
    fs::copy_file(path, drop + "/again/" + name);  // both at once,
    fs::rename(path, drop + "/" + name);
    fs::create_hard_link(drop + "/" + name, drop + "/hard-" + name);
  };
  site.daemon().start();
  copies("large.mp4", 400'000, 1);
  copies("small.mp4", 40'000, 2);
  ASSERT_TRUE(site.wait_for("done", 2));
  ASSERT_TRUE(site.wait_for("skipped", 4));
  EXPECT_EQ(site.emulator().ledger().at("assets").size(), 2u);
  std::map<std::string, std::string> done;
  for (auto const& item : site.daemon().items())
    if (item.at("stage") == "done") done[item.at("id")] = item.at("name");
  for (auto const& item : site.daemon().items()) {
    if (item.at("stage") == "done") continue;
    EXPECT_EQ(item.at("reason"), "duplicate") << item;
    ASSERT_TRUE(done.contains(item.at("duplicate_of"))) << item;
  }
  ASSERT_EQ(site.sluice({"retry", drop + "/hard-small.mp4"}).code, 0);
  EXPECT_TRUE(site.wait_for("done", 3)) << "a person may have it all the same";
}

TEST(ADuplicate, GoesAsItsTwinDid) {
  Site site({.more_sources = "  after_success: delete\n"});
  auto const is_empty = [&] { return fs::is_empty(site.home().drop()); };
  site.daemon().start();
  site.drop("a.mp4", 40'000, 1);
  ASSERT_TRUE(site.wait_for("done", 1));
  ASSERT_TRUE(site.wait_until("the file to go", is_empty));
  site.drop("a.mp4", 40'000, 1);
  ASSERT_TRUE(site.wait_for("skipped", 1));
  ASSERT_TRUE(site.wait_until("its duplicate to go", is_empty));
  EXPECT_EQ(site.emulator().ledger().at("assets").size(), 1u);
}

}  // namespace
}  // namespace sluice::e2e

// act_test.cc - what becomes of files after the end: moved, deleted, described, and never lost.

#include <openssl/evp.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "site.h"

namespace sluice::e2e {
namespace {

namespace fs = std::filesystem;

std::string sha256_of_file(std::string const& path) {
  auto const bytes = read_text(path);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned i = 0; i < length; ++i) {
    hex += "0123456789abcdef"[digest.at(i) >> 4];
    hex += "0123456789abcdef"[digest.at(i) & 15];
  }
  return hex;
}

// A site whose source has these keys; DONE, FAILED and FAR in them are folders of the site.
class Acts {
 public:
  explicit Acts(std::string keys) {
    for (auto const* name : {"done", "failed", "far"}) fs::create_directories(at(name));
    for (auto const& [word, name] : {std::pair("DONE", "done"), std::pair("FAILED", "failed"), std::pair("FAR", "far")})
      for (auto found = keys.find(word); found != std::string::npos; found = keys.find(word))
        keys.replace(found, std::string(word).size(), at(name));
    site.configure({.more_sources = std::move(keys)});
  }
  std::string at(std::string const& relative) const { return site.folder() + "/" + relative; }

  // The acts of an item are all over.
  testing::AssertionResult wait_for_acts(std::string const& name, std::size_t count) {
    return site.wait_until("the acts of " + name, [&] {
      for (auto const& item : site.daemon().items()) {
        if (item.at("name") != name || item.at("acts").size() < count) continue;
        return std::ranges::none_of(item.at("acts"), [](Json const& act) {
          return act.at("state") == "wanted" || act.at("state") == "acting";
        });
      }
      return false;
    });
  }
  Json act(std::string const& name, std::size_t n) { return site.daemon().item(name).at("acts").at(n); }
  bool is_there_whole(std::string const& path, std::string const& name) const {
    return fs::exists(path) && sha256_of_file(path) == site.sha256_of(name);
  }
  std::size_t files_in(std::string const& folder) const {
    std::size_t count = 0;
    for (auto const& entry : fs::recursive_directory_iterator(at(folder))) count += entry.is_regular_file() ? 1 : 0;
    return count;
  }

  Site site;
};

Json json_of(std::string const& path) { return Json::parse(read_text(path)); }

TEST(AnAct, MovesTheFileWithItsCompanionsAndWritesAReceiptBesideIt) {
  Acts acts("  after_success: {move_to: \"DONE/{source}/{path}\"}\n  receipt: beside\n");
  std::ofstream(acts.at("drop") + "/a.mp4.json") << "{}";
  acts.site.drop("a.mp4", 300'000, 1);
  acts.site.drop("day/b.mp4", 300'000, 2);
  acts.site.daemon().start();
  ASSERT_TRUE(acts.wait_for_acts("a.mp4", 2));
  ASSERT_TRUE(acts.wait_for_acts("b.mp4", 2));
  EXPECT_TRUE(acts.is_there_whole(acts.at("done/drop/a.mp4"), "a.mp4"));
  EXPECT_TRUE(acts.is_there_whole(acts.at("done/drop/day/b.mp4"), "day/b.mp4"));
  EXPECT_TRUE(fs::exists(acts.at("done/drop/a.mp4.json")));
  auto const item = acts.site.daemon().item("a.mp4");
  auto const receipt = json_of(acts.at("done/drop/a.mp4.sluice.json"));
  for (auto const* key : {"id", "asset_id", "content_key", "indexed_assets", "size"})
    EXPECT_EQ(receipt.at(key), item.at(key)) << key;
  EXPECT_EQ(acts.files_in("drop"), 0u);
  EXPECT_TRUE(fs::is_directory(acts.at("drop/day")));
  EXPECT_EQ(acts.site.daemon().items().size(), 2u);
}

TEST(AnAct, DeletesAndLeavesAReceiptInAFolderOfItsOwn) {
  Acts acts("  after_success: delete\n  receipt: {dir: DONE}\n");
  acts.site.drop("day/a.mp4", 300'000, 1);
  acts.site.daemon().start();
  ASSERT_TRUE(acts.wait_for_acts("a.mp4", 2));
  EXPECT_EQ(acts.files_in("drop"), 0u);
  EXPECT_EQ(json_of(acts.at("done/day/a.mp4.sluice.json")).at("file"), Json());
  EXPECT_EQ(acts.site.emulator().ledger().at("assets").size(), 1u);
}

TEST(AnAct, KeepsByDefault) {
  Acts acts("");
  acts.site.drop("a.mp4", 30'000, 1);
  acts.site.daemon().start();
  ASSERT_TRUE(acts.site.wait_for("done", 1));
  EXPECT_TRUE(acts.site.daemon().item("a.mp4").at("acts").empty());
  EXPECT_EQ(acts.files_in("drop"), 1u);
}

TEST(AnAct, CountsWhereTheNameIsTaken) {
  Acts acts("  after_success: {move_to: \"DONE/{name}\"}\n");
  std::ofstream(acts.at("done/a.mp4")) << "older";
  acts.site.drop("a.mp4", 30'000, 1);
  acts.site.daemon().start();
  ASSERT_TRUE(acts.wait_for_acts("a.mp4", 1));
  EXPECT_EQ(read_text(acts.at("done/a.mp4")), "older");
  EXPECT_TRUE(acts.is_there_whole(acts.at("done/a~1.mp4"), "a.mp4"));
}

TEST(AnAct, CopiesToAnotherFileSystem) {
  Acts acts("  after_success: {move_to: \"FAR/{path}\"}\n");
  if (::mount("tmpfs", acts.at("far").c_str(), "tmpfs", 0, "size=64m") != 0) GTEST_SKIP() << "needs root for a tmpfs";
  acts.site.drop("a.mp4", 5'000'000, 1);
  acts.site.daemon().start();
  auto const is_over = acts.wait_for_acts("a.mp4", 1);
  auto const is_whole = acts.is_there_whole(acts.at("far/a.mp4"), "a.mp4");
  auto const left = acts.files_in("far");
  acts.site.daemon().stop();
  ::umount2(acts.at("far").c_str(), MNT_DETACH);
  EXPECT_TRUE(is_over);
  EXPECT_TRUE(is_whole);
  EXPECT_EQ(left, 1u);
  EXPECT_EQ(acts.files_in("drop"), 0u);
}

TEST(AnAct, IsRefusedInAReadOnlyFolderAndSaysSo) {
  Acts acts("  after_success: delete\n");
  acts.site.drop("a.mp4", 30'000, 1);
  auto const drop = acts.at("drop");
  if (::mount(drop.c_str(), drop.c_str(), nullptr, MS_BIND, nullptr) != 0) GTEST_SKIP() << "needs root for a mount";
  ::mount(nullptr, drop.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr);
  acts.site.daemon().start();
  auto const is_over = acts.wait_for_acts("a.mp4", 2);
  auto const act = is_over ? acts.act("a.mp4", 1) : Json::object();  // after a last look at the sidecar
  auto const shown = acts.site.sluice({"show", "a.mp4"}).out;
  auto const status = acts.site.sluice({"status"}).out;
  auto const left = acts.files_in("drop");
  ::mount(nullptr, drop.c_str(), nullptr, MS_REMOUNT | MS_BIND, nullptr);
  auto const retried = acts.site.sluice({"retry", "--failed"}).code;
  auto const is_gone = acts.site.wait_until("the file to go", [&] { return acts.files_in("drop") == 0; });
  auto const health = acts.site.daemon().status().at("health").at("status");
  acts.site.daemon().stop();
  ::umount2(drop.c_str(), MNT_DETACH);
  ASSERT_TRUE(is_over);
  EXPECT_EQ(act.at("state"), "refused");
  EXPECT_EQ(act.at("reason"), "read_only");
  EXPECT_NE(shown.find("ReadWritePaths"), std::string::npos) << shown;
  EXPECT_NE(shown.find("then sluice retry"), std::string::npos) << shown;
  EXPECT_NE(status.find("1 act was refused"), std::string::npos) << status;
  EXPECT_EQ(left, 1u);
  EXPECT_EQ(retried, 0);
  EXPECT_TRUE(is_gone);
  EXPECT_EQ(health, "ok");
}

TEST(AnAct, WaitsForATargetThatIsAwayAndSaysSo) {
  Acts acts("  after_success: {move_to: \"DONE/{path}\"}\n");
  acts.site.daemon().start();
  fs::remove(acts.at("done"));
  acts.site.drop("a.mp4", 30'000, 1);
  acts.site.drop("b.mp4", 30'000, 2);
  ASSERT_TRUE(acts.site.wait_until("the folder to be missed", [&] {
    auto const health = acts.site.daemon().status().at("health");
    return std::ranges::any_of(health.at("reasons"), [](Json const& each) { return each.at("code") == "folder_away"; });
  }));
  fs::create_directory(acts.at("done"));
  ASSERT_TRUE(acts.wait_for_acts("a.mp4", 1));
  ASSERT_TRUE(acts.wait_for_acts("b.mp4", 1));
  EXPECT_TRUE(acts.is_there_whole(acts.at("done/a.mp4"), "a.mp4"));
  EXPECT_TRUE(acts.is_there_whole(acts.at("done/b.mp4"), "b.mp4"));
}

TEST(AnAct, IsRefusedWhereALinkLeadsBackIntoTheFolderAndSoIsTheNextStart) {
  Acts acts("  after_success: {move_to: \"DONE/{path}\"}\n");
  acts.site.daemon().start();
  fs::remove(acts.at("done"));
  fs::create_directory(acts.at("drop/back"));
  fs::create_directory_symlink(acts.at("drop/back"), acts.at("done"));
  acts.site.drop("a.mp4", 30'000, 1);
  ASSERT_TRUE(acts.wait_for_acts("a.mp4", 2));
  auto const act = acts.act("a.mp4", 1);  // after a last look at the sidecar
  EXPECT_EQ(act.at("state"), "refused");
  EXPECT_EQ(act.at("reason"), "bad_target");
  EXPECT_TRUE(acts.is_there_whole(acts.at("drop/a.mp4"), "a.mp4"));
  acts.site.daemon().stop();
  EXPECT_EQ(acts.site.daemon().start_and_end(), 78);
  EXPECT_NE(acts.site.daemon().log().find("after_success.move_to: may lie in the folder of source drop"),
            std::string::npos);
}

TEST(AnAct, MovesAFailedFileWithItsReasonAndTakesItUpAgainWhenItIsMovedBack) {
  Acts acts("  after_failure: {move_to: \"FAILED/{path}\"}\n");
  std::ofstream(acts.at("drop/empty.mp4"));
  acts.site.daemon().start();
  ASSERT_TRUE(acts.wait_for_acts("empty.mp4", 2));
  auto const note = json_of(acts.at("failed/empty.mp4.error.json"));
  EXPECT_EQ(note.at("code"), "empty_file");
  EXPECT_FALSE(note.at("remedy").is_null());
  auto const retried = acts.site.sluice({"retry", "empty.mp4"});
  EXPECT_NE((retried.out + retried.err).find("moved to"), std::string::npos) << retried.out << retried.err;
  fs::rename(acts.site.make_file("empty.mp4", 40'000, 3), acts.at("drop/empty.mp4"));
  ASSERT_TRUE(acts.site.wait_for("done", 1));
  ASSERT_TRUE(acts.wait_for_acts("empty.mp4", 3));
  EXPECT_FALSE(fs::exists(acts.at("failed/empty.mp4.error.json")));
  EXPECT_EQ(acts.site.daemon().items().size(), 1u);
}

// Deaths at moments that chance chooses, while files are put away on another device and on the same one.
TEST(AnAct, SurvivesKillsInTheMiddle) {
  Acts acts("  after_success: {move_to: \"FAR/{path}\"}\n  receipt: beside\n");
  auto const is_far = ::mount("tmpfs", acts.at("far").c_str(), "tmpfs", 0, "size=128m") == 0;
  constexpr int kFiles = 24;
  Dice dice(run_seed());
  for (int n = 0; n < kFiles; ++n) acts.site.drop("f" + std::to_string(n) + ".mp4", 700'000, 10 + std::uint64_t(n));
  for (int life = 0; life < 12; ++life) {
    acts.site.daemon().start();
    acts.site.daemon().lives_for(Millis(dice.between(50, 700)));
    acts.site.daemon().kill_at_once();
  }
  acts.site.daemon().start();
  auto const all_done = acts.site.wait_for("done", kFiles, Millis(90'000));
  auto const all_over = acts.site.wait_until("all receipts", [&] { return acts.files_in("far") == 2 * kFiles; });
  auto whole = 0;
  for (int n = 0; n < kFiles; ++n) {
    auto const name = "f" + std::to_string(n) + ".mp4";
    whole += acts.is_there_whole(acts.at("far/" + name), name) ? 1 : 0;
  }
  auto const once = acts.site.every_file_is_there_once();
  acts.site.daemon().stop();
  if (is_far) ::umount2(acts.at("far").c_str(), MNT_DETACH);
  EXPECT_TRUE(all_done);
  EXPECT_TRUE(all_over);
  EXPECT_EQ(whole, kFiles);
  EXPECT_TRUE(once);
  EXPECT_EQ(acts.files_in("drop"), 0u);
}

}  // namespace
}  // namespace sluice::e2e

// Where folders really are.
#include "daemon/real_folders.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <future>

#include "tests/unit/daemon/temp_folder.h"

namespace sluice::daemon {

TEST(RealFolders, FollowsLinksAsFarAsTheFolderIsThere) {
  TempFolder here;
  here.folder("data/drop");
  std::filesystem::create_directory_symlink(here.at("data"), here.at("link"));
  auto const real = std::filesystem::canonical(here.path()).string();
  auto const found =
      real_folders({here.at("link/drop"), here.at("link/none/yet"), here.at("data/drop")}, std::chrono::minutes(5));
  EXPECT_EQ(found.at(here.at("link/drop")).path, real + "/data/drop");
  EXPECT_EQ(found.at(here.at("link/none/yet")).path, real + "/data/none/yet");
  EXPECT_EQ(found.at(here.at("link/none/yet")).inode, 0u);
  EXPECT_NE(found.at(here.at("link/drop")).inode, 0u);
  EXPECT_EQ(found.at(here.at("link/drop")).inode, found.at(here.at("data/drop")).inode);
}

TEST(RealFolders, LeavesOutAFolderThatDoesNotAnswer) {
  auto const mended = std::make_shared<std::promise<void>>();
  auto const until = mended->get_future().share();
  auto const look_up = [until](std::string const& folder) {
    if (folder == "/dead") until.wait();
    return config::RealFolder{.path = folder};
  };
  auto const found = real_folders({"/dead", "/dead"}, Millis(0), look_up);
  EXPECT_TRUE(found.empty());
  mended->set_value();
}

}  // namespace sluice::daemon

// The spool on a disk: whole files of its own, and nothing behind a link.
#include "daemon/spool_linux.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "tests/unit/daemon/temp_folder.h"

namespace sluice::daemon {
namespace {

class Spooled : public testing::Test {
 protected:
  std::string spool() const { return folder_.at("spool"); }
  std::string content(std::string const& name) const {
    std::ifstream in(spool() + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  TempFolder folder_;
  SpoolLinux disk_;
};

TEST_F(Spooled, PiecesLandWhereTheyBelongInWhateverOrder) {
  ASSERT_TRUE(disk_.write(spool(), "a", 6, 4, "ef"));
  EXPECT_EQ(content("a"), std::string("\0\0\0\0ef", 6)) << "the whole room is taken at once";
  ASSERT_TRUE(disk_.write(spool(), "a", 6, 0, "abcd"));
  EXPECT_EQ(content("a"), "abcdef");
  struct stat status {};
  ASSERT_EQ(::stat(spool().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  ASSERT_EQ(::stat((spool() + "/a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(Spooled, AFileOfAnotherSizeIsOfAnEarlierContentAndIsNotMixedIn) {
  ASSERT_TRUE(disk_.write(spool(), "a", 6, 0, "abcdef"));
  ASSERT_TRUE(disk_.write(spool(), "a", 4, 2, "xy"));
  EXPECT_EQ(content("a"), std::string("\0\0xy", 4));
}

TEST_F(Spooled, FilesAreListedAndRemovedAndMayBeMissing) {
  EXPECT_TRUE(disk_.names(spool())->empty()) << "there is no folder yet";
  EXPECT_TRUE(disk_.remove(spool(), "a"));
  ASSERT_TRUE(disk_.write(spool(), "a", 1, 0, "x"));
  EXPECT_EQ(*disk_.names(spool()), std::vector<std::string>{"a"});
  EXPECT_TRUE(disk_.remove(spool(), "a"));
  EXPECT_TRUE(disk_.names(spool())->empty());
}

TEST_F(Spooled, LinksAreNotFollowed) {
  ASSERT_TRUE(disk_.write(spool(), "a", 1, 0, "x"));
  folder_.write("outside", "keep");
  ASSERT_EQ(::symlink(folder_.at("outside").c_str(), (spool() + "/b").c_str()), 0);
  EXPECT_FALSE(disk_.write(spool(), "b", 4, 0, "evil"));
  std::ifstream in(folder_.at("outside"));
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "keep");
  ASSERT_EQ(::symlink(spool().c_str(), folder_.at("led").c_str()), 0);
  EXPECT_FALSE(disk_.write(folder_.at("led"), "c", 1, 0, "x"));
}

TEST_F(Spooled, AFullDiskIsSaidAsSuch) {
  // More than any file system of the tests has room for.
  auto const full = disk_.write(spool(), "a", std::uint64_t{1} << 50, 0, "x");
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ports::kNoSpace) << full.error().text;
  EXPECT_EQ(content("a"), "") << "nothing of it stays taken";
}

}  // namespace
}  // namespace sluice::daemon

// The spool on a disk: whole files of its own, and nothing behind a link.
#include "daemon/spool_linux.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "core/base/units.h"
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
  // The first part makes the file.
  Result<void> begin(std::string const& name, std::uint64_t total, std::uint64_t offset, std::string_view bytes) {
    return disk_.write(spool(), name, {.total_bytes = total, .offset_bytes = offset, .bytes = bytes, .is_first = true});
  }
  Result<void> go_on(std::string const& name, std::uint64_t total, std::uint64_t offset, std::string_view bytes) {
    return disk_.write(spool(), name, {.total_bytes = total, .offset_bytes = offset, .bytes = bytes});
  }
  TempFolder folder_;
  SpoolLinux disk_;
};

TEST_F(Spooled, PiecesLandWhereTheyBelongInWhateverOrder) {
  ASSERT_TRUE(begin("a", 6, 4, "ef"));
  EXPECT_EQ(content("a"), std::string("\0\0\0\0ef", 6)) << "the whole room is taken at once";
  ASSERT_TRUE(go_on("a", 6, 0, "abcd"));
  EXPECT_EQ(content("a"), "abcdef");
  struct stat status {};
  ASSERT_EQ(::stat(spool().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  ASSERT_EQ(::stat((spool() + "/a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(Spooled, AFileOfAnotherSizeIsOfAnEarlierContentAndIsNotMixedIn) {
  ASSERT_TRUE(begin("a", 6, 0, "abcdef"));
  ASSERT_TRUE(begin("a", 4, 2, "xy"));
  EXPECT_EQ(content("a"), std::string("\0\0xy", 4));
}

// Whoever removed it, what was in it is gone: a new file would hold zeros in its place.
TEST_F(Spooled, AFileThatIsGoneIsNotMadeAnewByALaterPart) {
  ASSERT_TRUE(begin("a", 6, 0, "abc"));
  ASSERT_TRUE(disk_.remove(spool(), "a"));
  auto const lost = go_on("a", 6, 3, "def");
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, ports::kSpoolLost);
  EXPECT_TRUE(disk_.names(spool())->empty());
  ASSERT_TRUE(begin("a", 4, 0, "wxyz"));
  EXPECT_FALSE(go_on("a", 6, 3, "def")) << "that file has another size";
}

TEST_F(Spooled, SomeOfTheDiskIsLeftToTheJournal) {
  struct statvfs about {};
  ASSERT_EQ(::statvfs(folder_.at("").c_str(), &about), 0);
  auto const free = std::uint64_t{about.f_bavail} * about.f_frsize;
  auto const full = begin("a", free - 32 * kMiB, 0, "x");
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ports::kNoSpace);
  EXPECT_EQ(content("a"), "");
}

TEST_F(Spooled, FilesAreListedAndRemovedAndMayBeMissing) {
  EXPECT_TRUE(disk_.names(spool())->empty()) << "there is no folder yet";
  EXPECT_TRUE(disk_.remove(spool(), "a"));
  ASSERT_TRUE(begin("a", 1, 0, "x"));
  EXPECT_EQ(*disk_.names(spool()), std::vector<std::string>{"a"});
  EXPECT_TRUE(disk_.remove(spool(), "a"));
  EXPECT_TRUE(disk_.names(spool())->empty());
}

TEST_F(Spooled, LinksAreNotFollowed) {
  ASSERT_TRUE(begin("a", 1, 0, "x"));
  folder_.write("outside", "keep");
  ASSERT_EQ(::symlink(folder_.at("outside").c_str(), (spool() + "/b").c_str()), 0);
  EXPECT_FALSE(begin("b", 4, 0, "evil"));
  std::ifstream in(folder_.at("outside"));
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "keep");
  ASSERT_EQ(::symlink(spool().c_str(), folder_.at("led").c_str()), 0);
  EXPECT_FALSE(disk_.write(folder_.at("led"), "c", {.total_bytes = 1, .bytes = "x", .is_first = true}));
}

TEST_F(Spooled, AFullDiskIsSaidAsSuch) {
  // More than any file system of the tests has room for.
  auto const full = begin("a", std::uint64_t{1} << 50, 0, "x");
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ports::kNoSpace) << full.error().text;
  EXPECT_EQ(content("a"), "") << "nothing of it stays taken";
}

}  // namespace
}  // namespace sluice::daemon

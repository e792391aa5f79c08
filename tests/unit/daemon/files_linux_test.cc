// Source files through held roots: what is opened, what is refused and in which words.
#include "daemon/files_linux.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <array>
#include <atomic>
#include <map>
#include <thread>

#include "daemon/beneath_linux.h"
#include "daemon/mount_kind.h"
#include "daemon/signals_linux.h"
#include "tests/unit/daemon/temp_folder.h"

namespace sluice::daemon {
namespace {

using ports::FileType;
using ports::Writer;
using testing::HasSubstr;

std::string read_all(ports::OpenFile const& file) {
  std::string bytes(100, ' ');
  auto const got = file.read_at(std::as_writable_bytes(std::span(bytes)), 0);
  EXPECT_TRUE(got);
  bytes.resize(got.value_or(0));
  return bytes;
}

Result<std::vector<ports::DirEntry>> listed_whole(FilesLinux& files, std::string const& root, std::string const& path) {
  SLUICE_TRY(listing, files.list(root, path));
  std::vector<ports::DirEntry> all;
  while (true) {
    SLUICE_TRY(some, listing->next(3));
    if (some.empty()) return all;
    EXPECT_LE(some.size(), 3u);
    all.insert(all.end(), some.begin(), some.end());
  }
}

TEST(FilesLinux, ReadsAFileBeneathItsRoot) {
  TempFolder root;
  root.folder("a/b");
  root.write("a/b/c.txt", "hello");
  FilesLinux files;
  auto const file = files.open(root.path(), "a/b/c.txt");
  ASSERT_TRUE(file) << file.error().text;
  EXPECT_EQ(read_all(**file), "hello");
  auto const print = (*file)->print();
  ASSERT_TRUE(print);
  EXPECT_EQ(print->size_bytes, 5u);
  EXPECT_EQ(*print, *files.stat(root.path(), "a/b/c.txt"));
  std::byte byte{};
  EXPECT_EQ((*file)->read_at({&byte, 1}, 5).value(), 0u);
}

TEST(FilesLinux, RefusesLinksWhereverTheyStand) {
  TempFolder root;
  TempFolder elsewhere;
  elsewhere.write("secret", "x");
  root.folder("real");
  root.write("real/f", "x");
  root.link(elsewhere.path(), "out");
  root.link("real", "in");
  root.link("real/f", "file");
  FilesLinux files;
  for (auto const* path : {"out/secret", "in/f", "file"}) {
    auto const file = files.open(root.path(), path);
    ASSERT_FALSE(file) << path;
    EXPECT_EQ(file.error().code, "symlink") << path;
    EXPECT_EQ(file.error().fault, Fault::kSourceIo);
  }
  EXPECT_FALSE(listed_whole(files, root.path(), "out"));
}

TEST(FilesLinux, RefusesPathsThatAreNotPlain) {
  TempFolder root;
  root.write("f", "x");
  FilesLinux files;
  for (auto const& path : {std::string("../f"), std::string("/etc/passwd"), std::string("./f"), std::string("a//b"),
                           std::string("f/"), std::string("f\0g", 3)}) {
    EXPECT_FALSE(files.open(root.path(), path)) << path;
  }
}

TEST(FilesLinux, NeverWaitsForAFifo) {
  TempFolder root;
  ASSERT_EQ(::mkfifo(root.at("pipe").c_str(), 0600), 0);
  FilesLinux files;
  auto const file = files.open(root.path(), "pipe");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, "not_regular");
  EXPECT_EQ(files.open(root.path(), "").error().code, "not_regular");
}

TEST(FilesLinux, SaysThatAFileIsGone) {
  TempFolder root;
  FilesLinux files;
  auto const file = files.open(root.path(), "no\nsuch");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().fault, Fault::kGone);
  EXPECT_EQ(file.error().text, "open " + root.path() + "/no\\x0asuch: No such file or directory (ENOENT)");
  EXPECT_EQ(files.stat(root.path(), "none").error().fault, Fault::kGone);
  EXPECT_EQ(listed_whole(files, root.path() + "/none", "").error().fault, Fault::kGone);
}

TEST(FilesLinux, NamesUidAndModeOfWhatMayNotBeRead) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become another user";
  TempFolder root;
  root.write("f", "x");
  ::chmod(root.path().c_str(), 0755);
  ::chmod(root.at("f").c_str(), 0640);
  auto const child = ::fork();
  if (child == 0) {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(2);
    FilesLinux files;
    auto const file = files.open(root.path(), "f");
    bool const said =
        !file && file.error().code == "permission" &&
        file.error().text.find("runs as uid 65534, gid 65534, it belongs to uid 0, gid 0 with mode 0640") !=
            std::string::npos;
    ::_exit(said ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(FilesLinux, NamesTheFolderThatLetsNobodyThroughAndWhatToDo) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become another user";
  TempFolder root;
  std::filesystem::create_directories(root.at("day1/closed/deep"));
  root.write("day1/closed/deep/f", "x");
  ::chmod(root.path().c_str(), 0755);
  ::chmod(root.at("day1/closed").c_str(), 0700);
  auto const wanted = "; the folder " + root.at("day1/closed") +
                      " belongs to uid 0, gid 0 with mode 0700 and does not let it through: chmod it, or setfacl -m "
                      "u:65534:rx";
  auto const child = ::fork();
  if (child == 0) {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(2);
    FilesLinux files;
    auto const file = files.open(root.path(), "day1/closed/deep/f");
    auto const print = files.stat(root.path(), "day1/closed/deep/f");
    bool const said = !file && file.error().text.ends_with(wanted) && !print && print.error().text.ends_with(wanted);
    ::_exit(said ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(FilesLinux, LeavesPrintsOutOfAVeryLongList) {
  TempFolder root;
  for (std::size_t i = 0; i < FilesLinux::kPrintsMax + 10; ++i) root.write("f" + std::to_string(i), "12345");
  FilesLinux files;
  auto const listed = listed_whole(files, root.path(), "").value();
  ASSERT_EQ(listed.size(), FilesLinux::kPrintsMax + 10);
  std::size_t prints = 0;
  for (auto const& entry : listed) {
    EXPECT_EQ(entry.type, FileType::kRegular);
    EXPECT_EQ(entry.print.size_bytes, entry.has_print ? 5u : 0u);
    prints += entry.has_print ? 1 : 0;
  }
  EXPECT_EQ(prints, FilesLinux::kPrintsMax);
}

TEST(FilesLinux, ExpectsNothingFromTheDiskThatIsInMemory) {
  TempFolder root;
  root.write("a", std::string(100'000, 'a'));
  FilesLinux files;
  auto const file = files.open(root.path(), "a").value();
  EXPECT_FALSE(file->expect(0, 100'000));
  file->release(0, 100'000);
  std::array<std::byte, 10> into{};
  EXPECT_EQ(file->read_at(into, 99'995).value(), 5u);
}

TEST(FilesLinux, ListsEntriesWithTheirOwnTypes) {
  TempFolder root;
  root.folder("sub/deep");
  root.write("sub/file", "12345");
  root.link("file", "sub/link");
  ::mkfifo(root.at("sub/pipe").c_str(), 0600);
  root.write("sub/\xff\xfe", "bytes");
  FilesLinux files;
  auto const listed = listed_whole(files, root.path(), "sub");
  ASSERT_TRUE(listed) << listed.error().text;
  std::map<std::string, ports::DirEntry> byname;
  for (auto const& entry : *listed) byname[entry.name] = entry;
  ASSERT_EQ(byname.size(), 5u);
  EXPECT_EQ(byname["deep"].type, FileType::kDirectory);
  EXPECT_EQ(byname["file"].type, FileType::kRegular);
  EXPECT_EQ(byname["file"].print.size_bytes, 5u);
  EXPECT_EQ(byname["link"].type, FileType::kSymlink);
  EXPECT_EQ(byname["pipe"].type, FileType::kOther);
  EXPECT_EQ(byname["\xff\xfe"].type, FileType::kRegular);
  EXPECT_EQ(byname["link"].print, *files.stat(root.path(), "sub/link"));
}

TEST(FilesLinux, NoticesARootThatWasReplaced) {
  TempFolder parent;
  parent.folder("drop");
  parent.write("drop/old", "x");
  FilesLinux files;
  ASSERT_EQ(listed_whole(files, parent.at("drop"), "").value().size(), 1u);

  parent.rename("drop", "away");
  parent.folder("drop");
  parent.write("drop/new", "y");
  EXPECT_FALSE(files.open(parent.at("drop"), "old")) << "nothing of the old one is held";
  EXPECT_EQ(listed_whole(files, parent.at("drop"), "").value().at(0).name, "new");
  EXPECT_TRUE(files.open(parent.at("drop"), "new"));
  EXPECT_FALSE(files.open(parent.at("drop"), "old"));

  parent.remove("drop");
  EXPECT_EQ(listed_whole(files, parent.at("drop"), "").error().fault, Fault::kGone);
}

TEST(FilesLinux, WalksPathsLongerThanPathMax) {
  TempFolder root;
  UniqueFd folder(::open(root.path().c_str(), O_PATH | O_DIRECTORY));
  std::string path;
  for (int depth = 0; depth < 30; ++depth) {  // 30 x 201 bytes
    std::string const name(200, static_cast<char>('a' + depth % 26));
    ASSERT_EQ(::mkdirat(folder.get(), name.c_str(), 0700), 0);
    path += name + "/";
    folder.reset(::openat(folder.get(), name.c_str(), O_PATH | O_DIRECTORY));
  }
  UniqueFd const made(::openat(folder.get(), "deep", O_CREAT | O_WRONLY, 0600));
  FilesLinux files;
  EXPECT_TRUE(files.open(root.path(), path + "deep"));
  EXPECT_EQ(listed_whole(files, root.path(), path.substr(0, path.size() - 1)).value().size(), 1u);
}

TEST(FilesLinux, SeesAWriterByALease) {
  TempFolder root;
  root.write("f", "x");
  FilesLinux files;
  auto const file = files.open(root.path(), "f").value();
  if (file->writer() == Writer::kUnknown) GTEST_SKIP() << "no leases on this file system";
  EXPECT_EQ(file->writer(), Writer::kNone);
  {
    UniqueFd const writer(::open(root.at("f").c_str(), O_WRONLY));
    EXPECT_EQ(file->writer(), Writer::kPresent);
  }
  EXPECT_EQ(file->writer(), Writer::kNone);
}

TEST(FilesLinux, HasAWriterWaitUntilItIsNoticed) {
  TempFolder root;
  root.write("f", "x");
  FilesLinux files;
  auto const file = files.open(root.path(), "f").value();
  EXPECT_EQ(file->writer_since(), Writer::kUnknown);
  if (file->keep_writers_out() == Writer::kUnknown) GTEST_SKIP() << "no leases on this file system";
  EXPECT_EQ(file->writer_since(), Writer::kNone);
  EXPECT_LT(::open(root.at("f").c_str(), O_WRONLY | O_NONBLOCK), 0) << "it asks, and does not wait";
  EXPECT_EQ(errno, EWOULDBLOCK);
  EXPECT_EQ(file->writer_since(), Writer::kPresent);
  UniqueFd const writer(::open(root.at("f").c_str(), O_WRONLY | O_NONBLOCK));
  EXPECT_TRUE(writer) << "it was let in";
  EXPECT_EQ(file->writer_since(), Writer::kPresent) << "and that is kept in mind";
}

TEST(FilesLinux, KeepsNoWriterOutThatIsInAlready) {
  TempFolder root;
  root.write("f", "x");
  FilesLinux files;
  auto const file = files.open(root.path(), "f").value();
  if (file->writer() == Writer::kUnknown) GTEST_SKIP() << "no leases on this file system";
  UniqueFd const writer(::open(root.at("f").c_str(), O_WRONLY));
  EXPECT_EQ(file->keep_writers_out(), Writer::kPresent);
  EXPECT_EQ(file->writer_since(), Writer::kUnknown);
}

// What changes no byte breaks no lease.
TEST(FilesLinux, HoldsItsLeaseWhileAFileIsRenamedOrItsModeChanged) {
  TempFolder root;
  root.write("f", "x");
  FilesLinux files;
  auto const file = files.open(root.path(), "f").value();
  if (file->keep_writers_out() == Writer::kUnknown) GTEST_SKIP() << "no leases on this file system";
  ASSERT_EQ(::chmod(root.at("f").c_str(), 0640), 0);
  ASSERT_EQ(::rename(root.at("f").c_str(), root.at("g").c_str()), 0);
  UniqueFd const reader(::open(root.at("g").c_str(), O_RDONLY | O_NONBLOCK));
  EXPECT_TRUE(reader);
  EXPECT_EQ(file->writer_since(), Writer::kNone);
}

// Files are opened in lanes: the signal must reach the loop although another thread took the lease.
TEST(FilesLinux, TellsTheLoopOfAWriterWhoeverTookTheLease) {
  TempFolder root;
  root.write("f", "x");
  SignalsLinux signals;
  FilesLinux files;
  std::shared_ptr<ports::OpenFile> file;
  std::thread lane([&] {
    file = files.open(root.path(), "f").value();
    file->keep_writers_out();
  });
  lane.join();
  if (file->writer_since() == Writer::kUnknown) GTEST_SKIP() << "no leases on this file system";
  EXPECT_LT(::open(root.at("f").c_str(), O_WRONLY | O_NONBLOCK), 0);
  pollfd waits{.fd = signals.fd(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&waits, 1, 10'000), 1);
  EXPECT_EQ(signals.collect(), std::vector{Asked::kWriter});
}

// A writer that opens in the instant of the lease breaks it; the signal for that must not end us.
TEST(FilesLinux, SurvivesWritersThatBreakItsLease) {
  TempFolder root;
  root.write("f", "x");
  FilesLinux files;
  auto const file = files.open(root.path(), "f").value();
  std::atomic<bool> done = false;
  std::thread writer([&] {
    while (!done) UniqueFd const fd(::open(root.at("f").c_str(), O_WRONLY));
  });
  for (int i = 0; i < 20'000; ++i) file->writer();
  done = true;
  writer.join();
}

TEST(FilesLinux, TellsMediaByTheirFirstBytes) {
  TempFolder root;
  root.write("a", std::string("\0\0\0\x18"
                              "ftypmp42\0\0\0\0mp42isom",
                              24));
  root.write("b", "\x89PNG\r\n\x1a\n" + std::string("\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0", 21));
  root.write("c", "");
  root.write("d", std::string("\x01\x02\x03\x04\x05\x06\x00\xf1", 8));
  FilesLinux files;
  auto const type = [&](char const* name) { return files.sniff(*files.open(root.path(), name).value()).value(); };
  EXPECT_EQ(type("a"), "video/mp4");
  EXPECT_EQ(type("b"), "image/png");
  EXPECT_EQ(type("c"), "");
  EXPECT_EQ(type("d"), "");
}

TEST(FilesLinux, ServesSeveralThreadsWhileItsRootIsReplaced) {
  TempFolder parent;
  parent.folder("drop");
  parent.write("drop/f", "hello");
  FilesLinux files;
  auto const root = parent.at("drop");
  std::vector<std::thread> workers;
  for (int worker = 0; worker < 3; ++worker) {
    workers.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        auto const file = files.open(root, "f");
        EXPECT_EQ(file ? files.sniff(**file).value() : "text/plain", "text/plain");
        static_cast<void>(listed_whole(files, root, ""));
      }
    });
  }
  for (int i = 0; i < 50; ++i) {
    parent.rename("drop", "away");
    parent.rename("away", "drop");
  }
  for (auto& worker : workers) worker.join();
  EXPECT_TRUE(listed_whole(files, root, ""));
}

TEST(MountKind, KnowsTheRemoteOnes) {
  EXPECT_EQ(remote_kind_of_type(0x6969), "NFS");
  EXPECT_EQ(remote_kind_of_type(0xfe534d42), "SMB");
  EXPECT_EQ(remote_kind_of_type(static_cast<unsigned long>(static_cast<int>(0xff534d42))), "SMB");
  EXPECT_EQ(remote_kind_of_type(0xef53), "");      // ext4
  EXPECT_EQ(remote_kind_of_type(0x01021994), "");  // tmpfs
  EXPECT_EQ(remote_kind(-1), "");
}

}  // namespace
}  // namespace sluice::daemon

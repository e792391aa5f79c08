// What SQLite's files could not do: when it is want of space, which heals, and when it is the disk.
//
// SQLite's own way to the disk stands beneath, with one system call of it in the hands of the test.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "core/journal/open.h"
#include "core/journal/sqlite.h"
#include "tests/journal/samples.h"

namespace sluice::journal {
namespace {

using Kind = JournalError::Kind;

int failing_errno = 0;
std::string failing_end;  // open: of files whose name ends so

ssize_t fails_to_write(int, void const*, std::size_t, off_t) { return errno = failing_errno, -1; }
int fails_to_cut(int, off_t) { return errno = failing_errno, -1; }
int fails_to_open(char const* name, int flags, int mode) {
  if (std::string_view(name).ends_with(failing_end)) return errno = failing_errno, -1;
  return ::open(name, flags, mode);
}

// While it lives, SQLite's calls of that name fail with that errno.
class Failing {
 public:
  Failing(char const* call, int error) : call_(call) {
    failing_errno = error;
    if (call_ == "ftruncate") put(reinterpret_cast<sqlite3_syscall_ptr>(fails_to_cut));
    if (call_ == "open") put(reinterpret_cast<sqlite3_syscall_ptr>(fails_to_open));
    if (call_ == "pwrite") put(reinterpret_cast<sqlite3_syscall_ptr>(fails_to_write));
  }
  ~Failing() { put(nullptr); }
  Failing(Failing const&) = delete;
  Failing& operator=(Failing const&) = delete;

 private:
  void put(sqlite3_syscall_ptr call) {
    auto* const vfs = sqlite3_vfs_find(nullptr);
    for (auto const& name : {call_, call_ + "64"})  // SQLite calls the one that it was built with
      vfs->xSetSystemCall(vfs, name.c_str(), call);
  }
  std::string call_;
};

template <class Act>
Kind kind_of(Act&& act) {
  try {
    act();
  } catch (JournalError const& error) {
    return error.kind();
  }
  ADD_FAILURE() << "it did not fail";
  return Kind::kNewer;
}

class WantOfSpace : public testing::Test {
 protected:
  void write() { database_->run("INSERT INTO event (at_ms, subject, was, became) VALUES (1, 'item', 'a', 'b')"); }
  // With that errno of the one call.
  Kind of_write(int error) {
    Failing const failing("pwrite", error);
    return kind_of([&] { write(); });
  }
  Kind of_checkpoint(char const* call, int error) {
    Failing const failing(call, error);
    return kind_of([&] { database_->checkpoint(Database::Checkpoint::kTruncate); });
  }
  Kind of_opening(int error) {
    Failing const failing("open", error);
    failing_end = "-wal";
    return kind_of([&] { Journal again(scratch_.file()); });
  }

  Scratch scratch_;
  std::unique_ptr<Database> database_ = open_database(scratch_.file(), migrations());
};

TEST_F(WantOfSpace, IsAUsedUpQuotaLikeAFullDiskAndHeals) {
  EXPECT_EQ(of_write(EDQUOT), Kind::kFull);
  EXPECT_EQ(of_write(ENOSPC), Kind::kFull);
  EXPECT_NO_THROW(write());
}

TEST_F(WantOfSpace, IsNotAnErrorOfTheDisk) { EXPECT_EQ(of_write(EIO), Kind::kIo); }

TEST_F(WantOfSpace, IsSeenOfTheDatabaseAndOfItsLogAlike) {
  write();
  EXPECT_EQ(of_checkpoint("pwrite", EDQUOT), Kind::kFull);
  EXPECT_EQ(of_write(EDQUOT), Kind::kFull);
  EXPECT_NO_THROW(write());
}

TEST_F(WantOfSpace, IsNotBelievedWhereTheOtherFileHadAnErrorOfTheDisk) {
  write();
  EXPECT_EQ(of_checkpoint("pwrite", EIO), Kind::kIo);
  EXPECT_EQ(of_write(EDQUOT), Kind::kIo);
}

TEST_F(WantOfSpace, IsOnlyThatOfAWrite) {
  write();
  EXPECT_EQ(of_checkpoint("ftruncate", EDQUOT), Kind::kIo);
}

TEST_F(WantOfSpace, MayKeepTheLogFromBeingMade) {
  database_.reset();
  EXPECT_EQ(of_opening(EDQUOT), Kind::kFull);
  EXPECT_EQ(of_opening(EACCES), Kind::kIo);
  EXPECT_NO_THROW(Journal(scratch_.file()));
}

// Only a new journal has a rollback journal, until its log is made; the errno goes with that file.
TEST_F(WantOfSpace, CannotBeToldFromAnErrorOfTheDiskBeforeThereIsALog) {
  Scratch other;
  std::ofstream(other.file()).close();
  Database bare(other.file().string());
  bare.run("CREATE TABLE a (b)");
  Failing const failing("pwrite", EDQUOT);
  EXPECT_EQ(kind_of([&] { bare.run("INSERT INTO a VALUES (1)"); }), Kind::kIo);
}

}  // namespace
}  // namespace sluice::journal

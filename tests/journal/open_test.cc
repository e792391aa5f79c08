// Opening: what is made, what is refused, and what a failing disk does to a transaction.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "core/journal/open.h"
#include "tests/journal/samples.h"

namespace sluice::journal {
namespace {

using testing::HasSubstr;
using Kind = JournalError::Kind;

mode_t mode_of(std::filesystem::path const& file) {
  struct stat facts {};
  return ::stat(file.c_str(), &facts) == 0 ? facts.st_mode & 0777 : 0;
}

// Opens the journal, which must fail in that kind; the text.
std::string refusal(std::filesystem::path const& file, Kind kind) {
  try {
    Journal journal(file);
  } catch (JournalError const& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "it was opened";
  return {};
}

void write_something(Journal& journal, std::int64_t number = 1) {
  journal.begin();
  journal.insert(item_in(ItemState::kSeen, number));
  journal.commit();
}

std::string content_of(std::filesystem::path const& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(OpenJournal, MakesAFileThatOnlyItsOwnerMayRead) {
  Scratch scratch;
  auto const before = ::umask(0);
  Journal journal(scratch.file());
  write_something(journal);
  ::umask(before);
  EXPECT_EQ(mode_of(scratch.file()), 0600u);
  EXPECT_EQ(mode_of(scratch.file().string() + "-wal"), 0600u);
  EXPECT_FALSE(std::filesystem::exists(scratch.file().string() + "-shm"));  // exclusive: no shared memory
}

TEST(OpenJournal, ClosesAFileThatOthersCouldRead) {
  Scratch scratch;
  { Journal journal(scratch.file()); }
  std::filesystem::permissions(scratch.file(), std::filesystem::perms(0644));
  Journal journal(scratch.file());
  EXPECT_EQ(mode_of(scratch.file()), 0600u);
}

TEST(OpenJournal, IsMadeWithoutStandardInputAndNotLeftInItsPlace) {
  Scratch scratch;
  auto const kept = ::dup(STDIN_FILENO);
  ::close(STDIN_FILENO);
  std::error_code none;
  EXPECT_NO_THROW(Journal(scratch.file()));
  EXPECT_NE(std::filesystem::read_symlink("/proc/self/fd/0", none), scratch.file());
  ::dup2(kept, STDIN_FILENO);
  ::close(kept);
}

TEST(OpenJournal, SetsWhatDurabilityAsksFor) {
  Scratch scratch;
  auto const database = open_database(scratch.file(), migrations());
  EXPECT_EQ(database->text("PRAGMA journal_mode"), "wal");
  EXPECT_EQ(database->text("PRAGMA locking_mode"), "exclusive");
  EXPECT_EQ(database->integer("PRAGMA synchronous"), 2);  // FULL
  EXPECT_EQ(database->integer("PRAGMA foreign_keys"), 1);
  EXPECT_EQ(database->integer("PRAGMA wal_autocheckpoint"), 0);
  EXPECT_EQ(database->integer("PRAGMA temp_store"), 2);  // MEMORY
  EXPECT_EQ(database->integer("PRAGMA mmap_size"), 0);
  EXPECT_EQ(database->integer("PRAGMA trusted_schema"), 0);
}

TEST(OpenJournal, FindsWhatWasCommittedAndNoMore) {
  Scratch scratch;
  {
    Journal journal(scratch.file());
    write_something(journal, 1);
    journal.begin();
    journal.insert(item_in(ItemState::kSeen, 2));
  }
  Journal journal(scratch.file());
  EXPECT_EQ(journal.items_in(ItemState::kSeen, 10).size(), 1u);
  EXPECT_EQ(journal.count_items(ItemState::kSeen), 1);
}

TEST(OpenJournal, RefusesASecondOpener) {
  Scratch scratch;
  Journal journal(scratch.file());
  EXPECT_THAT(refusal(scratch.file(), Kind::kLocked), HasSubstr("another process"));
  write_something(journal);  // and the first goes on undisturbed
}

TEST(OpenJournal, RefusesASecondOpenerOfAnEmptyJournalThatWasOnlyRead) {
  Scratch scratch;
  { Journal journal(scratch.file()); }
  Journal journal(scratch.file());  // reads only: the lock must be there all the same
  refusal(scratch.file(), Kind::kLocked);
}

TEST(OpenJournal, RefusesANewerOneUnchanged) {
  Scratch scratch;
  { Journal journal(scratch.file()); }
  Database(scratch.file().string()).run("PRAGMA user_version = 999");
  auto const before = content_of(scratch.file());
  EXPECT_THAT(refusal(scratch.file(), Kind::kNewer), HasSubstr("schema 999"));
  EXPECT_EQ(content_of(scratch.file()), before);
}

TEST(OpenJournal, RefusesADatabaseOfAnotherProgramUnchanged) {
  Scratch scratch;
  std::ofstream(scratch.file()).close();
  Database(scratch.file().string()).run("CREATE TABLE theirs (a)");
  auto const before = content_of(scratch.file());
  EXPECT_THAT(refusal(scratch.file(), Kind::kDamaged), HasSubstr("another program"));
  EXPECT_EQ(content_of(scratch.file()), before);
}

TEST(OpenJournal, RefusesAnEmptyDatabaseOfAnotherProgram) {
  Scratch scratch;
  std::ofstream(scratch.file()).close();
  Database(scratch.file().string()).run("PRAGMA application_id = 77");
  EXPECT_THAT(refusal(scratch.file(), Kind::kDamaged), HasSubstr("application_id 77"));
}

TEST(OpenJournal, RefusesWhatIsNoDatabaseAndSaysWhatToDo) {
  Scratch scratch;
  std::ofstream(scratch.file()) << std::string(10'000, 'x');
  auto const text = refusal(scratch.file(), Kind::kDamaged);
  EXPECT_THAT(text, HasSubstr("run: sluice journal rebuild"));
  EXPECT_THAT(text, HasSubstr("keep " + scratch.file().string()));
  EXPECT_EQ(content_of(scratch.file()), std::string(10'000, 'x'));
}

TEST(OpenJournal, RefusesADamagedOneUnchanged) {
  Scratch scratch;
  {
    Journal journal(scratch.file());
    journal.begin();
    for (int i = 0; i < 500; ++i) journal.insert(item_in(ItemState::kSeen, i));
    journal.commit();
  }
  auto bytes = content_of(scratch.file());
  for (auto i = bytes.size() / 2; i < bytes.size() / 2 + 8192; ++i) bytes[i] = static_cast<char>(~bytes[i]);
  std::ofstream(scratch.file(), std::ios::binary) << bytes;
  EXPECT_THAT(refusal(scratch.file(), Kind::kDamaged), HasSubstr("is damaged"));
  EXPECT_EQ(content_of(scratch.file()), bytes);
}

TEST(OpenJournal, LooksForDamageInEveryTableAndNotOnlyWhereItReads) {
  Scratch scratch;
  {
    Journal journal(scratch.file());
    journal.begin();
    for (int i = 0; i < 2'000; ++i) journal.add_event({0, at(kNoon), 1, "item", "a", "b", std::string(100, 'n')});
    journal.commit();
  }
  auto bytes = content_of(scratch.file());
  for (auto i = bytes.size() - 8 * 4096; i < bytes.size() - 4 * 4096; ++i) bytes[i] = static_cast<char>(~bytes[i]);
  std::ofstream(scratch.file(), std::ios::binary) << bytes;
  EXPECT_THAT(refusal(scratch.file(), Kind::kDamaged), HasSubstr("is damaged"));
}

TEST(Damage, ThatIsFoundAtWorkSaysWhatToDo) {
  Scratch scratch;
  std::ofstream(scratch.file()).close();
  Database(scratch.file().string()).run("CREATE TABLE a (x); INSERT INTO a VALUES (1)");
  auto bytes = content_of(scratch.file());
  std::fill(bytes.begin() + 4096, bytes.end(), 'x');  // the table's page; the schema before it stays whole
  std::ofstream(scratch.file(), std::ios::binary) << bytes;
  try {
    Database(scratch.file().string()).integer("SELECT count(*) FROM a");
    ADD_FAILURE() << "it was read";
  } catch (JournalError const& error) {
    EXPECT_EQ(error.kind(), Kind::kDamaged);
    EXPECT_THAT(error.what(), HasSubstr("keep " + scratch.file().string()));
    EXPECT_THAT(error.what(), HasSubstr("run: sluice journal rebuild"));
  }
}

TEST(OpenJournal, TakesAnEmptyFileAsNew) {  // a crash right after the file was made
  Scratch scratch;
  std::ofstream(scratch.file()).close();
  Journal journal(scratch.file());
  EXPECT_EQ(journal.schema_version(), migrations().back().number);
}

TEST(OpenJournal, RefusesWhatIsNoFile) {
  Scratch scratch;
  std::filesystem::create_directory(scratch.file());
  EXPECT_THAT(refusal(scratch.file(), Kind::kIo), HasSubstr("not a regular file"));
  EXPECT_THAT(refusal(scratch.folder() / "missing" / "journal.db", Kind::kIo), HasSubstr("folder"));
}

TEST(OpenJournal, RefusesASymlink) {
  Scratch scratch;
  { Journal journal(scratch.file()); }
  std::filesystem::create_symlink(scratch.file(), scratch.folder() / "link.db");
  EXPECT_THAT(refusal(scratch.folder() / "link.db", Kind::kIo), HasSubstr("not a regular file"));
}

TEST(OpenJournal, RefusesFileSystemsThatKeepNoPromises) {
  EXPECT_TRUE(refused_file_system(0x6969));               // NFS
  EXPECT_TRUE(refused_file_system(0xFF534D42));           // CIFS
  EXPECT_TRUE(refused_file_system(0xFE534D42));           // SMB 2 and later
  EXPECT_TRUE(refused_file_system(0xFFFFFFFF'FF534D42));  // the same, sign-extended
  EXPECT_TRUE(refused_file_system(0x65735546));           // FUSE
  EXPECT_FALSE(refused_file_system(0xEF53));              // ext4
  EXPECT_FALSE(refused_file_system(0x58465342));          // XFS
  EXPECT_FALSE(refused_file_system(0x9123683E));          // btrfs
  EXPECT_FALSE(refused_file_system(0x01021994));          // tmpfs
}

TEST(Transaction, IsUndoneWholeByRollback) {
  Scratch scratch;
  Journal journal(scratch.file());
  write_something(journal, 1);
  journal.begin();
  journal.insert(item_in(ItemState::kSeen, 2));
  EXPECT_EQ(journal.count_items(ItemState::kSeen), 2);
  journal.rollback();
  EXPECT_EQ(journal.count_items(ItemState::kSeen), 1);
  EXPECT_EQ(journal.items_in(ItemState::kSeen, 10).size(), 1u);
  journal.rollback();  // outside a transaction: nothing
}

TEST(Transaction, CountsTheRowsItWrites) {
  Scratch scratch;
  Journal journal(scratch.file());
  auto const before = journal.rows_written();
  journal.begin();
  EXPECT_EQ(journal.rows_written(), before);
  journal.insert(item_in(ItemState::kSeen));
  EXPECT_EQ(journal.rows_written(), before + 1);
  journal.commit();
}

// A file size limit stands in for a disk that fails to write: SQLite reports an I/O error.
TEST(Transaction, ThatCannotBeCommittedThrowsAndIsUndone) {
  Scratch scratch;
  Journal journal(scratch.file());
  write_something(journal, 1);
  ::signal(SIGXFSZ, SIG_IGN);
  struct rlimit before {};
  ::getrlimit(RLIMIT_FSIZE, &before);
  struct rlimit const tight{.rlim_cur = 4096, .rlim_max = before.rlim_max};
  journal.begin();
  journal.insert(item_in(ItemState::kSeen, 2));
  ::setrlimit(RLIMIT_FSIZE, &tight);
  auto kind = Kind::kLocked;
  try {
    journal.commit();
  } catch (JournalError const& error) {
    kind = error.kind();
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(kind, Kind::kIo);
  EXPECT_FALSE(journal.in_transaction());
  EXPECT_EQ(journal.count_items(ItemState::kSeen), 1);
  EXPECT_EQ(journal.items_in(ItemState::kSeen, 10).size(), 1u);
}

// A file system of a few MiB, where the test may mount one.
class SmallDisk : public testing::Test {
 protected:
  void SetUp() override {
    if (::mount("sluice-test", scratch_.folder().c_str(), "tmpfs", 0, "size=6m") != 0) GTEST_SKIP() << "needs root";
    mounted_ = true;
  }
  void TearDown() override {
    if (mounted_) ::umount2(scratch_.folder().c_str(), MNT_DETACH);
  }
  void fill() { std::ofstream(scratch_.folder() / "filler") << std::string(8u << 20, 'x'); }
  void make_room() { std::filesystem::remove(scratch_.folder() / "filler"); }

  Scratch scratch_;
  bool mounted_ = false;
};

TEST_F(SmallDisk, WhenFullFailsATransactionAsFullAndGoesOnWhenThereIsSpace) {
  Journal journal(scratch_.file());
  write_something(journal, 1);
  fill();
  auto kind = Kind::kLocked;
  try {
    journal.begin();
    for (int i = 2; i < 300; ++i) journal.insert(item_in(ItemState::kSeen, i));
    journal.commit();
  } catch (JournalError const& error) {
    kind = error.kind();
    journal.rollback();
  }
  EXPECT_EQ(kind, Kind::kFull);
  EXPECT_FALSE(journal.in_transaction());
  EXPECT_EQ(journal.count_items(ItemState::kSeen), 1);
  make_room();
  write_something(journal, 2);
  EXPECT_EQ(journal.items_in(ItemState::kSeen, 10).size(), 2u);
}

TEST_F(SmallDisk, DoesNotTakeAFailedCheckpointForAFailedCommit) {
  Journal journal(scratch_.file());
  std::string const note(100'000, 'n');
  std::size_t committed = 0;
  std::uintmax_t log_bytes = 0;
  try {
    for (;; ++committed) {
      journal.begin();
      journal.add_event({0, at(kNoon), 1, "item", "a", "b", note});
      journal.commit();
      log_bytes = std::filesystem::file_size(scratch_.file().string() + "-wal");
    }
  } catch (JournalError const& error) {
    EXPECT_EQ(error.kind(), Kind::kFull);
    journal.rollback();
  }
  EXPECT_GT(log_bytes, 4u << 20);  // so a checkpoint was tried, for which there is no room in 6 MiB
  EXPECT_EQ(journal.events_of(1, 100).size(), committed);
  ASSERT_EQ(::mount(nullptr, scratch_.folder().c_str(), nullptr, MS_REMOUNT, "size=20m"), 0);
  write_something(journal);  // with room again it goes on by itself
  EXPECT_EQ(journal.count_items(ItemState::kSeen), 1);
}

TEST_F(SmallDisk, ThatIsMountedReadOnlyIsRefusedClearly) {
  { Journal journal(scratch_.file()); }
  ASSERT_EQ(::mount(nullptr, scratch_.folder().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
  EXPECT_THAT(refusal(scratch_.file(), Kind::kIo), HasSubstr("mounted read-only"));
}

TEST_F(SmallDisk, WithoutRoomForANewFileIsFull) {
  ASSERT_EQ(::mount(nullptr, scratch_.folder().c_str(), nullptr, MS_REMOUNT, "nr_inodes=1"), 0);
  EXPECT_THAT(refusal(scratch_.file(), Kind::kFull), HasSubstr("it cannot be created"));
}

// The commit holds, and the disk that failed afterwards stops the next transaction.
TEST(Checkpoint, ThatFailsStopsTheNextTransaction) {
  Scratch scratch;
  Journal journal(scratch.file());
  std::string const note(100'000, 'n');
  auto const write = [&] {
    journal.begin();
    journal.add_event({0, at(kNoon), 1, "item", "a", "b", note});
    journal.commit();
  };
  for (int i = 0; i < 60; ++i) write();
  ::signal(SIGXFSZ, SIG_IGN);
  struct rlimit before {};
  ::getrlimit(RLIMIT_FSIZE, &before);
  // The log may be as long as it gets, and the database no longer than it is.
  struct rlimit const tight{.rlim_cur = 6u << 20, .rlim_max = before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &tight);
  int written = 60;
  auto kind = Kind::kLocked;
  try {
    for (; written < 200; ++written) write();
  } catch (JournalError const& error) {
    kind = error.kind();
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(kind, Kind::kIo);
  EXPECT_FALSE(journal.in_transaction());
  EXPECT_LT(written, 120);  // about one log further
  EXPECT_EQ(journal.events_of(1, 1000).size(), static_cast<std::size_t>(written));
  EXPECT_THROW(journal.checkpoint(), JournalError);
}

TEST(Checkpoint, KeepsTheLogShort) {
  Scratch scratch;
  Journal journal(scratch.file());
  std::string const note(100'000, 'n');
  for (int i = 0; i < 200; ++i) {  // 20 MB in all
    journal.begin();
    journal.add_event({0, at(kNoon), 1, "item", "a", "b", note});
    journal.commit();
  }
  auto const log = scratch.file().string() + "-wal";
  EXPECT_LT(std::filesystem::file_size(log), 5u << 20);
  EXPECT_GT(std::filesystem::file_size(scratch.file()), 15u << 20);
  journal.checkpoint();
  EXPECT_EQ(std::filesystem::file_size(log), 0u);
  EXPECT_EQ(journal.events_of(1, 1000).size(), 200u);
}

TEST(Checkpoint, OnlyOneThatCutsTheLogLeavesNothingOfIt) {
  Scratch scratch;
  auto const database = open_database(scratch.file(), migrations());
  database->leave_log();
  database->checkpoint(Database::Checkpoint::kPassive);
  EXPECT_TRUE(database->log_is_left());
  database->checkpoint(Database::Checkpoint::kTruncate);
  EXPECT_FALSE(database->log_is_left());
}

TEST(Checkpoint, HasNoLogToWriteBackBeforeAnythingWasRead) {
  Scratch scratch;
  { Journal made(scratch.file()); }
  Database database(scratch.file().string());
  database.write_log_back();
  EXPECT_GT(database.integer("SELECT count(*) FROM sqlite_schema"), 0);
}

// SQLite keeps the words of its last call, which may have gone well.
TEST(Failure, IsToldInTheWordsOfItsOwnCode) {
  Scratch scratch;
  auto const database = open_database(scratch.file(), migrations());
  try {
    database->fail_if_unread("Tree 2: unable to get the page. error code=266");  // SQLITE_IOERR_READ
    FAIL() << "it was taken for damage";
  } catch (JournalError const& error) {
    EXPECT_THAT(error.what(), HasSubstr("disk I/O error (SQLite code 266"));
  }
}

TEST(Meta, KeepsTheLastValue) {
  Scratch scratch;
  Journal journal(scratch.file());
  EXPECT_FALSE(journal.meta("key"));
  journal.begin();
  journal.set_meta("key", "one");
  journal.set_meta("key", "two");
  journal.set_meta("empty", "");
  journal.commit();
  EXPECT_EQ(journal.meta("key"), "two");
  EXPECT_EQ(journal.meta("empty"), "");
}

}  // namespace
}  // namespace sluice::journal

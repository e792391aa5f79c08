// Migrations: whole or not at all, forward only, with a copy kept first.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <fstream>

#include "core/journal/open.h"
#include "tests/journal/samples.h"

namespace sluice::journal {
namespace {

using testing::HasSubstr;

constexpr Migration kOne{1, "0001_first.sql", "CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (1);"};
constexpr Migration kTwo{2, "0002_second.sql", "ALTER TABLE a ADD COLUMN y INTEGER; UPDATE a SET y = x + 1;"};
constexpr Migration kThree{3, "0003_third.sql", "CREATE TABLE b (z) STRICT"};  // STRICT wants a type: this fails
constexpr Migration kHalf{3, "0003_half.sql", "CREATE TABLE c (x INTEGER); INSERT INTO nowhere VALUES (1);"};

class Migrate : public testing::Test {
 protected:
  std::unique_ptr<Database> open(std::vector<Migration> all) {
    migrations_ = std::move(all);
    return open_database(scratch_.file(), migrations_);
  }
  std::filesystem::path copy(int number) { return scratch_.file().string() + ".before-" + std::to_string(number); }

  Scratch scratch_;
  std::vector<Migration> migrations_;
};

TEST_F(Migrate, BringsANewJournalToTheNewestSchemaWithoutACopy) {
  auto const database = open({kOne, kTwo});
  EXPECT_EQ(database->integer("PRAGMA user_version"), 2);
  EXPECT_EQ(database->integer("SELECT y FROM a"), 2);
  EXPECT_FALSE(std::filesystem::exists(copy(1)));
  EXPECT_FALSE(std::filesystem::exists(copy(2)));
}

TEST_F(Migrate, KeepsACopyOfAnOlderOneFirst) {
  open({kOne});
  EXPECT_EQ(open({kOne, kTwo})->integer("PRAGMA user_version"), 2);
  ASSERT_TRUE(std::filesystem::exists(copy(2)));
  struct stat facts {};
  ASSERT_EQ(::stat(copy(2).c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
  EXPECT_FALSE(std::filesystem::exists(copy(2).string() + ".part"));

  std::filesystem::rename(copy(2), scratch_.file());  // going back: the old version opens its copy
  auto const old = open({kOne});
  EXPECT_EQ(old->integer("PRAGMA user_version"), 1);
  EXPECT_EQ(old->integer("SELECT x FROM a"), 1);
}

TEST_F(Migrate, CopiesWhatIsStillInTheLog) {
  open({kOne});
  {
    auto const database = open({kOne});
    database->run("INSERT INTO a VALUES (5)");
    // As after a kill: the log is not folded in.
    std::filesystem::copy(scratch_.folder(), scratch_.folder() / "killed");
  }
  auto const file = scratch_.folder() / "killed" / "journal.db";
  std::vector<Migration> const all{kOne, kTwo};
  open_database(file, all);
  EXPECT_EQ(Database(file.string() + ".before-2").integer("SELECT sum(x) FROM a"), 6);
}

TEST_F(Migrate, DoesNothingTwice) {
  open({kOne, kTwo});
  auto const database = open({kOne, kTwo});
  EXPECT_EQ(database->integer("SELECT count(*) FROM a"), 1);
  EXPECT_FALSE(std::filesystem::exists(copy(2)));
}

TEST_F(Migrate, RollsItsNumberBackWithAFailure) {
  open({kOne});
  for (auto const& failing : {kThree, kHalf}) {
    try {
      open({kOne, kTwo, failing});
      ADD_FAILURE() << "it did not fail";
    } catch (JournalError const& error) {
      EXPECT_THAT(error.what(), HasSubstr(std::string(failing.name)));
    }
    auto const database = open({kOne, kTwo});  // the whole ones before it stay
    EXPECT_EQ(database->integer("PRAGMA user_version"), 2);
    EXPECT_EQ(database->integer("SELECT count(*) FROM sqlite_schema WHERE name = 'c'"), 0);
  }
}

TEST_F(Migrate, DoesNotBeginWhereTheCopyCannotBeMade) {
  open({kOne});
  std::filesystem::create_directory(copy(2).string() + ".part");
  try {
    open({kOne, kTwo});
    ADD_FAILURE() << "it was migrated";
  } catch (JournalError const& error) {
    EXPECT_EQ(error.kind(), JournalError::Kind::kIo);
    EXPECT_THAT(error.what(), HasSubstr("nothing was migrated"));
  }
  EXPECT_EQ(open({kOne})->integer("PRAGMA user_version"), 1);
}

TEST_F(Migrate, CallsADiskWithoutRoomForTheCopyFull) {
  if (::mount("sluice-test", scratch_.folder().c_str(), "tmpfs", 0, "nr_inodes=3") != 0) GTEST_SKIP() << "needs root";
  auto kind = JournalError::Kind::kLocked;
  try {
    open({kOne});  // the journal and its log: with the folder that is all
    open({kOne, kTwo});
  } catch (JournalError const& error) {
    kind = error.kind();
    EXPECT_THAT(error.what(), HasSubstr("nothing was migrated"));
  }
  ::umount2(scratch_.folder().c_str(), MNT_DETACH);
  EXPECT_EQ(kind, JournalError::Kind::kFull);
}

TEST_F(Migrate, TellsOfADiskThatFillsUpOnTheWayAsThat) {
  if (::mount("sluice-test", scratch_.folder().c_str(), "tmpfs", 0, "size=3m") != 0) GTEST_SKIP() << "needs root";
  // Too much for the disk, and for the cache: SQLite undoes the whole transaction by itself.
  Migration const big{2, "0002_big.sql", "CREATE TABLE c (x); INSERT INTO c VALUES (zeroblob(20000000));"};
  auto kind = JournalError::Kind::kLocked;
  std::string text;
  try {
    open({kOne});
    open({kOne, big});
  } catch (JournalError const& error) {
    kind = error.kind();
    text = error.what();
  }
  ::umount2(scratch_.folder().c_str(), MNT_DETACH);
  EXPECT_EQ(kind, JournalError::Kind::kFull) << text;
  EXPECT_THAT(text, HasSubstr("0002_big.sql"));
}

TEST_F(Migrate, TakesARelativePathToo) {
  auto const before = std::filesystem::current_path();
  std::filesystem::current_path(scratch_.folder());
  std::vector<Migration> const one{kOne};
  std::vector<Migration> const both{kOne, kTwo};
  open_database("journal.db", one);
  auto const version = open_database("journal.db", both)->integer("PRAGMA user_version");
  std::filesystem::current_path(before);
  EXPECT_EQ(version, 2);
  EXPECT_TRUE(std::filesystem::exists(copy(2)));
}

TEST_F(Migrate, LeavesAFailedFirstOneAsANewJournal) {
  EXPECT_THROW(open({{1, "0001_bad.sql", "CREATE TABLE a (x INTEGER); nonsense"}}), JournalError);
  EXPECT_EQ(open({kOne})->integer("SELECT x FROM a"), 1);
}

TEST_F(Migrate, RefusesWhatANewerOneWrote) {
  open({kOne, kTwo});
  try {
    open({kOne});
    ADD_FAILURE() << "it was opened";
  } catch (JournalError const& error) {
    EXPECT_EQ(error.kind(), JournalError::Kind::kNewer);
    EXPECT_THAT(error.what(), HasSubstr("journal.db.before-2"));
  }
}

TEST_F(Migrate, LeavesNoPresignedUrlInTheCopy) {
  std::string const secret = "X-Amz-Signature=0123456789abcdef";
  {
    Journal journal(scratch_.file());
    journal.begin();
    auto const item = journal.insert(item_in(ItemState::kOpened));
    auto const session = journal.insert(session_of(item));
    journal.insert_chunks(session, 3, at(kNoon));
    auto signed_one = url_item_in(ItemState::kStable, 2);
    signed_one.url = SecretUrl("https://media.example/clip2.mp4?" + secret);
    journal.insert(signed_one);
    auto plain = url_item_in(ItemState::kStable, 3);
    plain.url = SecretUrl("https://media.example/clip3.mp4");
    journal.insert(plain);
    for (std::uint32_t index = 1; index <= 3; ++index) {
      auto chunk = *journal.chunk(session, index);
      chunk.state = ChunkState::kHasUrl;
      chunk.url = SecretUrl("https://storage.example/" + std::to_string(index) + "?" + secret);
      journal.update(chunk, ChunkState::kNeedsUrl, item, at(kNoon));
    }
    journal.commit();
  }
  auto next = migrations().back();
  ++next.number;
  next.sql = "CREATE TABLE later (x INTEGER) STRICT";
  std::vector<Migration> all(migrations().begin(), migrations().end());
  all.push_back(next);
  auto const database = open(all);
  std::ifstream in(copy(next.number), std::ios::binary);
  std::string const bytes{std::istreambuf_iterator<char>(in), {}};
  EXPECT_GT(bytes.size(), 10'000u);
  EXPECT_EQ(bytes.find(secret), std::string::npos);
  EXPECT_EQ(Database(copy(next.number).string()).integer("SELECT count(*) FROM chunk WHERE state = 'needs_url'"), 3);
  EXPECT_EQ(Database(copy(next.number).string()).integer("SELECT count(*) FROM item WHERE url IS NOT NULL"), 1);
  EXPECT_EQ(database->integer("SELECT count(*) FROM chunk WHERE state = 'has_url'"),
            3);  // the journal itself keeps them
}

}  // namespace
}  // namespace sluice::journal

// The whole check of a stopped daemon's journal.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>

#include "core/journal/sqlite.h"
#include "tests/journal/samples.h"

namespace sluice::journal {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class CheckJournal : public testing::Test {
 protected:
  CheckJournal() {
    Journal journal(scratch_.file());
    journal.begin();
    auto const item = journal.insert(item_in(ItemState::kAssetReady));
    for (int ordinal = 1; ordinal <= 2; ++ordinal) journal.insert(step_of(item, ordinal));
    journal.add_event({.at = at(kNoon), .item_id = item, .subject = "item", .was = "seen", .became = "stable"});
    last_event_ = journal.last_event();
    journal.commit();
  }
  // As no program of ours does it: nothing holds the rows together here.
  void meddle(std::string const& sql) { Database(scratch_.file().string()).run(sql); }

  Scratch scratch_;
  RowId last_event_ = 0;
};

TEST_F(CheckJournal, FindsNothingWrongWithASoundOne) {
  auto const checked = check_journal(scratch_.file());
  EXPECT_THAT(checked.problems, IsEmpty());
  EXPECT_EQ(checked.last_event, last_event_);
  EXPECT_GT(last_event_, 0);
}

TEST_F(CheckJournal, TellsWhichJournalItIsIfThatWasEverSaid) {
  EXPECT_FALSE(check_journal(scratch_.file()).id);
  meddle("INSERT INTO meta (key, value) VALUES ('journal_id', 'abc')");
  EXPECT_EQ(check_journal(scratch_.file()).id, "abc");
}

TEST_F(CheckJournal, NamesTheTableOfEveryRowWithoutItsParentUpToTwenty) {
  meddle("DELETE FROM item");
  auto const step = "a row without its parent in table step";
  EXPECT_THAT(check_journal(scratch_.file()).problems, ElementsAre(step, step));
  meddle(
      "WITH RECURSIVE number (i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM number WHERE i < 25) INSERT INTO step "
      "(item_id, ordinal, kind, state, params, client_op) SELECT 1, i, 'index', 'waiting', '{}', 'op' FROM number");
  auto const many = check_journal(scratch_.file()).problems;
  EXPECT_THAT(many, SizeIs(20));
  EXPECT_THAT(many, Each(step));
}

TEST_F(CheckJournal, SaysThatAnotherDatabaseIsNoJournal) {
  Scratch other;
  std::ofstream(other.file()).close();
  auto const none = "its tables are not there: it is no journal, or an empty file";
  EXPECT_THAT(check_journal(other.file()).problems, ElementsAre(none));
  Database(other.file().string()).run("CREATE TABLE item (id); CREATE TABLE event (id)");
  EXPECT_THROW(check_journal(other.file()), JournalError);
}

TEST_F(CheckJournal, RefusesOneOfANewerSluiceAndOneOfAnotherProgramAsAStartDoes) {
  auto const kind = [&] {
    try {
      check_journal(scratch_.file());
    } catch (JournalError const& error) {
      return error.kind();
    }
    return JournalError::Kind::kFull;
  };
  meddle("PRAGMA user_version = 99");
  EXPECT_EQ(kind(), JournalError::Kind::kNewer);
  meddle("PRAGMA application_id = 7");
  EXPECT_EQ(kind(), JournalError::Kind::kDamaged);
}

// An index that has lost a row, as a bit turned in it makes one: quick_check passes it.
TEST_F(CheckJournal, OfAClosedOneFindsWhatAStartFinds) {
  auto const never = [] { return false; };
  EXPECT_TRUE(check_closed(scratch_.file(), never));
  auto const page =
      Database(scratch_.file().string()).integer("SELECT rootpage FROM sqlite_schema WHERE name = 'item_path'");
  std::fstream file(scratch_.file(), std::ios::in | std::ios::out | std::ios::binary);
  std::string const bytes(std::istreambuf_iterator<char>(file), {});
  auto const at = bytes.find("clip1.mp4", static_cast<std::size_t>(page - 1) * 4096);
  ASSERT_NE(at, bytes.npos);
  file.seekp(static_cast<std::streamoff>(at));
  file.put('C');
  file.close();
  try {
    check_closed(scratch_.file(), never);
    ADD_FAILURE() << "it passed";
  } catch (JournalError const& error) {
    EXPECT_EQ(error.kind(), JournalError::Kind::kDamaged);
    EXPECT_THAT(error.what(), testing::HasSubstr("sluice journal rebuild"));
  }
}

TEST_F(CheckJournal, OfAClosedOneIsGivenUpAtOnceAndInItsMidst) {
  {
    Journal journal(scratch_.file());
    journal.begin();
    for (int i = 2; i < 300; ++i) journal.insert(item_in(ItemState::kAssetReady, i));
    journal.commit();
  }
  for (auto const answers : {0, 1, 3}) {
    auto asked = 0;
    EXPECT_FALSE(check_closed(scratch_.file(), [&] { return asked++ >= answers; })) << answers;
    EXPECT_EQ(asked, answers + 1);
  }
}

// By a process of its own: one that asks about its own file would lose its lock.
TEST_F(CheckJournal, WhoHasItOpenIsSaidBySQLitesOwnLock) {
  EXPECT_EQ(opener_of(scratch_.file()), std::nullopt);
  EXPECT_EQ(opener_of(scratch_.folder() / "none.db"), std::nullopt);
  int opened[2];
  int done[2];
  ASSERT_EQ(::pipe(opened), 0);
  ASSERT_EQ(::pipe(done), 0);
  auto const child = ::fork();
  if (child == 0) {
    Journal const journal(scratch_.file());
    char byte = 'o';
    if (::write(opened[1], &byte, 1) != 1 || ::read(done[0], &byte, 1) != 1) ::_exit(1);
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(opened[0], &byte, 1), 1);
  EXPECT_EQ(opener_of(scratch_.file()), "process " + std::to_string(child));
  ASSERT_EQ(::write(done[1], &byte, 1), 1);
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(opener_of(scratch_.file()), std::nullopt);
}

TEST_F(CheckJournal, DoesNotMakeTheOneThatItWasAskedFor) {
  Scratch empty;
  EXPECT_THROW(check_journal(empty.file()), JournalError);
  EXPECT_FALSE(std::filesystem::exists(empty.file()));
  try {
    check_journal(empty.file());
  } catch (JournalError const& error) {
    EXPECT_EQ(error.kind(), JournalError::Kind::kDamaged);
    EXPECT_THAT(error.what(), testing::EndsWith("it is not there"));
  }
}

}  // namespace
}  // namespace sluice::journal

// The whole check of a stopped daemon's journal.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

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
  EXPECT_THAT(check_journal(other.file()).problems, ElementsAre(none));
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

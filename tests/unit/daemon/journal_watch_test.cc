// What lies under the names of an open journal, its mark and its lock.
#include "daemon/journal_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "core/journal/journal.h"
#include "daemon/journal_mark.h"
#include "daemon/random_linux.h"
#include "daemon/state_lock.h"
#include "tests/unit/daemon/temp_folder.h"

namespace sluice::daemon {
namespace {

namespace fs = std::filesystem;

auto const kNoon = from_unix_ms(1'795'262'400'000);

class OpenFiles : public testing::Test {
 protected:
  std::string file(std::string const& more = "") const { return folder_.at("journal.db") + more; }
  TempFolder folder_;
};

TEST_F(OpenFiles, SeesNothingWhileTheJournalLiesThere) {
  journal::Journal journal(file());
  JournalWatch const watch(file());
  journal.begin();
  journal.set_meta("key", "value");
  journal.commit();
  journal.checkpoint();
  EXPECT_EQ(watch.gone(), std::nullopt);
}

TEST_F(OpenFiles, NamesTheFileThatWasRemovedOrExchanged) {
  for (auto const* part : {"", "-wal"}) {
    fs::remove(file());
    fs::remove(file("-wal"));
    journal::Journal const journal(file());
    JournalWatch const watch(file());
    fs::rename(file(part), file(".away"));
    EXPECT_EQ(watch.gone(), file(part));
    fs::copy_file(file(".away"), file(part));
    EXPECT_EQ(watch.gone(), file(part)) << "a copy is not what is open";
    fs::rename(file(".away"), file(part));
    EXPECT_EQ(watch.gone(), std::nullopt);
  }
}

TEST_F(OpenFiles, SeesThatTheWholeFolderIsGone) {
  journal::Journal const journal(file());
  JournalWatch const watch(file());
  fs::rename(folder_.path(), folder_.path() + ".away");
  EXPECT_EQ(watch.gone(), file());
  fs::rename(folder_.path() + ".away", folder_.path());
}

TEST_F(OpenFiles, ALockThatWasRemovedIsTakenAnew) {
  auto lock = StateLock::take(folder_.path());
  ASSERT_TRUE(lock);
  EXPECT_FALSE(lock->take_back());
  fs::remove(folder_.at("lock"));
  EXPECT_FALSE(lock->holds());
  EXPECT_TRUE(lock->take_back());
  EXPECT_TRUE(lock->holds());
  EXPECT_FALSE(StateLock::take(folder_.path())) << "the new one is free";
  EXPECT_FALSE(lock->take_back());
}

TEST_F(OpenFiles, AMarkThatWasRemovedOrExchangedIsPutBack) {
  RandomLinux random;
  journal::Journal journal(file());
  JournalMark mark(file());
  mark.adopt(journal, kNoon, random);
  EXPECT_FALSE(mark.put_back());
  for (int i = 1; i <= 2; ++i) {
    fs::remove(mark.file());
    if (i == 2) folder_.write("journal.id", "another's");
    EXPECT_TRUE(mark.put_back());
    journal.begin();
    journal.add_event({.at = kNoon, .subject = "item", .was = "a", .became = "b", .note = {}});
    journal.commit();
    EXPECT_TRUE(mark.note(journal.last_event()));
    JournalMark(file()).check_before_open();
    JournalMark(file()).check_against(journal.meta(journal::kIdKey), i);
    EXPECT_THROW(JournalMark(file()).check_against(journal.meta(journal::kIdKey), i - 1), journal::JournalError);
  }
}

}  // namespace
}  // namespace sluice::daemon

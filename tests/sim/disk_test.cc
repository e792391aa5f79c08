// The journal on a disk that fails: what one call means, beside the whole days and scenarios of sim_test.
#include <gtest/gtest.h>

#include <string>

#include "core/journal/journal.h"
#include "core/journal/sqlite.h"
#include "tests/sim/sim_disk.h"

namespace sluice::sim {
namespace {

using journal::Database;
using journal::Journal;
using journal::JournalError;

// A damaged journal waits for a person, so nothing else may be called one. The freelist and the overflow chains are
// here because SQLite tells of their unread pages in other words, and without a code, among the damages.
TEST(TheWholeCheckOfTheJournal, CallsAPageThatCannotBeReadNoDamage) {
  SimDisk disk(7, {});
  { Journal made("journal.db", disk.vfs_name()); }
  {
    Database pages("journal.db", disk.vfs_name());
    pages.run("PRAGMA locking_mode = EXCLUSIVE");
    for (auto const* const table : {"long", "gone"}) {
      pages.run(std::string("CREATE TABLE ") + table + " (blob)");
      pages.run(std::string("INSERT INTO ") + table + " VALUES (zeroblob(30000)), (zeroblob(30000))");
    }
    pages.run("DROP TABLE gone");
    ASSERT_GT(pages.integer("PRAGMA freelist_count"), 10);
  }
  std::uint64_t failed = 0;
  for (std::uint64_t nth = 1;; ++nth) {
    disk.fail_at(DiskCall::kRead, nth, DiskError::kIo, false);
    auto const before = disk.fired().contains("disk.read_failed") ? disk.fired().at("disk.read_failed") : 0;
    try {
      Journal const opened("journal.db", disk.vfs_name());
    } catch (JournalError const& error) {
      EXPECT_EQ(error.kind(), JournalError::Kind::kIo) << nth << ": " << error.what();
      ++failed;
    }
    if (!disk.fired().contains("disk.read_failed") || disk.fired().at("disk.read_failed") == before) break;
  }
  EXPECT_GT(failed, 30u);
}

// A sync fails and the process ends; the next one reads from the page cache what the medium does not hold, and the disk
// is full, so that it cannot be written anew. Whoever acted on it now could see it gone after a power cut.
TEST(ALogOfAFailedSync, IsWrittenBackBeforeAnythingIsBegunOnItHoweverFullTheDisk) {
  SimDisk disk(7, {});
  { Journal made("journal.db", disk.vfs_name()); }
  {
    Journal first("journal.db", disk.vfs_name());
    first.begin();
    first.set_meta("log", "begun");  // its head is synced by itself
    first.commit();
    first.begin();
    first.set_meta("seen", "by the platform");
    disk.fail_at(DiskCall::kSync, 1, DiskError::kIo, false);
    EXPECT_THROW(first.commit(), JournalError);
    disk.freeze();
  }
  disk.thaw();
  disk.set_full(true);
  {
    Journal next("journal.db", disk.vfs_name());
    ASSERT_EQ(next.meta("seen"), "by the platform") << "it is in the page cache";
    try {
      next.begin();
      FAIL() << "nothing may follow from what is not on the medium";
    } catch (JournalError const& error) {
      EXPECT_EQ(error.kind(), JournalError::Kind::kFull);
    }
    disk.set_full(false);
    next.begin();
    next.rollback();
    disk.freeze();
  }
  disk.cut_power();
  disk.thaw();
  EXPECT_EQ(Journal("journal.db", disk.vfs_name()).meta("seen"), "by the platform");
}

// The cut of the log is not synced by SQLite: a power cut may bring the log back, without what its failed sync lost.
TEST(ALogOfAFailedSync, ThatComesBackAfterAPowerCutTakesNothingBack) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SimDisk disk(seed, {});
    { Journal made("journal.db", disk.vfs_name()); }
    {
      Journal first("journal.db", disk.vfs_name());
      for (auto const* const value : {"old", "new"}) {
        if (std::string(value) == "new") disk.fail_at(DiskCall::kSync, 1, DiskError::kIo, false);
        first.begin();
        for (int i = 0; i < 300; ++i) first.set_meta("key " + std::to_string(i), value);
        if (std::string(value) == "old")
          first.commit();
        else
          EXPECT_THROW(first.commit(), JournalError);
      }
      disk.freeze();
    }
    disk.thaw();
    std::string seen;
    {
      Journal const next("journal.db", disk.vfs_name());
      seen = next.meta("key 299").value_or("");
      disk.freeze();
    }
    disk.cut_power();
    disk.thaw();
    Journal const after("journal.db", disk.vfs_name());
    for (int i = 0; i < 300; ++i) ASSERT_EQ(after.meta("key " + std::to_string(i)), seen) << "seed " << seed;
  }
}

}  // namespace
}  // namespace sluice::sim

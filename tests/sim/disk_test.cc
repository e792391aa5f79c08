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

}  // namespace
}  // namespace sluice::sim

// Manifests and the lines of theirs: what a change of a row leaves behind.
#include <gtest/gtest.h>

#include "core/journal/journal.h"
#include "tests/journal/samples.h"

namespace sluice::journal {
namespace {

TEST(ManifestRows, LeaveAnEventWhereTheStateChangesAndNoneElse) {
  Scratch const scratch;
  Journal journal{scratch.file()};
  journal.begin();
  ManifestRow row{.source = "partner", .root = "/feeds", .path = "a.csv", .created_at = at(kNoon)};
  row.id = journal.insert(row);
  row.line = 7;
  journal.update(row, ManifestState::kReading, at(kNoon));
  EXPECT_TRUE(journal.events_of(0, 9).empty());
  row.state = ManifestState::kFollowed;
  journal.update(row, ManifestState::kReading, at(kNoon), "to its end");
  auto const events = journal.events_of(0, 9);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].subject, "manifest a.csv");
  EXPECT_EQ(events[0].was, "reading");
  EXPECT_EQ(events[0].became, "followed");
  EXPECT_EQ(events[0].note, "to its end");
}

}  // namespace
}  // namespace sluice::journal

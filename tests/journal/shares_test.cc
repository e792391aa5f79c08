// Lines of the sources: none waits behind another one's many rows.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/journal/samples.h"

namespace sluice::journal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Shares : public testing::Test {
 protected:
  Shares() { journal_.begin(); }
  static std::vector<RowId> ids(std::vector<ItemRow> const& rows) {
    std::vector<RowId> found;
    for (auto const& row : rows) found.push_back(row.id);
    return found;
  }

  Scratch scratch_;
  Journal journal_{scratch_.file()};
};

TEST_F(Shares, UploadsWaitByPriorityThenInALineOfEachSource) {
  auto const add_of = [&](std::int64_t n, char const* source, char const* method, std::int64_t priority, WallTime due) {
    auto row = item_in(ItemState::kStable, n);
    row.source = source;
    row.method = method;
    row.priority = priority;
    row.effort.due_at = due;
    return journal_.insert(row);
  };
  auto const many = add_of(1, "a", "direct", 50, at(kNoon - 9));
  auto const more = add_of(2, "a", "direct", 50, at(kNoon - 8));
  add_of(3, "a", "direct", 50, at(kNoon - 7));
  auto const other = add_of(4, "b", "direct", 50, at(kNoon));
  add_of(5, "c", "direct", 50, at(kNoon + 1));  // not yet
  add_of(6, "d", "multipart", 50, at(kNoon));
  auto const low = add_of(7, "e", "direct", 10, at(kNoon));
  EXPECT_EQ(journal_.next_upload_priority("direct", std::nullopt), 50);
  auto const lines = journal_.uploads_waiting("direct", 50, at(kNoon), 2);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(ids(lines[0]), ElementsAre(many, more));
  EXPECT_THAT(ids(lines[1]), ElementsAre(other));
  EXPECT_EQ(journal_.next_upload_priority("direct", 50), 10);
  EXPECT_THAT(ids(journal_.uploads_waiting("direct", 10, at(kNoon), 2).at(0)), ElementsAre(low));
  EXPECT_FALSE(journal_.next_upload_priority("direct", 10));
}

TEST_F(Shares, DueSeenItemsComeInEvenSharesOfTheirSources) {
  auto const add_of = [&](std::int64_t number, std::string const& source, WallTime due) {
    auto row = item_in(ItemState::kSeen, number);
    row.source = source;
    row.effort.due_at = due;
    return journal_.insert(row);
  };
  for (int i = 1; i <= 9; ++i) add_of(i, "slow", at(kNoon - i));
  auto const other = add_of(10, "other", at(kNoon));
  add_of(11, "other", at(kNoon + 1));  // not yet
  EXPECT_THAT(ids(journal_.due_seen_items(at(kNoon), 4)), ElementsAre(other, 9, 8));
  EXPECT_THAT(ids(journal_.due_seen_items(at(kNoon - 100), 4)), IsEmpty());
}

}  // namespace
}  // namespace sluice::journal

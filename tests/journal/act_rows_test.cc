// Which of the acts after an item's end are due: those on its file, and what hooks are to be told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/journal/journal.h"
#include "tests/journal/samples.h"

namespace sluice::journal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ActRows : public testing::Test {
 protected:
  ActRows() { journal_.begin(); }

  static std::vector<RowId> ids(std::vector<ActRow> const& rows) {
    std::vector<RowId> found;
    for (auto const& row : rows) found.push_back(row.id);
    return found;
  }

  Scratch scratch_;
  Journal journal_{scratch_.file()};
};

TEST_F(ActRows, AreDueByTimeAndNotWhileTheyWaitForAnother) {
  auto const item = journal_.insert(item_in(ItemState::kDone));
  auto late = act_of(item, 1), soon = act_of(item, 2), undated = act_of(item, 3);
  late.effort.due_at = at(kNoon + 2);
  soon.effort.due_at = at(kNoon + 1);
  undated.effort.due_at.reset();
  for (auto* const act : {&late, &soon, &undated}) act->id = journal_.insert(*act);
  EXPECT_THAT(ids(journal_.due_acts(ActState::kWanted, at(kNoon), 10)), IsEmpty());
  EXPECT_EQ(journal_.next_due(), at(kNoon + 1));
  EXPECT_THAT(ids(journal_.due_acts(ActState::kWanted, at(kNoon + 9), 10)), ElementsAre(soon.id, late.id));
  EXPECT_EQ(journal_.count_acts(ActState::kWanted), 3);
}

TEST_F(ActRows, WhatIsToBeToldIsDueByItsHookAndApartFromTheFilesActs) {
  auto const item = journal_.insert(item_in(ItemState::kDone));
  auto move = act_of(item, 1);
  auto one = act_of(item, 2, ActKind::kHook), later = act_of(item, 3, ActKind::kHook);
  auto other = act_of(item, 4, ActKind::kHook);
  one.hook = later.hook = "b";
  other.hook = "a";
  later.effort.due_at.reset();
  for (auto* const act : {&move, &one, &later, &other}) act->id = journal_.insert(*act);
  EXPECT_THAT(ids(journal_.due_acts(ActState::kWanted, at(kNoon), 10)), ElementsAre(move.id));
  EXPECT_THAT(ids(journal_.due_hooks("b", ActState::kWanted, at(kNoon), 10)), ElementsAre(one.id));
  EXPECT_THAT(ids(journal_.due_hooks("b", ActState::kActing, at(kNoon), 10)), IsEmpty());
  EXPECT_EQ(journal_.open_of_hook("b", 10).size(), 2u);
  EXPECT_THAT(journal_.open_hooks(), ElementsAre("a", "b"));
  EXPECT_EQ(journal_.count_open("b"), 2);
}

}  // namespace
}  // namespace sluice::journal

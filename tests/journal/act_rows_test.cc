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

// Three wait: one for its target, one for its item's folder, and one for the act before it, which was never tried.
TEST_F(ActRows, ThatWaitForAFolderAreDueOnceItIsThere) {
  auto const item = journal_.insert(item_in(ItemState::kDone));
  auto held = act_of(item, 1), at_home = act_of(item, 2), behind = act_of(item, 3);
  held.target_folder = "/mnt/nas";
  held.target_path = "a.mp4";
  at_home.kind = ActKind::kDelete;
  at_home.target_folder.clear();
  at_home.target_path.clear();
  for (auto* const act : {&held, &at_home, &behind}) {
    act->effort = {};
    act->effort.tries = act == &behind ? 0 : 1;
    act->id = journal_.insert(*act);
  }
  EXPECT_EQ(journal_.held_act("/mnt/nas")->id, held.id);
  EXPECT_FALSE(journal_.held_act("/mnt"));
  journal_.release_acts("/mnt/nas", at(kNoon));
  EXPECT_THAT(ids(journal_.due_acts(ActState::kWanted, at(kNoon), 10)), ElementsAre(held.id));
  journal_.release_acts("/srv/drop", at(kNoon));
  EXPECT_THAT(ids(journal_.due_acts(ActState::kWanted, at(kNoon), 10)), ElementsAre(held.id, at_home.id));
}

TEST_F(ActRows, ThatWereRefusedCountWhereAPersonShouldSeeToThem) {
  auto const put_refused = [&](RowId item, std::int64_t ordinal, ActKind kind, std::string reason) {
    auto act = act_of(item, ordinal, kind);
    act.state = ActState::kRefused;
    act.reason = std::move(reason);
    act.effort.due_at.reset();
    if (kind == ActKind::kHook) act.hook = "b";
    return journal_.insert(act);
  };
  auto const fine = journal_.insert(item_in(ItemState::kDone, 1)), one = journal_.insert(item_in(ItemState::kDone, 2)),
             two = journal_.insert(item_in(ItemState::kDone, 3));
  put_refused(fine, 1, ActKind::kMove, "changed");
  put_refused(fine, 2, ActKind::kMove, "withdrawn");
  put_refused(fine, 3, ActKind::kHook, "gave_up");
  auto const first = put_refused(one, 1, ActKind::kMove, "permission");
  put_refused(one, 2, ActKind::kReceipt, "permission");
  put_refused(two, 1, ActKind::kDelete, "gave_up");
  EXPECT_EQ(journal_.count_refused(), 3);
  EXPECT_EQ(journal_.first_refused()->id, first);
  EXPECT_THAT(journal_.items_with_refused(0, 10), ElementsAre(one, two));
  EXPECT_THAT(journal_.items_with_refused(one, 10), ElementsAre(two));
}

}  // namespace
}  // namespace sluice::journal

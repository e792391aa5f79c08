// ADMIT: a file whose content was taken before, under whatever name.
#include "core/stage/find_duplicate.h"

#include <gmock/gmock.h>

#include "core/stage/admit.h"
#include "core/stage/moves.h"
#include "core/stage/orders.h"
#include "core/upload/file_digest.h"
#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using journal::ItemState;
using testing::HasSubstr;

class FindDuplicate : public StageTest {
 protected:
  FindDuplicate() {
    policy.pipelines.push_back({.name = "all", .kinds = {"video"}, .filename = *parse_template("{name}")});
    policy.sources.push_back({.name = "drop",
                              .root = "/srv/drop",
                              .pipelines = {"all"},
                              .settle = 1s,
                              .duplicates = DuplicatePolicy::kSkip});
  }
  // A file that has been quiet for long, and its item.
  journal::ItemRow seen(std::string const& name, std::string const& bytes, std::int64_t number) {
    auto row = journal::item_in(ItemState::kSeen, number);
    row.path = name;
    row.print = {.size_bytes = bytes.size(), .mtime_ns = number, .ctime_ns = 2, .inode = 10 + std::uint64_t(number)};
    row.quiet_since = now - 1h;
    row.created_at = now - 1h;
    row.effort.due_at = now;
    files.files[name] = {.print = row.print, .bytes = bytes};
    row.id = put(row);
    return row;
  }
  // As its upload leaves it.
  void done(journal::ItemRow const& row) {
    auto const file = files.open("", row.path).value();
    change(item(row.id), [&](auto& it) {
      it.state = ItemState::kDone;
      it.asset_id = "asset" + std::to_string(row.id);
      it.content_key = upload::content_key_of(file, row.print).value();
      it.effort.due_at.reset();
      it.finished_at = now;
    });
  }
  void admit_first() {
    first_ = seen("a.mp4", "the very same bytes", 1);
    choose(choose_admit);
    ASSERT_EQ(item(first_.id).state, ItemState::kStable);
  }
  void later(Millis by = 1min) {
    now += by;
    choose(choose_admit);
  }

  journal::ItemRow first_;
};

TEST_F(FindDuplicate, SkipsTheSameContentUnderAnotherNameAndNamesTheFirst) {
  admit_first();
  done(first_);
  auto const again = seen("b.mp4", "the very same bytes", 2);
  choose(choose_admit);
  auto const row = item(again.id);
  EXPECT_EQ(row.state, ItemState::kSkipped);
  EXPECT_EQ(row.reason, "duplicate");
  EXPECT_EQ(row.duplicate_of, first_.ulid);
  EXPECT_THAT(row.effort.last_error, HasSubstr("a.mp4 (" + first_.ulid + ")"));
}

// As after `sluice journal rebuild`: no content key is known, and the old name is gone.
TEST_F(FindDuplicate, SkipsAFileThatWasRenamedSinceALostJournalsDaemonSentIt) {
  admit_first();
  done(first_);
  change(item(first_.id), [](auto& it) { it.content_key.clear(); });
  files.files.erase("a.mp4");
  auto renamed = seen("b.mp4", "the very same bytes", 2);
  auto other = seen("c.mp4", "the very same bytes", 3);
  renamed.print = first_.print;
  renamed.print.ctime_ns = 9;
  change(item(renamed.id), [&](auto& it) { it.print = renamed.print; });
  files.files["b.mp4"].print = renamed.print;
  for (int i = 0; i < 3; ++i) later();
  EXPECT_EQ(item(renamed.id).state, ItemState::kSkipped);
  EXPECT_EQ(item(renamed.id).duplicate_of, first_.ulid);
  EXPECT_THAT(item(renamed.id).effort.last_error, HasSubstr("renamed"));
  EXPECT_EQ(item(other.id).state, ItemState::kStable) << "another inode: nobody knows what the first one held";
}

TEST_F(FindDuplicate, TakesOtherContentOfTheSameLengthAndEnds) {
  std::string bytes(300'000, 'x');
  first_ = seen("a.mp4", bytes, 1);
  choose(choose_admit);
  done(first_);
  bytes[150'000] = 'y';  // between the ends
  auto const other = seen("b.mp4", bytes, 2);
  choose(choose_admit);
  EXPECT_EQ(item(other.id).ends_hash, item(first_.id).ends_hash) << "so it had to be read whole";
  EXPECT_EQ(item(other.id).state, ItemState::kStable);
}

TEST_F(FindDuplicate, FindsTheRepeatedOneBehindManyOfTheSameLengthAndEnds) {
  std::string bytes(300'000, 'x');
  for (std::int64_t n = 1; n <= 20; ++n) {
    bytes[150'000] = static_cast<char>('a' + n);
    first_ = seen(std::to_string(n) + ".mp4", bytes, n);
    choose(choose_admit);
    ASSERT_EQ(item(first_.id).state, ItemState::kStable) << n;
    done(first_);
  }
  auto const again = seen("again.mp4", bytes, 21);
  choose(choose_admit);
  EXPECT_EQ(item(again.id).duplicate_of, first_.ulid);
}

TEST_F(FindDuplicate, WaitsForATwinThatIsUnderWay) {
  admit_first();
  auto const again = seen("b.mp4", "the very same bytes", 2);
  choose(choose_admit);
  EXPECT_EQ(item(again.id).state, ItemState::kSeen);
  EXPECT_EQ(item(again.id).reason, "waiting_for_twin");
  EXPECT_TRUE(item(again.id).plan.empty()) << "it is planned when it is taken";
  done(first_);
  later();
  EXPECT_EQ(item(again.id).state, ItemState::kSkipped);
}

TEST_F(FindDuplicate, IsDueAtTheMomentWhenItsTwinEnds) {
  admit_first();
  auto const again = seen("b.mp4", "the very same bytes", 2);
  choose(choose_admit);
  EXPECT_GT(item(again.id).effort.due_at, now + 1min);
  done(first_);
  EXPECT_EQ(journal.next_due(now - 1ms), now);
  later(0ms);
  EXPECT_EQ(item(again.id).state, ItemState::kSkipped);
  EXPECT_EQ(item(again.id).twin, 0);
}

TEST_F(FindDuplicate, IsDueWhenItsTwinIsLookedAtAnew) {
  admit_first();
  auto const again = seen("b.mp4", "the very same bytes", 2);
  choose(choose_admit);
  within([&](Context& ctx) { source_changed(ctx, *ctx.journal.item(first_.id)); });
  EXPECT_EQ(item(again.id).effort.due_at, now);
}

TEST_F(FindDuplicate, WaitsForAStuckTwinNoLongerThanForASettlingFile) {
  policy.sources[0].max_settle = 65min;
  admit_first();
  auto const again = seen("b.mp4", "the very same bytes", 2);
  choose(choose_admit);
  EXPECT_EQ(item(again.id).effort.due_at, now + 5min);
  later(5min);
  EXPECT_EQ(item(again.id).state, ItemState::kStable);
}

TEST_F(FindDuplicate, TakesItWhenItsTwinFailed) {
  admit_first();
  auto const again = seen("b.mp4", "the very same bytes", 2);
  choose(choose_admit);
  change(item(first_.id), [&](auto& it) {
    it.state = ItemState::kFailed;
    it.reason = "refused";
    it.finished_at = now;
  });
  later();
  EXPECT_EQ(item(again.id).state, ItemState::kStable);
}

TEST_F(FindDuplicate, WaitsWhileTheFileIsReadAndHoldsUpNobody) {
  admit_first();
  done(first_);
  lanes.at_once = false;
  auto const again = seen("b.mp4", "the very same bytes", 2);
  choose(choose_admit);
  lanes.finish();
  choose(choose_admit);
  EXPECT_EQ(item(again.id).reason, "comparing");
  lanes.finish("digest /srv/drop");
  now += 1s;
  choose(choose_admit);
  lanes.finish();
  choose(choose_admit);
  EXPECT_EQ(item(again.id).state, ItemState::kSkipped);
}

// The content key of a direct upload is lost when the daemon dies while it is under way.
TEST_F(FindDuplicate, ReadsTheFirstFileAgainWhereItsKeyIsNotKnown) {
  admit_first();
  done(first_);
  change(item(first_.id), [](auto& it) { it.content_key.clear(); });
  auto const again = seen("b.mp4", "the very same bytes", 2);
  choose(choose_admit);
  EXPECT_EQ(item(again.id).state, ItemState::kSkipped);
  EXPECT_EQ(item(again.id).duplicate_of, first_.ulid);
}

TEST_F(FindDuplicate, TakesAFileWhoseTwinNobodyCanKnowAnyMore) {
  admit_first();
  done(first_);
  change(item(first_.id), [](auto& it) { it.content_key.clear(); });
  files.files.erase("a.mp4");
  auto const again = seen("b.mp4", "the very same bytes", 2);
  choose(choose_admit);
  EXPECT_EQ(item(again.id).state, ItemState::kStable);
}

TEST_F(FindDuplicate, UploadsItWhereTheSourceWantsThat) {
  policy.sources[0].duplicates = DuplicatePolicy::kUpload;
  admit_first();
  done(first_);
  auto const again = seen("b.mp4", "the very same bytes", 2);
  choose(choose_admit);
  EXPECT_EQ(item(again.id).state, ItemState::kStable);
}

TEST_F(FindDuplicate, UploadsItAllTheSameWhenAPersonRetriesIt) {
  admit_first();
  done(first_);
  auto const again = seen("b.mp4", "the very same bytes", 2);
  choose(choose_admit);
  within([&](Context& ctx) { EXPECT_TRUE(retry_order(ctx, again.id)); });
  later(0ms);
  EXPECT_EQ(item(again.id).state, ItemState::kStable);
}

TEST_F(FindDuplicate, TakesTheSameContentForAnotherPlace) {
  policy.pipelines[0].indexes = {{.name = "first"}};
  admit_first();
  done(first_);
  policy.pipelines[0].indexes = {{.name = "second"}};
  auto const again = seen("b.mp4", "the very same bytes", 2);
  choose(choose_admit);
  EXPECT_EQ(item(again.id).state, ItemState::kStable);
}

TEST(SamePlaces, AreTheSameIndexesAndEntitiesWhateverElseIsAskedFor) {
  Plan const one{.filename = "a", .steps = {{.name = "footage", .metadata_json = R"({"reel":"a"})"}}};
  Plan const other{.filename = "b", .steps = {{.name = "footage", .metadata_json = R"({"reel":"b"})"}}};
  EXPECT_TRUE(same_places(one, other));
  EXPECT_FALSE(same_places(one, {}));
  auto const entity = [](std::string name, std::string collection) {
    return Plan{.steps = {{.kind = journal::StepKind::kEntity, .name = name, .collection = collection}}};
  };
  EXPECT_FALSE(same_places(entity("Ada", "Cast"), entity("Bob", "Cast")));
  EXPECT_FALSE(same_places(entity("Ada", "Cast"), entity("Ada", "Crew")));
}

// Where duplicates are uploaded, only a file that came with its times in the place of a sent one is compared with it.
TEST_F(FindDuplicate, UploadsAgainWhatIsInTheOldPlaceWithAnotherTime) {
  policy.sources[0].duplicates = DuplicatePolicy::kUpload;
  for (bool const same_time : {true, false}) {
    auto const name = same_time ? std::string("a.mp4") : std::string("b.mp4");
    auto const first = seen(name, "the very same bytes", same_time ? 1 : 2);
    choose(choose_admit);
    ASSERT_EQ(item(first.id).state, ItemState::kStable);
    done(first);
    auto again = seen(name, "the very same bytes", same_time ? 3 : 4);
    again.print.mtime_ns = first.print.mtime_ns + (same_time ? 0 : 1);
    change(item(again.id), [&](auto& it) { it.print = again.print; });
    files.files[name].print = again.print;
    for (int turns = 0; turns < 3; ++turns) later();
    EXPECT_EQ(item(again.id).state, same_time ? ItemState::kSkipped : ItemState::kStable);
  }
}

// Nobody knows what the first one held: only its inode on its device, and its times, can tell.
TEST_F(FindDuplicate, OfAFileWhoseContentNobodyKnowsTheRenamedOneIsKnownByItsPrintOnly) {
  struct Case {
    char const* what;
    void (*change)(ports::FilePrint&);
    bool is_it;
  };
  admit_first();
  done(first_);
  change(item(first_.id), [](auto& it) { it.content_key.clear(); });
  files.files.erase("a.mp4");
  std::int64_t number = 10;
  for (auto const& [what, change_it, is_it] : {Case{"another device", [](auto& print) { print.device = 77; }, false},
                                               Case{"another inode", [](auto& print) { print.inode = 77; }, false},
                                               Case{"another mtime", [](auto& print) { print.mtime_ns += 1; }, false},
                                               Case{"another ctime", [](auto& print) { print.ctime_ns += 1; }, true}}) {
    ++number;
    auto const renamed = seen(std::to_string(number) + ".mp4", "the very same bytes", number);
    auto print = first_.print;
    change_it(print);
    change(item(renamed.id), [&](auto& it) { it.print = print; });
    files.files[renamed.path].print = print;
    for (int i = 0; i < 3; ++i) later();
    EXPECT_EQ(item(renamed.id).state, is_it ? ItemState::kSkipped : ItemState::kStable) << what;
    change(item(renamed.id), [&](auto& it) {
      it.state = ItemState::kCancelled;
      it.reason.clear();
      it.effort.due_at.reset();
      it.finished_at = now;
    });
  }
}

TEST(SamePlaces, AreThoseOfTheSameStepsInTheirOrder) {
  PlannedStep const index{.name = "footage"};
  PlannedStep const entity{.kind = journal::StepKind::kEntity, .name = "ada", .collection = "cast"};
  auto const differs = [&](auto change) {
    auto other = entity;
    change(other);
    return !same_places({.steps = {index, entity}}, {.steps = {index, other}});
  };
  EXPECT_FALSE(differs([](PlannedStep& step) { step.description = "a person"; }));
  EXPECT_TRUE(differs([](PlannedStep& step) { step.kind = journal::StepKind::kIndex; }));
  EXPECT_TRUE(differs([](PlannedStep& step) { step.name = "bob"; }));
  EXPECT_TRUE(differs([](PlannedStep& step) { step.collection = "crew"; }));
  EXPECT_FALSE(same_places({.steps = {index}}, {.steps = {index, entity}}));
  EXPECT_TRUE(same_places({}, {}));
}

TEST_F(FindDuplicate, WaitsForATwinWhoseKeyIsBeingReadFirst) {
  admit_first();
  done(first_);
  change(item(first_.id), [](auto& it) { it.content_key.clear(); });
  lanes.at_once = false;
  auto const again = seen("b.mp4", "the very same bytes", 2);
  auto const turn = [&] {
    choose(choose_admit);
    lanes.finish();
  };
  turn(), turn();
  EXPECT_EQ(item(again.id).reason, "comparing");
  for (int turns = 0; turns < 6; ++turns) {
    lanes.finish("digest /srv/drop");
    now += 1s;
    turn();
  }
  EXPECT_EQ(item(again.id).duplicate_of, first_.ulid);
}

// Where duplicates are uploaded: what was touched in its place is sent again, and so is what came back to where we had
// put one away.
TEST_F(FindDuplicate, UploadsAgainWhatWasTouchedOrPutBackByAPerson) {
  policy.sources[0].duplicates = DuplicatePolicy::kUpload;
  for (bool const touched : {true, false}) {
    auto const name = touched ? std::string("a.mp4") : std::string("b.mp4");
    auto const first = seen(name, "the very same bytes", touched ? 1 : 2);
    choose(choose_admit);
    done(first);
    if (!touched) {
      auto deleted = journal::act_of(first.id, 1, journal::ActKind::kDelete);
      deleted.state = journal::ActState::kDone;
      deleted.effort.due_at.reset();
      put(deleted);
    }
    auto again = seen(name, "the very same bytes", touched ? 3 : 4);
    again.print.mtime_ns = first.print.mtime_ns;
    again.print.ctime_ns = 9;
    if (touched) again.print.inode = first.print.inode;
    change(item(again.id), [&](auto& it) { it.print = again.print; });
    files.files[name].print = again.print;
    for (int turns = 0; turns < 3; ++turns) later();
    EXPECT_EQ(item(again.id).state, ItemState::kStable) << name;
  }
}

}  // namespace
}  // namespace sluice::stage

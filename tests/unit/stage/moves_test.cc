// The transitions that more than one stage makes, and what ends or begins again with them.
#include "core/stage/moves.h"

#include <gmock/gmock.h>

#include "core/stage/admit.h"
#include "core/stage/finish.h"
#include "core/stage/recover.h"
#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using budget::Errand;
using budget::Group;
using journal::ChunkState;
using journal::ItemState;
using journal::NamedKind;
using journal::NamedState;
using journal::SessionState;
using journal::StepKind;
using journal::StepState;
using testing::HasSubstr;

class Moves : public StageTest {
 protected:
  Error error_of(journal::ItemRow const& row) { return sources.get(row).value().error(); }
};

TEST_F(Moves, AFileThatChangedIsTakenAnewAndItsSessionAbandoned) {
  auto const row = put_item(ItemState::kOpened);
  auto const session = put_session(row.id);
  put_step(row.id, 0, StepState::kWaiting);
  files.files[row.path].print.size_bytes = 200;
  within([&](Context& ctx) { source_changed(ctx, row); });
  auto const again = item(row.id);
  EXPECT_EQ(again.state, ItemState::kSeen);
  EXPECT_EQ(again.generation, 2);
  EXPECT_EQ(again.asset_id, "");
  EXPECT_EQ(this->session(session.id).state, SessionState::kAbandoned);
  EXPECT_TRUE(journal.steps_of(row.id).empty());
}

TEST_F(Moves, AFileThatIsGoneFailsAndOneThatCannotBeReadIsLookedAtAgain) {
  policy.sources.push_back({.name = "drop", .root = "/srv/drop"});
  auto const gone = put_item(ItemState::kStable, 1);
  files.files.erase(gone.path);
  within([&](Context& ctx) { source_trouble(ctx, gone, error_of(gone), ItemState::kStable); });
  EXPECT_EQ(item(gone.id).state, ItemState::kFailed);
  EXPECT_EQ(item(gone.id).reason, "source_gone");
  auto const secret = put_item(ItemState::kStable, 2);
  files.files[secret.path].open_error = Error{Fault::kSourceIo, "permission denied"};
  within([&](Context& ctx) { source_changed(ctx, secret); });
  EXPECT_EQ(item(secret.id).state, ItemState::kSeen);
  EXPECT_EQ(item(secret.id).generation, 2);
  EXPECT_EQ(item(secret.id).print, secret.print);
  EXPECT_EQ(item(secret.id).reason, "source_changed");
  choose(choose_admit);
  EXPECT_EQ(item(secret.id).state, ItemState::kFailed);
  EXPECT_EQ(item(secret.id).reason, "unreadable");
}

TEST_F(Moves, TroubleWithReadingIsRetriedUntilTheAttemptsAreUsedUp) {
  policy.retry_attempts = 2;
  auto const row = put_item(ItemState::kStable);
  Error const trouble{Fault::kSourceIo, "EIO"};
  within([&](Context& ctx) { source_trouble(ctx, row, trouble, ItemState::kStable); });
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
  EXPECT_EQ(item(row.id).reason, "source_io");
  within([&](Context& ctx) { source_trouble(ctx, item(row.id), trouble, ItemState::kStable); });
  EXPECT_EQ(item(row.id).state, ItemState::kFailed);
  EXPECT_EQ(item(row.id).failed_from, "stable");
}

TEST_F(Moves, AReadyAssetWantsTheNamesOfItsWaitingSteps) {
  auto const row = put_item(ItemState::kSent);
  auto const present = put_named(NamedKind::kIndex, "n", NamedState::kPresent).id;
  auto const index = put_step(row.id, 0, StepState::kWaiting, StepKind::kIndex, 1).id;
  auto const entity = put_step(row.id, 0, StepState::kWaiting, StepKind::kEntity, 2).id;
  auto const over = put_step(row.id, 0, StepState::kFailed, StepKind::kIndex, 3).id;
  for (auto const id : {index, entity}) change(step(id), [](auto& waiting) { waiting.effort.due_at.reset(); });
  within([&](Context& ctx) { asset_became_ready(ctx, item(row.id)); });
  EXPECT_EQ(item(row.id).state, ItemState::kAssetReady);
  EXPECT_EQ(step(index).named_id, present);
  EXPECT_EQ(step(index).effort.due_at, now);
  EXPECT_FALSE(step(entity).effort.due_at);  // it waits for its entity
  EXPECT_EQ(step(over).named_id, 0);
  auto const ada = named(step(entity).named_id);
  EXPECT_EQ(ada.kind, NamedKind::kEntity);
  EXPECT_FALSE(ada.effort.due_at && *ada.effort.due_at != now);
  EXPECT_EQ(named(ada.parent_id).kind, NamedKind::kCollection);
  EXPECT_EQ(named(ada.parent_id).effort.due_at, now);
}

// A rebuild does not know whether these calls were made, nor what the names are called there (docs/JOURNAL.md).
TEST_F(Moves, AStepOfARebuildIsLookedForInItsIndexAndWaitsForItsEntity) {
  auto const row = put_item(ItemState::kSent);
  auto const rebuilt = [&](StepKind kind, std::int64_t ordinal) {
    auto const id = put_step(row.id, 0, StepState::kCreating, kind, ordinal).id;
    change(step(id), [&](auto& unknown) {
      unknown.intent.unknown_at = now;
      unknown.effort.due_at.reset();
    });
    return id;
  };
  auto const index = rebuilt(StepKind::kIndex, 1);
  auto const entity = rebuilt(StepKind::kEntity, 2);
  within([&](Context& ctx) { asset_became_ready(ctx, item(row.id)); });
  EXPECT_EQ(step(index).state, StepState::kCreating);
  EXPECT_TRUE(step(index).intent.unknown_at);
  EXPECT_EQ(named(step(index).named_id).kind, NamedKind::kIndex);
  EXPECT_EQ(step(entity).state, StepState::kWaiting);
  EXPECT_FALSE(step(entity).intent.at);
  EXPECT_EQ(named(step(entity).named_id).kind, NamedKind::kEntity);
}

TEST_F(Moves, AStepWhoseCallIsUndecidedKeepsItsPlaceWhenTheAssetIsReadyAgain) {
  auto const row = put_item(ItemState::kSent);
  auto const other = put_named(NamedKind::kIndex, "other", NamedState::kPresent).id;
  auto const id = put_step(row.id, other, StepState::kCreating).id;
  within([&](Context& ctx) { asset_became_ready(ctx, item(row.id)); });
  EXPECT_EQ(step(id).named_id, other);
}

TEST_F(Moves, AnEntityIsLookedForOnlyWhenItsCollectionIsThere) {
  auto const row = put_item(ItemState::kSent);
  auto const wish = put_step(row.id, 0, StepState::kWaiting, StepKind::kEntity);
  journal::NamedRow entity;
  within([&](Context& ctx) { entity = want_named(ctx, wish); });
  EXPECT_FALSE(named(entity.id).effort.due_at);
  change(named(entity.parent_id), [](auto& collection) {
    collection.state = NamedState::kPresent;
    collection.remote_id = "c1";
    collection.effort.due_at.reset();
  });
  within([&](Context& ctx) { entity = want_named(ctx, wish); });
  EXPECT_EQ(named(entity.id).effort.due_at, now);
  EXPECT_FALSE(named(entity.parent_id).effort.due_at);  // it is there: nobody looks for it again
  change(named(entity.id), [&](auto& later) { later.effort.due_at = now + 1h; });
  within([&](Context& ctx) { entity = want_named(ctx, wish); });
  EXPECT_EQ(named(entity.id).effort.due_at, now + 1h);  // its own backoff holds
}

TEST_F(Moves, AStepThatEndsMakesItsItemDueAndNoOther) {
  auto const row = put_item(ItemState::kAssetReady, 1);
  auto const over = put_item(ItemState::kCancelled, 2);
  auto const ready = put_step(row.id, 0, StepState::kCreated);
  auto const late = put_step(over.id, 0, StepState::kCreated);
  change(row, [](auto& waiting) { waiting.effort.due_at.reset(); });
  within([&](Context& ctx) {
    step_ready(ctx, ready);
    fail_step(ctx, late, "refused", "no");
  });
  EXPECT_EQ(item(row.id).effort.due_at, now);
  EXPECT_EQ(item(over.id).state, ItemState::kCancelled);
}

TEST_F(Moves, AStepIsRetriedUntilItsAttemptsAreUsedUp) {
  policy.retry_attempts = 2;
  auto const row = put_item(ItemState::kAssetReady);
  auto const id = put_step(row.id, 0, StepState::kCreating).id;
  Error const trouble{Fault::kTransient, "503"};
  within([&](Context& ctx) { retry_step(ctx, step(id), trouble, StepState::kCreating); });
  EXPECT_TRUE(step(id).intent.at);  // it is still looked for
  change(step(id), [](auto& again) { again.effort.attempts = 0; });
  within([&](Context& ctx) { retry_step(ctx, step(id), trouble, StepState::kWaiting); });
  EXPECT_FALSE(step(id).intent.at);
  EXPECT_EQ(step(id).state, StepState::kWaiting);
  within([&](Context& ctx) { retry_step(ctx, step(id), trouble, StepState::kWaiting); });
  EXPECT_EQ(step(id).state, StepState::kFailed);
  EXPECT_EQ(step(id).reason, "transient");
}

TEST_F(Moves, LearnsOnceThatThePlatformTakesNoMetadata) {
  within([](Context& ctx) {
    EXPECT_TRUE(takes_metadata(ctx));
    metadata_refused(ctx);
    EXPECT_FALSE(takes_metadata(ctx));
    metadata_refused(ctx);
  });
  EXPECT_EQ(log.lines.size(), 1u);
}

TEST_F(Moves, AFinishedItemHasEveryStepReadyAndAFailedOneNamesTheStep) {
  auto const done = put_item(ItemState::kAssetReady, 1);
  put_step(done.id, 0, StepState::kReady);
  auto const failed = put_item(ItemState::kAssetReady, 2);
  put_step(failed.id, 0, StepState::kReady, StepKind::kIndex, 1);
  auto const refused = put_step(failed.id, 0, StepState::kFailed, StepKind::kEntity, 2);
  auto const busy = put_item(ItemState::kAssetReady, 3);
  put_step(busy.id, 0, StepState::kFailed, StepKind::kIndex, 1);
  put_step(busy.id, 0, StepState::kCreated, StepKind::kIndex, 2);
  choose(choose_finish);
  EXPECT_EQ(item(done.id).state, ItemState::kDone);
  EXPECT_EQ(item(failed.id).state, ItemState::kFailed);
  EXPECT_EQ(item(failed.id).reason, refused.reason);
  EXPECT_THAT(item(failed.id).effort.last_error, HasSubstr("entity step"));
  EXPECT_EQ(item(busy.id).state, ItemState::kAssetReady);
  EXPECT_FALSE(item(busy.id).effort.due_at);
}

TEST_F(Moves, AStartMakesUnknownWhatWasInTheAirAndLeavesWhatIsLookedForAlready) {
  auto const item_row = put_item(ItemState::kAssetReady, 1);
  auto const fresh_step = put_step(item_row.id, 0, StepState::kCreating, StepKind::kIndex, 1);
  auto const sought_step = put_step(item_row.id, 0, StepState::kCreating, StepKind::kIndex, 2);
  auto const fresh_item = put_item(ItemState::kSending, 2);
  auto const sought_item = put_item(ItemState::kSending, 3);
  auto const fresh_name = put_named(NamedKind::kIndex, "a", NamedState::kCreating);
  auto const sought_name = put_named(NamedKind::kIndex, "b", NamedState::kCreating);
  auto const sought = [&](auto& row) {
    row.intent.unknown_at = now - 1h;
    row.intent.looks = 1;
  };
  change(sought_step, sought);
  change(sought_item, sought);
  change(sought_name, sought);
  within([](Context& ctx) { recover(ctx); });
  EXPECT_EQ(step(fresh_step.id).intent.unknown_at, now);
  EXPECT_EQ(item(fresh_item.id).intent.unknown_at, now);
  EXPECT_EQ(named(fresh_name.id).intent.unknown_at, now);
  EXPECT_EQ(step(sought_step.id).intent.looks, 1u);
  EXPECT_EQ(item(sought_item.id).intent.looks, 1u);
  EXPECT_EQ(named(sought_name.id).intent.looks, 1u);
}

TEST_F(Moves, HoldsAFileOpenForAllItsReadsAndOpensItAnewAfterTrouble) {
  auto const row = put_item(ItemState::kOpened);
  auto const first = sources.get(row);
  ASSERT_TRUE(first && *first);
  EXPECT_EQ(**sources.get(row), **first);
  files.files[row.path].print.mtime_ns = 99;
  EXPECT_EQ(**sources.get(row), **first) << "who reads it will see";
  EXPECT_EQ(sources.get_unchanged(row)->error().fault, Fault::kSourceChanged);
  EXPECT_EQ(error_of(row).code, "source_changed");
  files.files.erase(row.path);
  EXPECT_EQ(error_of(row).code, "source_gone");
  files.files[row.path].open_error = Error{Fault::kSourceIo, "EACCES"};
  EXPECT_EQ(error_of(row).fault, Fault::kSourceIo);
}

TEST_F(Moves, TellsAFileThatIsGoneFromAFolderThatIsAway) {
  auto const row = put_item(ItemState::kOpened);
  files.files.clear();
  files.list_error = Error{Fault::kGone, "no such folder"};
  auto const error = error_of(row);
  EXPECT_EQ(error.fault, Fault::kLocal);
  EXPECT_EQ(error.code, kSourceDown);
  EXPECT_EQ(error.text, row.root + " is not there: no such folder");

  files.list_error.reset();
  files.folder_print = {.device = row.print.device + 1};
  EXPECT_EQ(error_of(row).code, kSourceDown) << "a mount point without its mount";
  files.files["other.mp4"] = {};
  EXPECT_EQ(error_of(row).code, "source_gone") << "something is mounted, and others are there";
  files.files = {};
  files.folder_print->device = row.print.device;
  EXPECT_EQ(error_of(row).code, "source_gone") << "it was the last one";
}

TEST_F(Moves, LogsEveryTransitionAndNothingElse) {
  auto const row = put_item(ItemState::kStable);
  within([&](Context& ctx) {
    move(ctx, row, ItemState::kStable);
    EXPECT_TRUE(log.lines.empty());
    move(ctx, row, ItemState::kStable, "a \"word\"");
    EXPECT_TRUE(log.tells("note="));
    auto next = row;
    next.state = ItemState::kSeen;
    move(ctx, next, ItemState::kStable);
  });
  ASSERT_EQ(log.lines.size(), 2u);
  EXPECT_THAT(log.lines[1].second, HasSubstr("stable→seen"));
  EXPECT_EQ(log.lines[1].second.find("note="), std::string::npos);
}

TEST_F(Moves, LogsAChunkOnlyWithANote) {
  auto const row = put_item(ItemState::kOpened);
  auto const session = put_session(row.id);
  within([&](Context& ctx) {
    auto chunk = *ctx.journal.chunk(session.id, 1);
    chunk.state = ChunkState::kPutting;
    move(ctx, chunk, ChunkState::kNeedsUrl, row);
    EXPECT_TRUE(log.lines.empty());
    chunk.state = ChunkState::kNeedsUrl;
    move(ctx, chunk, ChunkState::kPutting, row, "reset by peer");
  });
  EXPECT_EQ(log.lines.size(), 1u);
}

}  // namespace
}  // namespace sluice::stage

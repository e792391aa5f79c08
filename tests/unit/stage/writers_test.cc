// Files under upload that a program opens to write, or renames: read on only where the content is proved (D32).
#include <gmock/gmock.h>

#include "core/stage/discover.h"
#include "core/stage/moves.h"
#include "core/stage/put_chunk.h"
#include "core/stage/report_chunks.h"
#include "core/stage/send_direct.h"
#include "core/stage/wishes.h"
#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using budget::Errand;
using journal::ChunkState;
using journal::ItemState;
using ports::Writer;

class Writers : public StageTest {
 protected:
  Writers() {
    policy.sources.push_back({.name = "drop", .root = "/srv/drop", .rescan = 60s});
    item_ = put_item(ItemState::kOpened);
    session_ = put_session(item_.id);
    file().writer_since = Writer::kNone;
  }
  PlayedFiles::Played& file() { return files.files.at(item_.path); }
  // Two chunks are stored, and the third is in the air.
  void upload_some() {
    set_chunk(session_.id, 1, ChunkState::kStored);
    set_chunk(session_.id, 2, ChunkState::kStored);
    set_chunk(session_.id, 3, ChunkState::kHasUrl);
    choose(choose_put_chunk);
    ASSERT_EQ(left.size(), 1u);
  }
  void all_stored() {
    for (std::uint32_t index = 1; index <= 10; ++index) set_chunk(session_.id, index, ChunkState::kStored);
  }
  void writer_comes() {
    file().writer_since = Writer::kPresent;
    file().writer = Writer::kPresent;
    choose(let_writers_in);
  }
  void writer_goes() {
    file().writer_since = Writer::kNone;
    file().writer = Writer::kNone;
    now = *item(item_.id).effort.due_at;
  }
  void sweep() {
    Discovery discovery(files, policy);
    do within([&](Context& ctx) { discovery.run(ctx); });
    while (discovery.at_work());
  }

  journal::ItemRow item_;
  journal::SessionRow session_;
};

TEST_F(Writers, StopTheReadingAndChargeNobody) {
  upload_some();
  writer_comes();
  EXPECT_EQ(cancelled.size(), 1u);
  auto const after = item(item_.id);
  EXPECT_EQ(after.state, ItemState::kOpened);
  EXPECT_EQ(after.reason, ports::kBeingWritten);
  EXPECT_EQ(after.effort.attempts, 0u);
  EXPECT_GT(after.effort.due_at, now);
  EXPECT_EQ(chunk(session_.id, 3).state, ChunkState::kNeedsUrl) << "its URL counts as used";
  choose(let_writers_in);
  EXPECT_TRUE(cancelled.empty()) << "one writer is one event";
}

TEST_F(Writers, AreWaitedForAsLongAsTheyAreThere) {
  upload_some();
  writer_comes();
  set_chunk(session_.id, 3, ChunkState::kHasUrl);
  for (int i = 0; i < 30; ++i) {
    now = std::max(now + 1s, *item(item_.id).effort.due_at);
    choose(choose_put_chunk);
    ASSERT_TRUE(left.empty());
    ASSERT_EQ(item(item_.id).state, ItemState::kOpened);
  }
  EXPECT_EQ(item(item_.id).effort.attempts, 0u);
}

TEST_F(Writers, ThatWroteNothingLetTheUploadGoOnWhereItStood) {
  upload_some();
  writer_comes();
  writer_goes();
  set_chunk(session_.id, 3, ChunkState::kHasUrl);
  choose(choose_put_chunk);
  EXPECT_EQ(left.size(), 1u);
  EXPECT_EQ(item(item_.id).generation, item_.generation);
  EXPECT_EQ(chunk(session_.id, 1).state, ChunkState::kStored);
}

TEST_F(Writers, ThatWroteHaveTheFileTakenAnew) {
  upload_some();
  writer_comes();
  writer_goes();
  file().print.mtime_ns += 1;
  set_chunk(session_.id, 3, ChunkState::kHasUrl);
  choose(choose_put_chunk);
  EXPECT_TRUE(left.empty());
  EXPECT_EQ(item(item_.id).state, ItemState::kSeen);
  EXPECT_EQ(item(item_.id).generation, item_.generation + 1);
}

TEST_F(Writers, WhoComeBeforeTheLastReportHoldItBack) {
  all_stored();
  file().writer_since = Writer::kPresent;
  choose(choose_report_chunks);
  EXPECT_TRUE(left.empty());
  EXPECT_EQ(item(item_.id).reason, ports::kBeingWritten);
}

TEST_F(Writers, OfADirectUploadAreLeftToItsBody) {
  auto const direct = put_item(ItemState::kStable, 2);
  change(direct, [](auto& row) { row.method = "direct"; });
  choose(choose_send_direct);
  ASSERT_EQ(left.size(), 1u);
  files.files.at(direct.path).writer_since = Writer::kPresent;
  choose(let_writers_in);
  EXPECT_TRUE(cancelled.empty());
  EXPECT_EQ(item(direct.id).state, ItemState::kSending);
  land({.errand = Errand::kSendDirect, .row = direct.id, .item = direct.id},
       fail(Fault::kLocal, "a program opened the file for writing while it was read", ports::kBeingWritten));
  EXPECT_EQ(item(direct.id).state, ItemState::kStable);
  EXPECT_EQ(item(direct.id).reason, ports::kBeingWritten);
  EXPECT_EQ(item(direct.id).effort.attempts, 0u);
}

TEST_F(Writers, AreLookedForAgainAsSoonAsTheirFolderTellsSomething) {
  upload_some();
  writer_comes();
  ASSERT_GT(item(item_.id).effort.due_at, now);
  sweep();
  EXPECT_EQ(item(item_.id).effort.due_at, now);
}

TEST_F(Writers, AChangedModeIsNoWriterAndARestartKnowsIt) {
  upload_some();
  file().print.ctime_ns += 5;
  sweep();
  EXPECT_EQ(item(item_.id).print.ctime_ns, item_.print.ctime_ns + 5);
  choose([](Context& ctx) { ctx.sources.forget(1); });  // as if it had started anew
  set_chunk(session_.id, 4, ChunkState::kHasUrl);
  choose(choose_put_chunk);
  EXPECT_EQ(left.size(), 1u);
}

TEST_F(Writers, AChangedModeWithoutALeaseIsAChange) {
  file().writer_since = Writer::kUnknown;
  upload_some();
  all_stored();
  file().print.ctime_ns += 5;
  sweep();
  EXPECT_EQ(item(item_.id).print.ctime_ns, item_.print.ctime_ns) << "nothing proves it";
  choose(choose_report_chunks);
  EXPECT_TRUE(left.empty());
  EXPECT_EQ(item(item_.id).reason, "source_changed");
}

TEST_F(Writers, AChangedModeUnderALeaseDoesNotHoldTheLastReportBack) {
  upload_some();
  all_stored();
  file().print.ctime_ns += 5;
  choose(choose_report_chunks);
  EXPECT_EQ(left.size(), 1u);
}

class FollowRename : public Writers {
 protected:
  void rename_to(std::string const& name) {
    files.files.erase(name);
    auto renamed = files.files.extract(item_.path);  // who has it open keeps it
    renamed.key() = name;
    renamed.mapped().print.ctime_ns += 1;
    files.files.insert(std::move(renamed));
  }
};

TEST_F(FollowRename, KeepsTheItemAndAllThatIsUp) {
  upload_some();
  rename_to("b.mp4");
  sweep();
  auto const items = journal.list_items({});
  ASSERT_EQ(items.size(), 1u);
  EXPECT_EQ(items[0].path, "b.mp4");
  EXPECT_EQ(items[0].state, ItemState::kOpened);
  choose([](Context& ctx) { ctx.sources.forget(1); });  // as if it had started anew
  set_chunk(session_.id, 4, ChunkState::kHasUrl);
  choose(choose_put_chunk);
  EXPECT_EQ(left.size(), 1u);
  EXPECT_EQ(item(item_.id).generation, item_.generation);
}

TEST_F(FollowRename, TakesAFileAnewUnderItsNewNameWhereNoLeaseProvesItsContent) {
  file().writer_since = Writer::kUnknown;
  upload_some();
  rename_to("b.mp4");
  sweep();
  choose([](Context& ctx) { ctx.sources.forget(1); });
  set_chunk(session_.id, 4, ChunkState::kHasUrl);
  choose(choose_put_chunk);
  EXPECT_EQ(item(item_.id).state, ItemState::kSeen);
  EXPECT_EQ(item(item_.id).path, "b.mp4");
  EXPECT_EQ(journal.list_items({}).size(), 1u);
}

TEST_F(FollowRename, SettlesAFileAnewWhoseUploadHasNotBegun) {
  change(item_, [](auto& row) { row.state = ItemState::kStable; });
  rename_to("b.mp4");
  sweep();
  EXPECT_EQ(item(item_.id).path, "b.mp4");
  EXPECT_EQ(item(item_.id).state, ItemState::kSeen);
}

TEST_F(FollowRename, TakesASecondNameOfAFileForAHardLink) {
  upload_some();
  files.files["b.mp4"] = file();
  sweep();
  EXPECT_EQ(journal.list_items({}).size(), 2u);
  EXPECT_EQ(item(item_.id).path, item_.path);
}

TEST_F(FollowRename, TakesAnotherContentInTheSameInodeForAnotherFile) {
  upload_some();
  rename_to("b.mp4");
  files.files["b.mp4"].print.mtime_ns += 1;
  sweep();
  EXPECT_EQ(journal.list_items({}).size(), 2u);
}

TEST_F(FollowRename, WaitsForTheAnswerWhetherTheOldNameIsGone) {
  upload_some();
  rename_to("b.mp4");
  lanes.at_once = false;
  Discovery discovery(files, policy);
  for (int turn = 0; turn < 10 && item(item_.id).path != "b.mp4"; ++turn) {
    within([&](Context& ctx) { discovery.run(ctx); });
    lanes.finish("/srv/drop");
  }
  EXPECT_EQ(item(item_.id).path, "b.mp4");
  EXPECT_EQ(journal.list_items({}).size(), 1u);
}

// The newest item of a path stands for it.
TEST_F(FollowRename, GivesNoItemThePathOfANewerOneThatHasEnded) {
  upload_some();
  auto const newer = put_item(ItemState::kDone, 2);
  change(newer, [](auto& row) { row.print.size_bytes = 50; });
  rename_to(newer.path);
  sweep();
  sweep();
  auto const items = journal.list_items({});
  ASSERT_EQ(items.size(), 3u);
  EXPECT_EQ(item(item_.id).path, item_.path);
  EXPECT_EQ(journal.latest_item("/srv/drop", newer.path)->id, items.back().id);
}

TEST_F(FollowRename, PlansAFileByItsNewName) {
  policy.pipelines.push_back({.name = "films", .kinds = {"video"}});
  policy.sources[0].pipelines = {"films"};
  change(item_, [](auto& row) {
    row.state = ItemState::kStable;
    row.pipeline = "films";
  });
  rename_to("face.jpg");
  sweep();
  EXPECT_EQ(item(item_.id).plan, "");
  EXPECT_EQ(item(item_.id).pipeline, "");
}

TEST_F(FollowRename, KeepsWhatAPersonAskedFor) {
  change(item_, [](auto& row) {
    row.state = ItemState::kStable;
    row.pipeline = kByHand;
  });
  rename_to("b.mp4");
  sweep();
  EXPECT_EQ(item(item_.id).plan, item_.plan);
  EXPECT_EQ(item(item_.id).pipeline, kByHand);
}

TEST_F(FollowRename, TakesARotationForARename) {
  upload_some();
  rename_to("b.mp4");
  files.files[item_.path].print = {.size_bytes = 7, .mtime_ns = 9, .ctime_ns = 9, .inode = 99, .device = 4};
  sweep();
  EXPECT_EQ(item(item_.id).path, "b.mp4");
  sweep();
  EXPECT_EQ(journal.list_items({}).size(), 2u) << "the other file has an item of its own";
}

TEST_F(FollowRename, WaitsForTheNextSweepWhereItCannotBeFoundOut) {
  upload_some();
  rename_to("b.mp4");
  files.files[item_.path].open_error = Error{Fault::kSourceIo, "Input/output error", "io"};
  sweep();
  EXPECT_EQ(journal.list_items({}).size(), 1u);
  EXPECT_EQ(item(item_.id).path, item_.path);
}

}  // namespace
}  // namespace sluice::stage

// DISCOVER: which files of the folders become items, and what is said of sources that are down.
#include "core/stage/discover.h"

#include <gmock/gmock.h>

#include "core/stage/admit.h"
#include "core/stage/moves.h"
#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using journal::ItemState;
using testing::ElementsAre;
using testing::IsEmpty;

class Discover : public StageTest {
 protected:
  Discover() { policy.sources.push_back({.name = "drop", .root = "/srv/drop", .rescan = 60s}); }

  // Files of the folder that is listed, whatever root is asked for.
  void add_file(std::string const& name, ports::FilePrint print = {.size_bytes = 7, .mtime_ns = 1}) {
    files.files[name] = {.print = print};
  }
  void run(Discovery& discovery) {
    do within([&](Context& ctx) { discovery.run(ctx); });
    while (discovery.at_work());
  }
  std::vector<std::string> items() const {
    std::vector<std::string> paths;
    for (auto const& row : journal.list_items({})) paths.push_back(row.path);
    return paths;
  }
};

TEST_F(Discover, GoesOnWithoutTheFolderThatDoesNotAnswerAndSaysSo) {
  policy.sources.push_back({.name = "other", .root = "/srv/other", .rescan = 60s});
  lanes.at_once = false;
  add_file("a.mp4");
  Discovery discovery(files, policy);
  auto const turn = [&](Millis later, std::string const& answers) {
    now += later;
    lanes.finish(answers);
    within([&](Context& ctx) { discovery.run(ctx); });
  };
  turn(0ms, "");
  turn(1ms, "/srv/other");
  EXPECT_THAT(items(), ElementsAre("a.mp4"));
  EXPECT_EQ(journal.item(1)->source, "other");
  EXPECT_TRUE(discovery.at_work());
  EXPECT_FALSE(discovery.can_go_on()) << "only an answer brings it on";

  auto const since = now - 1ms;
  turn(source::Scout::kStuckAfter, "/srv/other");
  auto const views = discovery.views();
  EXPECT_EQ(views[0].why_down, "/srv/drop does not answer since " + to_rfc3339(since));
  EXPECT_EQ(views[0].down_since, now);
  EXPECT_FALSE(views[1].why_down);
  EXPECT_TRUE(log.tells("source drop is down"));

  turn(1s, "/srv/drop");
  EXPECT_FALSE(discovery.views()[0].why_down);
  EXPECT_TRUE(log.tells("source drop is back"));
  EXPECT_EQ(items().size(), 2u);
}

TEST_F(Discover, TakesWhatIsWantedWhileASliceIsOnItsWay) {
  lanes.at_once = false;
  Discovery discovery(files, policy);
  auto const turn = [&](bool answers) {
    if (answers) lanes.finish();
    within([&](Context& ctx) { discovery.run(ctx); });
  };
  turn(false);
  discovery.want_directory("/srv/drop", "");
  turn(true);
  add_file("late.mp4");
  EXPECT_TRUE(discovery.at_work()) << "the wish came after the look had begun";
  turn(true);
  EXPECT_THAT(items(), ElementsAre("late.mp4"));
  EXPECT_FALSE(discovery.at_work());
}

TEST_F(Discover, LooksAgainAtOnceAtAFileWhoseMarkerCame) {
  policy.sources[0].ready_marker = *parse_template("{name}.done");
  auto const row = put_item(ItemState::kSeen);
  policy.sources[0].root = row.root;
  add_file(row.path, row.print);
  change(row, [&](auto& waiting) {
    waiting.reason = kWaitingForMarker;
    waiting.effort.due_at = now + 1h;
  });
  Discovery discovery(files, policy);
  run(discovery);
  EXPECT_EQ(item(row.id).effort.due_at, now + 1h);
  add_file(row.path + ".done");
  discovery.want_all();
  run(discovery);
  EXPECT_EQ(item(row.id).effort.due_at, now);
}

TEST_F(Discover, TakesFilesAndNoSidecarsCompanionsOrTemporaryNames) {
  for (auto const* name : {"a.mp4", "a.json", "a.yaml", "a.yml", "a.mp4.md5", "b.part", ".hidden.mp4", "Thumbs.db"})
    add_file(name);
  Discovery discovery(files, policy);
  run(discovery);
  EXPECT_THAT(items(), ElementsAre("a.mp4"));
}

// It failed while its chunks went up, and the file was mended afterwards: the session of the old content ends, so
// that the next one can be opened.
TEST_F(Discover, EndsTheSessionOfAFailedItemWhoseFileWasMended) {
  auto row = put_item(ItemState::kOpened);
  auto const old = put_session(row.id);
  row.client_op = "old tag";
  row.bytes_acked = 10;
  within([&](Context& ctx) { fail_item(ctx, row, "source_io", "EIO", ItemState::kOpened); });
  files.files[row.path].print.mtime_ns += 1;
  policy.sources[0].root = row.root;
  Discovery discovery(files, policy);
  run(discovery);
  EXPECT_EQ(item(row.id).state, ItemState::kSeen);
  EXPECT_EQ(item(row.id).generation, 2);
  EXPECT_EQ(item(row.id).client_op, "");
  EXPECT_EQ(item(row.id).bytes_acked, 0u);
  EXPECT_EQ(session(old.id).state, journal::SessionState::kAbandoned);
  put_session(row.id);  // would stop the program if there were an open one
}

// A folder that was unmounted for a moment, a file moved away and back: nothing but its absence ended the item.
TEST_F(Discover, TakesAFileThatIsThereAgainAsItWas) {
  add_file("a.mp4");
  Discovery discovery(files, policy);
  run(discovery);
  auto const row = journal.list_items({}).at(0);
  auto const print = std::exchange(files.files, {}).at("a.mp4").print;
  now += 1min;
  choose(choose_admit);
  ASSERT_EQ(item(row.id).reason, "vanished");
  add_file("a.mp4", print);
  discovery.want_all();
  run(discovery);
  EXPECT_EQ(item(row.id).state, ItemState::kSeen);
  EXPECT_EQ(item(row.id).reason, "");
  EXPECT_FALSE(item(row.id).finished_at);
  EXPECT_EQ(items().size(), 1u) << "the same item goes on";
}

TEST_F(Discover, TakesASkippedFileOnceAPipelineTakesItsKind) {
  policy.sources[0].pipelines = {"cast"};
  add_file("a.mp4");
  Discovery discovery(files, policy);
  run(discovery);
  auto const row = journal.list_items({}).at(0);
  now += 1min;
  choose(choose_admit);
  ASSERT_EQ(item(row.id).reason, "no_pipeline");
  discovery.want_all();
  run(discovery);
  ASSERT_EQ(item(row.id).state, ItemState::kSkipped) << "nobody takes it yet";

  policy.pipelines.push_back(
      {.name = "cast", .kinds = {"video"}, .filename = {}, .user_metadata = {}, .indexes = {}, .entity = {}});
  discovery.want_all();
  run(discovery);
  EXPECT_EQ(item(row.id).state, ItemState::kSeen);
}

TEST_F(Discover, TakesASkippedFileOnceItsPathFitsTheMatch) {
  policy.sources[0].match = PathMatch::parse("^b").value();
  policy.sources[0].pipelines = {"cast"};
  policy.pipelines.push_back({.name = "cast", .kinds = {"video"}});
  add_file("a.mp4");
  Discovery discovery(files, policy);
  run(discovery);
  auto const row = journal.list_items({}).at(0);
  now += 1min;
  choose(choose_admit);
  ASSERT_EQ(item(row.id).reason, "no_match");
  discovery.want_all();
  run(discovery);
  ASSERT_EQ(item(row.id).state, ItemState::kSkipped) << "it does not fit yet";

  policy.sources[0].match = PathMatch::parse("^a").value();
  discovery.want_all();
  run(discovery);
  EXPECT_EQ(item(row.id).state, ItemState::kSeen);
}

TEST_F(Discover, SweepsAgainAtTheVeryMomentOfTheRescan) {
  Discovery discovery(files, policy);
  run(discovery);
  EXPECT_EQ(discovery.next_rescan(), now + 60s);
  add_file("late.mp4");
  now += 60s - 1ms;
  run(discovery);
  EXPECT_THAT(items(), IsEmpty());
  now += 1ms;
  run(discovery);
  EXPECT_THAT(items(), ElementsAre("late.mp4"));
}

TEST_F(Discover, NamesTheEarliestRescanOfAllSources) {
  policy.sources.push_back({.name = "often", .root = "/srv/often", .rescan = 10s});
  policy.sources.push_back({.name = "seldom", .root = "/srv/seldom", .rescan = 300s});
  policy.sources.push_back({.name = "by_hand", .root = "/srv/by_hand", .swept = false});
  Discovery discovery(files, policy);
  EXPECT_FALSE(discovery.next_rescan());
  run(discovery);
  EXPECT_EQ(discovery.next_rescan(), now + 10s);
  EXPECT_EQ(discovery.views().size(), 3u);
}

TEST_F(Discover, SweepsTheRootThatIsWantedAndNoOther) {
  policy.sources.push_back({.name = "other", .root = "/srv/other", .rescan = 60s});
  Discovery discovery(files, policy);
  run(discovery);
  EXPECT_FALSE(discovery.at_work());
  discovery.want_root("/srv/nowhere");
  discovery.want_directory("/srv/nowhere", "a");
  EXPECT_FALSE(discovery.at_work());
  discovery.want_root("/srv/other");
  EXPECT_TRUE(discovery.at_work());
  run(discovery);
  discovery.want_directory("/srv/drop", "a");
  EXPECT_TRUE(discovery.at_work());
}

TEST_F(Discover, BeginsTheQuietTimeOfAGrowingFileAnew) {
  add_file("a.mp4");
  Discovery discovery(files, policy);
  run(discovery);
  auto const first = journal.list_items({}).at(0);
  now += 61s;
  run(discovery);  // the same print
  EXPECT_EQ(item(first.id).quiet_since, first.quiet_since);
  add_file("a.mp4", {.size_bytes = 8, .mtime_ns = 2});
  now += 61s;
  run(discovery);
  EXPECT_EQ(item(first.id).quiet_since, now);
  EXPECT_EQ(item(first.id).print.size_bytes, 8u);
  EXPECT_EQ(items().size(), 1u);
}

TEST_F(Discover, TellsWhatTheLastWholeSweepLeftOutAndLogsEachOnce) {
  for (int i = 0; i < 101; ++i) files.files["link" + std::to_string(1000 + i)] = {.type = ports::FileType::kSymlink};
  auto const logged = [&] {
    return std::ranges::count_if(log.lines,
                                 [](auto const& line) { return line.second.find("leaves out") != line.second.npos; });
  };
  Discovery discovery(files, policy);
  run(discovery);
  for (int i = 0; i < 2; ++i) {
    auto const left_out = discovery.views().at(0).left_out;
    EXPECT_EQ(left_out.total, 101u);
    ASSERT_EQ(left_out.first.size(), 100u);
    EXPECT_EQ(left_out.first.front().text, "link1000: symbolic links are not followed");
    EXPECT_EQ(logged(), 100);
    discovery.want_all();
    run(discovery);
  }
  files.files.clear();
  discovery.want_directory("/srv/drop", "day1");
  run(discovery);
  EXPECT_EQ(discovery.views().at(0).left_out.total, 101u) << "it says nothing of the rest";
  discovery.want_all();
  run(discovery);
  EXPECT_EQ(discovery.views().at(0).left_out.total, 0u);
}

TEST_F(Discover, SaysOnceThatASourceIsDownSinceWhenAndThatItIsBack) {
  Discovery discovery(files, policy);
  run(discovery);
  EXPECT_EQ(discovery.views().at(0).last_scan, now);
  EXPECT_FALSE(log.tells("is back"));
  auto const down = now + 61s;
  files.list_error = Error{Fault::kSourceIo, "no route to host"};
  for (now = down; now <= down + 122s; now += 61s) run(discovery);
  auto const view = discovery.views().at(0);
  EXPECT_EQ(view.down_since, down);
  EXPECT_TRUE(view.why_down);
  EXPECT_EQ(std::ranges::count_if(log.lines,
                                  [](auto const& line) { return line.second.find("is down") != std::string::npos; }),
            1);
  EXPECT_LT(view.last_scan, down);
  files.list_error.reset();
  run(discovery);
  EXPECT_FALSE(discovery.views().at(0).why_down);
  EXPECT_EQ(discovery.views().at(0).last_scan, now);
  EXPECT_TRUE(log.tells("is back"));
}

TEST_F(Discover, HasScannedAFolderOnlyWhenAllOfItWasSeen) {
  for (int i = 0; i < 600; ++i) add_file("clip" + std::to_string(i) + ".mp4");
  Discovery discovery(files, policy);
  within([&](Context& ctx) { discovery.run(ctx); });
  EXPECT_TRUE(discovery.at_work());
  EXPECT_FALSE(discovery.views().at(0).last_scan);
  while (discovery.at_work()) {
    EXPECT_FALSE(discovery.views().at(0).last_scan);
    within([&](Context& ctx) { discovery.run(ctx); });
  }
  EXPECT_EQ(discovery.views().at(0).last_scan, now);
}

// A file that we moved away when its item came to that end.
void put_away_at(Context& ctx, journal::ItemRow const& item) {
  ctx.journal.insert(journal::ActRow{.item_id = item.id,
                                     .generation = item.generation,
                                     .ordinal = 1,
                                     .kind = journal::ActKind::kMove,
                                     .state = journal::ActState::kDone,
                                     .target_folder = "/srv/away",
                                     .target_path = item.path});
}

TEST_F(Discover, AFileThatIsStillInAnOldListingAfterItWasMovedIsNoNewItem) {
  for (auto const state : {ItemState::kDone, ItemState::kFailed}) {
    auto row = put_item(state, state == ItemState::kDone ? 1 : 2);
    within([&](Context& ctx) { put_away_at(ctx, row); });
    Discovery discovery(files, policy);
    discovery.want_all();
    run(discovery);
    EXPECT_EQ(item(row.id).state, state);
  }
  EXPECT_EQ(items().size(), 2u);
}

TEST_F(Discover, AFailedFileThatIsMovedBackGoesOnAndASentOneIsANewItem) {
  auto const failed = put_item(ItemState::kFailed, 1), sent = put_item(ItemState::kDone, 2);
  within([&](Context& ctx) { put_away_at(ctx, failed), put_away_at(ctx, sent); });
  for (auto const& row : {failed, sent}) files.files[row.path].print.ctime_ns += 1;  // by the rename
  Discovery discovery(files, policy);
  discovery.want_all();
  run(discovery);
  EXPECT_EQ(item(failed.id).state, ItemState::kSeen);
  EXPECT_EQ(item(failed.id).generation, failed.generation + 1);
  EXPECT_EQ(item(sent.id).state, ItemState::kDone);
  EXPECT_NE(journal.latest_item("/srv/drop", sent.path)->id, sent.id);
}

}  // namespace
}  // namespace sluice::stage

// ADMIT and DISCOVER: what lies beside a file says what is done with it, for as long as nothing of it went up.
#include "core/stage/take_sidecar.h"

#include <gmock/gmock.h>

#include "core/stage/admit.h"
#include "core/stage/create_asset.h"
#include "core/stage/discover.h"
#include "core/stage/wishes.h"
#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using journal::ItemState;
using testing::AllOf;
using testing::HasSubstr;

class TakeSidecar : public StageTest {
 protected:
  TakeSidecar() {
    policy.sources.push_back({.name = "drop",
                              .root = "/srv/drop",
                              .pipelines = {"footage"},
                              .settle = 5s,
                              .max_settle = 1h,
                              .sidecars = true,
                              .rescan = 60s});
    policy.pipelines.push_back(
        {.name = "footage",
         .kinds = {"video"},
         .filename = *parse_template("{name}"),
         .user_metadata = {{"site", *parse_template("north")}, {"reel", *parse_template("none")}},
         .indexes = {{.name = "films"}}});
    policy.pipelines.push_back(
        {.name = "raw", .kinds = {"video"}, .filename = *parse_template("{name}"), .user_metadata = {}});
  }
  // Seen ten seconds ago, written long before, and due.
  journal::ItemRow seen(std::string const& name = "a.mp4") {
    auto row = journal::item_in(ItemState::kSeen, ++number_);
    row.path = name;
    row.print = {.size_bytes = 100, .mtime_ns = 1, .ctime_ns = 2, .inode = 3, .device = 4};
    row.quiet_since = row.created_at = now - 10s;
    files.files[name] = {.print = row.print};
    row.id = put(row);
    return row;
  }
  void write(std::string const& name, std::string const& text, WallTime at = from_unix_ms(1)) {
    auto const ns = to_unix_ms(at) * 1'000'000;
    files.files[name].bytes = text;
    files.files[name].print = {.size_bytes = text.size(), .mtime_ns = ns, .ctime_ns = ns, .inode = ++inode_};
  }
  void sweep() {
    Discovery discovery(files, policy);
    do within([&](Context& ctx) { discovery.run(ctx); });
    while (discovery.at_work());
  }
  journal::ItemRow admitted(RowId id) {
    choose(choose_admit);
    return item(id);
  }
  // What the platform would be told.
  platform::AssetOptions options(RowId id) {
    platform::AssetOptions told;
    within([&](Context& ctx) { told = asset_options(ctx, item(id), read_plan(item(id).plan)); });
    return told;
  }
  Json metadata(RowId id) { return *parse_json(options(id).user_metadata); }
  std::string last_note(RowId id) const { return journal.events_of(id, 100).back().note; }

  std::int64_t number_ = 0;
  std::uint64_t inode_ = 100;
};

TEST_F(TakeSidecar, LaysItsWordsOverThoseOfThePipeline) {
  write("a.mp4.json", R"({"name": "Night 1.mp4", "priority": 80, "metadata": {"reel": "A7", "take": 3}})");
  auto const row = admitted(seen().id);
  EXPECT_EQ(row.state, ItemState::kStable);
  EXPECT_EQ(row.pipeline, "footage");
  EXPECT_EQ(row.priority, 80);
  EXPECT_EQ(options(row.id).filename, "Night 1.mp4");
  auto const told = metadata(row.id);
  EXPECT_EQ(*told.find("site")->as_text(), "north");
  EXPECT_EQ(*told.find("reel")->as_text(), "A7");
  EXPECT_EQ(told.find("take")->as_int(), 3);
  EXPECT_EQ(last_note(row.id), "sidecar a.mp4.json: name, priority, metadata");
  EXPECT_EQ(*parse_json(read_plan(row.plan).metadata_json)->find("reel")->as_text(), "none") << "kept apart";
}

TEST_F(TakeSidecar, NamesItsPlacesInsteadOfAnyPipeline) {
  write("a.mp4.yaml", "index: nights\n");
  write("song.mp3.json", R"({"index": "songs"})");
  auto const film = seen(), song = seen("song.mp3");
  EXPECT_EQ(admitted(film.id).pipeline, kBySidecar);
  ASSERT_EQ(journal.steps_of(film.id).size(), 1u);
  EXPECT_EQ(read_planned_step(journal.steps_of(film.id)[0].params).name, "nights");
  EXPECT_EQ(item(song.id).state, ItemState::kStable) << "of a kind that no pipeline takes";
}

// Who writes sidecars is not who said that an index must be there, or that strangers' entities are left alone.
TEST_F(TakeSidecar, KeepsWhatIsConfiguredForTheVeryPlacesThatItNames) {
  auto& footage = policy.pipelines[0];
  footage.indexes[0].enable_video_stream = true;
  footage.indexes[0].user_metadata = {{"unit", *parse_template("second")}};
  footage.entity = EntityWish{.collection = "cast",
                              .name = *parse_template("{stem}"),
                              .description = *parse_template("of {name}"),
                              .existing = Existing::kNew};
  policy.pipelines[1].entity =
      EntityWish{.collection = "crew", .name = *parse_template("{stem}"), .existing = Existing::kFail};
  write("a.mp4.json", R"({"index": "films", "collection": "cast", "entity": "{ada}"})");
  write("b.mp4.json", R"({"index": "nights", "collection": "crew", "entity": "{ada}"})");
  auto const same = seen(), other = seen("b.mp4");
  ASSERT_EQ(admitted(same.id).pipeline, kBySidecar);
  auto const steps_of = [&](journal::ItemRow const& row) { return read_plan(item(row.id).plan).steps; };
  auto const index = steps_of(same).at(0);
  EXPECT_EQ(index.models_json, "") << "it must exist already";
  EXPECT_TRUE(index.enable_video_stream);
  EXPECT_EQ(index.metadata_json, R"({"unit":"second"})");
  auto const entity = steps_of(same).at(1);
  EXPECT_EQ(entity.name, "{ada}");
  EXPECT_EQ(entity.existing, Existing::kNew);
  EXPECT_EQ(entity.description, "of a.mp4");
  EXPECT_NE(steps_of(other).at(0).models_json, "") << "no pipeline names it";
  EXPECT_FALSE(steps_of(other).at(0).enable_video_stream);
  EXPECT_EQ(steps_of(other).at(1).existing, Existing::kAttach) << "none of the source's pipelines does";
}

TEST_F(TakeSidecar, PrefersThePipelineThatTakesTheKindOfItsFile) {
  policy.sources[0].pipelines = {"footage", "songs"};
  policy.pipelines.push_back({.name = "songs",
                              .kinds = {"audio"},
                              .filename = *parse_template("{name}"),
                              .indexes = {{.name = "films", .enable_video_stream = true}}});
  for (auto const* const name : {"a.mp3", "a.mp4"}) write(std::string(name) + ".json", R"({"index": "films"})");
  auto const song = seen("a.mp3"), film = seen("a.mp4");
  EXPECT_TRUE(read_plan(admitted(song.id).plan).steps.at(0).enable_video_stream);
  EXPECT_FALSE(read_plan(item(film.id).plan).steps.at(0).enable_video_stream);
}

TEST_F(TakeSidecar, GoesWithoutALinkThatIsNamedLikeOneAndSaysSo) {
  auto const row = seen();
  files.files["a.mp4.json"] = {.open_error = Error{.fault = Fault::kSourceIo, .text = "a link", .code = "symlink"},
                               .type = ports::FileType::kSymlink};
  EXPECT_EQ(admitted(row.id).state, ItemState::kStable);
  EXPECT_TRUE(log.tells("a.mp4.json"));
}

TEST_F(TakeSidecar, NamesAPipelineOfTheConfigurationAndNoOther) {
  write("a.mp4.json", R"({"pipeline": "raw"})");
  write("b.mp4.json", R"({"pipeline": "row"})");
  auto const good = seen(), bad = seen("b.mp4");
  EXPECT_EQ(admitted(good.id).pipeline, "raw");
  EXPECT_EQ(item(bad.id).state, ItemState::kSeen);
  EXPECT_EQ(item(bad.id).reason, source::kBadSidecar);
  EXPECT_THAT(item(bad.id).effort.last_error, AllOf(HasSubstr("b.mp4.json"), HasSubstr("there is no pipeline row")));
}

TEST_F(TakeSidecar, TakesTheDefaultsOfItsFolder) {
  write("_defaults.yaml", "priority: 20\nmetadata: {reel: B1, day: 2}\n");
  write("a.mp4.json", R"({"metadata": {"reel": "A7"}})");
  auto const one = seen(), other = seen("b.mp4");
  EXPECT_EQ(admitted(one.id).priority, 20);
  EXPECT_EQ(*metadata(one.id).find("reel")->as_text(), "A7");
  EXPECT_EQ(metadata(one.id).find("day")->as_int(), 2);
  EXPECT_EQ(*metadata(other.id).find("reel")->as_text(), "B1");
}

TEST_F(TakeSidecar, LeavesToAPersonWhatAPersonNamed) {
  write("a.mp4.json", R"({"index": "nights", "name": "b.mp4", "metadata": {"reel": "A7"}})");
  auto const named = seen();
  change(named, [](auto& row) { row.pipeline = "raw"; });
  EXPECT_EQ(admitted(named.id).pipeline, "raw");
  EXPECT_TRUE(journal.steps_of(named.id).empty());
  EXPECT_EQ(options(named.id).filename, "b.mp4");
  EXPECT_EQ(*metadata(named.id).find("reel")->as_text(), "A7");

  write("c.mp4.json", R"({"index": "nights", "name": "d.mp4", "metadata": {"reel": "A8"}})");
  auto places = seen("c.mp4");
  within([&](Context& ctx) {
    ASSERT_TRUE(apply_wishes(ctx, places, {.index = "days"}));
    ctx.journal.update(places, ItemState::kSeen, now);
  });
  EXPECT_EQ(admitted(places.id).pipeline, kByHand);
  EXPECT_EQ(read_planned_step(journal.steps_of(places.id).at(0).params).name, "days");
  EXPECT_EQ(options(places.id).filename, "d.mp4");
  EXPECT_EQ(*metadata(places.id).find("reel")->as_text(), "A8");
}

TEST_F(TakeSidecar, ReadsNoneWhereTheyAreIgnored) {
  policy.sources[0].sidecars = false;
  write("a.mp4.json", "{broken");
  EXPECT_EQ(admitted(seen().id).state, ItemState::kStable);
}

TEST_F(TakeSidecar, HoldsItsFileBackUntilItIsMendedOrMaxSettleIsOver) {
  write("a.mp4.yaml", "index: nights\npriority: soon\n");
  auto const row = seen();
  EXPECT_EQ(admitted(row.id).reason, source::kBadSidecar);
  EXPECT_THAT(item(row.id).effort.last_error, AllOf(HasSubstr("a.mp4.yaml: line 2"), HasSubstr("`priority`")));
  sweep();
  EXPECT_EQ(admitted(row.id).state, ItemState::kSeen);
  write("a.mp4.yaml", "index: nights\npriority: 70\n");
  sweep();
  EXPECT_EQ(item(row.id).effort.due_at, now) << "the sweep saw it mended";
  EXPECT_EQ(admitted(row.id).state, ItemState::kStable);

  write("b.mp4.yaml", "- none\n");
  auto const never = seen("b.mp4");
  choose(choose_admit);
  now += 1h;
  EXPECT_EQ(admitted(never.id).state, ItemState::kFailed);
  write("b.mp4.yaml", "{}\n");
  sweep();
  EXPECT_EQ(item(never.id).state, ItemState::kSeen) << "and is taken up by itself once it is mended";
}

TEST_F(TakeSidecar, WaitsUntilASidecarIsQuietToo) {
  write("a.mp4.json", "{}", now - 2s);
  auto const row = seen();
  EXPECT_EQ(admitted(row.id).reason, "settling");
  EXPECT_EQ(item(row.id).effort.due_at, now + 3s);
  now += 3s;
  EXPECT_EQ(admitted(row.id).state, ItemState::kStable);
}

TEST_F(TakeSidecar, WarnsOfKeysThatMeanNothing) {
  write("a.mp4.json", R"({"prio": 3})");
  EXPECT_EQ(admitted(seen().id).state, ItemState::kStable);
  EXPECT_TRUE(log.tells("prio"));
}

TEST_F(TakeSidecar, FillsTemplatesWithItsMetadata) {
  policy.pipelines[0].filename = *parse_template("{meta.reel}-{meta.take}.{ext}");
  write("a.mp4.json", R"({"metadata": {"reel": "A7", "take": 3}})");
  EXPECT_EQ(read_plan(admitted(seen().id).plan).filename, "A7-3.mp4");
}

TEST_F(TakeSidecar, IsWaitedForWhereAPipelineNeedsIt) {
  policy.pipelines[0].indexes[0].user_metadata = {{"reel", *parse_template("{meta.reel}")}};
  auto const row = seen();
  EXPECT_EQ(admitted(row.id).reason, "waiting_for_sidecar");
  EXPECT_EQ(item(row.id).effort.due_at, now + 20s) << "thirty from its first sight (D47)";
  now += 20s;
  EXPECT_EQ(admitted(row.id).state, ItemState::kFailed);
  EXPECT_EQ(item(row.id).reason, "no_metadata");
  EXPECT_THAT(item(row.id).effort.last_error, HasSubstr("{meta.reel} needs the metadata reel"));
  write("a.mp4.json", R"({"metadata": {"reel": "A7"}})");
  sweep();
  EXPECT_EQ(admitted(row.id).state, ItemState::kSeen);
  now += 5s;
  EXPECT_EQ(admitted(row.id).state, ItemState::kStable) << "it came late, and is taken all the same";
}

TEST_F(TakeSidecar, PlansAFileAnewWhoseSidecarChangesBeforeItGoesUp) {
  auto const row = seen();
  sweep();
  ASSERT_EQ(admitted(row.id).pipeline, "footage");
  write("a.mp4.json", R"({"index": "nights", "priority": 90})");
  sweep();
  EXPECT_EQ(item(row.id).state, ItemState::kSeen);
  EXPECT_EQ(last_note(row.id), "its sidecar changed");
  EXPECT_EQ(admitted(row.id).pipeline, kBySidecar);
  EXPECT_EQ(item(row.id).priority, 90);
  ASSERT_EQ(journal.steps_of(row.id).size(), 1u);
  EXPECT_EQ(read_planned_step(journal.steps_of(row.id)[0].params).name, "nights");

  files.files.erase("a.mp4.json");
  sweep();
  EXPECT_EQ(admitted(row.id).pipeline, "footage");
  EXPECT_EQ(item(row.id).priority, policy.sources[0].priority);
  EXPECT_EQ(read_planned_step(journal.steps_of(row.id).at(0).params).name, "films");
  EXPECT_EQ(item(row.id).sidecar, "");
}

TEST_F(TakeSidecar, LeavesAnUploadThatIsUnderWayAlone) {
  auto const row = put_item(ItemState::kOpened);
  policy.sources[0].root = row.root;
  write(row.path + ".json", R"({"priority": 90})");
  sweep();
  EXPECT_EQ(item(row.id).state, ItemState::kOpened);
  EXPECT_EQ(item(row.id).sidecars_print, 0) << "a later sweep still sees that it differs";
}

TEST_F(TakeSidecar, TakesASkippedFileThatNowSaysWhereItGoes) {
  auto const row = seen("song.mp3");
  ASSERT_EQ(admitted(row.id).reason, "no_pipeline");
  write("song.mp3.json", R"({"index": "songs"})");
  sweep();
  EXPECT_EQ(item(row.id).state, ItemState::kSeen);
}

}  // namespace
}  // namespace sluice::stage

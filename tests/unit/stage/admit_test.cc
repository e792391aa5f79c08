// ADMIT: a file that is finished is given its kind, pipeline and plan; one that is not is looked at again.
#include "core/stage/admit.h"

#include <gmock/gmock.h>

#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using journal::ItemState;
using testing::HasSubstr;

class Admit : public StageTest {
 protected:
  Admit() {
    policy.sources.push_back({.name = "drop", .root = "/srv/drop", .pipelines = {"sounds", "footage"}, .settle = 5s});
    policy.pipelines.push_back({.name = "sounds", .kinds = {"audio"}});
    policy.pipelines.push_back({.name = "footage", .kinds = {"video"}, .indexes = {{.name = "films"}}});
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
  std::int64_t number_ = 0;
};

TEST_F(Admit, GivesAQuietFileItsKindPipelineAndSteps) {
  auto const row = seen();
  choose(choose_admit);
  auto const admitted = item(row.id);
  EXPECT_EQ(admitted.state, ItemState::kStable);
  EXPECT_EQ(admitted.kind, "video");
  EXPECT_EQ(admitted.pipeline, "footage");
  EXPECT_EQ(journal.steps_of(row.id).size(), 1u);
}

TEST_F(Admit, LeavesAFileAsItIsUntilItWasLookedAt) {
  lanes.at_once = false;
  auto const row = seen();
  auto const before = journal.rows_written();
  choose(choose_admit);
  EXPECT_EQ(journal.rows_written(), before);
  EXPECT_EQ(item(row.id).state, ItemState::kSeen);
  lanes.finish(row.root);
  choose(choose_admit);
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
}

TEST_F(Admit, WaitsForAFolderThatDoesNotAnswerAndChargesNobody) {
  lanes.at_once = false;
  auto const row = seen();
  choose(choose_admit);
  now += source::Scout::kStuckAfter;
  choose(choose_admit);
  EXPECT_EQ(item(row.id).reason, kSourceDown);
  EXPECT_EQ(item(row.id).effort.attempts, 0u);
  EXPECT_GT(item(row.id).effort.due_at, now);
  EXPECT_EQ(item(row.id).effort.last_error,
            row.root + " does not answer since " + to_rfc3339(now - source::Scout::kStuckAfter));
}

TEST_F(Admit, TakesTheFilesOfOtherFoldersWhileASlowOneHasHundredsDue) {
  lanes.at_once = false;
  policy.sources.push_back({.name = "other", .root = "/srv/other", .pipelines = {"footage"}, .settle = 5s});
  for (int i = 0; i < 600; ++i) seen(std::to_string(i) + ".mp4");
  auto row = journal::item_in(ItemState::kSeen, ++number_);
  row.source = "other";
  row.root = "/srv/other";
  row.path = "last.mp4";
  row.quiet_since = row.created_at = now - 10s;
  row.print = {.size_bytes = 100, .mtime_ns = 1, .ctime_ns = 2, .inode = 9, .device = 4};
  files.files["last.mp4"].print = row.print;
  row.id = put(row);
  choose(choose_admit);
  lanes.finish("/srv/other");  // and not the slow one
  choose(choose_admit);
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
}

TEST_F(Admit, WaitsForTheMarkerAndNamesIt) {
  policy.sources[0].ready_marker = *parse_template("{name}.done");
  auto const row = seen();
  choose(choose_admit);
  EXPECT_EQ(item(row.id).state, ItemState::kSeen);
  EXPECT_EQ(item(row.id).reason, kWaitingForMarker);
  EXPECT_EQ(item(row.id).effort.last_error, "there is no a.mp4.done beside it that is as new as the file");
  EXPECT_EQ(item(row.id).effort.due_at, now + 1h) << "the sweep that finds it comes first";
  files.files["a.mp4.done"].print.mtime_ns = row.print.mtime_ns;
  now += 1h;
  choose(choose_admit);
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
}

TEST_F(Admit, WaitsForADownloadWhoseControlFileIsThere) {
  auto const row = seen();
  files.files["a.mp4.aria2"].print.size_bytes = 1;
  choose(choose_admit);
  EXPECT_EQ(item(row.id).state, ItemState::kSeen);
  EXPECT_EQ(item(row.id).reason, ports::kBeingWritten);
  EXPECT_EQ(item(row.id).effort.last_error, "a.mp4.aria2 is beside it: its download is not finished");
  files.files.erase("a.mp4.aria2");
  now += 1min;
  choose(choose_admit);
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
}

// Cut off between the look at its size and that at its ends.
TEST_F(Admit, SettlesAFileAnewThatBecameShorterWhileItWasLookedAt) {
  policy.sources[0].duplicates = DuplicatePolicy::kSkip;
  auto const row = seen();
  files.files["a.mp4"].bytes = "short";
  choose(choose_admit);
  EXPECT_EQ(item(row.id).state, ItemState::kSeen);
  EXPECT_EQ(item(row.id).reason, "changing");
  EXPECT_EQ(item(row.id).quiet_since, now);
  EXPECT_EQ(item(row.id).effort.due_at, now + 5s);
}

// A file of five bytes that hold 'x'.
class AdmitChecksum : public Admit {
 protected:
  AdmitChecksum() { policy.sources[0].checksum = ChecksumPolicy::kAuto; }
  static constexpr char kRight[] = "fb0e22c79ac75679e9881e6ba183b354";  // md5 of xxxxx
  journal::ItemRow seen_x() {
    auto row = seen();
    change(row, [](auto& it) { it.print.size_bytes = 5; });
    files.files["a.mp4"].print.size_bytes = 5;
    files.files["a.mp4"].bytes = "xxxxx";
    return item(row.id);
  }
  void write(std::string const& name, std::string const& text) {
    files.files[name].bytes = text;
    files.files[name].print.size_bytes = text.size();
  }
};

TEST_F(AdmitChecksum, TakesAFileThatHasItAndOneWithout) {
  auto const row = seen_x();
  write("a.mp4.md5", std::string(kRight) + "  a.mp4\n");
  auto const bare = seen("b.mp4");
  choose(choose_admit);
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
  EXPECT_EQ(item(bare.id).state, ItemState::kStable);
}

TEST_F(AdmitChecksum, WaitsWithOneOfOtherBytesAndFailsInTheEnd) {
  policy.sources[0].max_settle = 10min;
  auto const row = seen_x();
  write("a.mp4.md5", "00000000000000000000000000000000");
  choose(choose_admit);
  EXPECT_EQ(item(row.id).state, ItemState::kSeen);
  EXPECT_EQ(item(row.id).reason, "checksum_mismatch");
  EXPECT_EQ(item(row.id).effort.last_error,
            "its MD5 is " + std::string(kRight) + ", and a.mp4.md5 says 00000000000000000000000000000000");
  now += 10min;
  choose(choose_admit);
  EXPECT_EQ(item(row.id).state, ItemState::kFailed);
  EXPECT_EQ(item(row.id).reason, "checksum_mismatch");
}

TEST_F(AdmitChecksum, TakesAFileOnceItsChecksumIsMended) {
  auto const row = seen_x();
  write("a.mp4.md5", "00000000000000000000000000000000");
  choose(choose_admit);
  write("a.mp4.md5", kRight);
  files.files["a.mp4"].bytes = "read again it would be another";
  now += 1min;
  choose(choose_admit);
  EXPECT_EQ(item(row.id).state, ItemState::kStable) << "it is not read twice for that";
}

TEST_F(AdmitChecksum, WaitsForOneWhereItIsRequired) {
  policy.sources[0].checksum = ChecksumPolicy::kRequire;
  auto const row = seen_x();
  choose(choose_admit);
  EXPECT_EQ(item(row.id).reason, "waiting_for_checksum");
  write("a.mp4.md5", kRight);
  now += 1min;
  choose(choose_admit);
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
}

TEST_F(AdmitChecksum, SaysWhileItReadsTheFile) {
  lanes.at_once = false;
  auto const row = seen_x();
  write("a.mp4.md5", kRight);
  choose(choose_admit);
  lanes.finish(row.root);
  choose(choose_admit);
  EXPECT_EQ(item(row.id).reason, "verifying_checksum");
  now += 1h;
  choose(choose_admit);
  lanes.finish(row.root);
  choose(choose_admit);
  EXPECT_EQ(item(row.id).reason, "verifying_checksum") << "and it does not count as stuck";
  lanes.finish("digest " + row.root);
  now += 1min;
  choose(choose_admit);
  lanes.finish(row.root);
  choose(choose_admit);
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
}

TEST_F(AdmitChecksum, IsLookedForAgainWhereTheDiskFailed) {
  auto const row = seen_x();
  write("a.mp4.md5", kRight);
  files.files["a.mp4.md5"].open_error = Error{Fault::kSourceIo, "EIO", "io"};
  choose(choose_admit);
  EXPECT_EQ(item(row.id).reason, "source_io");
  files.files["a.mp4.md5"].open_error.reset();
  now += 1h;
  choose(choose_admit);
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
}

TEST_F(AdmitChecksum, CannotBeBesideANameThatIsTooLongForIt) {
  auto const name = std::string(251, 'n') + ".mp4";
  auto const row = seen(name);
  files.files[name + ".md5"].open_error = Error{Fault::kSourceIo, "File name too long", "io"};
  files.files[name + ".sha256"].open_error = files.files[name + ".md5"].open_error;
  choose(choose_admit);
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
}

TEST_F(AdmitChecksum, LooksAtNoneWhereItIsIgnored) {
  policy.sources[0].checksum = ChecksumPolicy::kIgnore;
  auto const row = seen_x();
  write("a.mp4.md5", "no checksum at all");
  choose(choose_admit);
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
}

TEST_F(Admit, AsksTheContentWhereTheNameSaysNothing) {
  auto const known = seen("a.bin");
  files.files["a.bin"].mime = "video/mp4";
  auto const unknown = seen("b.bin");
  files.files["b.bin"].mime = "text/plain";
  choose(choose_admit);
  EXPECT_EQ(item(known.id).state, ItemState::kStable);
  EXPECT_EQ(item(unknown.id).state, ItemState::kSkipped);
  EXPECT_EQ(item(unknown.id).reason, "no_pipeline");
}

TEST_F(Admit, SkipsAKindThatNoPipelineTakesWhoeverNamedThePipeline) {
  auto const photo = seen("a.jpg");
  auto const by_hand = seen("b.mp4");
  change(by_hand, [](auto& row) { row.pipeline = "sounds"; });
  auto const nowhere = seen("c.mp4");
  change(nowhere, [](auto& row) { row.pipeline = "taken away"; });
  choose(choose_admit);
  for (auto const& row : {photo, by_hand, nowhere}) {
    EXPECT_EQ(item(row.id).state, ItemState::kSkipped) << row.path;
    EXPECT_EQ(item(row.id).reason, "no_pipeline") << row.path;
  }
}

// A source whose paths are SITE/REEL_NAME, where the take may be missing.
class AdmitMatch : public Admit {
 protected:
  AdmitMatch() {
    policy.sources[0].match = *PathMatch::parse(R"(^(?P<site>[^/]+)/(?P<reel>R\d+)?_(?:T(?P<take>\d+)_)?)");
    policy.sources[0].pipelines = {"cast"};
    policy.pipelines.push_back({.name = "cast",
                                .kinds = {"image"},
                                .filename = *parse_template("{match.site}-{name}"),
                                .user_metadata = {{"take", *parse_template("{match.take}")}},
                                .entity = EntityWish{.collection = "Cast", .name = *parse_template("{match.reel}")}});
  }
};

TEST_F(AdmitMatch, PutsWhatTheGroupsOfThePathSayIntoThePlan) {
  auto const whole = seen("north/R17_T3_a.jpg");
  auto const no_take = seen("south/R18_a.jpg");
  choose(choose_admit);
  auto const plan = read_plan(item(whole.id).plan);
  EXPECT_EQ(plan.filename, "north-R17_T3_a.jpg");
  EXPECT_EQ(plan.metadata_json, R"({"take":"3"})");
  EXPECT_EQ(plan.steps.at(0).name, "R17");
  EXPECT_EQ(read_plan(item(no_take.id).plan).metadata_json, R"({"take":""})") << "a group that took no part";
}

TEST_F(AdmitMatch, MakesTextOfBytesThatAreNone) {
  auto const row = seen("\xff\n/R17_a.jpg");
  choose(choose_admit);
  EXPECT_EQ(read_plan(item(row.id).plan).filename, platform_filename("\xff\n-R17_a.jpg"));
  EXPECT_TRUE(is_utf8(item(row.id).plan));
}

TEST_F(AdmitMatch, SkipsAPathThatDoesNotMatchAndSaysSo) {
  auto const row = seen("north/a.jpg");
  choose(choose_admit);
  EXPECT_EQ(item(row.id).state, ItemState::kSkipped);
  EXPECT_EQ(item(row.id).reason, "no_match");
  EXPECT_EQ(item(row.id).effort.last_error, "its path does not fit the `match` of source drop");
}

TEST_F(AdmitMatch, FailsAFileWhoseEntityWouldHaveNoNameOrTooLongAOne) {
  auto const none = seen("north/_a.jpg");
  auto const too_long = seen("north/R" + std::string(255, '1') + "_a.jpg");
  auto const longest = seen("north/R" + std::string(254, '1') + "_a.jpg");
  choose(choose_admit);
  for (auto const& row : {none, too_long}) {
    EXPECT_EQ(item(row.id).state, ItemState::kFailed);
    EXPECT_EQ(item(row.id).reason, "bad_template");
  }
  EXPECT_EQ(item(longest.id).state, ItemState::kStable);
}

TEST_F(AdmitMatch, FailsWhereAPersonsPipelineAsksForGroupsThatTheSourceDoesNotHave) {
  policy.sources[0].match.reset();
  auto const row = seen("north/R17_a.jpg");
  choose(choose_admit);
  EXPECT_EQ(item(row.id).reason, "bad_template");
  EXPECT_THAT(item(row.id).effort.last_error, HasSubstr("pipeline cast asks for {match.reel}"));
}

TEST_F(Admit, KeepsAPlanMadeByHand) {
  auto const row = seen();
  change(row, [](auto& planned) { planned.plan = Plan{.filename = "by hand"}.to_json(); });
  choose(choose_admit);
  EXPECT_EQ(read_plan(item(row.id).plan).filename, "by hand");
}

TEST_F(Admit, FailsAnEmptyFileAndOneThatIsTooLarge) {
  auto const empty = seen("a.mp4");
  change(empty, [&](auto& row) {
    row.print.size_bytes = 0;
    row.quiet_since = now - 1h;
  });
  files.files["a.mp4"].print.size_bytes = 0;
  auto const large = seen("b.mp4");
  policy.limits.index_bytes = 99;
  choose(choose_admit);
  EXPECT_EQ(item(empty.id).reason, "empty_file");
  EXPECT_EQ(item(large.id).reason, "too_large");
}

TEST_F(Admit, TellsAFileThatWentAwayFromOneThatMayNotBeRead) {
  auto const gone = seen("a.mp4");
  files.files.erase("a.mp4");
  auto const secret = seen("b.mp4");
  files.files["b.mp4"].open_error = Error{Fault::kSourceIo, "permission denied"};
  choose(choose_admit);
  EXPECT_EQ(item(gone.id).state, ItemState::kSkipped);
  EXPECT_EQ(item(gone.id).reason, "vanished");
  EXPECT_EQ(item(secret.id).state, ItemState::kFailed);
  EXPECT_EQ(item(secret.id).reason, "unreadable");
}

TEST_F(Admit, TriesAgainWhatTheDiskOrThisHostCouldNotDoNow) {
  for (auto const& trouble : {Error{Fault::kLocal, "too many open files"}, Error{Fault::kSourceIo, "EIO", "io"},
                              Error{Fault::kSourceIo, "text file busy", "busy"}}) {
    auto const row = seen();
    files.files[row.path].open_error = trouble;
    choose(choose_admit);
    EXPECT_EQ(item(row.id).state, ItemState::kSeen) << trouble.text;
    EXPECT_GT(item(row.id).effort.due_at, now) << trouble.text;
    change(item(row.id), [&](auto& over) {
      over.state = ItemState::kCancelled;
      over.finished_at = now;
    });
  }
}

TEST_F(Admit, WaitsForAFolderThatIsAwayAndChargesNobody) {
  auto const row = seen();
  auto const print = std::exchange(files.files, {}).at(row.path).print;
  files.list_error = Error{Fault::kGone, "no such folder"};
  for (int i = 0; i < 50; ++i) {
    choose(choose_admit);
    ASSERT_EQ(item(row.id).state, ItemState::kSeen);
    ASSERT_EQ(item(row.id).reason, kSourceDown);
    ASSERT_EQ(item(row.id).effort.attempts, 0u);
    ASSERT_GT(item(row.id).effort.due_at, now);
    now = *item(row.id).effort.due_at;
  }
  files.list_error.reset();
  files.files[row.path] = {.print = print};
  choose(choose_admit);
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
}

TEST_F(Admit, ReadsNothingOfAnEmptyFile) {
  auto const row = seen("a.bin");
  change(row, [](auto& empty) { empty.print.size_bytes = 0; });
  files.files["a.bin"].print.size_bytes = 0;
  files.files["a.bin"].sniff_error = Error{Fault::kSourceIo, "nothing to read"};
  change(item(row.id), [&](auto& quiet) { quiet.quiet_since = now - 1h; });
  choose(choose_admit);
  EXPECT_EQ(item(row.id).reason, "empty_file");
}

TEST_F(Admit, SaysWhatKeepsAFileFromSettling) {
  auto const young = seen("a.mp4");
  change(young, [&](auto& row) { row.quiet_since = now - 1s; });
  auto const open = seen("b.mp4");
  files.files["b.mp4"].writer = ports::Writer::kPresent;
  auto const growing = seen("c.mp4");
  files.files["c.mp4"].print.size_bytes = 101;
  choose(choose_admit);
  EXPECT_EQ(item(young.id).reason, "settling");
  EXPECT_EQ(item(young.id).effort.due_at, now + 4s);
  EXPECT_EQ(item(open.id).reason, "being_written");
  EXPECT_EQ(item(growing.id).reason, "changing");
  EXPECT_EQ(item(growing.id).print.size_bytes, 101u);
  EXPECT_EQ(item(growing.id).quiet_since, now);
}

TEST_F(Admit, GoesOnWatchingAFileThatHasKeptChangingForTooLong) {
  policy.sources[0].max_settle = 10s;
  auto const row = seen();
  files.files[row.path].print.size_bytes = 101;
  choose(choose_admit);
  EXPECT_EQ(item(row.id).reason, "still_changing");
  EXPECT_EQ(item(row.id).print.size_bytes, 101u);  // or it would never be seen to rest
  EXPECT_EQ(item(row.id).quiet_since, now);
}

TEST_F(Admit, BeginsTheQuietTimeAnewWhenTheClockWentBack) {
  auto const row = seen();
  change(row, [&](auto& ahead) { ahead.quiet_since = now + 1h; });
  choose(choose_admit);
  EXPECT_EQ(item(row.id).quiet_since, now);
  EXPECT_EQ(item(row.id).state, ItemState::kSeen);
}

TEST_F(Admit, WaitsForASourceThatWasTakenOutOfTheConfiguration) {
  auto const row = seen();
  policy.sources.clear();
  choose(choose_admit);
  EXPECT_EQ(item(row.id).reason, "source_removed");
  EXPECT_GT(item(row.id).effort.due_at, now);
}

TEST(LimitsEdge, AreTheLargestThatIsTaken) {
  Policy policy;
  policy.limits = {.direct_video_bytes = 10,
                   .direct_image_bytes = 20,
                   .multipart_video_bytes = 100,
                   .multipart_image_bytes = 30,
                   .index_bytes = 1'000};
  EXPECT_FALSE(broken_limit(policy, {}, "video", 100));
  EXPECT_TRUE(broken_limit(policy, {}, "video", 101));
  EXPECT_FALSE(broken_limit(policy, {}, "image", 30));
  EXPECT_TRUE(broken_limit(policy, {}, "image", 31));
  EXPECT_EQ(method_for(policy, "video", 10), "direct");
  EXPECT_EQ(method_for(policy, "video", 11), "multipart");
  EXPECT_EQ(method_for(policy, "image", 20), "direct");
  EXPECT_EQ(method_for(policy, "image", 21), "multipart");
}

TEST(LimitsEdge, OfAnIndexAreAskedOfIndexStepsOnly) {
  Policy policy;
  policy.limits.index_bytes = 10;
  Plan plan;
  plan.steps.push_back({.kind = journal::StepKind::kEntity, .name = "ada", .collection = "cast"});
  EXPECT_FALSE(broken_limit(policy, plan, "video", 11));
  plan.steps.push_back({.kind = journal::StepKind::kIndex, .name = "films"});
  EXPECT_FALSE(broken_limit(policy, plan, "video", 10));
  EXPECT_TRUE(broken_limit(policy, plan, "video", 11));
}

TEST(PipelineFor, IsTheFirstOfTheSourceThatTakesTheKind) {
  Policy policy;
  policy.pipelines.push_back({.name = "first", .kinds = {"audio"}});
  policy.pipelines.push_back({.name = "second", .kinds = {"audio", "video"}});
  SourcePolicy const source{.name = "drop", .root = "/", .pipelines = {"taken away", "second", "first"}};
  EXPECT_EQ(pipeline_for(policy, source, "audio")->name, "second");
  EXPECT_EQ(pipeline_for(policy, source, "image"), nullptr);
}

}  // namespace
}  // namespace sluice::stage

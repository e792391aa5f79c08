// Questions about files, and when their answers are had.
#include "core/source/scout.h"

#include <gtest/gtest.h>

#include "tests/unit/source/hand_lanes.h"
#include "tests/unit/stage/stage_fixture.h"

namespace sluice::source {
namespace {

using namespace std::chrono_literals;

constexpr char kRoot[] = "/srv/drop";

class ScoutTest : public testing::Test {
 protected:
  ScoutTest() {
    files.files["a.mp4"].print.size_bytes = 7;
    scout.collect(now);
  }
  void pass(Millis time) {
    now += time;
    scout.collect(now);
  }
  Answer<ports::FilePrint> stat(std::string const& path = "a.mp4") { return scout.stat(kRoot, path, 0); }

  WallTime now = stage::kNoon;
  stage::PlayedFiles files;
  HandLanes lanes;
  Scout scout{lanes, files};
};

TEST_F(ScoutTest, HasNoAnswerUntilTheLaneGaveOneAndThenHandsItOutOnce) {
  EXPECT_FALSE(stat());
  EXPECT_FALSE(stat());
  EXPECT_EQ(lanes.started(), 1u) << "asked twice, put once";
  lanes.finish();
  EXPECT_FALSE(stat()) << "not collected yet";
  pass(0ms);
  auto const answer = stat();
  ASSERT_TRUE(answer && *answer);
  EXPECT_EQ((*answer)->size_bytes, 7u);
  EXPECT_FALSE(stat()) << "asked anew";
  EXPECT_EQ(lanes.started(), 2u);
}

TEST_F(ScoutTest, AnswersAtOnceWhereTheLaneDoes) {
  ports::AtOnce at_once;
  Scout quick(at_once, files);
  quick.collect(now);
  EXPECT_EQ(quick.stat(kRoot, "a.mp4", 0)->value().size_bytes, 7u);
  EXPECT_EQ(quick.stat(kRoot, "b.mp4", 0)->error().fault, Fault::kGone);
  EXPECT_FALSE(quick.is_waiting());
}

TEST_F(ScoutTest, TellsFilesAndRootsApart) {
  files.files["b.mp4"].print.size_bytes = 9;
  EXPECT_FALSE(stat());
  EXPECT_FALSE(stat("b.mp4"));
  EXPECT_FALSE(scout.stat("/srv/other", "a.mp4", 0));
  lanes.finish();
  pass(0ms);
  EXPECT_EQ(stat("b.mp4")->value().size_bytes, 9u);
  EXPECT_EQ(stat()->value().size_bytes, 7u);
  EXPECT_FALSE(scout.stat("/srv/other", "a.mp4", 0)) << "another lane";
}

TEST_F(ScoutTest, SaysOfAFolderThatShowsNoSignOfLifeThatItDoesNotAnswer) {
  EXPECT_FALSE(stat());
  EXPECT_EQ(scout.next_stuck(), now + Scout::kStuckAfter);
  auto const since = now;
  pass(Scout::kStuckAfter - 1ms);
  EXPECT_FALSE(stat());
  pass(1ms);
  EXPECT_EQ(scout.stuck_since(kRoot), since);
  EXPECT_EQ(scout.next_stuck(), std::nullopt);
  for (auto const* path : {"a.mp4", "b.mp4"}) {
    auto const answer = stat(path);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->error().fault, Fault::kLocal);
    EXPECT_EQ(answer->error().code, kSourceDown);
    EXPECT_EQ(answer->error().text, "/srv/drop does not answer since " + to_rfc3339(since));
  }
  EXPECT_EQ(lanes.started(), 1u) << "nothing more is asked of it";
  EXPECT_FALSE(scout.stat("/srv/other", "a.mp4", 0)) << "the others go on";
}

TEST_F(ScoutTest, GoesOnWithAFolderThatAnswersAgain) {
  EXPECT_FALSE(stat());
  pass(Scout::kStuckAfter);
  EXPECT_TRUE(stat());
  lanes.finish();
  pass(0ms);
  EXPECT_EQ(scout.stuck_since(kRoot), std::nullopt);
  EXPECT_TRUE(stat()->has_value());
  EXPECT_FALSE(stat("b.mp4"));
}

TEST_F(ScoutTest, TakesALaneThatIsSlowForNoStuckOne) {
  EXPECT_FALSE(stat());
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(stat(std::to_string(i)));
    pass(Scout::kStuckAfter - 1ms);
    auto& [lane, ticket, work] = lanes.pieces[static_cast<std::size_t>(i)];
    std::exchange(work, nullptr)();
    lanes.done.push_back(ticket);
    pass(0ms);
    EXPECT_EQ(scout.stuck_since(kRoot), std::nullopt);
  }
}

TEST_F(ScoutTest, ALaneThatRestedIsNotStuckAtItsNextQuestion) {
  EXPECT_FALSE(stat());
  lanes.finish();
  pass(1min);
  EXPECT_TRUE(stat());
  EXPECT_FALSE(stat());
  EXPECT_EQ(scout.stuck_since(kRoot), std::nullopt);
}

TEST_F(ScoutTest, AsksNoMoreThanItsBoundOfOneLane) {
  for (std::size_t i = 0; i < Scout::kAskedMax + 10; ++i) EXPECT_FALSE(stat(std::to_string(i)));
  EXPECT_EQ(lanes.started(), Scout::kAskedMax);
  EXPECT_FALSE(scout.stat("/srv/other", "a.mp4", 0));
  EXPECT_EQ(lanes.started(), Scout::kAskedMax + 1);
  lanes.finish();
  pass(0ms);
  EXPECT_FALSE(stat(std::to_string(Scout::kAskedMax)));
  EXPECT_EQ(lanes.started(), Scout::kAskedMax + 2);
}

TEST_F(ScoutTest, ForgetsWhatNobodyFetched) {
  EXPECT_FALSE(stat());
  lanes.finish();
  pass(0ms);
  pass(Scout::kKeptMax + 1ms);
  EXPECT_FALSE(stat());
  EXPECT_EQ(lanes.started(), 3u) << "one of them closes what it held";
}

TEST_F(ScoutTest, ClosesAFileInItsLaneOnceNobodyReadsItAnyMore) {
  auto file = *files.open(kRoot, "a.mp4");
  std::weak_ptr<ports::OpenFile> const watched = file;
  auto reader = file;
  scout.let_go(kRoot, std::move(file));
  pass(0ms);
  EXPECT_EQ(lanes.started(), 0u) << "it is read yet";
  reader.reset();
  EXPECT_FALSE(watched.expired());
  pass(0ms);
  EXPECT_EQ(lanes.started(), 1u);
  lanes.finish();
  EXPECT_TRUE(watched.expired());
}

TEST_F(ScoutTest, KeepsAnAnswerThatWasLongOnItsWay) {
  EXPECT_FALSE(scout.digest(kRoot, "a.mp4", {.size_bytes = 7}, DigestKind::kMd5));
  pass(3h);
  EXPECT_FALSE(scout.digest(kRoot, "a.mp4", {.size_bytes = 7}, DigestKind::kMd5)) << "no stuck lane";
  EXPECT_EQ(scout.next_stuck(), std::nullopt);
  lanes.finish(std::string("digest ") + kRoot);
  pass(0ms);
  pass(1min);
  EXPECT_TRUE(scout.digest(kRoot, "a.mp4", {.size_bytes = 7}, DigestKind::kMd5));
}

TEST_F(ScoutTest, TakesNoOlderLookThanIsWanted) {
  EXPECT_FALSE(scout.look(kRoot, "a.mp4", 0, {}, now));
  lanes.finish();
  pass(1s);
  EXPECT_FALSE(scout.look(kRoot, "a.mp4", 0, {}, now)) << "of a second ago";
  lanes.finish();
  pass(0ms);
  EXPECT_TRUE(scout.look(kRoot, "a.mp4", 0, {}, now - 1ms));
}

TEST_F(ScoutTest, LooksAtPrintWriterAndWhereAskedAtTheContent) {
  ports::AtOnce at_once;
  Scout quick(at_once, files);
  quick.collect(now);
  auto& played = files.files["a.mp4"];
  played.writer = ports::Writer::kPresent;
  played.mime = "video/mp4";
  auto look = quick.look(kRoot, "a.mp4", 0, {}, {});
  EXPECT_EQ((*look)->print.size_bytes, 7u);
  EXPECT_EQ((*look)->writer, ports::Writer::kPresent);
  EXPECT_EQ((*look)->type, "");
  look = quick.look(kRoot, "a.mp4", 0, {.type = true}, {});
  EXPECT_EQ((*look)->type, "video/mp4");
  played.print.size_bytes = 0;
  look = quick.look(kRoot, "a.mp4", 0, {.type = true}, {});
  EXPECT_EQ((*look)->type, "") << "there is nothing to look at";
}

TEST_F(ScoutTest, ReadsTheSidecarsOnlyWhereAsked) {
  ports::AtOnce at_once;
  Scout quick(at_once, files);
  quick.collect(now);
  files.files["a.json"].bytes = R"({"index": "footage"})";
  EXPECT_FALSE((*quick.look(kRoot, "a.mp4", 0, {}, {}))->sidecar.has_own);
  auto const look = quick.look(kRoot, "a.mp4", 0, {.sidecar = true}, {});
  EXPECT_EQ((*look)->sidecar.sidecar.value().index, "footage");
  files.files["a.json"].open_error = Error{.fault = Fault::kSourceIo, .text = "a bad disk", .code = "io"};
  EXPECT_EQ(quick.look(kRoot, "a.mp4", 0, {.sidecar = true}, {})->error().code, "io") << "to be asked again";
}

TEST_F(ScoutTest, TellsTheDigestsOfAFileAndItsContentsApart) {
  files.files["a.mp4"].bytes = "1234567";
  auto const print = files.files["a.mp4"].print;
  EXPECT_FALSE(scout.digest(kRoot, "a.mp4", print, DigestKind::kMd5));
  EXPECT_FALSE(scout.content_key(kRoot, "a.mp4", print));
  lanes.finish("digest /srv/drop");
  pass(0ms);
  EXPECT_FALSE(scout.digest(kRoot, "a.mp4", print, DigestKind::kSha256)) << "another question";
  auto& fresh = files.files["a.mp4"].print;
  fresh.ctime_ns += 1;
  EXPECT_FALSE(scout.content_key(kRoot, "a.mp4", fresh)) << "it was replaced meanwhile";
  EXPECT_TRUE(scout.digest(kRoot, "a.mp4", print, DigestKind::kMd5));
}

TEST_F(ScoutTest, NamesTheControlFileOfADownloadUnderWay) {
  ports::AtOnce at_once;
  Scout quick(at_once, files);
  quick.collect(now);
  EXPECT_EQ((*quick.look(kRoot, "a.mp4", 0, {}, {}))->control_file, "");
  files.files["a.mp4.aria2"].print.size_bytes = 1;
  EXPECT_EQ((*quick.look(kRoot, "a.mp4", 0, {}, {}))->control_file, "a.mp4.aria2");
}

TEST_F(ScoutTest, TakesAMarkerThatIsOlderThanTheFileForAFormerOnes) {
  ports::AtOnce at_once;
  Scout quick(at_once, files);
  quick.collect(now);
  files.files["day1/a.mp4"].print.mtime_ns = 50;
  auto const marker = [&](std::string const& name = "a.mp4.done") {
    return (*quick.look(kRoot, "day1/a.mp4", 0, {.marker = name}, {}))->marker;
  };
  EXPECT_EQ(marker(), Marker::kMissing);
  files.files["a.mp4.done"].print.mtime_ns = 60;
  EXPECT_EQ(marker(), Marker::kMissing) << "in another folder";
  files.files["day1/a.mp4.done"].print.mtime_ns = 49;
  EXPECT_EQ(marker(), Marker::kMissing);
  files.files["day1/a.mp4.done"].print.mtime_ns = 50;
  EXPECT_EQ(marker(), Marker::kThere);
  EXPECT_EQ(marker(""), Marker::kNotAsked);
}

TEST_F(ScoutTest, FindsChecksumFilesAndMarkersInCapitals) {
  ports::AtOnce at_once;
  Scout quick(at_once, files);
  quick.collect(now);
  auto const look = [&] {
    return **quick.look(kRoot, "day1/a.mp4", 0, {.marker = "a.mp4.done", .checksum = true}, {});
  };
  files.files["day1/a.mp4"].print.mtime_ns = 50;
  EXPECT_FALSE(look().checksum);
  files.files["day1/a.mp4.MD5"].bytes = std::string(32, '0');
  files.files["day1/a.mp4.DONE"].print.mtime_ns = 50;
  auto const in_capitals = look();
  ASSERT_TRUE(in_capitals.checksum);
  EXPECT_EQ(in_capitals.checksum->file, "a.mp4.MD5");
  EXPECT_EQ(in_capitals.checksum->digits, std::string(32, '0'));
  EXPECT_EQ(in_capitals.marker, Marker::kThere);
  files.files["day1/a.mp4.md5"].bytes = std::string(32, '1');
  EXPECT_EQ(look().checksum->file, "a.mp4.md5");
}

TEST_F(ScoutTest, TakesAFolderWithoutItsGuardFileForOneThatIsAway) {
  ports::AtOnce at_once;
  Scout quick(at_once, files, {{kRoot, ".mounted"}});
  quick.collect(now);
  auto const error = quick.stat(kRoot, "gone.mp4", 0)->error();
  EXPECT_EQ(error.fault, Fault::kLocal);
  EXPECT_EQ(error.code, kSourceDown);
  EXPECT_EQ(error.text, "/srv/drop has no .mounted");
  EXPECT_TRUE(quick.stat(kRoot, "a.mp4", 0)->has_value()) << "what is there needs no guard";
  files.files[".mounted"] = {};
  EXPECT_EQ(quick.stat(kRoot, "gone.mp4", 0)->error().fault, Fault::kGone);
}

}  // namespace
}  // namespace sluice::source

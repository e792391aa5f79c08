// The longest names that are looked for, when an answer is old, and when a folder is away: core/source/scout.h.
#include <gtest/gtest.h>

#include "core/source/scout.h"
#include "tests/unit/source/hand_lanes.h"
#include "tests/unit/stage/stage_fixture.h"

namespace sluice::source {
namespace {

using namespace std::chrono_literals;

constexpr char kRoot[] = "/srv/drop";

class ScoutBounds : public testing::Test {
 protected:
  ScoutBounds() {
    files.files["a.mp4"].print.size_bytes = 7;
    scout.collect(now);
  }
  void pass(Millis time) {
    now += time;
    scout.collect(now);
  }
  Answer<ports::FilePrint> stat(std::string const& path) { return scout.stat(kRoot, path, 0); }
  Look look(std::string const& path, Scout::Wanted const& wanted = {}) {
    ports::AtOnce at_once;
    Scout quick(at_once, files);
    quick.collect(now);
    return quick.look(kRoot, path, 0, wanted, {})->value();
  }
  // What is said of a file that cannot be found.
  std::string said_of_missing(std::uint64_t device, Scout::Guards guards = {}) {
    ports::AtOnce at_once;
    Scout quick(at_once, files, std::move(guards));
    quick.collect(now);
    return quick.stat(kRoot, "gone.mp4", device)->error().text;
  }

  WallTime now = stage::kNoon;
  stage::PlayedFiles files;
  HandLanes lanes;
  Scout scout{lanes, files};
};

TEST_F(ScoutBounds, LooksForNoNameThatNoFileCanHave) {
  for (std::size_t const bytes : {249u, 250u}) {  // ".aria2" has six, and a name 255
    std::string const name(bytes, 'n');
    files.files[name].print.size_bytes = 1;
    files.files[name + ".aria2"].print.size_bytes = 1;
    EXPECT_EQ(look(name).control_file, bytes == 249 ? name + ".aria2" : "") << bytes;
  }
  for (std::size_t const bytes : {248u, 249u, 251u, 252u}) {
    std::string const name(bytes, 'n');
    files.files[name].print.size_bytes = 1;
    files.files[name + ".sha256"].bytes = std::string(64, '1');
    files.files[name + ".md5"].bytes = std::string(32, '2');
    auto const checksum = look(name, {.checksum = true}).checksum;
    EXPECT_EQ(checksum ? checksum->file : "", bytes == 248  ? name + ".sha256"
                                              : bytes < 252 ? name + ".md5"
                                                            : "")
        << bytes;
  }
}

TEST_F(ScoutBounds, AsksAgainLaterWhereTheControlFileOrTheMarkerCannotBeLookedAt) {
  ports::AtOnce at_once;
  Scout quick(at_once, files);
  quick.collect(now);
  auto const code = [&](Scout::Wanted const& wanted) {
    auto const seen = quick.look(kRoot, "a.mp4", 0, wanted, {});
    return *seen ? "seen" : (*seen).error().code;
  };
  files.files["a.mp4.aria2"].open_error = Error{Fault::kSourceIo, "a bad disk", "io"};
  EXPECT_EQ(code({}), "io");
  files.files.erase("a.mp4.aria2");
  files.files["a.mp4.done"].open_error = Error{Fault::kSourceIo, "a bad disk", "io"};
  EXPECT_EQ(code({}), "seen") << "nobody asked for it";
  EXPECT_EQ(code({.marker = "a.mp4.done"}), "io");
  files.files["a.mp4.DONE"] = std::exchange(files.files["a.mp4.done"], {});
  files.files.erase("a.mp4.done");
  EXPECT_EQ(code({.marker = "a.mp4.done"}), "io") << "nor in capitals";
  files.files["a.mp4.md5"].open_error = Error{Fault::kSourceIo, "a bad disk", "io"};
  EXPECT_EQ(code({}), "seen");
  EXPECT_EQ(code({.checksum = true}), "io");
  files.files["a.mp4.md5"].open_error = Error{Fault::kRejected, "Permission denied", "permission"};
  auto const seen = quick.look(kRoot, "a.mp4", 0, {.checksum = true}, {});
  ASSERT_TRUE(*seen);
  EXPECT_EQ((*seen)->checksum->digits.error().code, "permission") << "it is there, and says nothing that can be read";
}

TEST_F(ScoutBounds, KeepsAnAnswerForTwoHoursAndAnOpenFileForAMinute) {
  EXPECT_FALSE(stat("a.mp4"));
  EXPECT_FALSE(scout.open(kRoot, "a.mp4", 0, "1"));
  lanes.finish();
  pass(0ms);
  pass(1min);
  EXPECT_EQ(lanes.started(), 2u);
  pass(1min);
  EXPECT_EQ(lanes.started(), 3u) << "the open file is closed in its lane";
  for (int minutes = 2; minutes < 120; ++minutes) pass(1min);
  EXPECT_TRUE(scout.is_put(kRoot, "stat a.mp4")) << "at two hours";
  pass(1min);
  EXPECT_FALSE(scout.is_put(kRoot, "stat a.mp4"));
}

TEST_F(ScoutBounds, LetsGoOfAnOpenFileAlsoWhereTheClockWasSetBack) {
  pass(-3h);
  EXPECT_FALSE(scout.open(kRoot, "a.mp4", 0, "1"));
  lanes.finish();
  pass(0ms);
  pass(1min);
  EXPECT_TRUE(scout.is_put(kRoot, "open 1 a.mp4"));
  pass(1min);
  EXPECT_FALSE(scout.is_put(kRoot, "open 1 a.mp4"));
}

TEST_F(ScoutBounds, MoreQuestionsAreNoSignOfLife) {
  EXPECT_FALSE(stat("a.mp4"));
  auto const since = now;
  pass(10s);
  EXPECT_FALSE(stat("b.mp4"));
  EXPECT_EQ(scout.next_stuck(), since + Scout::kStuckAfter);
  pass(5s);
  EXPECT_EQ(scout.stuck_since(kRoot), since);
}

TEST_F(ScoutBounds, ALaneThatHasAnsweredIsNotStuckHoweverLongAgoThatWas) {
  EXPECT_FALSE(stat("a.mp4"));
  lanes.finish();
  pass(0ms);
  pass(1min);
  EXPECT_EQ(scout.stuck_since(kRoot), std::nullopt);
  EXPECT_FALSE(stat("b.mp4")) << "it is asked";
  EXPECT_EQ(lanes.started(), 2u);
}

TEST_F(ScoutBounds, ALookOfThatVeryMomentIsNotTooOld) {
  EXPECT_FALSE(scout.look(kRoot, "a.mp4", 0, {}, now));
  lanes.finish();
  pass(0ms);
  EXPECT_TRUE(scout.look(kRoot, "a.mp4", 0, {}, now));
}

TEST_F(ScoutBounds, ReadsTheEndsOfAFileOnlyWhereAsked) {
  files.files["a.mp4"].bytes = "1234567";
  EXPECT_EQ(look("a.mp4").ends_hash, 0);
  EXPECT_NE(look("a.mp4", {.ends = true}).ends_hash, 0);
}

TEST_F(ScoutBounds, OfSeveralLanesTheFirstThatWillBeStuckIsTold) {
  EXPECT_FALSE(scout.stat("/srv/b", "x", 0));
  pass(1s);
  EXPECT_FALSE(scout.stat("/srv/a", "x", 0));
  pass(1s);
  EXPECT_FALSE(scout.stat("/srv/c", "x", 0));
  EXPECT_EQ(scout.next_stuck(), now - 2s + Scout::kStuckAfter);
  lanes.finish("/srv/b");
  pass(0ms);
  EXPECT_EQ(scout.next_stuck(), now - 1s + Scout::kStuckAfter);
  EXPECT_TRUE(scout.is_waiting());
  lanes.finish("/srv/a");
  lanes.finish("/srv/c");
  pass(0ms);
  EXPECT_EQ(scout.next_stuck(), std::nullopt);
  EXPECT_FALSE(scout.is_waiting());
}

// A missing file is gone only where its folder is what it was.
TEST_F(ScoutBounds, TellsAFolderThatIsAwayFromAFileThatIsGone) {
  files.folder_print = ports::FilePrint{.device = 5};
  EXPECT_EQ(said_of_missing(4), "no such file") << "other files are there";
  EXPECT_EQ(said_of_missing(4, {{kRoot, ".guard"}}), "/srv/drop has no .guard");
  EXPECT_EQ(said_of_missing(4, {{"/srv/other", ".guard"}}), "no such file");
  files.files.clear();
  EXPECT_EQ(said_of_missing(5), "no such file") << "an empty folder of the same file system";
  EXPECT_EQ(said_of_missing(4), "/srv/drop is empty, and another file system than the file was on: is it mounted?");
  files.folder_print = fail(Fault::kSourceIo, "Input/output error");
  EXPECT_EQ(said_of_missing(4), "/srv/drop cannot be looked at: Input/output error") << "nobody can say";
  files.list_error = Error{Fault::kGone, "no such folder"};
  EXPECT_EQ(said_of_missing(4), "/srv/drop is not there: no such folder");
}

// It was missing a moment ago, and may be there.
TEST_F(ScoutBounds, AFileThatCannotBeLookedAtAgainIsNotGone) {
  files.files["gone.mp4"].open_error = Error{Fault::kSourceIo, "Input/output error"};
  auto const said = gone_or_away(files, kRoot, "gone.mp4", 0, "", {Fault::kGone, "no such file"});
  EXPECT_EQ(said.code, kSourceDown);
  EXPECT_EQ(said.text, "/srv/drop could not be looked at: Input/output error");
}

TEST_F(ScoutBounds, HandsOutAnAnswerThatWasShownUntilItsTurnIsCommitted) {
  auto const ask = [&] { return scout.fetch_until_committed<int>(kRoot, "what"); };
  scout.put<int>(kRoot, "what", [](ports::Files&) -> Result<int> { return 7; });
  EXPECT_FALSE(ask());
  lanes.finish();
  pass(0ms);
  ASSERT_TRUE(ask());
  scout.discard();
  ASSERT_TRUE(ask());
  EXPECT_EQ(ask()->value(), 7);
  scout.committed();
  EXPECT_FALSE(ask());
  EXPECT_FALSE(scout.is_put(kRoot, "what"));
}

}  // namespace
}  // namespace sluice::source

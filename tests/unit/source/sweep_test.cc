#include "core/source/sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/text.h"
#include "tests/unit/source/fake_files.h"

namespace sluice::source {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using Code = Problem::Code;
using Type = ports::FileType;

struct Found {
  std::vector<std::string> paths;
  std::vector<Problem> problems;
  std::optional<std::string> source_gone;
  std::size_t slices = 0;
};

class SweepTest : public testing::Test {
 protected:
  Scope scope() const { return {.name = "drop", .root = "/srv/drop", .recursive = true, .include = {}, .exclude = {}}; }

  static Found run(Sweep& sweep, std::size_t max_entries = 1000) {
    Found found;
    for (bool finished = false; !finished; ++found.slices) {
      auto slice = sweep.step(max_entries);
      EXPECT_LE(slice.candidates.size() + slice.problems.size(), max_entries);
      for (auto& candidate : slice.candidates) found.paths.push_back(std::move(candidate.path));
      for (auto& problem : slice.problems) found.problems.push_back(std::move(problem));
      if (slice.source_gone) found.source_gone = slice.source_gone;
      finished = slice.finished;
    }
    return found;
  }
  std::vector<std::string> paths_of(Scope wanted) {
    Sweep sweep(files_, std::move(wanted));
    sweep.all();
    return run(sweep).paths;
  }

  FakeFiles files_;
};

TEST_F(SweepTest, FindsEveryFileOfTheTreeWithItsPrint) {
  files_.add("a.mp4", Type::kRegular, 11);
  files_.add("day1/b.mp4");
  files_.add("day1/scene/c.mp4");
  files_.add("empty", Type::kDirectory);
  Sweep sweep(files_, scope());
  EXPECT_TRUE(sweep.finished());
  sweep.all();
  EXPECT_FALSE(sweep.finished());
  auto const slice = sweep.step(1000);
  EXPECT_TRUE(slice.finished);
  ASSERT_EQ(slice.candidates.size(), 3u);
  EXPECT_EQ(slice.candidates[0].path, "a.mp4");
  EXPECT_EQ(slice.candidates[0].print.size_bytes, 11u);
  EXPECT_THAT(paths_of(scope()), UnorderedElementsAre("a.mp4", "day1/b.mp4", "day1/scene/c.mp4"));
}

TEST_F(SweepTest, AsksForThePrintsThatAVeryLongListLeavesOut) {
  files_.add("near");
  files_.add_without_print("far", ports::FilePrint{.size_bytes = 77});
  files_.add_without_print("gone meanwhile", std::nullopt);
  Sweep sweep(files_, scope());
  sweep.all();
  auto const slice = sweep.step(100);
  ASSERT_EQ(slice.candidates.size(), 2u);
  EXPECT_EQ(slice.candidates[1].path, "far");
  EXPECT_EQ(slice.candidates[1].print.size_bytes, 77u);
  EXPECT_TRUE(slice.problems.empty());
}

TEST_F(SweepTest, SlicesHoldNoMoreThanAskedFor) {
  for (int i = 0; i < 95; ++i) files_.add("f" + std::to_string(i));
  for (int i = 0; i < 95; ++i) files_.add("d" + std::to_string(i), Type::kDirectory);
  Sweep sweep(files_, scope());
  sweep.all();
  auto const found = run(sweep, 10);
  EXPECT_EQ(found.paths.size(), 95u);
  EXPECT_GE(found.slices, 28u);  // 190 entries and 96 listings, ten at a time
  EXPECT_EQ(files_.listed.size(), 96u);
}

TEST_F(SweepTest, ListsEachFolderOnce) {
  files_.add("a/b/c/d.mp4");
  Sweep sweep(files_, scope());
  sweep.all();
  sweep.all();
  sweep.directory("a/b");
  run(sweep);
  EXPECT_THAT(files_.listed, ElementsAre("", "a", "a/b", "a/b/c"));
}

TEST_F(SweepTest, AWishDuringASweepIsServedAfterIt) {
  files_.add("a/b.mp4");
  Sweep sweep(files_, scope());
  sweep.all();
  sweep.step(1);
  files_.add("late.mp4");  // after the root was listed: only another look can find it
  sweep.all();
  EXPECT_THAT(run(sweep).paths, testing::Contains("late.mp4"));
}

TEST_F(SweepTest, OneFolderIsListedWithWhatIsBelowIt) {
  files_.add("x.mp4");
  files_.add("a/y.mp4");
  files_.add("a/b/z.mp4");
  Sweep sweep(files_, scope());
  sweep.directory("a");
  EXPECT_THAT(run(sweep).paths, UnorderedElementsAre("a/y.mp4", "a/b/z.mp4"));
}

TEST_F(SweepTest, WishesAreCoalesced) {
  files_.add("a/b/z.mp4");
  files_.add("ab/z.mp4");
  Sweep sweep(files_, scope());
  sweep.directory("a/b");
  sweep.directory("ab");
  sweep.directory("a");    // covers a/b, but not ab
  sweep.directory("a/b");  // covered already
  run(sweep);
  EXPECT_THAT(files_.listed, ElementsAre("a", "a/b", "ab"));
}

TEST_F(SweepTest, TooManyWishesBecomeTheWholeTree) {
  for (std::size_t i = 0; i <= kWantedMax; ++i) files_.add("d" + std::to_string(i) + "/f.mp4");
  Sweep sweep(files_, scope());
  for (std::size_t i = 0; i <= kWantedMax; ++i) sweep.directory("d" + std::to_string(i));
  EXPECT_EQ(run(sweep).paths.size(), kWantedMax + 1);
  EXPECT_EQ(files_.listed.front(), "");
  EXPECT_EQ(files_.listed.size(), kWantedMax + 2);
}

TEST_F(SweepTest, AFlatSourceIsNotLookedInto) {
  files_.add("a.mp4");
  files_.add("sub/b.mp4");
  auto flat = scope();
  flat.recursive = false;
  Sweep sweep(files_, flat);
  sweep.all();
  sweep.directory("sub");
  EXPECT_THAT(run(sweep).paths, ElementsAre("a.mp4"));
  EXPECT_THAT(files_.listed, ElementsAre(""));
}

TEST_F(SweepTest, PatternsMatchTheNameOrWithASlashThePath) {
  for (auto const* path : {"a.mp4", "a.mov", "raw/b.mp4", "day/raw/c.mp4", "day/d.mp4"}) files_.add(path);
  auto some = scope();
  some.include = {"*.mp4"};
  EXPECT_THAT(paths_of(some), UnorderedElementsAre("a.mp4", "raw/b.mp4", "day/raw/c.mp4", "day/d.mp4"));
  some.include = {"day/*"};
  EXPECT_THAT(paths_of(some), UnorderedElementsAre("day/raw/c.mp4", "day/d.mp4"));
  some.include = {"*"};
  some.exclude = {"raw/*"};
  EXPECT_THAT(paths_of(some), UnorderedElementsAre("a.mp4", "a.mov", "day/raw/c.mp4", "day/d.mp4"));
}

TEST_F(SweepTest, ExcludeWinsAndTakesAFolderOutWhole) {
  files_.add("raw/b.mp4");
  files_.add("day/raw/c.mp4");
  files_.add("day/d.mp4");
  auto some = scope();
  some.include = {"*.mp4"};
  some.exclude = {"raw"};
  EXPECT_THAT(paths_of(some), ElementsAre("day/d.mp4"));
  Sweep sweep(files_, some);
  files_.listed.clear();
  sweep.directory("day/raw");  // a hint for a folder that the source does not cover
  EXPECT_TRUE(sweep.finished());
}

TEST_F(SweepTest, TemporaryNamesAndCompanionsAreNoItems) {
  for (auto const* path : {"clip.mp4", "clip.mp4.part", ".hidden.mp4", ".cache/a.mp4", "@eaDir/a.mp4", "clip.mp4.md5",
                           "clip.mp4.done", "clip.mp4.sluice.json", "clip.mp4.error.json", "big.mkv", "big.mkv.aria2"})
    files_.add(path);
  EXPECT_THAT(paths_of(scope()), ElementsAre("clip.mp4"));  // big.mkv is still being fetched
}

TEST_F(SweepTest, LinksAndSpecialFilesAreReportedNotFollowed) {
  files_.add("link.mp4", Type::kSymlink);
  files_.add("pipe\n", Type::kOther);
  files_.add(".ignored", Type::kSymlink);
  Sweep sweep(files_, scope());
  sweep.all();
  auto const found = run(sweep);
  EXPECT_THAT(found.paths, IsEmpty());
  ASSERT_EQ(found.problems.size(), 2u);
  EXPECT_EQ(found.problems[0].code, Code::kSymlink);
  EXPECT_EQ(found.problems[0].path, "link.mp4");
  EXPECT_EQ(found.problems[1].code, Code::kSpecial);
  EXPECT_EQ(found.problems[1].path, "pipe\n");
  EXPECT_THAT(found.problems[1].text, HasSubstr(printable("pipe\n")));
  EXPECT_EQ(name_of(Code::kUnreadableDirectory), "unreadable_directory");
}

TEST_F(SweepTest, TellsOfASidecarWhoseFileDidNotComeForAnHour) {
  files_.add_without_print("gone.mp4.json", ports::FilePrint{});
  for (auto const* name : {"there.mp4.json", "clip.json", "notes.txt.json"})
    files_.add_without_print(name, ports::FilePrint{});
  files_.add_without_print("kept_out.mp4.json", ports::FilePrint{});
  files_.add("there.mp4");
  auto wanted = scope();
  wanted.sidecars = true;
  wanted.exclude = {"kept_*.mp4"};
  Sweep sweep(files_, wanted);
  auto const told = [&](Millis age) {
    sweep.all();
    auto const slice = sweep.step(1000, from_unix_ms(0) + age);
    EXPECT_TRUE(slice.finished);
    return slice.left_out.value();
  };
  EXPECT_EQ(told(kOrphanAfter - Millis(1)).total, 0u) << "it may come yet";
  auto const late = told(kOrphanAfter);
  ASSERT_EQ(late.first.size(), 1u);
  EXPECT_EQ(late.first[0].code, Code::kOrphanSidecar);
  EXPECT_EQ(late.first[0].text, "gone.mp4.json: the file that it describes is not there");
}

TEST_F(SweepTest, AnUnreadableFolderDoesNotStopTheRest) {
  files_.add("locked/a.mp4");
  files_.add("open/b.mp4");
  files_.make_unreadable("locked");
  Sweep sweep(files_, scope());
  sweep.all();
  auto const found = run(sweep);
  EXPECT_THAT(found.paths, ElementsAre("open/b.mp4"));
  ASSERT_EQ(found.problems.size(), 1u);
  EXPECT_EQ(found.problems[0].code, Code::kUnreadableDirectory);
  EXPECT_THAT(found.problems[0].text, HasSubstr("permission denied"));
  EXPECT_FALSE(found.source_gone);
}

TEST_F(SweepTest, AFolderThatWentAwayMeanwhileNeedsNoWord) {
  files_.add("a/b.mp4");
  files_.remove_folder("a");
  Sweep sweep(files_, scope());
  sweep.all();
  auto const found = run(sweep);
  EXPECT_THAT(found.problems, IsEmpty());
  EXPECT_FALSE(found.source_gone);
}

TEST_F(SweepTest, AMissingRootIsItsOwnOutcome) {
  files_.add("a/b.mp4");
  files_.remove_folder("");
  Sweep sweep(files_, scope());
  sweep.all();
  auto const found = run(sweep);
  ASSERT_TRUE(found.source_gone);
  EXPECT_EQ(*found.source_gone, "source drop: no such folder");
  EXPECT_THAT(found.paths, IsEmpty());
  EXPECT_TRUE(sweep.finished());
  files_.add("c.mp4");  // it came back: the next wish finds it
  sweep.all();
  EXPECT_THAT(run(sweep).paths, testing::Contains("c.mp4"));
}

TEST_F(SweepTest, DepthIsBounded) {
  std::string path = "d";
  for (std::size_t depth = 1; depth < kDepthMax; ++depth) path += "/d";
  files_.add(path + "/deep.mp4");
  files_.add(path + "/d/deeper.mp4");
  Sweep sweep(files_, scope());
  sweep.all();
  auto const found = run(sweep);
  EXPECT_THAT(found.paths, ElementsAre(path + "/deep.mp4"));
  ASSERT_EQ(found.problems.size(), 1u);
  EXPECT_EQ(found.problems[0].code, Code::kPathTooLong);
  EXPECT_EQ(found.problems[0].path, path + "/d");
  sweep.directory(path + "/d");
  EXPECT_TRUE(sweep.finished());
}

TEST_F(SweepTest, PathsThatOneOpenCannotTakeAreReported) {
  std::string path(200, 'a');
  while (path.size() + 201 <= kPathBytesMax) path += "/" + std::string(200, 'a');
  files_.add(path + "/" + std::string(250, 'b'));
  Sweep sweep(files_, scope());
  sweep.all();
  auto const found = run(sweep);
  EXPECT_THAT(found.paths, IsEmpty());
  ASSERT_EQ(found.problems.size(), 1u);
  EXPECT_EQ(found.problems[0].code, Code::kPathTooLong);
}

TEST_F(SweepTest, NamesAreBytes) {
  for (auto const* name : {"-rf", "a b", "\xff\xfe.mp4", "new\nline.mp4", "back\\slash", "100%", "q'\"uote"})
    files_.add(name);
  EXPECT_EQ(paths_of(scope()).size(), 7u);
}

TEST_F(SweepTest, TakesTheDeepestFolderAndTheLongestPathThatAreAllowed) {
  std::string deepest = "d";
  for (std::size_t depth = 1; depth < kDepthMax; ++depth) deepest += "/d";
  files_.add(deepest + "/wished.mp4");
  std::string longest(200, 'a');
  while (longest.size() + 201 < kPathBytesMax) longest += "/" + std::string(200, 'a');
  longest += "/" + std::string(kPathBytesMax - longest.size() - 1, 'b');
  files_.add(longest);
  Sweep sweep(files_, scope());
  sweep.directory(deepest);
  EXPECT_THAT(run(sweep).paths, ElementsAre(deepest + "/wished.mp4"));
  sweep.all();
  auto const found = run(sweep);
  EXPECT_THAT(found.paths, UnorderedElementsAre(deepest + "/wished.mp4", longest));
  EXPECT_THAT(found.problems, IsEmpty());
}

TEST_F(SweepTest, TakesAFolderWhosePathIsAsLongAsIsAllowed) {
  std::string longest(200, 'a');
  while (longest.size() + 201 < kPathBytesMax) longest += "/" + std::string(200, 'a');
  longest += "/" + std::string(kPathBytesMax - longest.size() - 1, 'b');
  files_.add(longest, Type::kDirectory);
  Sweep sweep(files_, scope());
  sweep.all();
  EXPECT_THAT(run(sweep).problems, IsEmpty());
  EXPECT_EQ(files_.listed.back(), longest);
  files_.listed.clear();
  sweep.directory(longest);
  run(sweep);
  EXPECT_THAT(files_.listed, ElementsAre(longest));
}

TEST_F(SweepTest, AWishForOneFolderDoesNotCoverAnotherThatIsNotBelowIt) {
  files_.add("ab/x.mp4");
  files_.add("cd/y/z.mp4");
  Sweep sweep(files_, scope());
  sweep.directory("ab");
  sweep.directory("cd/y");
  EXPECT_THAT(run(sweep).paths, UnorderedElementsAre("ab/x.mp4", "cd/y/z.mp4"));
}

// The loop must not stand still for a folder of a hundred thousand names.
TEST_F(SweepTest, ReadsTheNamesOfALongFolderSliceBySlice) {
  for (int i = 0; i < 5'000; ++i) files_.add("clip" + std::to_string(i) + ".mp4");
  files_.add("clip7.mp4.aria2");  // the last name tells of one of the first
  Sweep sweep(files_, scope());
  sweep.all();
  auto slices = 0;
  while (sweep.step(100).candidates.empty()) ++slices;
  EXPECT_GE(slices, 4);
  auto found = run(sweep).paths;
  EXPECT_GE(found.size(), 4'800u);
  EXPECT_LT(found.size(), 5'000u);
  EXPECT_EQ(std::ranges::count(found, "clip7.mp4"), 0);
}

TEST_F(SweepTest, SaysWhyAFolderCannotBeReadToItsEnd) {
  files_.add("sub/a.mp4");
  files_.break_off("sub");
  Sweep sweep(files_, scope());
  sweep.all();
  auto const found = run(sweep);
  EXPECT_THAT(found.paths, IsEmpty());
  ASSERT_EQ(found.problems.size(), 1u);
  EXPECT_EQ(found.problems[0].code, Problem::Code::kUnreadableDirectory);
  EXPECT_EQ(found.problems[0].path, "sub");
}

TEST_F(SweepTest, SaysWhichFilesHaveTheirMarkerAndTakesNoMarkerForAFile) {
  for (auto const* name : {"a.mp4", "a.mp4.ok", "b.mp4", "c.mp4.ok", "day1/b.mp4.ok"}) files_.add(name);
  auto wanted = scope();
  wanted.ready_marker = *parse_template("{name}.ok");
  Sweep sweep(files_, wanted);
  sweep.all();
  auto const slice = sweep.step(1'000);
  ASSERT_EQ(slice.candidates.size(), 2u);
  for (auto const& candidate : slice.candidates) EXPECT_EQ(candidate.is_marked, candidate.path == "a.mp4");
}

TEST_F(SweepTest, KnowsAMarkerInCapitals) {
  for (auto const* name : {"a.mp4", "a.mp4.DONE", "b.mp4"}) files_.add(name);
  auto wanted = scope();
  wanted.ready_marker = *parse_template("{name}.done");
  Sweep sweep(files_, wanted);
  sweep.all();
  auto const slice = sweep.step(1'000);
  ASSERT_EQ(slice.candidates.size(), 2u);
  for (auto const& candidate : slice.candidates) EXPECT_EQ(candidate.is_marked, candidate.path == "a.mp4");
}

TEST_F(SweepTest, TakesNoRootForAGuardFileThatIsNotSet) {
  for (auto const& kept_out : {keeps_out_file(scope(), ""), keeps_out_way_to_file(scope(), "")})
    EXPECT_FALSE(kept_out && kept_out->by == KeptOut::By::kGuard);
}

TEST_F(SweepTest, LooksAtNothingWithoutTheGuardFile) {
  files_.add("a.mp4");
  auto wanted = scope();
  wanted.guard_file = "mounted.mp4";
  Sweep sweep(files_, wanted);
  sweep.all();
  auto const without = run(sweep);
  EXPECT_THAT(without.paths, IsEmpty());
  EXPECT_EQ(without.source_gone, "source drop: its guard_file is not there, so nothing is looked at: no such file");
  EXPECT_THAT(files_.listed, IsEmpty());
  EXPECT_TRUE(sweep.finished());

  files_.add_without_print("mounted.mp4", ports::FilePrint{});
  sweep.all();
  auto const with = run(sweep);
  EXPECT_FALSE(with.source_gone);
  EXPECT_THAT(with.paths, ElementsAre("a.mp4")) << "and it is no item itself";
}

TEST_F(SweepTest, TellsWhereASidecarCameOrWasTouched) {
  auto const print_of = [&](bool sidecars = true) {
    auto with = scope();
    with.sidecars = sidecars;
    Sweep sweep(files_, with);
    sweep.all();
    auto const slice = sweep.step(1000);
    std::int64_t print = -1;
    for (auto const& candidate : slice.candidates)
      if (candidate.path == "a.mp4") print = candidate.sidecars_print;
    EXPECT_EQ(slice.candidates.size(), sidecars ? 1u : 2u) << "a sidecar is no candidate";
    return print;
  };
  files_.add("a.mp4");
  EXPECT_EQ(print_of(), 0);
  files_.add("b.mp4.json", Type::kDirectory);
  EXPECT_EQ(print_of(), 0);
  files_.add("a.json", Type::kRegular, 10);
  auto const small = print_of();
  EXPECT_NE(small, 0);
  EXPECT_EQ(print_of(), small);
  EXPECT_EQ(print_of(false), 0);
  files_.add("_defaults.yaml");
  auto const with_defaults = print_of();
  EXPECT_NE(with_defaults, small);
  files_.add("a.yaml");
  EXPECT_EQ(print_of(), with_defaults) << "a.json comes first";
  files_.add("a.mp4.yaml", Type::kRegular, 10);
  EXPECT_NE(print_of(), with_defaults);
}

TEST_F(SweepTest, LooksASidecarUpWhosePrintTheListDoesNotGive) {
  auto with = scope();
  with.sidecars = true;
  auto const print_of = [&] {
    Sweep sweep(files_, with);
    sweep.all();
    return sweep.step(1000).candidates.at(0).sidecars_print;
  };
  files_.add("a.mp4");
  files_.add_without_print("a.mp4.json", std::nullopt);
  EXPECT_EQ(print_of(), 0) << "it went away";
  files_.add_without_print("a.mp4.json", ports::FilePrint{.size_bytes = 3});
  EXPECT_NE(print_of(), 0);
}

}  // namespace
}  // namespace sluice::source

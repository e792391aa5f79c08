// Which of the files beside a file is read as its sidecar.
#include "core/source/sidecar_look.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/stage/stage_fixture.h"

namespace sluice::source {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class SidecarLookTest : public testing::Test {
 protected:
  void put(std::string const& path, std::string text, std::int64_t mtime_ns = 1) {
    files.files[path] = {.print = {.size_bytes = text.size(), .mtime_ns = mtime_ns, .ctime_ns = 1}};
    files.files[path].bytes = std::move(text);
  }
  SidecarLook look(std::string const& path = "day1/a.mp4") {
    auto found = look_for_sidecar(files, "/srv/drop", path, 1'000);
    EXPECT_TRUE(found);
    return found.value_or(SidecarLook{});
  }
  std::string trouble() {
    auto const found = look();
    return found.sidecar ? "" : found.sidecar.error().code + ": " + found.sidecar.error().text;
  }

  stage::PlayedFiles files;
};

TEST_F(SidecarLookTest, FindsNoneInOtherFoldersOrOfOtherNames) {
  put("a.json", R"({"index": "x"})");
  put("day1/b.json", R"({"index": "x"})");
  put("_defaults.yaml", "index: x\n");
  auto const none = look();
  EXPECT_FALSE(none.has_own);
  EXPECT_EQ(none.newest_ns, 0);
  EXPECT_EQ(none.sidecar.value().keys(), "");
}

TEST_F(SidecarLookTest, ReadsTheFirstOfItsNamesOnly) {
  put("day1/a.yaml", "index: stem\n");
  EXPECT_EQ(look().sidecar->index, "stem");
  put("day1/a.mp4.yaml", "index: whole\n");
  EXPECT_EQ(look().sidecar->index, "whole");
  put("day1/a.mp4.json", R"({"index": "first", "odd": 1})");
  auto const first = look();
  EXPECT_TRUE(first.has_own);
  EXPECT_EQ(first.sidecar->index, "first");
  EXPECT_THAT(first.sidecar->files, ElementsAre("a.mp4.json"));
  EXPECT_THAT(first.unknown, ElementsAre("a.mp4.json: `odd`"));
}

TEST_F(SidecarLookTest, PutsItOverTheDefaultsOfItsFolder) {
  put("day1/_defaults.yaml", "index: footage\npriority: 9\n", 7);
  auto const alone = look();
  EXPECT_FALSE(alone.has_own);
  EXPECT_EQ(alone.sidecar->index, "footage");
  put("day1/a.json", R"({"index": "other"})", 5);
  auto const both = look();
  EXPECT_EQ(both.sidecar->index, "other");
  EXPECT_EQ(both.sidecar->priority, 9);
  EXPECT_EQ(both.newest_ns, 7);
}

TEST_F(SidecarLookTest, TakesATimeInTheFutureForASkewedClocks) {
  put("day1/a.json", "{}", 2'000);
  EXPECT_EQ(look().newest_ns, 1);
}

TEST_F(SidecarLookTest, KeepsWhatIsWrongWithASidecarAsWhatWasFound) {
  put("day1/a.json", "{");
  EXPECT_THAT(trouble(), HasSubstr("bad_sidecar: a.json: "));
  put("day1/a.json", std::string(kSidecarBytesMax + 1, ' '));
  EXPECT_THAT(trouble(), HasSubstr("bad_sidecar: a.json: it has more than"));
  put("day1/a.json", "{}");
  files.files["day1/a.json"].open_error = Error{.fault = Fault::kSourceIo, .text = "denied", .code = "permission"};
  EXPECT_EQ(trouble(), "bad_sidecar: a.json: denied");
  put("day1/a.json", "{}");
  put("day1/_defaults.yaml", "pipeline: [a]\n");
  EXPECT_THAT(trouble(), HasSubstr("bad_sidecar: _defaults.yaml: line 1: `pipeline`"));
}

TEST_F(SidecarLookTest, PassesOverWhatIsNoFileWhateverItIsCalled) {
  for (auto const* const name : {"day1/a.mp4.json", "day1/_defaults.yaml"})
    files.files[name].open_error = Error{.fault = Fault::kSourceIo, .text = "a folder", .code = "not_regular"};
  files.files["day1/a.mp4.yaml"].open_error = Error{.fault = Fault::kSourceIo, .text = "a link", .code = "symlink"};
  EXPECT_EQ(trouble(), "");
  EXPECT_FALSE(look().has_own);
  put("day1/a.json", R"({"index": "x"})");
  put("day1/_defaults.json", R"({"priority": 9})");
  auto const found = look();
  EXPECT_EQ(found.sidecar->index, "x");
  EXPECT_EQ(found.sidecar->priority, 9);
  EXPECT_THAT(found.links, ElementsAre("a.mp4.yaml"));
}

TEST_F(SidecarLookTest, FailsWhereTheDiskCouldNotSay) {
  put("day1/a.json", "{}");
  files.files["day1/a.json"].open_error = Error{.fault = Fault::kSourceIo, .text = "a bad disk", .code = "io"};
  auto const found = look_for_sidecar(files, "/srv/drop", "day1/a.mp4", 1'000);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, "io");
}

}  // namespace
}  // namespace sluice::source

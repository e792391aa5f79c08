#include "core/base/after_end.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

Template parsed(std::string_view text) { return *parse_template(text); }
TemplateValues values(std::string_view path) { return template_values("north", path, "host1", {}); }

TEST(AfterEnd, ATargetLiesBeneathItsLiteralFolder) {
  auto const move_to = parsed("/srv/done/{source}/{path}");
  ASSERT_EQ(why_no_target(move_to), "");
  EXPECT_EQ(target_folder(move_to), "/srv/done");
  EXPECT_EQ(target_of(move_to, values("day1/clip.MP4")), (Target{"/srv/done", "north/day1/clip.MP4"}));
  EXPECT_EQ(target_of(parsed("/srv/done-{source}/{name}"), values("a.mp4")), (Target{"/srv", "done-north/a.mp4"}));
}

TEST(AfterEnd, TargetsWithoutAFolderOfTheirOwnOrWithOneNameForAllAreRefused) {
  for (auto const* text : {"", "done/{path}", "{path}", "/{path}", "/srv", "/srv/done/all.mp4", "/srv/{source}/",
                           "/srv/../{path}", "/srv/done//{path}", "/srv/done/../{path}", "/srv/done/./{name}",
                           "/srv/done/{path}/..", "/srv/done/{date}", "//srv/{name}"})
    EXPECT_NE(why_no_target(parsed(text)), "") << text;
}

TEST(AfterEnd, NoNameOfAFileLeadsOutOfTheFolder) {
  EXPECT_FALSE(target_of(parsed("/srv/done/.{ext}/{name}"), values("no_extension")));
  EXPECT_FALSE(target_of(parsed("/srv/done/.{ext}./{name}"), values("no_extension")));
  EXPECT_FALSE(target_of(parsed("/srv/done/x{name}"), values(std::string(255, 'a'))));
  EXPECT_TRUE(target_of(parsed("/srv/done/{name}"), values("..a..mp4")));
}

}  // namespace
}  // namespace sluice

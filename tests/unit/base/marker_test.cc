// Names of the files that say that another one is finished.
#include "core/base/marker.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

Template made(std::string_view text) { return *parse_template(text); }

TEST(Marker, IsNamedAfterItsFile) {
  EXPECT_EQ(marker_of(made("{name}.done"), "clip.mp4"), "clip.mp4.done");
  EXPECT_EQ(marker_of(made("{stem}.ok"), "clip.mp4"), "clip.ok");
  EXPECT_EQ(marker_of(made("ready_{stem}_{ext}"), "a.b.MP4"), "ready_a.b_mp4");
  EXPECT_EQ(marker_of(made("{name}.done"), "\xff\n.mp4"), "\xff\n.mp4.done") << "names are bytes";
}

TEST(Marker, IsKnownByItsName) {
  EXPECT_TRUE(is_marker(made("{name}.done"), "clip.mp4.done"));
  EXPECT_FALSE(is_marker(made("{name}.done"), "clip.mp4"));
  EXPECT_TRUE(is_marker(made("{stem}[ok]"), "clip[ok]"));
  EXPECT_FALSE(is_marker(made("{stem}[ok]"), "clipo")) << "no pattern of its own";
}

TEST(Marker, MustNameItsFileAndNeverBeIt) {
  for (auto const* good : {"{name}.done", "{stem}.ok", "done-{name}"}) EXPECT_EQ(why_no_marker(made(good)), "") << good;
  for (auto const* bad : {"done", "{ext}.done", "{dir}{name}.x", "x/{name}", "{name}", "{stem}.{ext}"})
    EXPECT_NE(why_no_marker(made(bad)), "") << bad;
}

}  // namespace
}  // namespace sluice

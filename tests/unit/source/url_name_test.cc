// Names from outside are data: made harmless, and the extension kept.
#include "core/source/url_name.h"

#include <gtest/gtest.h>

#include "core/base/text.h"

namespace sluice::source {
namespace {

TEST(UrlName, IsTheLastComponentDecoded) {
  EXPECT_EQ(name_from_url("https://h.example/day%201/My%20Film.MP4"), "My Film.MP4");
  EXPECT_EQ(name_from_url("https://h.example/%E6%98%A0%E7%94%BB.mp4"), "\xe6\x98\xa0\xe7\x94\xbb.mp4");
}

TEST(UrlName, IsAPlaceholderWhereTheUrlHasNone) {
  for (auto const* url : {"https://h.example/", "https://h.example/day1/", "https://h.example/..",
                          "https://h.example/%20", "https://h.example"})
    EXPECT_EQ(name_from_url(url), kUnnamed) << url;
}

TEST(UrlName, LeavesNoWayOutOfAFolder) {
  EXPECT_EQ(name_from_url("https://h.example/a%2F..%2F..%2Fetc%2Fpasswd"), "passwd");
  EXPECT_EQ(safe_name("..\\..\\boot.ini"), "boot.ini");
  EXPECT_EQ(safe_name("../.."), kUnnamed);
  EXPECT_EQ(safe_name("../.bashrc"), "bashrc");
  EXPECT_EQ(safe_name("--rf.mp4"), "rf.mp4");
}

TEST(UrlName, HasNoBytesThatForgeLinesOrStreams) {
  EXPECT_EQ(safe_name(std::string_view("a\r\nb\0c\x7f.mp4", 11)), "a__b_c_.mp4");
  EXPECT_EQ(safe_name("a:b*?<>|\"c.mp4"), "a_b______c.mp4");
  EXPECT_EQ(safe_name("a\xff\xfe.mp4"), "a__.mp4");
  EXPECT_EQ(safe_name("clip.mp4. . "), "clip.mp4");
}

TEST(UrlName, IsNoDevice) {
  for (auto const* name : {"CON", "nul.mp4", "Com1.mov", "LPT9", "aux.tar.gz"})
    EXPECT_EQ(safe_name(name), "_" + std::string(name));
  for (auto const* name : {"console.mp4", "com.mp4", "com10.mp4", "lpta.mp4"}) EXPECT_EQ(safe_name(name), name);
}

TEST(UrlName, IsCutBeforeItsExtension) {
  auto const name = safe_name(std::string(300, 'a') + ".mp4");
  EXPECT_EQ(name.size(), 255u);
  EXPECT_TRUE(name.ends_with("a.mp4"));
  std::string wide;
  for (int i = 0; i < 100; ++i) wide += "\xe6\x98\xa0";
  EXPECT_TRUE(is_utf8(safe_name(wide + ".mp4")));
  EXPECT_LE(safe_name("a." + std::string(300, 'x')).size(), 255u);
}

}  // namespace
}  // namespace sluice::source

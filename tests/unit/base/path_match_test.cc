#include "core/base/path_match.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

std::map<std::string, std::string> values(std::string_view expression, std::string_view path) {
  auto const parsed = PathMatch::parse(expression);
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error());
  auto found = parsed ? parsed->values_of(path) : std::nullopt;
  return found ? *std::move(found) : std::map<std::string, std::string>{{"no", "match"}};
}
std::map<std::string, std::string> const kNoMatch = {{"no", "match"}};

std::string complaint(std::string_view expression) {
  auto const parsed = PathMatch::parse(expression);
  return parsed ? "" : parsed.error();
}

TEST(PathMatch, GivesItsNamedGroups) {
  auto const parsed = PathMatch::parse(R"((?P<site>[^/]+)/(\d+)/(?P<reel>R\d+)_)");
  ASSERT_TRUE(parsed);
  EXPECT_THAT(parsed->names(), ElementsAre("reel", "site"));
  EXPECT_THAT(values(parsed->text(), "north/2026/R17_a.mp4"), ElementsAre(Pair("reel", "R17"), Pair("site", "north")));
  EXPECT_EQ(values(parsed->text(), "north/R17.mp4"), kNoMatch);
}

TEST(PathMatch, IsLookedForAnywhereUnlessItIsTiedToAnEnd) {
  EXPECT_THAT(values(R"((?P<reel>R\d+))", "a/b_R17_c.mp4"), ElementsAre(Pair("reel", "R17")));
  EXPECT_EQ(values(R"(^(?P<reel>R\d+))", "a/b_R17_c.mp4"), kNoMatch);
  EXPECT_EQ(values(R"((?P<reel>R\d+)$)", "a/b_R17_c.mp4"), kNoMatch);
}

TEST(PathMatch, GivesNothingForAGroupThatTookNoPart) {
  EXPECT_THAT(values(R"(^(?P<a>x)?(?P<b>.*)$)", "yz"), ElementsAre(Pair("a", ""), Pair("b", "yz")));
}

TEST(PathMatch, MayHaveNoGroups) { EXPECT_TRUE(values(R"(\.mp4$)", "a.mp4").empty()); }

TEST(PathMatch, ReadsCharactersWhereThePathHasSome) {
  EXPECT_THAT(values("^(?P<one>.)(?P<rest>.*)$", "\u00fcber"), ElementsAre(Pair("one", "\u00fc"), Pair("rest", "ber")));
  EXPECT_THAT(values("(?P<v>[\u00e4\u00f6\u00fc])", "M\u00fcller"), ElementsAre(Pair("v", "\u00fc")));
}

TEST(PathMatch, ReadsBytesWhereThePathIsNoUtf8) {
  EXPECT_THAT(values(R"(^(?P<dir>[^/]+)/(?P<stem>.+)\.mp4$)", "a\xff\xfe/\xc3.mp4"),
              ElementsAre(Pair("dir", "a\xff\xfe"), Pair("stem", "\xc3")));
  EXPECT_THAT(values("(?P<v>\u00fc)", "M\u00fcller\xff"), ElementsAre(Pair("v", "\u00fc"))) << "a text's bytes in it";
}

TEST(PathMatch, TakesLineBreaksAndNulBytesForPartsOfNames) {
  EXPECT_THAT(values("^(?P<all>.*)$", "a\nb/c"), ElementsAre(Pair("all", "a\nb/c")));
  EXPECT_THAT(values("^(?P<all>.*)$", std::string_view("a\0b", 3)), ElementsAre(Pair("all", std::string("a\0b", 3))));
}

// A backtracking engine would not come to the end of the first of these.
TEST(PathMatch, IsDoneInLinearTimeWhateverTheName) {
  std::string const path(4'000, 'a');
  EXPECT_EQ(values("^(a+)+$", path + "!"), kNoMatch);
  EXPECT_EQ(values("^(?P<x>(a|aa)+)(b|c)$", path), kNoMatch);
}

TEST(PathMatch, IsRefusedWithWhatToWrite) {
  EXPECT_THAT(complaint("(?<reel>a)"), HasSubstr("write it as (?P<NAME>...)"));
  EXPECT_THAT(complaint("(a"), HasSubstr("is no regular expression: missing"));
  EXPECT_THAT(complaint("(?P<ok>a)/[b"), HasSubstr("is no regular expression: missing ], at its byte 11;"));
  EXPECT_THAT(complaint("a**b"), HasSubstr("bad repetition operator, at its byte 2;"));
  EXPECT_THAT(complaint("(?=a)"), HasSubstr("no look-ahead"));
  EXPECT_THAT(complaint("(?P<x>a)(?P<x>b)"), HasSubstr("two groups of one name"));
  EXPECT_THAT(complaint("\xff"), HasSubstr("UTF-8"));
  EXPECT_THAT(complaint(std::string(1'001, 'a')), HasSubstr("longer than 1000 bytes"));
  EXPECT_THAT(complaint("((a{1000}){1000}){1000}"), HasSubstr("is no regular expression"));
}

}  // namespace
}  // namespace sluice

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "core/base/text.h"

namespace sluice {
namespace {

TEST(GlobMatch, TakesStarsAndQuestionMarks) {
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_TRUE(glob_match("*.mp4", "a.mp4"));
  EXPECT_TRUE(glob_match("*.mp4", "dir/a.mp4"));  // '*' crosses '/'
  EXPECT_TRUE(glob_match("a?c", "abc"));
  EXPECT_TRUE(glob_match("*a*b*", "xxaxxbxx"));
  EXPECT_FALSE(glob_match("*.mp4", "a.mp4.part"));
  EXPECT_FALSE(glob_match("a?c", "ac"));
  EXPECT_FALSE(glob_match("", "a"));
  EXPECT_TRUE(glob_match("", ""));
}

TEST(GlobMatch, TakesSetsRangesAndNegation) {
  EXPECT_TRUE(glob_match("[abc]x", "bx"));
  EXPECT_FALSE(glob_match("[abc]x", "dx"));
  EXPECT_TRUE(glob_match("v[0-9]", "v7"));
  EXPECT_FALSE(glob_match("v[0-9]", "vx"));
  EXPECT_TRUE(glob_match("[!a]b", "cb"));
  EXPECT_FALSE(glob_match("[!a]b", "ab"));
  EXPECT_TRUE(glob_match("[]]", "]"));
  EXPECT_TRUE(glob_match("[a-]", "-"));
}

TEST(GlobMatch, TakesABracketThatIsNeverClosedAsItself) {
  EXPECT_TRUE(glob_match("[ab", "[ab"));
  EXPECT_FALSE(glob_match("[ab", "a"));
  EXPECT_TRUE(glob_match("[", "["));
}

TEST(GlobMatch, TakesBackslashesAndDotsAsThemselves) {
  EXPECT_TRUE(glob_match("a\\*", "a\\bc"));
  EXPECT_FALSE(glob_match("a.c", "abc"));
}

TEST(GlobMatch, CountsCharactersAndNotBytes) {
  EXPECT_TRUE(glob_match("?.mp4", "\xC3\xA9.mp4"));
  EXPECT_TRUE(glob_match("[\xC3\xA8-\xC3\xAA].mp4", "\xC3\xA9.mp4"));
  EXPECT_TRUE(glob_match("?.mp4", "\xFF.mp4"));  // a byte that is no UTF-8 counts as one
  EXPECT_FALSE(glob_match("[\xC3\xA9]", "\xC3\xA8"));
}

TEST(GlobMatch, FoldsCaseWhenAsked) {
  EXPECT_TRUE(glob_match("*.MP4", "a.mp4", true));
  EXPECT_TRUE(glob_match("[A-C].mp4", "b.MP4", true));
  EXPECT_FALSE(glob_match("*.MP4", "a.mp4"));
}

// "**x" is never compared from the end.
TEST(GlobMatch, ComparesAPlainEndAsItComparesAnyPattern) {
  std::mt19937 dice{7};
  auto const some_text = [&] {
    static std::string const kPieces[] = {"a", "A", ".", "b", "\xc3\xa9", "\xc3", "\xff", "\xa9", "?"};
    std::string text;
    for (auto left = dice() % 5; left > 0; --left) text += kPieces[dice() % std::size(kPieces)];
    return text;
  };
  for (int i = 0; i < 50'000; ++i) {
    auto const end = some_text();
    auto const text = some_text() + (dice() % 2 == 0 ? end : "");
    auto const fold = dice() % 2 == 0;
    ASSERT_EQ(glob_match("*" + end, text, fold), glob_match("**" + end, text, fold)) << end << " in " << text;
  }
}

TEST(GlobMatch, StaysFastOnAHostilePattern) {
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "a*";
  EXPECT_FALSE(glob_match(pattern + "b", std::string(5000, 'a')));
}

TEST(GlobMatch, FindsEveryTextByAPatternMadeFromIt) {
  std::mt19937 dice(7);
  for (int run = 0; run < 2000; ++run) {
    std::string text;
    std::string pattern;
    for (auto left = dice() % 12; left > 0; --left) {
      text += static_cast<char>('a' + dice() % 3);
      switch (dice() % 4) {
        case 0: pattern += '*'; break;
        case 1: pattern += '?'; break;
        case 2: pattern += "[abc]"; break;
        default: pattern += text.back();
      }
    }
    ASSERT_TRUE(glob_match(pattern, text)) << pattern << " on " << text;
  }
}

TEST(Nearest, FindsTheClosestWord) {
  std::vector<std::string> const verbs = {"status", "start", "cancel", "rescan"};
  EXPECT_EQ(nearest("stauts", verbs), "status");
  EXPECT_EQ(nearest("CANCELL", verbs), "cancel");
  EXPECT_EQ(nearest("rescan", verbs), "rescan");
  EXPECT_EQ(nearest("upload", verbs), std::nullopt);
}

TEST(Nearest, AllowsAThirdOfALongWord) {
  std::vector<std::string> const keys = {"enable_thumbnail"};
  EXPECT_EQ(nearest("enabel_tumbnails", keys), "enable_thumbnail");
}

TEST(Nearest, DoesNotGuessAtShortWords) {
  std::vector<std::string> const verbs = {"up", "ls"};
  EXPECT_EQ(nearest("xy", verbs), std::nullopt);
  EXPECT_EQ(nearest("l", verbs), std::nullopt);
  EXPECT_EQ(nearest("", verbs), std::nullopt);
  EXPECT_EQ(nearest("lz", verbs), "ls");
}

}  // namespace
}  // namespace sluice

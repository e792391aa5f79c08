// Columns, colours, spans.
#include "daemon/cli/look.h"

#include <gmock/gmock.h>

namespace sluice::cli {
namespace {

Look const kPlain{.color = false, .width = 40, .now = *parse_rfc3339("2026-11-22T03:00:00Z")};
Look const kColored{.color = true, .width = 40, .now = kPlain.now};

TEST(Look, AlignsColumnsByCharactersNotBytes) {
  EXPECT_EQ(table({{"NAME"}, {"SIZE", true}, {"WHY"}}, {{{"Käse"}, {"7 B"}, {"x"}}, {{"a"}, {"10 kB"}, {""}}}, kPlain),
            "NAME   SIZE  WHY\n"
            "Käse    7 B  x\n"
            "a     10 kB\n");
}

TEST(Look, ShrinksOnlyTheColumnsThatGiveWay) {
  auto const text = table({{"ID"}, {"NAME", false, true}}, {{{"01J9ZK3Q00"}, {std::string(60, 'n')}}}, kPlain);
  EXPECT_EQ(text.substr(text.find('\n') + 1),
            "01J9ZK3Q00  " + std::string(13, 'n') + "..." + std::string(12, 'n') + "\n");
}

TEST(Look, ColorsOnlyWhenAsked) {
  EXPECT_EQ(painted("done", Tone::kGood, kPlain), "done");
  EXPECT_EQ(painted("done", Tone::kGood, kColored), "\x1b[32mdone\x1b[0m");
  EXPECT_EQ(painted("word", Tone::kPlain, kColored), "word");
}

TEST(Look, KeepsControlBytesOfANameFromTheTerminal) {
  EXPECT_EQ(safe("a\x1b[2Jb\n.mp4"), "a\\x1b[2Jb\\x0a.mp4");
  EXPECT_LE(safe(std::string(10'000, 'x')).size(), 4096u);
}

TEST(Look, CutsTheMiddleOfALongText) {
  EXPECT_EQ(shortened("abcdefghij", 10), "abcdefghij");
  EXPECT_EQ(shortened("abcdefghijk", 9), "abc...ijk");
  EXPECT_EQ(shortened("äöüäöüäöü", 7), "äö...öü");
  EXPECT_EQ(shortened("abcdef", 2), "ab");
}

TEST(Look, SaysWhenInWords) {
  EXPECT_EQ(when("2026-11-22T03:04:05Z", kPlain), "in 4 min 5 s (03:04:05Z)");
  EXPECT_EQ(when("2026-11-22T02:00:00Z", kPlain), "now");
  EXPECT_EQ(when("", kPlain), "");
  EXPECT_EQ(since("2026-11-22T02:00:00Z", kPlain), "1 h ago");
}

TEST(Look, NeverRoundsUpToAWhole) {
  EXPECT_EQ(percent(999'999, 1'000'000), "99 %");
  EXPECT_EQ(percent(0, 10), "0 %");
  EXPECT_EQ(percent(10, 10), "100 %");
  EXPECT_EQ(percent(0, 0), "-");
}

TEST(Look, DrawsABar) {
  EXPECT_EQ(bar(5, 10, 12), "[#####-----]");
  EXPECT_EQ(bar(20, 10, 12), "[##########]");
  EXPECT_EQ(bar(0, 10, 12), "[----------]");
}

}  // namespace
}  // namespace sluice::cli

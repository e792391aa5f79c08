#include "core/source/manifest/lines.h"

#include <gtest/gtest.h>

#include <vector>

namespace sluice::source::manifest {
namespace {

std::vector<std::string> all_of(Lines& lines) {
  std::vector<std::string> texts;
  while (auto const line = lines.next()) texts.emplace_back(line->text);
  return texts;
}
using Texts = std::vector<std::string>;

TEST(ManifestLines, EndAtLfAndCrlfAndLoseTheByteOrderMark) {
  Lines lines;
  lines.feed("\xEF\xBB\xBFone\r\ntwo\n\nthree");
  EXPECT_EQ(all_of(lines), (Texts{"one", "two", ""}));
  EXPECT_EQ(lines.place(), (Place{4, 13}));
}

TEST(ManifestLines, HoldAPartialLineBackUntilItIsWhole) {
  Lines lines;
  lines.feed("https://a/b");
  EXPECT_FALSE(lines.next());
  lines.feed("c\n");
  EXPECT_EQ(lines.next()->text, "https://a/bc");
}

TEST(ManifestLines, HandOutThePartialLineWhenTheFileIsFinished) {
  Lines lines;
  lines.feed("one\ntw");
  EXPECT_EQ(lines.rest()->text, "one");
  EXPECT_EQ(lines.rest()->text, "tw");
  EXPECT_FALSE(lines.rest());
  EXPECT_EQ(lines.place(), (Place{2, 6})) << "what may still come belongs to line 2";
}

TEST(ManifestLines, SayOfATooLongOneOnlyThatItIsAndGoOn) {
  Lines lines;
  for (int i = 0; i < 3; ++i) {
    lines.feed(std::string(kLineBytesMax, 'x'));
    EXPECT_FALSE(lines.next());
  }
  lines.feed("\nnext\n");
  auto const line = lines.next();
  EXPECT_TRUE(line->too_long);
  EXPECT_TRUE(line->text.empty());
  EXPECT_EQ(line->place, Place());
  auto const next = lines.next();
  EXPECT_EQ(next->text, "next");
  EXPECT_EQ(next->place, (Place{2, 3 * kLineBytesMax + 1}));
}

TEST(ManifestLines, TakeALineOfExactlyTheMostBytes) {
  Lines lines;
  lines.feed(std::string(kLineBytesMax, 'x') + "\n" + std::string(kLineBytesMax + 1, 'y') + "\n");
  EXPECT_EQ(lines.next()->text.size(), kLineBytesMax);
  EXPECT_TRUE(lines.next()->too_long);
}

TEST(ManifestLines, AreTheSameHoweverTheBytesAreCut) {
  std::string const text = "a\r\nbb\n\nccc\rd\n\n\ne";
  Lines whole;
  whole.feed(text);
  auto const expected = all_of(whole);
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    Lines lines;
    Texts got;
    for (std::size_t at = 0; at < text.size(); at += cut) {
      lines.feed(text.substr(at, cut));
      for (auto& each : all_of(lines)) got.push_back(each);
    }
    EXPECT_EQ(got, expected) << cut;
    EXPECT_EQ(lines.place(), whole.place()) << cut;
  }
}

}  // namespace
}  // namespace sluice::source::manifest

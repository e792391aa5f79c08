#include "core/base/text.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace sluice {
namespace {

using namespace std::string_literals;

// Texts of random bytes, half of them from the characters that matter to these functions.
std::string random_bytes(std::mt19937& dice, std::size_t size_max) {
  static constexpr std::string_view kOdd = "\\\"%/.\n\r\x7F\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\xED\xA0\x80\xFF";
  std::string text(dice() % (size_max + 1), '\0');
  for (auto& c : text) c = dice() % 2 == 0 ? kOdd[dice() % kOdd.size()] : static_cast<char>(dice() % 256);
  return text;
}

TEST(Text, PercentEncodesAllButUnreservedCharacters) {
  EXPECT_EQ(percent_encode("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(percent_encode("a b/c?d=e&f%+"), "a%20b%2Fc%3Fd%3De%26f%25%2B");
  EXPECT_EQ(percent_encode("\xC3\xA9\x00"s), "%C3%A9%00");
}

TEST(Text, WritesHexInLowerCase) {
  std::array<std::byte, 3> const bytes = {std::byte{0x00}, std::byte{0xAB}, std::byte{0xFF}};
  EXPECT_EQ(to_hex(bytes), "00abff");
}

TEST(Text, WritesBase64WithPadding) {  // RFC 4648, section 10
  EXPECT_EQ(to_base64(""), "");
  EXPECT_EQ(to_base64("f"), "Zg==");
  EXPECT_EQ(to_base64("fo"), "Zm8=");
  EXPECT_EQ(to_base64("foo"), "Zm9v");
  EXPECT_EQ(to_base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(to_base64("\xFB\xFF\xFE"), "+//+");
}

TEST(Text, TakesOnlyHexDigitsForHex) {
  EXPECT_TRUE(is_hex("09afAF"));
  EXPECT_FALSE(is_hex(""));
  EXPECT_FALSE(is_hex("0g"));
  EXPECT_FALSE(is_hex("9b-2"));
}

TEST(Text, FoldsOnlyAsciiLetters) {
  EXPECT_EQ(to_lower_ascii("ETag-[\xC3\x89]"), "etag-[\xC3\x89]");
  EXPECT_TRUE(equal_ignoring_case("Content-TYPE", "content-type"));
  EXPECT_FALSE(equal_ignoring_case("content-type", "content-typ"));
  EXPECT_FALSE(equal_ignoring_case("@", "`"));
}

TEST(Text, TrimsBothEnds) {
  EXPECT_EQ(trimmed(" \t a b\r\n"), "a b");
  EXPECT_EQ(trimmed(" \r\n"), "");
  EXPECT_EQ(trimmed(""), "");
}

TEST(Text, TellsUtf8FromOtherBytes) {
  for (auto const* good :
       {"", "a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xEF\xBF\xBF", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(is_utf8(good)) << printable(good);
  }
  for (auto const* bad :
       {"\x80", "\xC3", "\xC0\xAF", "\xC1\xBF", "\xE0\x80\xAF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xED\xBF\xBF",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xE2\x82", "a\xE2\x82z"}) {
    EXPECT_FALSE(is_utf8(bad)) << printable(bad);
  }
}

TEST(Text, CutsBetweenCharacters) {
  EXPECT_EQ(cut_to("abc", 5), "abc");
  EXPECT_EQ(cut_to("abc", 2), "ab");
  EXPECT_EQ(cut_to("a\xE2\x82\xAC", 3), "a");
  EXPECT_EQ(cut_to("a\xE2\x82\xAC", 4), "a\xE2\x82\xAC");
  EXPECT_EQ(cut_to("\xC3\xA9", 0), "");
}

TEST(Text, ShowsControlAndInvalidBytesAsEscapes) {
  EXPECT_EQ(printable("caf\xC3\xA9 \xF0\x9F\x98\x80"), "caf\xC3\xA9 \xF0\x9F\x98\x80");
  EXPECT_EQ(printable("a\nb\tc\x7F"), "a\\x0ab\\x09c\\x7f");
  EXPECT_EQ(printable("\xFF\xC3"), "\\xff\\xc3");
  EXPECT_EQ(printable("\\x0a"), "\\x5cx0a");       // so that no name can pass itself off as an escape
  EXPECT_EQ(printable("\xC2\x9B"), "\\xc2\\x9b");  // a terminal takes this for an escape sequence
}

TEST(Text, NeverPrintsAControlByteWhateverTheName) {
  std::mt19937 dice(41);
  for (int run = 0; run < 2000; ++run) {
    auto const shown = printable(random_bytes(dice, 40));
    ASSERT_TRUE(is_utf8(shown)) << "run " << run;
    for (char const c : shown) ASSERT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) << "run " << run;
    ASSERT_EQ(printable(shown).find("\\x0a"), std::string::npos);
  }
}

TEST(PlatformFilename, KeepsAnOrdinaryName) {
  EXPECT_EQ(platform_filename("match 04%12.mp4"), "match 04%12.mp4");
  EXPECT_EQ(platform_filename("caf\xC3\xA9.mov"), "caf\xC3\xA9.mov");
}

TEST(PlatformFilename, WritesInvalidBytesAsPercent) { EXPECT_EQ(platform_filename("a\xFF\xC3.mp4"), "a%FF%C3.mp4"); }

TEST(PlatformFilename, CountsCharactersAndNotBytes) {
  std::string name;
  for (int i = 0; i < 251; ++i) name += "\xC3\xA9";
  EXPECT_EQ(platform_filename(name + ".mp4"), name + ".mp4");  // 255 characters, 506 bytes
}

TEST(PlatformFilename, CutsALongNameBeforeItsExtension) {
  auto const name = platform_filename(std::string(300, 'a') + ".mp4");
  EXPECT_EQ(name.size(), 255u);
  EXPECT_TRUE(name.ends_with(".mp4"));
  EXPECT_EQ(name.substr(0, 242), std::string(242, 'a'));
  EXPECT_EQ(name[242], '-');
  EXPECT_TRUE(is_hex(name.substr(243, 8)));
}

TEST(PlatformFilename, TellsLongNamesApartByTheirHash) {
  auto const long_name = std::string(300, 'a');
  EXPECT_NE(platform_filename(long_name + "1.mp4"), platform_filename(long_name + "2.mp4"));
  EXPECT_EQ(platform_filename(long_name + "1.mp4"), platform_filename(long_name + "1.mp4"));
}

TEST(PlatformFilename, HoldsOneTo255CharactersOfUtf8WhateverTheName) {
  std::mt19937 dice(42);
  for (int run = 0; run < 1000; ++run) {
    auto const name = platform_filename(random_bytes(dice, 400));
    std::size_t characters = 0;
    for (std::string_view rest = name; !rest.empty(); ++characters) {
      ASSERT_GT(utf8_length(rest), 0u) << "run " << run;
      rest.remove_prefix(utf8_length(rest));
    }
    ASSERT_TRUE(characters >= 1 && characters <= 255) << "run " << run << ": " << characters;
  }
}

TEST(Text, FindsTheExtensionInLowerCase) {
  EXPECT_EQ(extension_of("video.MP4"), "mp4");
  EXPECT_EQ(extension_of("a.tar.gz"), "gz");
  EXPECT_EQ(extension_of("dir.d/file"), "");
  EXPECT_EQ(extension_of(".bashrc"), "");
  EXPECT_EQ(extension_of("..hidden"), "");
  EXPECT_EQ(extension_of(".a.mp4"), "mp4");
  EXPECT_EQ(extension_of("ends."), "");
  EXPECT_EQ(extension_of(""), "");
}

TEST(Text, TakesAPathApart) {
  EXPECT_EQ(basename_of("a/b/c.mp4"), "c.mp4");
  EXPECT_EQ(basename_of("c.mp4"), "c.mp4");
  EXPECT_EQ(directory_of("a/b/c.mp4"), "a/b");
  EXPECT_EQ(directory_of("c.mp4"), "");
  EXPECT_EQ(stem_of("c.tar.gz"), "c.tar");
  EXPECT_EQ(stem_of(".bashrc"), ".bashrc");
  EXPECT_EQ(stem_of("plain"), "plain");
}

TEST(Text, MakesANameOfItsStemAndExtensionAgain) {
  std::mt19937 dice(43);
  for (int run = 0; run < 1000; ++run) {
    auto const name = random_bytes(dice, 20);
    auto const stem = stem_of(name);
    auto const extension = extension_of(name);
    ASSERT_EQ(stem.size() + (extension.empty() ? 0 : extension.size() + 1), name.size()) << printable(name);
    ASSERT_TRUE(name.starts_with(stem));
  }
}

TEST(Text, SaysSizesWithThreeDigits) {
  EXPECT_EQ(to_words_bytes(0), "0 B");
  EXPECT_EQ(to_words_bytes(999), "999 B");
  EXPECT_EQ(to_words_bytes(1000), "1 kB");
  EXPECT_EQ(to_words_bytes(1234), "1.23 kB");
  EXPECT_EQ(to_words_bytes(12'345), "12.3 kB");
  EXPECT_EQ(to_words_bytes(123'456), "123 kB");
  EXPECT_EQ(to_words_bytes(999'499), "999 kB");
  EXPECT_EQ(to_words_bytes(999'500), "1 MB");  // rounds up into the next unit, never "1000 kB"
  EXPECT_EQ(to_words_bytes(1'200'000'000), "1.2 GB");
  EXPECT_EQ(to_words_bytes(1'050'000'000), "1.05 GB");
  EXPECT_EQ(to_words_bytes(UINT64_MAX), "18.4 EB");
}

TEST(Text, DecodesEveryEscapedByteAndLeavesThePlusAlone) {
  EXPECT_EQ(percent_decode("a%00b+%ff%41"), std::string("a\0b+\xff"
                                                        "A",
                                                        6));
}

}  // namespace
}  // namespace sluice

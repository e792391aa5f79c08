// Checksum files as tools and people write them.
#include "core/source/checksum_file.h"

#include <gtest/gtest.h>

namespace sluice::source {
namespace {

std::string const kMd5 = "d41d8cd98f00b204e9800998ecf8427e";
std::string const kOther = "900150983cd24fb0d6963f7d28e17f72";

// The digits, or the words of the failure.
std::string read(std::string const& text, std::string const& name = "clip.mp4", DigestKind kind = DigestKind::kMd5) {
  auto const digits = checksum_of(kind, text, name);
  return digits ? *digits : digits.error().text;
}

TEST(ChecksumFile, IsReadAsEveryToolWritesIt) {
  for (auto const& text : std::initializer_list<std::string>{
           kMd5 + "  clip.mp4\n",              // md5sum
           kMd5 + " *clip.mp4\n",              // md5sum -b
           kMd5 + "  ./day1/clip.mp4\r\n",     // find | xargs, by way of Windows
           kMd5 + "\tclip.mp4",                // by hand
           "MD5 (clip.mp4) = " + kMd5 + "\n",  // md5 of the BSDs
           kMd5,                               // the digits alone
           kMd5 + "\n",
           "\xEF\xBB\xBF" + kMd5 + "  clip.mp4\n",
           "; made by a camera\n# and another\n\n" + kMd5 + "  clip.mp4\n",
           kOther + "  other.mp4\n" + kMd5 + "  clip.mp4\n",
           "D41D8CD98F00B204E9800998ECF8427E  clip.mp4\n",
       })
    EXPECT_EQ(read(text), kMd5) << text;
}

TEST(ChecksumFile, UnderstandsTheEscapesOfMd5sum) {
  EXPECT_EQ(read("\\" + kMd5 + "  a\\nb\\\\c.mp4\n", "a\nb\\c.mp4"), kMd5);
  EXPECT_EQ(read(kMd5 + "  a\\nb.mp4\n", "a\\nb.mp4"), kMd5) << "without the mark at the front nothing is escaped";
  EXPECT_EQ(read("MD5 (a (1).mp4) = " + kMd5, "a (1).mp4"), kMd5);
}

TEST(ChecksumFile, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(read(kOther + "  other.mp4\n"), "there is no line for clip.mp4");
  EXPECT_EQ(read(""), "there is no line for clip.mp4");
  EXPECT_EQ(read("# x\nhello\n"), "line 2 is no checksum");
  EXPECT_EQ(read(kMd5.substr(1) + "  clip.mp4\n"), "line 1 holds 31 digits, and MD5 has 32");
  EXPECT_EQ(read(kMd5, "clip.mp4", DigestKind::kSha256), "line 1 holds 32 digits, and SHA-256 has 64");
  EXPECT_EQ(read("MD5 (clip.mp4) = " + kMd5.substr(1) + "x"), "line 1 holds 32 digits, and MD5 has 32")
      << "they are no digits";
}

}  // namespace
}  // namespace sluice::source

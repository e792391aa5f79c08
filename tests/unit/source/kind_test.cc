#include "core/source/kind.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::source {
namespace {

std::string kind_by_name(std::string_view name) { return media_by_name(name).value_or(Media{}).kind; }

TEST(Kind, IsTakenFromTheExtension) {
  for (auto const* extension : {"mp4", "mov", "mkv", "webm", "avi", "mxf", "mts", "m2ts", "ts", "mpg", "mpeg", "m4v",
                                "wmv", "flv", "3gp", "ogv"})
    EXPECT_EQ(kind_by_name(std::string("a.") + extension), "video") << extension;
  for (auto const* extension : {"mp3", "wav", "m4a", "aac", "flac", "ogg", "opus", "aiff", "wma"})
    EXPECT_EQ(kind_by_name(std::string("a.") + extension), "audio") << extension;
  for (auto const* extension : {"jpg", "jpeg", "png", "webp", "gif", "bmp", "tiff", "heic"})
    EXPECT_EQ(kind_by_name(std::string("a.") + extension), "image") << extension;
}

TEST(Kind, IgnoresCaseAndUsesTheLastExtension) {
  EXPECT_EQ(media_by_name("CLIP.MOV"), (Media{"video", "video/quicktime"}));
  EXPECT_EQ(kind_by_name("clip.mp4.jpg"), "image");
  EXPECT_EQ(kind_by_name("\xff.mp4"), "video");
}

TEST(Kind, IsNothingForOtherNames) {
  for (auto const* name : {"clip", "clip.", "clip.mp4.json", "clip.yaml", ".mp4", "mp4", "", "clip.txt"})
    EXPECT_FALSE(media_by_name(name)) << name;
}

TEST(Kind, IsTakenFromTheSniffedTypeWhereTheNameSaysNothing) {
  EXPECT_EQ(media_of("clip", "video/x-matroska"), (Media{"video", "video/x-matroska"}));
  EXPECT_EQ(media_of("clip", "Audio/X-WAV; charset=binary"), (Media{"audio", "audio/x-wav"}));
  EXPECT_EQ(media_of("photo.dat", "image/png"), (Media{"image", "image/png"}));
  EXPECT_EQ(media_of("voice.m4a", "video/mp4"), (Media{"audio", "audio/mp4"}));  // the name comes first
}

TEST(Kind, IsNothingForTypesThatThePlatformDoesNotTake) {
  for (auto const* type :
       {"", "text/plain", "image/svg+xml", "application/pdf", "audio/midi", "video/", "application/octet-stream"})
    EXPECT_FALSE(media_of("clip", type)) << type;
}

}  // namespace
}  // namespace sluice::source

// The same wish has the same key, however its URL is signed today.
#include "core/source/entry_key.h"

#include <gtest/gtest.h>

namespace sluice::source {
namespace {

UrlText url(std::string_view text) { return *parse_url(text); }

TEST(EntryKey, IsTheSameForEverySignatureOfOneUrl) {
  EXPECT_EQ(entry_key(url("https://H.example:443/a.mp4?X-Amz-Signature=1&id=2#f"), {}),
            entry_key(url("https://h.example/a.mp4?id=2&X-Amz-Signature=3"), {}));
}

TEST(EntryKey, DiffersByWhatIsWished) {
  auto const one = url("https://h.example/a.mp4");
  auto const plain = entry_key(one, {});
  EXPECT_NE(plain, entry_key(url("https://h.example/a.mp4?id=1"), {}));
  EXPECT_NE(plain, entry_key(one, {.name = "b.mp4"}));
  EXPECT_NE(plain, entry_key(one, {.size_bytes = 0}));
  EXPECT_NE(plain, entry_key(one, {.hash = "md5:1"}));
  EXPECT_NE(entry_key(one, {.name = "1"}), entry_key(one, {.size_bytes = 1}));
}

TEST(EntryKey, IsTheGivenOneWhereThereIsOne) {
  EXPECT_EQ(entry_key(url("https://h.example/a.mp4"), {.key = "u:film 7", .name = "x"}), "k:u:film 7");
}

TEST(EntryKey, StaysWhatItWasForGood) {  // sha256 of "https://h.example/a.mp4", and four NULs, by sha256sum
  EXPECT_EQ(entry_key(url("https://h.example/a.mp4"), {}), "u:a59ac63eee0220a2ae8c9f1038c965bc");
}

}  // namespace
}  // namespace sluice::source

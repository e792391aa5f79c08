// The operation tag: what it says of a file, and which texts are taken for one.
#include "core/source/identity.h"

#include <gtest/gtest.h>

#include "core/base/ids.h"

namespace sluice::source {
namespace {

std::string const kUlid = "01JZ8Q7KXV3N5T9A2B4C6D8E0F";

TEST(Identity, IsTheSameForAllTime) {  // tags of years ago must still be known: these digits may never change
  EXPECT_EQ(identity_of("/srv/drop", "day1/clip.mp4", 1'234'567, 1'700'000'000'123'456'789), "7c13e796e013b18f");
}

TEST(Identity, DiffersInEveryPart) {
  auto const mine = identity_of("/srv/drop", "a.mp4", 5, 7);
  EXPECT_NE(mine, identity_of("/srv/drops", "a.mp4", 5, 7));
  EXPECT_NE(mine, identity_of("/srv/drop", "b.mp4", 5, 7));
  EXPECT_NE(mine, identity_of("/srv/drop", "a.mp4", 6, 7));
  EXPECT_NE(mine, identity_of("/srv/drop", "a.mp4", 5, 8));
  EXPECT_NE(identity_of("/srv/dr", "opa.mp4", 5, 7), identity_of("/srv/drop", "a.mp4", 5, 7));
}

TEST(Identity, OfAUrlHasItsKeyInFrontAndIsNoFiles) {
  auto const mine = identity_of_url("k:7", "https://h.example/a.mp4");
  EXPECT_EQ(mine, identity_of_url("k:7", "https://h.example/a.mp4"));
  EXPECT_TRUE(names_url(mine));
  EXPECT_FALSE(names_url(identity_of("", "k:7", 0, 0)));
  auto const corrected = identity_of_url("k:7", "https://h.example/b.mp4");
  EXPECT_NE(mine, corrected);
  EXPECT_EQ(key_part(mine), key_part(corrected));
  EXPECT_NE(key_part(mine), key_part(identity_of_url("k:8", "https://h.example/a.mp4")));
  OperationTag const tag{.ulid = kUlid, .generation = 1, .identity = mine};
  EXPECT_EQ(parse_operation_tag(to_text(tag)), tag);
}

TEST(OperationTag, ReadsBackWhatItWrites) {
  OperationTag const tag{.ulid = kUlid, .generation = 12, .identity = "0123456789abcdef"};
  EXPECT_EQ(to_text(tag), kUlid + ".12.0123456789abcdef");
  EXPECT_EQ(parse_operation_tag(to_text(tag)), tag);
}

TEST(OperationTag, IsNothingElse) {
  for (auto const& text : {std::string(),
                           std::string("x"),
                           kUlid,
                           kUlid + ".1",
                           kUlid + ".1.s1",
                           kUlid + ".1.",
                           kUlid + ".0.0123456789abcdef",
                           kUlid + ".-1.0123456789abcdef",
                           kUlid + ".01.0123456789abcdef",
                           kUlid + ".1x.0123456789abcdef",
                           kUlid + ".x.0123456789abcdef",
                           kUlid + "..0123456789abcdef",
                           kUlid + ".1.0123456789ABCDEF",
                           kUlid + ".1.0123456789abcdef0",
                           kUlid + ".1.0123456789abcde",
                           kUlid + ".1.u0123456789abcdef",
                           kUlid + ".1.u0123456789abcdef0123456789abcdeg",
                           kUlid + ".1.v0123456789abcdef0123456789abcdef",
                           kUlid + ".99999999999999999999.0123456789abcdef",
                           kUlid + ".1.0123456789abcdef.s1",
                           kUlid.substr(1) + ".1.0123456789abcdef",
                           "Z" + kUlid.substr(1) + ".1.0123456789abcdef"})
    EXPECT_FALSE(parse_operation_tag(text)) << text;
}

TEST(Ulid, HoldsItsTime) {
  auto const at = from_unix_ms(1'795'262'400'123);
  auto const ulid = make_ulid(at, 1, 2);
  EXPECT_TRUE(is_ulid(ulid));
  EXPECT_EQ(time_of_ulid(ulid), at);
  EXPECT_FALSE(is_ulid("not a ulid"));
  EXPECT_FALSE(is_ulid(std::string(26, 'I')));
}

}  // namespace
}  // namespace sluice::source

#include "text.h"

#include <gtest/gtest.h>

#include "digest.h"

namespace sluice::emulator {
namespace {

TEST(Digest, AgreesWithMd5sumSha256sumAndOpenssl) {  // printf sluice | md5sum, sha256sum, openssl dgst -hmac key
  EXPECT_EQ(md5_hex("sluice"), "56c4228bc58d4cdf3ff01c3fc6e84189");
  EXPECT_EQ(sha256_hex("sluice"), "0f5aec3c8edf964bb5260e4ae806d31feaab06f39a65ddba9d86e499bfae8476");
  EXPECT_EQ(to_hex(hmac_sha256("key", "sluice")), "bf0a3d00fe0191696d83acf7f5991129d90388f68e3deca57c11b37460b71ca8");
}

TEST(Units, ReadDurationsSizesAndRates) {
  EXPECT_EQ(parse_duration_ms("250ms"), 250);
  EXPECT_EQ(parse_duration_ms("1.5s"), 1500);
  EXPECT_EQ(parse_duration_ms("2d"), 172'800'000);
  EXPECT_EQ(parse_duration_ms("0"), 0);
  EXPECT_EQ(parse_size_bytes("5MiB"), 5'242'880U);
  EXPECT_EQ(parse_size_bytes("200MB"), 200'000'000U);
  EXPECT_EQ(parse_rate_bytes_per_s("20MB/s"), 20'000'000U);
}

TEST(Units, GuessNothing) {
  EXPECT_EQ(parse_duration_ms("5"), std::nullopt);
  EXPECT_EQ(parse_duration_ms("-5s"), std::nullopt);
  EXPECT_EQ(parse_size_bytes("5 MiB"), std::nullopt);
  EXPECT_EQ(parse_rate_bytes_per_s("20MB"), std::nullopt);
  EXPECT_EQ(parse_rate_bytes_per_s("0/s"), std::nullopt);
  EXPECT_EQ(parse_size_bytes("1e30TB"), std::nullopt);
  EXPECT_EQ(parse_duration_ms("inf"), std::nullopt);
}

TEST(Times, GoToTextAndBack) {  // date -u -d @1369353600
  EXPECT_EQ(rfc3339(1'369'353'600'999), "2013-05-24T00:00:00Z");
  EXPECT_EQ(amz_date(1'369'353'600'000), "20130524T000000Z");
  EXPECT_EQ(parse_amz_date("20130524T000000Z"), 1'369'353'600'000);
  EXPECT_EQ(parse_rfc3339_ms("2013-05-24T00:00:00.250Z"), 1'369'353'600'250);
  EXPECT_EQ(parse_rfc3339_ms("2013-05-24T09:00:00+09:00"), 1'369'353'600'000);
  EXPECT_EQ(parse_rfc3339_ms("yesterday"), std::nullopt);
}

TEST(Uri, EncodesAsSigV4Wants) {
  EXPECT_EQ(uri_encode("a b/ü~", false), "a%20b%2F%C3%BC~");
  EXPECT_EQ(uri_encode("a/b", true), "a/b");
  EXPECT_EQ(uri_decode("a%20b+c%2", true), "a b c%2");
  EXPECT_EQ(uri_decode("a+b", false), "a+b");
}

TEST(Query, KeepsRepeatedKeys) {
  Pairs const expected{{"ids", "a"}, {"ids", "b"}, {"duration[gte]", "1"}, {"flag", ""}};
  EXPECT_EQ(parse_query("ids=a&ids=b&duration%5Bgte%5D=1&flag"), expected);
}

TEST(Glob, MatchesRunsOfAnything) {
  EXPECT_TRUE(glob_match("/assets/*/presigned-urls", "/assets/multipart-uploads/1/presigned-urls"));
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_FALSE(glob_match("/assets", "/assets/1"));
  EXPECT_FALSE(glob_match("/a*b", "/a/b/c"));
}

}  // namespace
}  // namespace sluice::emulator

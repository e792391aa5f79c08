// When a presigned URL ends, in each signer's own words.
#include "core/source/url_expiry.h"

#include <gtest/gtest.h>

namespace sluice::source {
namespace {

std::string end_of(std::string const& query) {
  auto const end = url_end(SecretUrl("https://h.example/a.mp4?" + query));
  return end ? to_rfc3339(*end) : "none";
}

TEST(UrlExpiry, AddsTheLifeToTheDate) {
  EXPECT_EQ(end_of("X-Amz-Date=20261122T030405Z&X-Amz-Expires=3600"), "2026-11-22T04:04:05Z");
  EXPECT_EQ(end_of("x-goog-expires=55&x-goog-date=20261122T030405Z"), "2026-11-22T03:05:00Z");
}

TEST(UrlExpiry, ReadsUnixSeconds) {
  EXPECT_EQ(end_of("Expires=1795319045&Signature=s"), "2026-11-22T03:44:05Z");
  EXPECT_EQ(end_of("exp=1795319045"), "2026-11-22T03:44:05Z");
}

TEST(UrlExpiry, ReadsEveryFormOfAzure) {
  EXPECT_EQ(end_of("se=2026-11-22T03%3A04%3A05Z&sig=s"), "2026-11-22T03:04:05Z");
  EXPECT_EQ(end_of("sig=s&se=2026-11-22T03:04Z"), "2026-11-22T03:04:00Z");
  EXPECT_EQ(end_of("sig=s&se=2026-11-22"), "2026-11-22T00:00:00Z");
  EXPECT_EQ(end_of("se=2026-11-22"), "none") << "not a signature";
}

TEST(UrlExpiry, TakesTheEarliestOfSeveral) {
  EXPECT_EQ(end_of("Expires=1795319045&X-Amz-Date=20261122T030405Z&X-Amz-Expires=1"), "2026-11-22T03:04:06Z");
  EXPECT_EQ(end_of("exp=1795319045&expires=1795319046"), "2026-11-22T03:44:05Z");
  EXPECT_EQ(end_of("exp=1795319046&expires=1795319045"), "2026-11-22T03:44:05Z");
  EXPECT_EQ(end_of("exp=1795319045&expires=soon"), "2026-11-22T03:44:05Z");
}

TEST(UrlExpiry, SaysNothingOfWhatItCannotRead) {
  for (auto const* query : {"", "X-Amz-Expires=3600", "X-Amz-Date=20261122T030405Z", "X-Amz-Date=x&X-Amz-Expires=1",
                            "Expires=0", "Expires=soon", "Expires=99999999999999999999", "Expires=-5",
                            "exp=", "X-Amz-Date=20261122T030405Z&X-Amz-Expires=9223372036854775807", "se=%zz&sig=s"})
    EXPECT_EQ(end_of(query), "none") << query;
}

TEST(UrlExpiry, TakesANumberForSecondsFrom2001To5138Only) {
  EXPECT_EQ(end_of("Expires=1000000000"), "2001-09-09T01:46:40Z");
  EXPECT_EQ(end_of("Expires=999999999"), "none");
  EXPECT_EQ(end_of("Expires=100000000000"), "5138-11-16T09:46:40Z");
  EXPECT_EQ(end_of("Expires=100000000001"), "none");
  EXPECT_EQ(end_of("Expires=1795319045x"), "none");
}

TEST(UrlExpiry, TakesALifeOfNothingToAHundredYears) {
  std::string const date = "X-Amz-Date=20261122T030405Z&X-Amz-Expires=";
  EXPECT_EQ(end_of(date + "0"), "2026-11-22T03:04:05Z");
  EXPECT_EQ(end_of(date + "3153600000"), "2126-10-29T03:04:05Z");
  EXPECT_EQ(end_of(date + "3153600001"), "none");
  EXPECT_EQ(end_of(date + "-1"), "none");
}

TEST(UrlExpiry, KnowsEachSignersNames) {
  for (auto const* signer : {"x-amz-", "X-Goog-", "x-oss-"})
    EXPECT_EQ(end_of(std::string(signer) + "date=20261122T030405Z&" + signer + "expires=1"), "2026-11-22T03:04:06Z");
  EXPECT_EQ(end_of("x-abc-date=20261122T030405Z&x-abc-expires=1"), "none");
  EXPECT_EQ(end_of("EXPIRES=1795319045"), "2026-11-22T03:44:05Z");
  EXPECT_EQ(end_of("expired=1795319045"), "none");
}

TEST(UrlExpiry, ReadsNoTimeThatIsCutOff) {
  EXPECT_EQ(end_of("X-Amz-Date=20261122T030405&X-Amz-Expires=1"), "none");
  EXPECT_EQ(end_of("X-Amz-Date=20261122T030405ZZ&X-Amz-Expires=1"), "none");
  EXPECT_EQ(end_of("sig=s&se=2026-11-22T03:04:5"), "none");
  EXPECT_EQ(end_of("sig=s&se=2026-11-2"), "none");
}

// Which of two signatures of one URL serves longer.
TEST(UrlExpiry, OfTwoTheLaterOneOrTheOneWithoutAnEndIsBetter) {
  auto const url = [](std::string const& end) {
    return end.empty() ? SecretUrl() : SecretUrl("https://h.example/a?exp=" + end);
  };
  EXPECT_TRUE(ends_later(url("1795319046"), url("1795319045")));
  EXPECT_FALSE(ends_later(url("1795319045"), url("1795319045")));
  EXPECT_FALSE(ends_later(url("1795319044"), url("1795319045")));
  EXPECT_TRUE(ends_later(url("never"), url("1795319045")));
  EXPECT_FALSE(ends_later(url("1795319045"), url("never")));
  EXPECT_TRUE(ends_later(url("never"), url(""))) << "there was none";
}

}  // namespace
}  // namespace sluice::source

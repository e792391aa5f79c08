// Expected values: AWS, "Authenticating Requests: Using Query Parameters", example of a presigned GET.

#include "sigv4.h"

#include <gtest/gtest.h>

namespace sluice::emulator::sigv4 {
namespace {

Credentials const kAws{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1"};
constexpr std::int64_t kMay24 = 1'369'353'600'000;  // 2013-05-24T00:00:00Z
Pairs const kHost{{"host", "examplebucket.s3.amazonaws.com"}};

std::string aws_query() { return presign_query({"GET", "/test.txt", {}, kHost, kMay24, 86400}, kAws); }

TEST(SigV4, SignsThePublishedExample) {
  EXPECT_EQ(aws_query(),
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2F"
            "aws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST(SigV4, AcceptsTheUrlUntilTheInstantOfItsExpiry) {
  auto const day_ms = 86'400'000;
  EXPECT_EQ(verify("GET", "/test.txt", aws_query(), kHost, kMay24 + day_ms - 1, kAws), Check::kGood);
  EXPECT_EQ(verify("GET", "/test.txt", aws_query(), kHost, kMay24 + day_ms, kAws), Check::kExpired);
}

TEST(SigV4, RefusesAnotherMethodPathHostOrQuery) {
  auto const query = aws_query();
  EXPECT_EQ(verify("PUT", "/test.txt", query, kHost, kMay24, kAws), Check::kMismatch);
  EXPECT_EQ(verify("GET", "/other.txt", query, kHost, kMay24, kAws), Check::kMismatch);
  EXPECT_EQ(verify("GET", "/test.txt", query, {{"host", "elsewhere"}}, kMay24, kAws), Check::kMismatch);
  EXPECT_EQ(verify("GET", "/test.txt", query + "&partNumber=2", kHost, kMay24, kAws), Check::kMismatch);
}

TEST(SigV4, RefusesALongerLifeThanWasSigned) {
  auto query = aws_query();
  query.replace(query.find("86400"), 5, "99999");
  EXPECT_EQ(verify("GET", "/test.txt", query, kHost, kMay24, kAws), Check::kMismatch);
}

TEST(SigV4, ASignedHeaderMustBeThereWithItsValue) {
  Pairs signed_headers = kHost;
  signed_headers.emplace_back("x-amz-meta-upload", "u1");
  auto const query = presign_query({"PUT", "/k", {{"partNumber", "1"}}, signed_headers, kMay24, 60}, kAws);
  EXPECT_EQ(verify("PUT", "/k", query, signed_headers, kMay24, kAws), Check::kGood);
  EXPECT_EQ(verify("PUT", "/k", query, kHost, kMay24, kAws), Check::kMismatch);
  signed_headers[1].second = "u2";
  EXPECT_EQ(verify("PUT", "/k", query, signed_headers, kMay24, kAws), Check::kMismatch);
}

TEST(SigV4, TellsUnreadableFromForeign) {
  EXPECT_EQ(verify("GET", "/test.txt", "", kHost, kMay24, kAws), Check::kMalformed);
  auto const foreign = presign_query({"GET", "/test.txt", {}, kHost, kMay24, 60}, {"AKIAOTHER", "x", "us-east-1"});
  EXPECT_EQ(verify("GET", "/test.txt", foreign, kHost, kMay24, kAws), Check::kUnknownKey);
}

}  // namespace
}  // namespace sluice::emulator::sigv4

// What in a query is a signature is no part of what the URL names.
#include "core/source/url_parameters.h"

#include <gtest/gtest.h>

namespace sluice::source {
namespace {

std::string identity(std::string_view url) { return identity_text(*parse_url(url)); }

TEST(UrlParameters, LeaveOutEveryKnownSignature) {
  for (auto const* query :
       {"X-Amz-Algorithm=A&X-Amz-Date=20261122T030405Z&X-Amz-Expires=60&X-Amz-Signature=f&X-Amz-Security-Token=t",
        "x-amz-signature=f", "AWSAccessKeyId=k&Expires=1795000000&Signature=s", "Policy=p&Signature=s&Key-Pair-Id=k",
        "GoogleAccessId=g&Expires=1795000000&Signature=s", "X-Goog-Date=d&X-Goog-Expires=5&X-Goog-Signature=f",
        "sv=2024-11-04&sr=b&sp=r&se=2026-11-22&sig=s", "token=abc&expires=1795000000", "exp=1795000000"})
    EXPECT_EQ(identity(std::string("https://h.example/a.mp4?") + query), "https://h.example/a.mp4") << query;
}

TEST(UrlParameters, KeepWhatMayChooseTheObjectInItsOrder) {
  EXPECT_EQ(identity("https://h.example/get?id=7&X-Amz-Signature=f&versionId=3"),
            "https://h.example/get?id=7&versionId=3");
  EXPECT_EQ(identity("https://h.example/get?b=&a&&c=1=2"), "https://h.example/get?b=&a&c=1=2");
}

TEST(UrlParameters, TakeATokenForASignatureOnlyBesideAnEnd) {
  EXPECT_EQ(identity("https://h.example/get?token=AAA"), "https://h.example/get?token=AAA");
  EXPECT_EQ(identity("https://h.example/get?token=AAA&exp=5"), "https://h.example/get");
}

TEST(UrlParameters, KeepARendition) {
  EXPECT_EQ(identity("https://h.example/a.mp4?x-oss-process=half&x-oss-signature=s"),
            "https://h.example/a.mp4?x-oss-process=half");
}

TEST(UrlParameters, TakeAzuresShortNamesForASignatureOnlyBesideSig) {
  EXPECT_EQ(identity("https://h.example/a?sp=1&se=2&st=3"), "https://h.example/a?sp=1&se=2&st=3");
  EXPECT_EQ(identity("https://h.example/a?sp=1&SIG=x&id=2"), "https://h.example/a?id=2");
}

TEST(UrlParameters, TellASignedUrlFromAPlainOne) {
  EXPECT_TRUE(is_presigned(parse_url("https://h.example/a?id=1&Signature=s")->whole));
  EXPECT_FALSE(is_presigned(parse_url("https://h.example/a?id=1&signatures=s")->whole));
  EXPECT_FALSE(is_presigned(parse_url("https://h.example/a")->whole));
}

}  // namespace
}  // namespace sluice::source

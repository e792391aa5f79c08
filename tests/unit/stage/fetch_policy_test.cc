// Who downloads what a URL names.
#include "core/stage/fetch_policy.h"

#include <gtest/gtest.h>

namespace sluice::stage {
namespace {

SourcePolicy source_with(FetchPolicy fetch) {
  AllowedHosts allowed;
  EXPECT_EQ(allowed.add("media.lan"), "");
  return {.name = "s", .fetch = fetch, .allow_hosts = std::make_shared<AllowedHosts const>(allowed)};
}

TEST(FetchPolicy, OfAutoIsTheRelayWhereThePlatformCannot) {
  auto const source = source_with(FetchPolicy::kAuto);
  Policy const policy;
  for (auto const* url : {"https://media.lan/a.mp4", "https://127.0.0.1/a.mp4", "http://localhost/a.mp4",
                          "https://10.1.2.3/a.mp4", "https://[fd00::1]/a.mp4", "http://media.example/a.mp4"})
    EXPECT_TRUE(fetches_itself(policy, source, url, "video", 1)) << url;
  for (auto const* url : {"https://media.example/a.mp4", "https://8.8.8.8/a.mp4"}) {
    EXPECT_FALSE(fetches_itself(policy, source, url, "video", std::nullopt)) << url;
    EXPECT_FALSE(fetches_itself(policy, source, url, "video", 4 * kGB)) << url;
    EXPECT_TRUE(fetches_itself(policy, source, url, "video", 4 * kGB + 1)) << url;
    EXPECT_TRUE(fetches_itself(policy, source, url, "image", 32 * kMB + 1)) << url;
  }
}

TEST(FetchPolicy, OfOneWordIsThat) {
  EXPECT_TRUE(fetches_itself({}, source_with(FetchPolicy::kRelay), "https://media.example/a", "video", 1));
  EXPECT_FALSE(fetches_itself({}, source_with(FetchPolicy::kPlatform), "https://media.lan/a", "video", 9 * kGB));
}

TEST(FetchPolicy, TakesPlainHttpFromNamedHostsOnly) {
  auto const source = source_with(FetchPolicy::kRelay);
  EXPECT_TRUE(may_be_called(source, "http://media.lan/a.mp4", true));
  EXPECT_TRUE(may_be_called(source, "https://media.example/a.mp4", true));
  EXPECT_EQ(may_be_called(source, "http://127.0.0.1/a.mp4", true).error().code, "http_denied");
  EXPECT_FALSE(may_be_called({}, "http://127.0.0.1/a.mp4", true));
  EXPECT_FALSE(may_be_called(source, "http://media.lan/a.mp4", false)) << "the platform is not told of it";
  EXPECT_TRUE(may_be_called(source, "http://127.0.0.1/a.mp4", false));
}

}  // namespace
}  // namespace sluice::stage

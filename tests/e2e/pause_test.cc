// pause_test.cc - the daemon stands still for longer than its presigned URLs live, and then goes on.

#include <csignal>

#include "site.h"

namespace sluice::e2e {
namespace {

constexpr std::uint64_t kChunkBytes = 64U << 10U;
constexpr std::uint64_t kChunks = 40;
constexpr std::int64_t kLifeMs = 2000;
constexpr char kRenewal[] = "POST /assets/multipart-uploads/{upload_id}/presigned-urls";

std::uint64_t stored(Site const& site) { return site.emulator().ledger().at("totals").at("puts_stored"); }

// The platform's clock: it stamps every call that it refuses, and this one it does.
std::int64_t platform_ms(Site const& site) {
  ask({.unix_socket = {}, .port = port_of(site.emulator().base_url())}, "GET", "/v1.3/assets");
  return site.emulator().events().back().at("at_ms");
}

TEST(Pause, LongerThanTheLifeOfItsUrlsCostsNothing) {
  Site site({.direct_max = "16KiB", .chunks_max = 2},
            {"--chunk-size", std::to_string(kChunkBytes) + "B", "--url-life", std::to_string(kLifeMs) + "ms",
             "--initial-urls", std::to_string(kChunks)});
  site.emulator().arm(Json::array({{{"method", "PUT"}, {"path", "/chunk-store/*"}, {"action", "delay"}, {"ms", 30}}}));
  site.daemon().start();
  site.drop("long.mp4", kChunkBytes * kChunks, 1);
  ASSERT_TRUE(site.wait_until("some chunks", [&] { return stored(site) >= 4; }));

  site.daemon().send(SIGSTOP);
  auto const stopped_at = platform_ms(site);
  ASSERT_LT(stored(site), kChunks - 4) << "it was through before it could be stopped";
  auto const renewals = site.emulator().calls(kRenewal);
  ASSERT_TRUE(until(30s, [&] { return platform_ms(site) > stopped_at + kLifeMs; }));
  site.daemon().send(SIGCONT);

  ASSERT_TRUE(site.wait_for("done", 1));
  EXPECT_TRUE(site.every_file_is_there_once());
  EXPECT_GT(site.emulator().calls(kRenewal), renewals) << "the old URLs cannot have been used";
  EXPECT_EQ(site.daemon().item("long.mp4").at("attempts"), 0) << "an old URL charges nobody";
  EXPECT_EQ(site.emulator().ledger().at("sessions").size(), 1u) << "the upload session was not resumed";
  EXPECT_EQ(stored(site), kChunks) << "a chunk was stored twice";
}

}  // namespace
}  // namespace sluice::e2e

// A URL that the platform is to fetch is tried first: only what is surely wrong keeps it from the platform.
#include "core/stage/probe_url.h"

#include <gmock/gmock.h>

#include "core/stage/next_uploads.h"
#include "tests/unit/stage/fetch_fixture.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using budget::Errand;
using journal::ItemState;
using testing::HasSubstr;

class ProbeUrl : public FetchPiece {
 protected:
  ProbeUrl() { policy.hand.fetch = FetchPolicy::kPlatform; }

  void choose_send() {
    turn([](Context& ctx) { choose_send_url(ctx); });
  }
  void probed(RowId id, Result<ports::Reply> reply) {
    auto const flights = traffic.flights(Errand::kProbeUrl);
    auto const found = std::ranges::find_if(flights, [&](auto const& named) { return named.second.item == id; });
    ASSERT_NE(found, flights.end()) << "nothing of it is in the air";
    turn([&](Context& ctx) {
      auto const flight = *traffic.flight(found->first);
      traffic.landed(found->first);
      settle_probe_url(ctx, {.flight = flight, .reply = std::move(reply), .bytes_sent = 0});
    });
  }
  static ports::Reply first_byte(std::uint64_t total) { return piece(0, "x", total); }
  // What the item says once its probe came back so.
  RowId added_and_probed(UrlWish wish, Result<ports::Reply> reply) {
    auto const id = add(std::move(wish));
    choose_send();
    probed(id, std::move(reply));
    return id;
  }
  UrlWish wish(std::string const& name = "a.mp4") {
    return {.url = *parse_url("https://media.example/" + name + "?token=1")};
  }
  // Whether the platform is told of it, and of nothing else.
  bool is_told(RowId id) {
    choose_send();
    return left.size() == 1 && item(id).state == ItemState::kSending;
  }
};

TEST_F(ProbeUrl, AsksForOneByteBeforeThePlatformIsTold) {
  auto const id = add(wish());
  choose_send();
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(std::get<SecretUrl>(left[0].target).reveal_for_wire(), "https://media.example/a.mp4?token=1");
  EXPECT_EQ(header(left[0], "range"), "bytes=0-0");
  ASSERT_TRUE(left[0].stranger);
  EXPECT_EQ(item(id).state, ItemState::kStable);
  choose_send();
  EXPECT_TRUE(left.empty()) << "one probe is enough";
  probed(id, first_byte(5'000));
  EXPECT_EQ(item(id).print.size_bytes, 5'000u);
  EXPECT_TRUE(is_told(id));
}

TEST_F(ProbeUrl, TakesTheSizeOfAHostWithoutRangesAndMayNotLearnIt) {
  auto const told = added_and_probed(wish(), status(200, {{"content-length", "700"}}));
  EXPECT_EQ(item(told).print.size_bytes, 700u);
  EXPECT_TRUE(is_told(told));
  auto const untold = added_and_probed(wish("b.mp4"), status(200));
  EXPECT_EQ(item(untold).print.size_bytes, 0u);
  EXPECT_TRUE(is_told(untold));
}

TEST_F(ProbeUrl, RefusesWhatThePlatformWouldRefuse) {
  policy.limits.url_video_bytes = 4'000;
  int number = 0;
  auto const refused = [&](ports::Reply reply, std::optional<std::uint64_t> promised = {}) {
    auto const name = "a" + std::to_string(++number) + ".mp4";
    auto const id = added_and_probed({.url = *parse_url("https://media.example/" + name), .size_bytes = promised},
                                     std::move(reply));
    EXPECT_EQ(item(id).state, ItemState::kFailed) << number;
    choose_send();
    EXPECT_TRUE(left.empty()) << number;
    return item(id).reason;
  };
  EXPECT_EQ(refused(status(404)), "fetch_gone");
  EXPECT_EQ(refused(status(410)), "fetch_gone");
  EXPECT_EQ(refused(status(200, {{"content-type", "text/html; charset=utf-8"}})), "not_media");
  EXPECT_EQ(refused(status(416, {{"content-range", "bytes */0"}})), "empty_file");
  EXPECT_EQ(refused(first_byte(3'000), 3'001), "size_mismatch");
  EXPECT_EQ(refused(first_byte(4'001)), "too_large");
}

TEST_F(ProbeUrl, LetsThePlatformTryWhatRefusesThisHost) {
  int number = 0;
  for (auto const code : {400, 401, 403, 405, 416, 429, 500, 503}) {
    auto const id = added_and_probed(wish(std::to_string(++number) + ".mp4"), status(code));
    EXPECT_TRUE(is_told(id)) << code;
    land({.errand = Errand::kSendUrl, .row = id, .item = id}, sluice::stage::reply(R"({"_id":"new"})", 201));
  }
  EXPECT_TRUE(log.tells("HTTP 403 from its host"));
  EXPECT_FALSE(log.tells("token")) << "the query may be a secret";
}

TEST_F(ProbeUrl, TriesASilentHostNoMoreForAWhile) {
  auto const first = added_and_probed(wish("1.mp4"), fail(Fault::kOffline, "connect: timed out"));
  EXPECT_TRUE(is_told(first));
  auto const second = add(wish("2.mp4"));
  EXPECT_TRUE(is_told(second));
  now += kSilence;
  auto const third = add(wish("3.mp4"));
  EXPECT_FALSE(is_told(third));
  EXPECT_EQ(traffic.in_air(Errand::kProbeUrl), 1u);
}

TEST_F(ProbeUrl, FollowsFiveRedirectsAndThenLeavesItToThePlatform) {
  auto const id = add(wish());
  choose_send();
  for (int hop = 1; hop <= 5; ++hop) {
    auto const to = "https://cdn" + std::to_string(hop) + ".example/a.mp4";
    probed(id, status(302, {{"location", to}}));
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(std::get<SecretUrl>(left[0].target).reveal_for_wire(), to);
  }
  probed(id, status(302, {{"location", "https://cdn6.example/a.mp4"}}));
  EXPECT_TRUE(left.empty());
  EXPECT_TRUE(is_told(id));
  EXPECT_THAT(left[0].text_body, HasSubstr("https://media.example/a.mp4")) << "it is told of the URL that was named";
}

TEST_F(ProbeUrl, OfAutoDownloadsWhatIsTooLargeForThePlatformToFetch) {
  policy.hand.fetch = FetchPolicy::kAuto;
  policy.limits.url_video_bytes = 4'000;
  auto large = wish();
  large.md5 = "9e107d9d372bb6826bd81d3542a419d6";
  auto const id = added_and_probed(large, first_byte(4'001));
  EXPECT_EQ(item(id).state, ItemState::kStable);
  EXPECT_EQ(item(id).method, kByRelay);
  EXPECT_EQ(download(id).sums, "md5:9e107d9d372bb6826bd81d3542a419d6");
  choose_some();
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(header(left[0], "range"), "bytes=0-8388607");
}

TEST_F(ProbeUrl, IsDoneAnewForARetry) {
  auto const id = added_and_probed(wish(), status(404));
  turn([&](Context& ctx) { retry_order(ctx, id).value(); });
  EXPECT_FALSE(is_told(id));
  probed(id, first_byte(9));
  EXPECT_TRUE(is_told(id));
}

TEST_F(ProbeUrl, IsSentAgainAfterARestart) {
  auto const id = add(wish());
  choose_send();
  traffic = budget::Traffic();
  choose_send();
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(header(left[0], "range"), "bytes=0-0");
  probed(id, first_byte(9));
  EXPECT_TRUE(is_told(id));
}

// What it was redirected to may have been signed for a moment: its 404 would say nothing of the URL.
TEST_F(ProbeUrl, BeginsAfterARestartAtTheUrlThatWasNamed) {
  auto const id = add(wish());
  choose_send();
  probed(id, status(302, {{"location", "https://cdn.example/a.mp4?Signature=x"}}));
  traffic = budget::Traffic();
  choose_send();
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(std::get<SecretUrl>(left[0].target).reveal_for_wire(), "https://media.example/a.mp4?token=1");
}

}  // namespace
}  // namespace sluice::stage

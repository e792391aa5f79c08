// The bandwidth cap's token bucket.
#include "core/budget/bandwidth.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace sluice::budget {
namespace {

using namespace std::chrono_literals;

constexpr BootTime kBegin{Millis(1'000'000)};
// Uploads that take all they may, in turn; returns what each has sent.
std::vector<std::uint64_t> sent_in(SendRate& rate, std::size_t uploads, Millis time, BootTime from = kBegin) {
  std::vector<std::uint64_t> sent(uploads);
  std::size_t turn = 0;
  for (auto now = from; now < from + time; now = std::max(rate.next(now), now + 1ms)) {
    for (auto served = rate.served(uploads, now); served > 0; --served)
      sent[turn++ % uploads] += rate.take(512 * 1024, served, now);
  }
  return sent;
}

TEST(SendRate, SendsWhatItsRateIsInEverySecond) {
  for (std::uint64_t const bytes_per_s : {16'384, 1'000'000, 50'000'000, 500'000'000}) {
    SendRate rate;
    rate.set(bytes_per_s, kBegin);
    std::uint64_t all = 0;
    for (auto const one : sent_in(rate, 8, 20s)) all += one;
    EXPECT_LE(all, bytes_per_s * 21);
    EXPECT_GE(all, bytes_per_s * 19) << bytes_per_s;
  }
}

TEST(SendRate, IsSharedEvenly) {
  SendRate rate;
  rate.set(1'000'000, kBegin);
  auto const sent = sent_in(rate, 7, 30s);
  auto const [least, most] = std::ranges::minmax(sent);
  EXPECT_LT(most - least, most / 5);
}

TEST(SendRate, GivesAsMuchAsIsWantedWithoutACap) {
  SendRate rate;
  EXPECT_EQ(rate.take(512 * 1024, 32, kBegin), 512u * 1024);
  EXPECT_EQ(rate.served(32, kBegin), 32u);
  EXPECT_EQ(rate.next(kBegin), kBegin);
}

TEST(SendRate, LetsNoBurstFollowAPause) {
  SendRate rate;
  rate.set(1'000'000, kBegin);
  std::uint64_t all = 0;
  for (std::size_t got = 1; got > 0; all += got) got = rate.take(512 * 1024, 1, kBegin + 1h);
  EXPECT_LE(all, 50'000u);
}

TEST(SendRate, GivesTheLastSmallPieceOfABody) {
  SendRate rate;
  rate.set(16'384, kBegin);
  EXPECT_EQ(rate.take(3, 32, kBegin + 1s), 3u);
}

TEST(SendRate, FollowsANewRateAtOnce) {
  SendRate rate;
  rate.set(1'000'000, kBegin);
  sent_in(rate, 1, 1s);
  rate.set(100'000, kBegin + 1s);
  auto const slow = sent_in(rate, 1, 10s, kBegin + 1s)[0];
  EXPECT_LT(slow, 1'100'000u);
  rate.set(std::nullopt, kBegin + 11s);
  EXPECT_EQ(rate.take(1'000'000, 1, kBegin + 11s), 1'000'000u);
}

TEST(SendRate, TakesBackWhatDidNotLeave) {
  SendRate rate;
  rate.set(1'000'000, kBegin);
  auto const now = kBegin + 1s;
  auto const got = rate.take(20'000, 1, now);
  rate.give_back(got);
  EXPECT_EQ(rate.take(20'000, 1, now), got);
}

}  // namespace
}  // namespace sluice::budget

// A line that is gone for a while.
#include <gtest/gtest.h>
#include <poll.h>

#include "tests/chaos/peer.h"

namespace sluice::chaos {
namespace {

using namespace std::chrono_literals;

constexpr Millis kLook{150};

bool stands_within(Fd const& fd, Millis span) {
  pollfd done{.fd = fd.get(), .events = POLLOUT, .revents = 0};
  return ::poll(&done, 1, static_cast<int>(span.count())) > 0 && (done.revents & POLLERR) == 0;
}

void begin(Road& road, Outage const& outage) {
  auto const before = road.counts().outages;
  road.set({.outage = outage});
  EXPECT_TRUE(until([&] { return road.counts().outages > before; }));
}

TEST(AnOutage, ThatRefusesResetsWhatStandsAndRefusesWhatComes) {
  Road road;
  Pair pair(road);
  pair.turn("question", "answer");
  begin(road, {.kind = Outage::Kind::kRefuse});
  pair.client.read_all();
  EXPECT_EQ(pair.client.how_it_ended(), End::kReset);
  EXPECT_THROW(Peer::to(road.port), std::runtime_error);
  road.set({});
  EXPECT_TRUE(until([&] { return stands_within(connect_to(road.port), kLook); })) << "it is open again, at its port";
}

TEST(AnOutage, OfSilenceAnswersNoSynAndLetsTheConnectionInLater) {
  Road road;
  begin(road, {.kind = Outage::Kind::kSilence});
  auto fd = connect_to(road.port);
  EXPECT_FALSE(stands_within(fd, kLook));
  road.set({});
  EXPECT_TRUE(stands_within(fd, 10'000ms)) << "the kernel asks again after a second";
  Peer client(std::move(fd));
  client.send("here");
  EXPECT_EQ(road.platform.accept().read(4), "here");
}

TEST(AnOutage, OfSilenceHoldsWhatStandsAndLosesNothing) {
  Road road;
  Pair pair(road);
  pair.turn("question", "answer");
  begin(road, {.kind = Outage::Kind::kSilence});
  pair.client.send("is anybody there?");
  EXPECT_TRUE(pair.platform.hears_nothing_for(kLook));
  road.set({});
  EXPECT_EQ(pair.platform.read(17), "is anybody there?");
  pair.platform.send("yes");
  EXPECT_EQ(pair.client.read(3), "yes");
}

TEST(AnOutage, ComesAndGoesByItself) {
  Road road;
  road.set({.outage = Outage{.kind = Outage::Kind::kRefuse, .lasts = 40ms, .every = 80ms}});
  EXPECT_TRUE(until([&] { return road.counts().outages >= 3; }));
  EXPECT_TRUE(until([&] {
    auto const fd = connect_to(road.port);
    return stands_within(fd, kLook);
  }));
}

TEST(AnOutage, OfAGivenLengthEnds) {
  Road road;
  begin(road, {.kind = Outage::Kind::kSilence, .lasts = 100ms});
  Pair(road).turn("question", "answer");
  EXPECT_EQ(road.counts().outages, 1u);
}

}  // namespace
}  // namespace sluice::chaos

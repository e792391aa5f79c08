// Each fault as a plain client and a plain server see it.
#include <gtest/gtest.h>

#include "tests/chaos/peer.h"

namespace sluice::chaos {
namespace {

using namespace std::chrono_literals;
using Kind = Fault::Kind;
using Steady = std::chrono::steady_clock;

constexpr Millis kLook{150};  // how long something that must not happen is looked for

TEST(Proxy, PassesBytesAndEndsOnBothWaysUnchanged) {
  Road road;
  Pair pair(road);
  auto const question = bytes(300'000);
  std::jthread const asks([&] {
    pair.client.send(question);
    pair.client.end();
  });
  EXPECT_EQ(pair.platform.read_all(), question);
  EXPECT_EQ(pair.platform.how_it_ended(), End::kFin);
  pair.platform.send("answer");
  pair.platform.end();
  EXPECT_EQ(pair.client.read_all(), "answer");
  EXPECT_EQ(pair.client.how_it_ended(), End::kFin);
  EXPECT_EQ(road.counts().bytes_there, question.size());
  EXPECT_EQ(road.counts().turns, 1u);
}

TEST(Proxy, CountsAQuestionAndItsAnswerAsOneTurn) {
  Road road;
  Pair one(road), two(road);
  for (int i = 0; i < 3; ++i) one.turn("question", "answer");
  two.turn("question", "answer");
  EXPECT_EQ(road.counts().turns, 4u);
  EXPECT_EQ(road.counts().connections, 2u);
}

TEST(Proxy, ResetsTheClientWhereItsLineLeadsNowhere) {
  Road road;
  auto const empty = Listener().port();
  road.proxy.lead("line", empty);
  auto client = Peer::to(road.port);
  client.read_all();
  EXPECT_EQ(client.how_it_ended(), End::kReset);
}

TEST(Delay, HoldsEveryByteBackOnItsWayAndKeepsTheOrder) {
  Road road;
  road.set({.there = {.delay = 60ms, .jitter = 50ms}, .back = {.delay = 40ms}});
  Pair pair(road);
  auto const begun = Steady::now();
  pair.turn("question", "answer");
  EXPECT_GE(Steady::now() - begun, 50ms);
  std::string sent;
  for (int i = 0; i < 50; ++i) {
    pair.client.send(std::to_string(i) + ' ');
    sent += std::to_string(i) + ' ';
  }
  EXPECT_EQ(pair.platform.read(sent.size()), sent);
}

TEST(Bandwidth, OfAConnectionIsNotExceeded) {
  Road road;
  road.set({.there = {.bytes_per_s = 1'000'000}});
  Pair pair(road);
  auto const begun = Steady::now();
  std::jthread const asks([&] { pair.client.send(bytes(300'000)); });
  EXPECT_EQ(pair.platform.read(300'000).size(), 300'000u);
  EXPECT_GE(Steady::now() - begun, 280ms);  // less the first piece, which goes at once
}

TEST(Bandwidth, OfTheWholeLineIsShared) {
  Road road;
  road.set({.there = {.all_bytes_per_s = 1'000'000}});
  Pair one(road), two(road);
  auto const begun = Steady::now();
  std::jthread const asks_one([&] { one.client.send(bytes(150'000)); });
  std::jthread const asks_two([&] { two.client.send(bytes(150'000)); });
  EXPECT_EQ(one.platform.read(150'000).size(), 150'000u);
  EXPECT_EQ(two.platform.read(150'000).size(), 150'000u);
  EXPECT_GE(Steady::now() - begun, 260ms);  // less the first piece of each
}

TEST(Bandwidth, LetsAClientFeelTheLineAndNotABuffer) {
  Road road;
  road.set({.there = {.bytes_per_s = 100'000}});
  Pair pair(road);
  std::jthread const asks([&] { pair.client.send(bytes(600'000)); });
  pair.platform.read(1);
  EXPECT_LT(road.counts().bytes_there, 50'000u);  // what it takes in within the delay and 100 ms, and a piece or two
  road.set({});
  EXPECT_EQ(pair.platform.read(599'999).size(), 599'999u);
}

TEST(Stall, MovesNothingUntilItIsOverAndLosesNothing) {
  Road road;
  road.fault({.kind = Kind::kStall, .after_bytes = 10'000, .lasts = 300ms, .nth = 1});
  Pair pair(road);
  auto const begun = Steady::now();
  pair.client.send(bytes(50'000));
  EXPECT_EQ(pair.platform.read(50'000), bytes(50'000));
  EXPECT_GE(Steady::now() - begun, 300ms);
  EXPECT_EQ(road.counts().stalls, 1u);
}

TEST(Stall, WithoutAnEndLastsUntilTheClientGivesUp) {
  Road road;
  road.fault({.kind = Kind::kStall, .after_bytes = 10'000});
  auto client = std::make_unique<Peer>(Peer::to(road.port));
  auto platform = road.platform.accept();
  client->send(bytes(50'000));
  EXPECT_EQ(platform.read(10'000), bytes(50'000).substr(0, 10'000));
  EXPECT_TRUE(platform.hears_nothing_for(kLook));
  client.reset();
  EXPECT_EQ(platform.read_all(), "");
  EXPECT_NE(platform.how_it_ended(), End::kNothingCame);
}

TEST(Reset, StrikesAfterExactlySoManyBytesOnBothSides) {
  Road road;
  road.fault({.kind = Kind::kReset, .after_bytes = 12'345, .nth = 1});
  Pair pair(road);
  pair.client.send(bytes(50'000));
  EXPECT_EQ(pair.platform.read_all(), bytes(50'000).substr(0, 12'345));
  EXPECT_EQ(pair.platform.how_it_ended(), End::kReset);
  pair.client.read_all();
  EXPECT_EQ(pair.client.how_it_ended(), End::kReset);
  Pair(road).turn("the next", "goes well");
}

TEST(Reset, OfAnAnswerLetsTheQuestionThrough) {
  Road road;
  road.fault({.kind = Kind::kReset, .way = Way::kBack, .nth = 2});
  Pair pair(road);
  pair.turn("first", "well");
  pair.client.send("second");
  EXPECT_EQ(pair.platform.read(6), "second");
  pair.platform.send("lost");
  EXPECT_EQ(pair.client.read_all(), "");
  EXPECT_EQ(pair.client.how_it_ended(), End::kReset);
}

TEST(Reset, OfAQuestionThatIsTooShortStrikesBeforeTheAnswer) {
  Road road;
  road.fault({.kind = Kind::kReset, .after_bytes = 1'000});
  Pair pair(road);
  pair.client.send("short");
  EXPECT_EQ(pair.platform.read(5), "short");
  pair.platform.send("lost");
  EXPECT_EQ(pair.client.read_all(), "");
  EXPECT_EQ(pair.client.how_it_ended(), End::kReset);
}

TEST(HalfClose, OfTheWayThereEndsTheQuestionAndLetsTheAnswerThrough) {
  Road road;
  road.fault({.kind = Kind::kHalfClose, .after_bytes = 5'000});
  Pair pair(road);
  pair.client.send(bytes(20'000));
  EXPECT_EQ(pair.platform.read_all(), bytes(20'000).substr(0, 5'000));
  EXPECT_EQ(pair.platform.how_it_ended(), End::kFin);
  pair.platform.send("what was that?");
  EXPECT_EQ(pair.client.read(14), "what was that?");
}

TEST(HalfClose, OfTheWayBackEndsTheAnswerAndLetsMoreThrough) {
  Road road;
  road.fault({.kind = Kind::kHalfClose, .way = Way::kBack, .after_bytes = 3, .times = 1});
  Pair pair(road);
  pair.client.send("question");
  EXPECT_EQ(pair.platform.read(8), "question");
  pair.platform.send("answer");
  EXPECT_EQ(pair.client.read_all(), "ans");
  EXPECT_EQ(pair.client.how_it_ended(), End::kFin);
  pair.client.send("more");
  EXPECT_EQ(pair.platform.read(4), "more");
}

TEST(Corruption, ChangesTheBitsOfOneByteAndNothingElse) {
  Road road;
  road.fault({.kind = Kind::kCorrupt, .after_bytes = 30'000, .flip = 0x81, .nth = 2});
  Pair pair(road);
  pair.turn(bytes(40'000), "first");
  pair.client.send(bytes(40'000));
  auto wanted = bytes(40'000);
  wanted[30'000] = static_cast<char>(wanted[30'000] ^ 0x81);
  EXPECT_EQ(pair.platform.read(40'000), wanted);
  pair.platform.send("second");
  EXPECT_EQ(pair.client.read(6), "second");
}

TEST(Corruption, OfAnAnswerLeavesTheQuestionAlone) {
  Road road;
  road.fault({.kind = Kind::kCorrupt, .way = Way::kBack, .after_bytes = 2, .flip = 0x20, .times = 1});
  Pair pair(road);
  pair.client.send("question");
  EXPECT_EQ(pair.platform.read(8), "question");
  pair.platform.send("answer");
  EXPECT_EQ(pair.client.read(6), "anSwer");
}

TEST(BlackHole, TakesEverythingAndAnswersNothing) {
  Road road;
  road.fault({.kind = Kind::kBlackHole, .of_connection = true, .times = 1});
  auto client = Peer::to(road.port);
  auto platform = road.platform.accept();
  client.send(bytes(3'000'000));  // more than all buffers hold
  EXPECT_TRUE(until([&] { return road.counts().bytes_there == 3'000'000; }));
  EXPECT_TRUE(client.hears_nothing_for(kLook));
  EXPECT_TRUE(platform.hears_nothing_for(kLook));
  Pair(road).turn("the next", "goes well");
}

TEST(Cut, ResetsWhatStandsAndLetsNewOnesIn) {
  Road road;
  Pair pair(road);
  pair.turn("question", "answer");
  road.proxy.cut("line");
  EXPECT_EQ(pair.client.read_all(), "");
  EXPECT_EQ(pair.client.how_it_ended(), End::kReset);
  Pair(road).turn("question", "answer");
}

}  // namespace
}  // namespace sluice::chaos

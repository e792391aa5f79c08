// How fast the wire sends, and how it sees that nobody takes the bytes.
#include <gmock/gmock.h>

#include <future>

#include "daemon/wire_rules.h"
#include "tests/unit/daemon/wire_fixture.h"

namespace sluice::daemon {
namespace {

constexpr std::size_t kMore = 24'000'000;  // than the sockets' buffers on both sides hold

// Pumps until `is_enough`, or far longer than that can take; returns whether it came.
template <class Enough>
bool pump_until(WireCurl& wire, Enough is_enough) {
  for (int turns = 0; turns < 3'000; ++turns) {
    wire.pump();
    if (is_enough()) return true;
    wire.wait({}, Millis(10));
  }
  return false;
}

TEST(WirePace, SeesThatThePeerTakesNothingMore) {
  std::promise<void> seen;
  LoopbackServer server([&](LoopbackServer::Connection&) { seen.get_future().wait(); });
  auto wire = make_wire(server.url());
  wire.send(put_call(1, server.url() + "/c", kMore));
  EXPECT_TRUE(pump_until(wire, [&] { return wire.quiet(1).value_or(ports::Quiet{}).lasts >= Millis(300); }));
  EXPECT_GE(wire.quiet(1)->timeout, Millis(200)) << "of a line as short as this one";
  EXPECT_LT(wire.quiet(1)->timeout, Millis(2'000));
  EXPECT_LT(wire.progress_bytes(1), kMore);
  wire.cancel(1);
  seen.set_value();
  EXPECT_FALSE(wire.quiet(1)) << "there is no such call";
}

TEST(WirePace, CallsNobodyQuietWhoHasTakenAll) {
  LoopbackServer server([](LoopbackServer::Connection& connection) {
    connection.read_request();
    connection.wait_until_client_leaves();
  });
  auto wire = make_wire(server.url());
  wire.send(put_call(1, server.url() + "/c", 100'000));
  EXPECT_TRUE(pump_until(wire, [&] { return wire.progress_bytes(1) == 100'000 && !wire.quiet(1); }));
  wire.send(api_call(2, ports::Method::kGet, "/x"));
  EXPECT_FALSE(wire.quiet(2)) << "it has no body";
  wire.cancel(1);
}

TEST(WirePace, TakesNoUploadForStalledThatIsAsSlowAsTheOthers) {
  constexpr std::uint64_t kLeast = 64'000;
  auto const beside = [](std::uint64_t others) { return LineSpeed{.others = others, .lately = 100'000'000}; };
  EXPECT_FALSE(is_too_slow(64'000, kLeast, beside(10'000'000)));
  EXPECT_FALSE(is_too_slow(8'000, kLeast, beside(8'000))) << "thirty-two share a narrow line";
  EXPECT_FALSE(is_too_slow(2'000, kLeast, beside(8'000)));
  EXPECT_TRUE(is_too_slow(1'999, kLeast, beside(8'000))) << "it is slow by itself";
  EXPECT_TRUE(is_too_slow(3'000, kLeast, beside(10'000'000)));
  EXPECT_TRUE(is_too_slow(0, kLeast, beside(0))) << "nothing moves at all";
  EXPECT_FALSE(is_too_slow(1, kLeast, beside(0))) << "the only one that moves";
}

TEST(WirePace, TakesALoneUploadForStalledThatIsMuchSlowerThanItsLineLately) {
  constexpr std::uint64_t kLeast = 64'000;
  auto const alone = [](std::uint64_t lately) { return LineSpeed{.others = {}, .lately = lately}; };
  EXPECT_FALSE(is_too_slow(64'000, kLeast, alone(100'000'000)));
  EXPECT_TRUE(is_too_slow(63'999, kLeast, alone(100'000'000)));
  EXPECT_FALSE(is_too_slow(60'000, kLeast, alone(62'000))) << "the last chunk on a line of half a megabit";
  EXPECT_TRUE(is_too_slow(15'000, kLeast, alone(62'000)));
  EXPECT_FALSE(is_too_slow(4'000, kLeast, alone(4'000)));
  EXPECT_TRUE(is_too_slow(3'999, kLeast, alone(3'999))) << "less than a sixteenth of what is asked is no line";
  EXPECT_TRUE(is_too_slow(0, kLeast, alone(0)));
}

TEST(WirePace, SendsUnderACapWhatTheBucketHoldsAndArrivesWhole) {
  LoopbackServer server(answering());
  auto const begun = std::chrono::steady_clock::now();
  {
    auto wire = make_wire(server.url());
    wire.set_send_rate(2'000'000);
    EXPECT_EQ(wire.send_rate(), 2'000'000u);
    wire.send(put_call(1, server.url() + "/c", 600'000));
    EXPECT_TRUE(pump_until(wire, [&] { return wire.outcomes() == 1; }));
    EXPECT_TRUE(wire.collect().at(0).answer);
  }
  // Never sooner, however fast the machine: 600 kB less what the bucket held at once.
  EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(240));
  auto const seen = server.stop();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].body, PatternBody(600'000).text());
}

TEST(WirePace, GoesOnAtOnceWhenTheCapIsLifted) {
  LoopbackServer server(answering());
  auto wire = make_wire(server.url());
  wire.set_send_rate(16'384);
  wire.send(put_call(1, server.url() + "/c", 20'000'000));  // twenty minutes
  ASSERT_TRUE(pump_until(wire, [&] { return wire.progress_bytes(1) > 0; }));
  wire.set_send_rate({});
  EXPECT_TRUE(pump_until(wire, [&] { return wire.outcomes() == 1; }));
  EXPECT_TRUE(wire.collect().at(0).answer);
}

TEST(WirePace, TakesNoUploadForStalledThatWaitsForItsCap) {
  LoopbackServer server(answering());
  auto wire = make_wire(server.url());
  wire.set_send_rate(50'000);
  auto call = put_call(1, server.url() + "/c", 60'000);
  call.stall_limit = Millis(400);  // it may not be slower than a megabyte a second for so long, but for the cap
  call.stall_below_bytes_per_s = 1'000'000;
  wire.send(std::move(call));
  EXPECT_TRUE(pump_until(wire, [&] { return wire.outcomes() == 1; }));
  auto const outcome = wire.collect().at(0);
  EXPECT_TRUE(outcome.answer) << outcome.answer.error().text;
}

}  // namespace
}  // namespace sluice::daemon

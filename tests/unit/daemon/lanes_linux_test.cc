// Threads for file work: order within a lane, independence between lanes, an end that waits for nobody for long.
#include "daemon/lanes_linux.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <mutex>

namespace sluice::daemon {
namespace {

// The next tickets; waits for them.
std::vector<std::uint64_t> collected(LanesLinux& lanes, std::size_t count) {
  std::vector<std::uint64_t> all;
  while (all.size() < count) {
    pollfd waits{.fd = lanes.fd(), .events = POLLIN, .revents = 0};
    if (::poll(&waits, 1, 10'000) != 1) break;
    std::ranges::copy(lanes.collect(), std::back_inserter(all));
  }
  return all;
}

bool is_readable(int fd) {
  pollfd waits{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&waits, 1, 0) == 1;
}

TEST(LanesLinux, DoTheWorkOfALaneInOrderAndNameItOnce) {
  LanesLinux lanes(nullptr);
  std::vector<std::uint64_t> order;
  for (std::uint64_t ticket = 1; ticket <= 200; ++ticket)
    EXPECT_FALSE(lanes.start("a", ticket, [&order, ticket] { order.push_back(ticket); }));
  auto const tickets = collected(lanes, 200);
  EXPECT_EQ(tickets, order);
  EXPECT_EQ(tickets.size(), 200u);
  EXPECT_TRUE(std::ranges::is_sorted(order));
  EXPECT_FALSE(is_readable(lanes.fd()));
  EXPECT_TRUE(lanes.collect().empty());
}

TEST(LanesLinux, ALaneThatHangsHoldsUpNoOther) {
  std::promise<void> let_go;
  LanesLinux lanes(nullptr);
  lanes.start("dead", 1, [waits = let_go.get_future().share()] { waits.wait(); });
  lanes.start("dead", 2, [] {});
  for (std::uint64_t ticket = 3; ticket <= 50; ++ticket) lanes.start(ticket % 2 == 0 ? "a" : "b", ticket, [] {});
  auto tickets = collected(lanes, 48);
  EXPECT_EQ(std::ranges::min(tickets), 3u);
  let_go.set_value();
  EXPECT_EQ(collected(lanes, 2), (std::vector<std::uint64_t>{1, 2}));
}

TEST(LanesLinux, ServeMoreLanesThanThereAreThreads) {
  LanesLinux lanes(nullptr, 2);
  std::atomic<int> done = 0;
  for (std::uint64_t ticket = 0; ticket < 1'000; ++ticket)
    lanes.start(std::to_string(ticket % 50), ticket, [&done] { ++done; });
  EXPECT_EQ(collected(lanes, 1'000).size(), 1'000u);
  EXPECT_EQ(done, 1'000);
}

TEST(LanesLinux, LookAtAFolderThoughManyLargeFilesAreCopied) {
  std::promise<void> let_go;
  auto const end = let_go.get_future().share();
  LanesLinux lanes(nullptr, 4);
  for (std::uint64_t ticket = 1; ticket <= 8; ++ticket)
    lanes.start("digest /srv/" + std::to_string(ticket), ticket, [end] { end.wait(); });
  lanes.start("/srv/drop", 100, [] {});
  EXPECT_EQ(collected(lanes, 1), (std::vector<std::uint64_t>{100}));
  let_go.set_value();
  EXPECT_EQ(collected(lanes, 8).size(), 8u);
}

TEST(LanesLinux, LetABusyLaneNotStarveTheOthers) {
  LanesLinux lanes(nullptr, 1);
  std::promise<void> begin;
  lanes.start("busy", 0, [waits = begin.get_future().share()] { waits.wait(); });
  for (std::uint64_t ticket = 1; ticket <= 500; ++ticket) lanes.start("busy", ticket, [] {});
  lanes.start("other", 1'000, [] {});
  begin.set_value();
  auto const tickets = collected(lanes, 502);
  auto const turn = std::ranges::find(tickets, 1'000u) - tickets.begin();
  EXPECT_EQ(turn, static_cast<std::ptrdiff_t>(LanesLinux::kPiecesInARow));
}

TEST(LanesLinux, EndThoughOneHangsAndKeepWhatItUses) {
  auto kept = std::make_shared<int>(1);
  std::weak_ptr<int> const watched = kept;
  std::promise<void> let_go;
  std::promise<void> begun;
  auto ended = std::make_shared<std::promise<void>>();
  auto const has_ended = ended->get_future();
  {
    LanesLinux lanes(std::move(kept));
    lanes.start("dead", 1, [&begun, ended, waits = let_go.get_future().share()] {
      begun.set_value();
      waits.wait();
      ended->set_value();
    });
    lanes.start("dead", 2, [] { FAIL() << "it had not begun"; });
    begun.get_future().wait();
  }
  EXPECT_FALSE(watched.expired()) << "its thread may go on yet";
  let_go.set_value();
  has_ended.wait();
}

}  // namespace
}  // namespace sluice::daemon

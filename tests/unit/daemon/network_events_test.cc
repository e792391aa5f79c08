// What the kernel tells of this host's network, in a network namespace of the test's own.
#include "daemon/network_events.h"

#include <gtest/gtest.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>
#include <thread>

namespace sluice::daemon {
namespace {

void set_loopback(bool up) {
  UniqueFd const any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq asked{};
  std::strncpy(asked.ifr_name, "lo", sizeof asked.ifr_name - 1);
  ASSERT_EQ(::ioctl(any.get(), SIOCGIFFLAGS, &asked), 0);
  asked.ifr_flags = static_cast<short>(up ? asked.ifr_flags | IFF_UP : asked.ifr_flags & ~IFF_UP);
  ASSERT_EQ(::ioctl(any.get(), SIOCSIFFLAGS, &asked), 0);
}

TEST(NetworkEvents, TellOfALinkThatComesUpAndOfNothingElse) {
  bool allowed = true;
  std::thread([&] {  // a namespace of this thread alone
    if (::unshare(CLONE_NEWNET) != 0) {
      allowed = false;
      return;
    }
    NetworkEvents events;
    ASSERT_GE(events.fd(), 0);
    EXPECT_FALSE(events.collect());
    set_loopback(true);
    pollfd ready{.fd = events.fd(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&ready, 1, 10'000), 1);
    EXPECT_TRUE(events.collect());
    EXPECT_FALSE(events.collect());
  })
      .join();
  if (!allowed) GTEST_SKIP() << "no network namespace of one's own without privileges";
}

}  // namespace
}  // namespace sluice::daemon

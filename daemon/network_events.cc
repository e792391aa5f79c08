#include "daemon/network_events.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>

namespace sluice::daemon {
namespace {

bool is_news(int type) { return type == RTM_NEWLINK || type == RTM_NEWADDR || type == RTM_NEWROUTE; }

// `bytes` is one datagram of netlink messages, each aligned to 4 bytes (netlink(7)).
bool has_news(std::byte const* bytes, std::size_t size) {
  while (size >= sizeof(nlmsghdr)) {
    auto const& head = *reinterpret_cast<nlmsghdr const*>(bytes);
    auto const step = std::size_t{NLMSG_ALIGN(head.nlmsg_len)};
    if (is_news(head.nlmsg_type)) return true;
    if (head.nlmsg_len < sizeof(nlmsghdr) || step >= size) return false;
    bytes += step;
    size -= step;
  }
  return false;
}

}  // namespace

NetworkEvents::NetworkEvents() : fd_(::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE)) {
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
  if (fd_.get() >= 0 && ::bind(fd_.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0) fd_ = {};
}

bool NetworkEvents::collect() {
  bool news = false;
  if (fd_.get() < 0) return news;
  alignas(nlmsghdr) std::array<std::byte, 16 * 1024> buffer;
  while (true) {
    auto const size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (size > 0) {
      news = has_news(buffer.data(), static_cast<std::size_t>(size)) || news;
    } else if (size < 0 && errno == ENOBUFS) {
      news = true;
    } else if (size >= 0 || errno != EINTR) {
      return news;
    }
  }
}

}  // namespace sluice::daemon

#include "tests/chaos/sockets.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace sluice::chaos {

namespace {

constexpr int kSegmentBytes = 1460;  // of an Ethernet frame
constexpr int kReceiveBytes = 64 << 10;
constexpr int kPortTries = 50;  // somebody may take the port between the two binds

[[noreturn]] void refuse(char const* what) {
  throw std::runtime_error(std::string("chaos: ") + what + ": " + std::strerror(errno));
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

Fd new_socket() {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) refuse("socket");
  return fd;
}

void set(Fd const& fd, int level, int option, int value) {
  if (::setsockopt(fd.get(), level, option, &value, sizeof value) != 0) refuse("setsockopt");
}

bool bind_to(Fd const& fd, std::uint16_t port) {
  auto const address = loopback(port);
  return ::bind(fd.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0;
}

std::uint16_t free_port() {
  auto const fd = new_socket();
  if (!bind_to(fd, 0)) refuse("bind");
  return port_of(fd);
}

}  // namespace

void Fd::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

// The port is named in the bind, since the kernel takes one that it chose itself back when listening stops.
Fd bound_socket(std::uint16_t port) {
  for (int i = 0; i < kPortTries; ++i) {
    auto fd = new_socket();
    set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    set(fd, SOL_SOCKET, SO_RCVBUF, kReceiveBytes);
    set(fd, IPPROTO_TCP, TCP_MAXSEG, kSegmentBytes);
    if (bind_to(fd, port == 0 ? free_port() : port)) return fd;
    if (errno != EADDRINUSE || port != 0) refuse("bind");
  }
  refuse("bind");
}

std::uint16_t port_of(Fd const& fd) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) refuse("getsockname");
  return ntohs(address.sin_port);
}

std::uint16_t peer_port_of(Fd const& fd) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  if (::getpeername(fd.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) return 0;
  return ntohs(address.sin_port);
}

void start_listening(Fd const& fd, int backlog) {
  if (::listen(fd.get(), backlog) != 0) refuse("listen");
}

void stop_listening(Fd const& fd) { ::shutdown(fd.get(), SHUT_RD); }

Fd accept_one(Fd const& listener) {
  Fd fd(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (fd) set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  return fd;
}

Fd connect_to(std::uint16_t port) {
  auto fd = new_socket();
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  auto const address = loopback(port);
  static_cast<void>(::connect(fd.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address));
  return fd;
}

void close_with_reset(Fd& fd) {
  linger const at_once{.l_onoff = 1, .l_linger = 0};
  if (fd) ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  fd.close();
}

void end_writing(Fd const& fd) { ::shutdown(fd.get(), SHUT_WR); }

bool all_is_acknowledged(Fd const& fd) {
  int waiting = 0;
  return ::ioctl(fd.get(), SIOCOUTQ, &waiting) != 0 || waiting == 0;
}

bool has_hung_up(Fd const& fd) {
  pollfd asked{.fd = fd.get(), .events = POLLRDHUP, .revents = 0};
  return ::poll(&asked, 1, 0) > 0;
}

Moved receive(Fd const& fd, char* into, std::size_t size) {
  auto const got = ::recv(fd.get(), into, size, 0);
  if (got > 0) return {Moved::State::kMoved, static_cast<std::size_t>(got)};
  if (got == 0) return {Moved::State::kEnded};
  return {errno == EAGAIN || errno == EINTR ? Moved::State::kWaits : Moved::State::kLost};
}

Moved transmit(Fd const& fd, std::string_view bytes) {
  auto const sent = ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent >= 0) return {Moved::State::kMoved, static_cast<std::size_t>(sent)};
  return {errno == EAGAIN || errno == EINTR ? Moved::State::kWaits : Moved::State::kLost};
}

}  // namespace sluice::chaos

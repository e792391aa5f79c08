#include "tests/network/acceptor.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace sluice::network {
namespace {

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&bytes); }
};

Address address_of(std::string const& text, std::uint16_t port) {
  Address made;
  auto& v4 = reinterpret_cast<sockaddr_in&>(made.bytes);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(made.bytes);
  if (::inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    made.size = sizeof v4;
  } else if (::inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    made.size = sizeof v6;
  } else {
    throw std::runtime_error("no address: " + text);
  }
  return made;
}

int listen_on(std::string const& text, std::uint16_t port, int backlog, std::uint16_t& got_port) {
  auto address = address_of(text, port);
  int const fd = ::socket(address.bytes.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int const on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd, address.get(), address.size) != 0 || ::listen(fd, backlog) != 0) {
    auto const why = std::string(std::strerror(errno));
    ::close(fd);
    throw std::runtime_error("cannot listen on " + text + ": " + why);
  }
  ::getsockname(fd, address.get(), &address.size);
  got_port = ntohs(reinterpret_cast<sockaddr_in&>(address.bytes).sin_port);  // at the same place in both families
  return fd;
}

}  // namespace

Acceptor::Acceptor(std::function<void(int)> serve, std::string const& address, std::uint16_t port)
    : serve_(std::move(serve)), listener_(listen_on(address, port, 64, port_)), thread_([this] { accept_all(); }) {}

void Acceptor::accept_all() {
  while (true) {
    int const fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    std::lock_guard const lock(mutex_);
    if (stopping_) {
      ::close(fd);
      return;
    }
    open_.insert(fd);
    ++accepted_;
    workers_.emplace_back([this, fd] { serve_one(fd); });
  }
}

void Acceptor::serve_one(int fd) {
  serve_(fd);
  std::lock_guard const lock(mutex_);
  open_.erase(fd);
  ::close(fd);
}

int Acceptor::accepted() const {
  std::lock_guard const lock(mutex_);
  return accepted_;
}

void Acceptor::drop_all() {
  std::lock_guard const lock(mutex_);
  for (int const fd : open_) ::shutdown(fd, SHUT_RDWR);
}

void Acceptor::stop() {
  if (listener_ < 0) return;
  {
    std::lock_guard const lock(mutex_);
    stopping_ = true;
    for (int const fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  for (auto& worker : workers_) worker.join();
  ::close(listener_);
  listener_ = -1;
}

BlackHole::BlackHole(std::string const& address, std::uint16_t port) : listener_(listen_on(address, port, 0, port_)) {
  // A queue of 0 takes one, and then drops; the second filler finds that out. Four are enough on any kernel.
  auto place = address_of(address, port_);
  for (int i = 0; i < 4; ++i) {
    int const fd = ::socket(place.bytes.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ::connect(fd, place.get(), place.size);
    fillers_.push_back(fd);
  }
  pollfd first{.fd = fillers_.front(), .events = POLLOUT, .revents = 0};
  ::poll(&first, 1, 10'000);  // until the queue holds it
}

BlackHole::~BlackHole() {
  for (int const fd : fillers_) ::close(fd);
  ::close(listener_);
}

std::uint16_t unused_port() {
  std::uint16_t port = 0;
  ::close(listen_on("127.0.0.1", 0, 1, port));
  return port;
}

int connect_to(std::uint16_t port) {
  auto place = address_of("127.0.0.1", port);
  int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(fd, place.get(), place.size) == 0) return fd;
  ::close(fd);
  return -1;
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    auto const sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string receive(int fd) {
  std::array<char, 65536> buffer{};
  auto const got = ::recv(fd, buffer.data(), buffer.size(), 0);
  return got <= 0 ? std::string() : std::string(buffer.data(), static_cast<std::size_t>(got));
}

void reset_at_close(int fd) {
  linger const at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace sluice::network

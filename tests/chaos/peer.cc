#include "tests/chaos/peer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace sluice::chaos {

namespace {

constexpr Millis kPatience{10'000};

}  // namespace

Peer::Peer(Fd fd) : fd_(std::move(fd)) {
  if (!fd_) throw std::runtime_error("no connection came");
  ::fcntl(fd_.get(), F_SETFL, ::fcntl(fd_.get(), F_GETFL) & ~O_NONBLOCK);
  timeval const patience{.tv_sec = 10, .tv_usec = 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

Peer Peer::to(std::uint16_t port) {
  auto fd = connect_to(port);
  pollfd done{.fd = fd.get(), .events = POLLOUT, .revents = 0};
  if (::poll(&done, 1, static_cast<int>(kPatience.count())) <= 0) throw std::runtime_error("nobody answers the SYN");
  int error = 0;
  socklen_t length = sizeof error;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0 && error != ECONNRESET) throw std::runtime_error(std::strerror(error));
  Peer peer(std::move(fd));
  peer.was_reset_ = error == ECONNRESET;
  return peer;
}

void Peer::send(std::string const& bytes) {
  for (std::size_t sent = 0; sent < bytes.size();) {
    auto const count = ::send(fd_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count < 0) return;  // the other side has gone; the next read says how
    sent += static_cast<std::size_t>(count);
  }
}

void Peer::end() { end_writing(fd_); }

std::string Peer::read(std::size_t count) {
  std::string all;
  std::array<char, 65536> buffer{};
  while (all.size() < count) {
    auto const got = ::recv(fd_.get(), buffer.data(), std::min(buffer.size(), count - all.size()), 0);
    if (got > 0) {
      all.append(buffer.data(), static_cast<std::size_t>(got));
      continue;
    }
    end_ = was_reset_ ? End::kReset : got == 0 ? End::kFin : errno == EAGAIN ? End::kNothingCame : End::kReset;
    break;
  }
  return all;
}

bool Peer::hears_nothing_for(Millis span) const {
  pollfd asked{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  return ::poll(&asked, 1, static_cast<int>(span.count())) == 0;
}

Listener::Listener() : fd_(bound_socket(0)) { start_listening(fd_, 16); }

Peer Listener::accept() const {
  pollfd asked{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  ::poll(&asked, 1, static_cast<int>(kPatience.count()));
  return Peer(accept_one(fd_));
}

void Pair::turn(std::string const& question, std::string const& answer) {
  client.send(question);
  EXPECT_EQ(platform.read(question.size()), question);
  platform.send(answer);
  EXPECT_EQ(client.read(answer.size()), answer);
}

bool until(std::function<bool()> const& condition) {
  auto const deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::poll(nullptr, 0, 5);
  }
  return true;
}

std::string bytes(std::size_t count) {
  std::string made(count, '\0');
  for (std::size_t i = 0; i < count; ++i) made[i] = static_cast<char>((i * 131 + i / 251) & 0xFF);
  return made;
}

}  // namespace sluice::chaos

#include "tests/network/relay.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace sluice::network {

Relay::Relay(Greeting greeting) : greeting_(std::move(greeting)), acceptor_([this](int fd) { serve(fd); }) {}

void Relay::lead_to(std::uint16_t port) {
  std::lock_guard const lock(mutex_);
  target_ = port;
}

void Relay::use(std::shared_ptr<TlsEnd const> end) {
  std::lock_guard const lock(mutex_);
  end_ = std::move(end);
}

std::string Relay::from_client() const {
  std::lock_guard const lock(mutex_);
  return from_client_;
}

std::string Relay::from_server() const {
  std::lock_guard const lock(mutex_);
  return from_server_;
}

void Relay::keep(std::string& where, std::string const& bytes) {
  std::lock_guard const lock(mutex_);
  where += bytes;
}

void Relay::serve(int fd) {
  std::shared_ptr<TlsEnd const> end;
  std::uint16_t target = 0;
  {
    std::lock_guard const lock(mutex_);
    end = end_;
    target = target_;
  }
  Stream client = end ? Stream(fd, *end) : Stream(fd);
  if (!client.is_open()) return;
  if (greeting_) target = greeting_(client);
  int const there = target == 0 ? -1 : connect_to(target);
  if (there < 0) return;
  Stream server(there);
  pass(client, server);
  ::close(there);
}

void Relay::pass(Stream& client, Stream& server) {
  std::array<pollfd, 2> both{
      {{.fd = client.fd(), .events = POLLIN, .revents = 0}, {.fd = server.fd(), .events = POLLIN, .revents = 0}}};
  while (true) {
    if (!client.has_more() && ::poll(both.data(), both.size(), -1) < 0) return;
    if (client.has_more() || both[0].revents != 0) {
      auto const bytes = client.read();
      if (bytes.empty()) return;
      keep(from_client_, bytes);
      if (!server.write(bytes)) return;
    }
    if (both[1].revents != 0) {
      auto const bytes = server.read();
      if (bytes.empty()) return client.say_goodbye();
      keep(from_server_, bytes);
      if (!client.write(bytes)) return;
    }
    both[0].revents = both[1].revents = 0;
  }
}

std::size_t count_of(std::string_view text, std::string_view needle) {
  std::size_t count = 0;
  for (auto at = text.find(needle); at != std::string_view::npos; at = text.find(needle, at + needle.size())) ++count;
  return count;
}

}  // namespace sluice::network

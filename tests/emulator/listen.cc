#include "listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <stdexcept>

namespace sluice::emulator {

namespace {

constexpr int kBacklog = 512;

[[noreturn]] void refuse(std::string const& address, std::string const& why) {
  throw std::runtime_error("cannot listen on '" + address + "': " + why);
}

struct Endpoint {
  sockaddr_storage address{};
  socklen_t length = 0;
};

std::optional<std::uint16_t> parse_port(std::string const& text) {
  std::uint16_t port = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

Endpoint parse_endpoint(std::string const& address) {
  auto const colon = address.rfind(':');
  if (colon == std::string::npos) refuse(address, "expected HOST:PORT");
  auto host = address.substr(0, colon);
  auto const port = parse_port(address.substr(colon + 1));
  if (!port) refuse(address, "the port is not a number from 0 to 65535");
  if (host == "localhost") host = "127.0.0.1";

  Endpoint endpoint;
  if (host.starts_with('[') && host.ends_with(']')) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(*port);
    if (inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &v6.sin6_addr) != 1)
      refuse(address, "not an address");
    if (!IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr)) refuse(address, "only loopback addresses are allowed");
    std::memcpy(&endpoint.address, &v6, sizeof v6);
    endpoint.length = sizeof v6;
    return endpoint;
  }
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(*port);
  if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) != 1) refuse(address, "not an IP address");
  if ((ntohl(v4.sin_addr.s_addr) >> 24U) != 127U) refuse(address, "only loopback addresses are allowed");
  std::memcpy(&endpoint.address, &v4, sizeof v4);
  endpoint.length = sizeof v4;
  return endpoint;
}

std::string authority_of(int fd, std::string const& address) {
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &length) != 0) refuse(address, std::strerror(errno));
  std::array<char, INET6_ADDRSTRLEN> host{};
  if (bound.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &bound, sizeof v6);
    inet_ntop(AF_INET6, &v6.sin6_addr, host.data(), host.size());
    return '[' + std::string(host.data()) + "]:" + std::to_string(ntohs(v6.sin6_port));
  }
  sockaddr_in v4{};
  std::memcpy(&v4, &bound, sizeof v4);
  inet_ntop(AF_INET, &v4.sin_addr, host.data(), host.size());
  return std::string(host.data()) + ':' + std::to_string(ntohs(v4.sin_port));
}

}  // namespace

Listener::Listener(std::string const& address) {
  auto const endpoint = parse_endpoint(address);
  fd_ = socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) refuse(address, std::strerror(errno));
  try {
    int const on = 1;
    setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd_, reinterpret_cast<sockaddr const*>(&endpoint.address), endpoint.length) != 0) {
      refuse(address, std::strerror(errno));
    }
    if (listen(fd_, kBacklog) != 0) refuse(address, std::strerror(errno));
    authority_ = authority_of(fd_, address);
  } catch (...) {
    close(fd_);
    throw;
  }
}

Listener::~Listener() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace sluice::emulator

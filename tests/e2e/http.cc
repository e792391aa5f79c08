#include "http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace sluice::e2e {

namespace {

constexpr time_t kPatienceS = 30;

[[noreturn]] void failed(std::string const& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

struct Connection {
  explicit Connection(Place const& place) {
    bool const local = !place.unix_socket.empty();
    fd = ::socket(local ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) failed("socket");
    timeval const patience{.tv_sec = kPatienceS, .tv_usec = 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if ((local ? connect_local(place) : connect_port(place)) == 0) return;
    ::close(fd);
    failed("connect to " + (local ? place.unix_socket : std::to_string(place.port)));
  }
  ~Connection() { ::close(fd); }
  Connection(Connection const&) = delete;
  Connection& operator=(Connection const&) = delete;

  int connect_local(Place const& place) const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (place.unix_socket.size() >= sizeof address.sun_path) throw std::runtime_error("the socket's path is too long");
    std::memcpy(address.sun_path, place.unix_socket.data(), place.unix_socket.size());
    return ::connect(fd, reinterpret_cast<sockaddr const*>(&address), sizeof address);
  }

  int connect_port(Place const& place) const {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(place.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(fd, reinterpret_cast<sockaddr const*>(&address), sizeof address);
  }

  int fd = -1;
};

// The answers of both sides are whole when the connection ends; neither sends chunked bodies.
std::string send_and_read(Connection const& connection, std::string const& request) {
  for (std::size_t sent = 0; sent < request.size();) {
    auto const got = ::send(connection.fd, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    if (got < 0) failed("send");
    sent += static_cast<std::size_t>(got);
  }
  std::string all;
  std::array<char, 65536> buffer{};
  while (true) {
    auto const got = ::recv(connection.fd, buffer.data(), buffer.size(), 0);
    if (got < 0) failed("receive");
    if (got == 0) return all;
    all.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace

Answer ask(Place const& place, std::string const& method, std::string const& target, std::string const& body,
           std::string const& headers) {
  Connection const connection(place);
  auto request = method + " " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + headers;
  if (!body.empty()) request += "Content-Type: application/json\r\n";
  if (method != "GET") request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  auto const all = send_and_read(connection, request + "\r\n" + body);
  auto const head = all.find("\r\n\r\n");
  if (!all.starts_with("HTTP/1.") || head == std::string::npos)
    throw std::runtime_error("no HTTP answer from " + target);
  return {.status = std::stoi(all.substr(9, 3)), .body = all.substr(head + 4)};
}

std::uint16_t port_of(std::string const& url) {
  auto const colon = url.find(':', url.find("//"));
  return static_cast<std::uint16_t>(std::stoi(url.substr(colon + 1)));
}

}  // namespace sluice::e2e

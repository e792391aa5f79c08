#include "tests/network/proxy.h"

#include <openssl/evp.h>

#include <utility>

namespace sluice::network {
namespace {

using namespace std::string_literals;

std::string base64(std::string const& text) {
  std::string made(4 * ((text.size() + 2) / 3) + 1, '\0');
  auto const size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(made.data()),
                                    reinterpret_cast<unsigned char const*>(text.data()), static_cast<int>(text.size()));
  made.resize(static_cast<std::size_t>(size));
  return made;
}

std::size_t number_at(std::string const& bytes, std::size_t at) { return static_cast<unsigned char>(bytes.at(at)); }

}  // namespace

Proxy::Proxy(Kind kind) : kind_(kind), relay_([this](Stream& client) { return greet(client); }) {}

void Proxy::lead(std::string const& host_and_port, std::uint16_t to) {
  std::lock_guard const lock(mutex_);
  ways_[host_and_port] = to;
}

std::string Proxy::url() const {
  auto const scheme = kind_ == Kind::kConnect ? "http://"s : "socks5h://"s;
  return scheme + kUser + ":" + kPassword + "@" + relay_.authority();
}

std::string Proxy::greetings() const {
  std::lock_guard const lock(mutex_);
  return greetings_;
}

int Proxy::admitted() const {
  std::lock_guard const lock(mutex_);
  return admitted_;
}

std::string Proxy::hear(std::string bytes) {
  std::lock_guard const lock(mutex_);
  greetings_ += bytes;
  return bytes;
}

std::uint16_t Proxy::way_to(std::string const& host_and_port) {
  std::lock_guard const lock(mutex_);
  auto const found = ways_.find(host_and_port);
  if (found == ways_.end()) return 0;
  ++admitted_;
  return found->second;
}

std::uint16_t Proxy::greet(Stream& client) {
  return kind_ == Kind::kConnect ? greet_connect(client) : greet_socks(client);
}

std::uint16_t Proxy::greet_connect(Stream& client) {
  auto const head = hear(client.read_until("\r\n\r\n"));
  auto const wanted = "Proxy-Authorization: Basic " + base64(std::string(kUser) + ":" + kPassword) + "\r\n";
  if (!head.starts_with("CONNECT ") || head.find(wanted) == std::string::npos) {
    client.write("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
    return 0;
  }
  auto const begin = head.find(' ') + 1;
  auto const way = way_to(head.substr(begin, head.find(' ', begin) - begin));
  client.write(way == 0 ? "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n" : "HTTP/1.1 200 OK\r\n\r\n");
  return way;
}

// RFC 1928 with the passwords of RFC 1929.
std::uint16_t Proxy::greet_socks(Stream& client) {
  auto const hello = hear(client.read_exactly(2));
  if (hello.size() < 2 || hear(client.read_exactly(number_at(hello, 1))).find('\2') == std::string::npos) return 0;
  client.write("\5\2"s);
  auto const user_size = hear(client.read_exactly(2));
  if (user_size.size() < 2) return 0;
  auto const user = hear(client.read_exactly(number_at(user_size, 1)));
  auto const password_size = hear(client.read_exactly(1));
  if (password_size.empty()) return 0;
  auto const password = hear(client.read_exactly(number_at(password_size, 0)));
  if (user != kUser || password != kPassword) {
    client.write("\1\1"s);
    return 0;
  }
  client.write("\1\0"s);
  auto const asked = hear(client.read_exactly(5));  // version, connect, reserved, a name, its length
  if (asked.size() < 5 || asked[3] != '\3') return 0;
  auto const host = hear(client.read_exactly(number_at(asked, 4)));
  auto const port = hear(client.read_exactly(2));
  if (port.size() < 2) return 0;
  auto const way = way_to(host + ":" + std::to_string(number_at(port, 0) * 256 + number_at(port, 1)));
  client.write((way == 0 ? "\5\4"s : "\5\0"s) + "\0\1\0\0\0\0\0\0"s);
  return way;
}

}  // namespace sluice::network

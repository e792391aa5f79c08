// proxy.h - a proxy of a test, HTTP CONNECT or SOCKS 5, that wants a user and a password.
//
// It resolves no name: the test says which host and port lead where. Everything that passes is kept.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "tests/network/relay.h"

namespace sluice::network {

class Proxy {
 public:
  enum class Kind { kConnect, kSocks5 };
  static constexpr char kUser[] = "proxy-user";
  static constexpr char kPassword[] = "canary-proxy-password-7be1";

  explicit Proxy(Kind kind);
  void lead(std::string const& host_and_port, std::uint16_t to);

  std::string url() const;        // with user and password
  std::string greetings() const;  // all that clients said before their streams began
  std::string passed() const { return relay_.from_client() + relay_.from_server(); }
  int admitted() const;  // streams that began

 private:
  std::uint16_t greet(Stream& client);
  std::uint16_t greet_connect(Stream& client);
  std::uint16_t greet_socks(Stream& client);
  std::string hear(std::string bytes);
  std::uint16_t way_to(std::string const& host_and_port);

  Kind kind_;
  mutable std::mutex mutex_;
  std::map<std::string, std::uint16_t> ways_;
  std::string greetings_;
  int admitted_ = 0;
  Relay relay_;  // last: its threads use all of the above
};

}  // namespace sluice::network

// relay.h - stands between a client and a server on 127.0.0.1, and keeps every byte that passes.
//
// It may end the client's TLS, so that what is kept is plain, and be told at any time to use another certificate. Or
// it listens to a greeting first, as a proxy does (proxy.h).
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "tests/network/acceptor.h"
#include "tests/network/stream.h"

namespace sluice::network {

class Relay {
 public:
  // Reads what the client says before the stream begins, answers it, and returns where it leads; 0 for nowhere.
  using Greeting = std::function<std::uint16_t(Stream&)>;
  explicit Relay(Greeting greeting = {});

  std::uint16_t port() const { return acceptor_.port(); }
  std::string authority(std::string const& host = "127.0.0.1") const { return host + ":" + std::to_string(port()); }
  void lead_to(std::uint16_t port);             // 0: connections are closed at once
  void use(std::shared_ptr<TlsEnd const> end);  // for connections to come

  // All that passed so far, over all connections.
  std::string from_client() const;
  std::string from_server() const;
  int accepted() const { return acceptor_.accepted(); }
  void drop_all() { acceptor_.drop_all(); }

 private:
  void serve(int fd);
  void pass(Stream& client, Stream& server);
  void keep(std::string& where, std::string const& bytes);

  Greeting greeting_;
  mutable std::mutex mutex_;
  std::uint16_t target_ = 0;
  std::shared_ptr<TlsEnd const> end_;
  std::string from_client_, from_server_;
  Acceptor acceptor_;  // last: its threads use all of the above
};

// How often `needle` stands in `text`.
std::size_t count_of(std::string_view text, std::string_view needle);

}  // namespace sluice::network

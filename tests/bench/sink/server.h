// server.h - one thread, one epoll: reads requests, drops bodies, answers late when it shall.
//
// A PUT that stalls is not read from, once half of its body is there.
// Shaping is done by reading slowly, with small receive buffers, so that the sender feels it as it would feel
// a line: a connection may be read from when its own and the line's bytes so far are paid for in time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "options.h"
#include "platform.h"
#include "request.h"
#include "stream.h"

namespace sluice::bench {

class Server {
 public:
  // Listens on two ports of 127.0.0.1, for the API and for the store. Throws std::runtime_error.
  Server(Options const& options, Platform& platform);
  ~Server();
  Server(Server const&) = delete;
  Server& operator=(Server const&) = delete;

  std::string base_url() const { return scheme() + ports_[0] + "/v1.3"; }
  std::string store_url() const { return scheme() + ports_[1]; }
  void run(int stop_fd);  // until `stop_fd` is readable

 private:
  struct Connection {
    Connection(int fd, SSL_CTX* tls, std::uint64_t number) : stream(fd, tls), serial(number) {}
    Stream stream;
    std::uint64_t serial;  // descriptors are used again; this is not
    std::string head;
    std::optional<Request> request;
    std::uint64_t body_left = 0;
    std::uint64_t stalls_at = 0;  // with so much of the body to come; 0: it does not
    std::string body;
    std::string out;
    std::int64_t wake_ns = 0;  // neither read nor written before
    std::int64_t paid_ns = 0;  // until when the bytes read so far take the connection's rate
    bool watched = true;       // by epoll, for reading
  };
  struct Timer {
    std::int64_t at_ns;
    int fd;
    std::uint64_t serial;
    bool operator<(Timer const& other) const { return at_ns > other.at_ns; }  // the earliest on top
  };

  std::string scheme() const;
  void listen_on_loopback();
  void accept_from(int listener);
  bool advance(Connection& connection);  // returns false when it is to be closed
  bool flush(Connection& connection);
  bool feed(Connection& connection, std::string_view bytes);
  bool begin(Connection& connection);
  void finish_request(Connection& connection);
  std::int64_t stall(Connection& connection, std::int64_t now_ns);
  std::int64_t pay(Connection& connection, std::size_t bytes, std::int64_t now_ns);
  void defer_until(Connection& connection, std::int64_t at_ns);
  void watch(Connection& connection, bool readable, bool writable);
  void wake_due();
  void touch(int fd);

  Options const& options_;
  Platform& platform_;
  SslContext tls_;
  int epoll_ = -1;
  int listeners_[2] = {-1, -1};
  std::string ports_[2];
  std::vector<char> buffer_;
  std::unordered_map<int, std::unique_ptr<Connection>> connections_;
  std::priority_queue<Timer> timers_;
  std::uint64_t serials_ = 0;
  std::uint64_t puts_begun_ = 0;
  std::int64_t line_paid_ns_ = 0;
};

}  // namespace sluice::bench

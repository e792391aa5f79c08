// acceptor.h - a listening port of a test, and a thread for each connection that comes.
//
// Shares no code with the product. What happens on a connection is the test's function; it gets the bare socket,
// blocking, and may leave it open: it is closed when the function returns. Ending shuts every socket down, so that
// a function that waits for bytes sees the end.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace sluice::network {

class Acceptor {
 public:
  // Listens on an address of this host, IPv4 or IPv6. Port 0 picks one. Throws std::runtime_error if it cannot.
  explicit Acceptor(std::function<void(int)> serve, std::string const& address = "127.0.0.1", std::uint16_t port = 0);
  ~Acceptor() { stop(); }
  Acceptor(Acceptor const&) = delete;
  Acceptor& operator=(Acceptor const&) = delete;

  std::uint16_t port() const { return port_; }
  int accepted() const;  // connections so far
  void drop_all();       // shuts the connections down; new ones may come
  void stop();

 private:
  void accept_all();
  void serve_one(int fd);

  std::function<void(int)> serve_;
  std::uint16_t port_ = 0;  // before the listener, which learns it
  int listener_ = -1;
  mutable std::mutex mutex_;
  std::set<int> open_;
  int accepted_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> workers_;
  std::thread thread_;
};

// A listening port on which no connection ever comes about: its queue is full, and further requests to connect are
// dropped without a word, as by a firewall.
class BlackHole {
 public:
  explicit BlackHole(std::string const& address = "127.0.0.1", std::uint16_t port = 0);
  ~BlackHole();
  BlackHole(BlackHole const&) = delete;
  BlackHole& operator=(BlackHole const&) = delete;
  std::uint16_t port() const { return port_; }

 private:
  std::uint16_t port_ = 0;  // before the listener, which learns it
  int listener_ = -1;
  std::vector<int> fillers_;
};

// A port of 127.0.0.1 on which nobody listens now.
std::uint16_t unused_port();

// Opens a connection to a port of 127.0.0.1; -1 if nobody listens.
int connect_to(std::uint16_t port);

// All of `bytes`, or as much as the peer takes. Returns whether it took all.
bool send_all(int fd, std::string_view bytes);

// What comes next, at most 64 KiB; "" at the end.
std::string receive(int fd);

// Closing the socket will send a reset.
void reset_at_close(int fd);

}  // namespace sluice::network

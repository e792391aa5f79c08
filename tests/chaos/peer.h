// peer.h - both ends of a line for the proxy's tests: plain blocking sockets, with a patience instead of a hang.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "tests/chaos/proxy.h"

namespace sluice::chaos {

// How a read ended.
enum class End : std::uint8_t { kNone, kFin, kReset, kNothingCame };

class Peer {
 public:
  explicit Peer(Fd fd);
  // Connects. Throws std::runtime_error when refused. One that was taken and reset before this looked is a Peer all the
  // same, which reads nothing and ends in kReset: whether the reset comes before or after is the machine's choice.
  static Peer to(std::uint16_t port);

  void send(std::string const& bytes);  // all of them
  void end();                           // FIN
  // Reads until so many bytes are there, or the other side ends it, or nothing came for ten seconds.
  std::string read(std::size_t count);
  std::string read_all() { return read(SIZE_MAX); }
  End how_it_ended() const { return end_; }
  // Whether nothing comes for so long.
  bool hears_nothing_for(Millis span) const;

 private:
  Fd fd_;
  End end_ = End::kNone;
  bool was_reset_ = false;  // before the first read: the socket tells each error once, and then of a plain end
};

class Listener {
 public:
  Listener();
  std::uint16_t port() const { return port_of(fd_); }
  Peer accept() const;

 private:
  Fd fd_;
};

// A proxy with one line named "line" to a listener of this test.
struct Road {
  Proxy proxy{7};
  Listener platform;
  std::uint16_t port = proxy.open("line", platform.port());

  void set(Rules rules) { proxy.set("line", std::move(rules)); }
  void fault(Fault const& fault) { set({.faults = {fault}}); }
  Counts counts() const { return proxy.counts("line"); }
};

// Both ends of a new connection through the road.
struct Pair {
  explicit Pair(Road& road) : client(Peer::to(road.port)), platform(road.platform.accept()) {}
  Peer client;
  Peer platform;
  // A question and its answer, both of which must arrive whole.
  void turn(std::string const& question, std::string const& answer);
};

// Asks again and again until it is so, or for ten seconds.
bool until(std::function<bool()> const& condition);
// So many bytes, none like its neighbours.
std::string bytes(std::size_t count);

}  // namespace sluice::chaos

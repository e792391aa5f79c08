// sockets.h - the few socket calls of the proxy. IPv4 loopback only, and nothing here ever blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace sluice::chaos {

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  ~Fd() { close(); }
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void close();

 private:
  int fd_;
};

// A bound socket that does not listen yet; its port stays its own whether it listens or not. Port 0 picks one.
// Its connections have the segments of an Ethernet and small receive buffers, so that a sender's kernel takes in as
// much ahead of its peer as it would on a line, and not megabytes as on loopback.
// Throws std::runtime_error.
Fd bound_socket(std::uint16_t port);
std::uint16_t port_of(Fd const& fd);
// The port of the other side; 0 where there is none any more.
std::uint16_t peer_port_of(Fd const& fd);
// Throws std::runtime_error.
void start_listening(Fd const& fd, int backlog);
// From now on connections are refused; what is in the queue is reset.
void stop_listening(Fd const& fd);
Fd accept_one(Fd const& listener);       // none when nobody waits
Fd connect_to(std::uint16_t port);       // under way, or failed: the first read or write tells
void close_with_reset(Fd& fd);           // RST
void end_writing(Fd const& fd);          // FIN
bool all_is_acknowledged(Fd const& fd);  // what was written has reached the peer's kernel
bool has_hung_up(Fd const& fd);          // the peer ended or reset it, though bytes may still be there to read

struct Moved {
  enum class State : std::uint8_t { kMoved, kWaits, kEnded, kLost };
  State state;
  std::size_t bytes = 0;
};
Moved receive(Fd const& fd, char* into, std::size_t size);
Moved transmit(Fd const& fd, std::string_view bytes);

}  // namespace sluice::chaos

// listen.h - opens a listening socket on a loopback address, and on no other.

#pragma once

#include <string>

namespace sluice::emulator {

// A listening socket, closed when it goes unless it was released.
class Listener {
 public:
  // Opens `address` (HOST:PORT; port 0 picks one) with SO_REUSEADDR, so that a restart can take the same port.
  // HOST is in 127.0.0.0/8, [::1], or localhost, which means 127.0.0.1; no name is looked up.
  // Throws std::runtime_error if the host is not a loopback address or the bind fails.
  explicit Listener(std::string const& address);
  ~Listener();
  Listener(Listener const&) = delete;
  Listener& operator=(Listener const&) = delete;

  int fd() const { return fd_; }
  // From now on somebody else closes the socket.
  void release() { fd_ = -1; }
  // HOST:PORT as bound, IPv6 hosts in brackets.
  std::string const& authority() const { return authority_; }

 private:
  int fd_ = -1;
  std::string authority_;
};

}  // namespace sluice::emulator

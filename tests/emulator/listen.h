// listen.h - opens a listening socket on a loopback address, and on no other.

#pragma once

#include <string>

namespace sluice::emulator {

struct Listener {
  int fd;                 // listening, close-on-exec; the caller owns it
  std::string authority;  // HOST:PORT as bound, IPv6 hosts in brackets
};

// Opens `address` (HOST:PORT; port 0 picks one) with SO_REUSEADDR, so that a restart can take the same port.
// Throws std::runtime_error if the host is not a loopback address or the bind fails. No name is looked up:
// `localhost` means 127.0.0.1.
Listener open_loopback(std::string const& address);

}  // namespace sluice::emulator

// poll.h - one epoll: which descriptors are waited for, and a way to end the wait from another thread.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "tests/chaos/rules.h"
#include "tests/chaos/sockets.h"

namespace sluice::chaos {

class Poll {
 public:
  Poll();  // throws std::runtime_error
  // Waits for these epoll events of the descriptor from now on. 0: it is not waited for at all, not even for its end.
  void want(Fd const& fd, std::uint32_t events);
  void forget(Fd const& fd) { want(fd, 0); }  // to be called before it is closed
  // Returns when something has happened, wake() was called, or the time has come; nothing: no time.
  // The one function that may run beside the others.
  void wait(std::optional<Instant> until);
  void wake();

 private:
  Fd epoll_;
  Fd wake_;
  std::unordered_map<int, std::uint32_t> wanted_;
};

}  // namespace sluice::chaos

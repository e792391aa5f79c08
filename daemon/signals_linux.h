// signals_linux.h - SIGTERM, SIGINT, SIGHUP and the word that a writer came as a descriptor for the poll set.
//
// No handler ever runs: they are blocked and read from a signalfd, so that they are outcomes of a
// turn like all others. Requires that it is made before the first other thread, since threads inherit
// the mask; at the end of its life the mask is put back.
//
// SIGPIPE is not its business (wire_curl ignores it). Children that are exec'ed inherit the blocked
// mask: who starts hooks resets it there.
#pragma once

#include <csignal>
#include <cstdint>
#include <vector>

#include "daemon/unique_fd.h"

namespace sluice::daemon {

enum class Asked : std::uint8_t {
  kStop,    // SIGTERM or SIGINT: the first drains, the second leaves at once (product page, section 9)
  kReload,  // SIGHUP
  kWriter,  // a program wants to write to a file that is being read: a turn lets it in (files_linux.h)
};

class SignalsLinux {
 public:
  SignalsLinux();
  ~SignalsLinux();
  SignalsLinux(SignalsLinux const&) = delete;
  SignalsLinux& operator=(SignalsLinux const&) = delete;

  int fd() const { return fd_.get(); }

  // What was asked since the last time, in the kernel's order; never waits. The same signal sent twice
  // between two collects is one (signal(7)): a second SIGTERM counts once the first was collected.
  std::vector<Asked> collect();

 private:
  sigset_t before_{};
  UniqueFd fd_;
};

}  // namespace sluice::daemon

// network_events.h - told by the kernel when this host's links, addresses or routes change (rtnetlink(7)).
//
// Only a hint that an outage may be over (B7): whoever is told tries again at once. Where the kernel or a sandbox
// allows no such socket, fd() is -1 and nothing is ever told; outages then end with the next probe.
#pragma once

#include "daemon/unique_fd.h"

namespace sluice::daemon {

class NetworkEvents {
 public:
  NetworkEvents();

  int fd() const { return fd_.get(); }

  // Whether something came up or changed since the last time; links that only went down do not count. Never waits.
  // After an overflow of the socket's buffer something did.
  bool collect();

 private:
  UniqueFd fd_;
};

}  // namespace sluice::daemon

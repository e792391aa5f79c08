// own_network.h - a network of the test's own, in which only loopback is, and on wish its own name servers.
//
// For the calling thread, and the threads and programs that it starts meanwhile. Needs root; is_made() says so.
#pragma once

#include <string>

namespace sluice::network {

class OwnNetwork {
 public:
  // `resolver_file` stands in place of /etc/resolv.conf; "" leaves the host's. It may be rewritten meanwhile.
  explicit OwnNetwork(std::string const& resolver_file = "");
  ~OwnNetwork();
  OwnNetwork(OwnNetwork const&) = delete;
  OwnNetwork& operator=(OwnNetwork const&) = delete;

  bool is_made() const { return made_; }
  static bool set_link(bool up);  // loopback; returns whether it could

 private:
  int network_before_;
  int mounts_before_ = -1;
  bool made_ = false;
};

}  // namespace sluice::network

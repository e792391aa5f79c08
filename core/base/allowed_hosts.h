// allowed_hosts.h - which hosts of one's own network Sluice may download from (`allow_hosts`), and by plain http.
//
// An entry is a host ("media.lan"), a host with its port ("media.lan:8080", "[fd00::7]:8443"), or a network
// ("10.20.0.0/16"). A host that is named is trusted with whatever address its name leads to; a network opens addresses,
// whatever name led there. Everything else is held to public addresses and to https (M21). Pure values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ip_address.h"

namespace sluice {

class AllowedHosts {
 public:
  // Returns  why the text is no entry, for people; "" if it was added.
  std::string add(std::string_view entry);

  // Whether the host of a URL is named (lower case, an IPv6 address in brackets), or is itself an address of a network.
  // Such a one may be called by http, through a proxy, and at any address.
  bool names(std::string_view host, std::uint16_t port) const;
  // Whether it lies in one of the networks.
  bool opens(IpAddress const& address) const;
  bool empty() const { return hosts_.empty() && networks_.empty(); }

 private:
  struct Host {
    std::string name;
    std::uint16_t port;  // 0: any
  };
  struct Network {
    IpAddress address;
    unsigned bits;
  };
  std::vector<Host> hosts_ = {};
  std::vector<Network> networks_ = {};
};

// Scheme, host and port of a URL as parse_url() makes them.
struct UrlPlace {
  bool is_https = false;
  std::string host = {};
  std::uint16_t port = 0;
};
UrlPlace url_place(std::string_view url);

}  // namespace sluice

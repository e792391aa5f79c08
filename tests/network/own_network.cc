#include "tests/network/own_network.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

namespace sluice::network {
namespace {

// Of this thread alone; nothing of it is seen outside.
bool put_in_place(std::string const& file, char const* place) {
  return ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount(file.c_str(), place, nullptr, MS_BIND, nullptr) == 0;
}

}  // namespace

OwnNetwork::OwnNetwork(std::string const& resolver_file)
    : network_before_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
  if (!resolver_file.empty()) mounts_before_ = ::open("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC);
  made_ = network_before_ >= 0 && ::unshare(CLONE_NEWNET) == 0 && set_link(true);
  if (made_ && !resolver_file.empty()) made_ = put_in_place(resolver_file, "/etc/resolv.conf");
}

OwnNetwork::~OwnNetwork() {
  if (network_before_ >= 0) ::setns(network_before_, CLONE_NEWNET);
  if (mounts_before_ >= 0) ::setns(mounts_before_, CLONE_NEWNS);
  if (network_before_ >= 0) ::close(network_before_);
  if (mounts_before_ >= 0) ::close(mounts_before_);
}

bool OwnNetwork::set_link(bool up) {
  auto const any = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq asked{};
  std::strncpy(asked.ifr_name, "lo", sizeof asked.ifr_name - 1);
  asked.ifr_flags = static_cast<short>(up ? IFF_UP : 0);
  bool const done = ::ioctl(any, SIOCSIFFLAGS, &asked) == 0;
  ::close(any);
  return done;
}

}  // namespace sluice::network

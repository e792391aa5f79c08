// control_access.h - the one place that says who may do what through the control socket (C1, C3).
//
// Pure. Every request passes here before it is routed, and what is not allowed by a rule below is
// refused: a new path or method has no way around it.
#pragma once

#include <sys/types.h>
#include <string_view>
#include <vector>

namespace sluice::daemon {

// Who is at the other end, as the kernel says (SO_PEERCRED, SO_PEERGROUPS).
struct Peer {
  bool known = false;  // false: the kernel did not say; then nothing is allowed
  uid_t uid = 0;
  gid_t gid = 0;
  pid_t pid = 0;
  std::vector<gid_t> groups = {};  // supplementary
};

// Whose socket it is.
struct SocketOwner {
  uid_t uid = 0;  // the daemon's own
  gid_t gid = 0;  // the socket file's group
};

enum class Access {
  kAllowed,
  kForbidden,  // this peer may not do this: 403
  kNoMethod,   // nobody may: 405
};

// Reading (GET, HEAD) is for every known peer: the socket's mode has already chosen them. Operating
// (POST) is for root, the daemon's own user and members of the socket's group. All else is for nobody.
Access may_do(std::string_view method, Peer const& peer, SocketOwner const& owner);

}  // namespace sluice::daemon

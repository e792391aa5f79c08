#include "daemon/control_access.h"

#include <algorithm>

namespace sluice::daemon {
namespace {

bool may_operate(Peer const& peer, SocketOwner const& owner) {
  if (peer.uid == 0 || peer.uid == owner.uid || peer.gid == owner.gid) return true;
  return std::ranges::find(peer.groups, owner.gid) != peer.groups.end();
}

}  // namespace

Access may_do(std::string_view method, Peer const& peer, SocketOwner const& owner) {
  bool const reads = method == "GET" || method == "HEAD";
  bool const operates = method == "POST";
  if (!reads && !operates) return Access::kNoMethod;
  if (!peer.known) return Access::kForbidden;
  if (reads || may_operate(peer, owner)) return Access::kAllowed;
  return Access::kForbidden;
}

}  // namespace sluice::daemon

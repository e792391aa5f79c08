// Who may do what through the control socket.
#include "daemon/control_access.h"

#include <gtest/gtest.h>

namespace sluice::daemon {
namespace {

constexpr SocketOwner kOwner{.uid = 300, .gid = 400};

Peer peer(uid_t uid, gid_t gid, std::vector<gid_t> groups = {}) {
  return {.known = true, .uid = uid, .gid = gid, .pid = 1, .groups = std::move(groups)};
}

TEST(ControlAccess, LetsEveryKnownPeerRead) {
  EXPECT_EQ(may_do("GET", peer(1000, 1000), kOwner), Access::kAllowed);
  EXPECT_EQ(may_do("HEAD", peer(1000, 1000), kOwner), Access::kAllowed);
}

TEST(ControlAccess, LetsRootTheDaemonsUserAndTheGroupOperate) {
  EXPECT_EQ(may_do("POST", peer(0, 0), kOwner), Access::kAllowed);
  EXPECT_EQ(may_do("POST", peer(300, 1), kOwner), Access::kAllowed);
  EXPECT_EQ(may_do("POST", peer(1000, 400), kOwner), Access::kAllowed);
  EXPECT_EQ(may_do("POST", peer(1000, 1000, {5, 400}), kOwner), Access::kAllowed);
}

TEST(ControlAccess, LetsNobodyElseOperate) {
  EXPECT_EQ(may_do("POST", peer(1000, 1000, {5, 6}), kOwner), Access::kForbidden);
}

TEST(ControlAccess, RefusesAPeerThatTheKernelDoesNotName) {
  EXPECT_EQ(may_do("GET", Peer{}, kOwner), Access::kForbidden);  // its uid of 0 is no proof of being root
  EXPECT_EQ(may_do("POST", Peer{}, kOwner), Access::kForbidden);
}

TEST(ControlAccess, KnowsNoOtherMethods) {
  for (auto const* method : {"PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "get", ""})
    EXPECT_EQ(may_do(method, peer(0, 0), kOwner), Access::kNoMethod) << method;
}

}  // namespace
}  // namespace sluice::daemon

#include "daemon/control_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "core/base/text.h"

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

namespace sluice::daemon {
namespace {

constexpr int kBacklog = 64;
constexpr mode_t kMode = 0660;

std::unexpected<Error> refuse(std::string const& path, std::string const& what) {
  return fail(Fault::kLocal, "control socket " + printable(path) + ": " + what, "control_socket");
}

std::unexpected<Error> refuse_errno(std::string const& path, std::string const& what, int error) {
  return refuse(path, what + ": " + std::strerror(error));
}

std::optional<sockaddr_un> address_of(std::string const& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path || path.find('\0') != std::string::npos) return std::nullopt;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

sockaddr const* as_address(sockaddr_un const& address) { return reinterpret_cast<sockaddr const*>(&address); }

// Makes room for the socket file: takes a stale one away, and nothing else.
Result<void> clear_the_place(std::string const& path, sockaddr_un const& address) {
  struct stat there {};
  if (::lstat(path.c_str(), &there) != 0) {
    if (errno == ENOENT) return {};
    return refuse_errno(path, "cannot look at it", errno);
  }
  if (!S_ISSOCK(there.st_mode)) return refuse(path, "something that is no socket is there; move it away");
  UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) return refuse_errno(path, "socket", errno);
  if (::connect(probe.get(), as_address(address), sizeof address) == 0 || errno != ECONNREFUSED)
    return refuse(path, "another process listens there; is sluiced running already?");
  if (::unlink(path.c_str()) != 0) return refuse_errno(path, "cannot remove the stale socket", errno);
  return {};
}

}  // namespace

Result<ControlSocket> listen_at(std::string const& path) {
  auto const address = address_of(path);
  if (!path.starts_with('/')) return refuse(path, "the path must be absolute");
  if (!address) return refuse(path, "the path is too long for a socket (107 bytes)");
  SLUICE_CHECK(clear_the_place(path, *address));

  ControlSocket made{
      .fd = UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)), .path = path, .owner = {}};
  if (!made.fd) return refuse_errno(path, "socket", errno);
  if (::bind(made.fd.get(), as_address(*address), sizeof *address) != 0) {
    auto const error = errno;
    if (error == ENOENT) return refuse(path, "its folder does not exist; create it, or set control.socket");
    return refuse_errno(path, "bind", error);
  }
  struct stat there {};
  if (::chmod(path.c_str(), kMode) != 0 || ::lstat(path.c_str(), &there) != 0) {
    auto const error = errno;
    ::unlink(path.c_str());
    return refuse_errno(path, "cannot set its mode", error);
  }
  made.owner = {.uid = ::geteuid(), .gid = there.st_gid};
  made.device = there.st_dev;
  made.inode = there.st_ino;
  if (::listen(made.fd.get(), kBacklog) != 0) {
    auto const error = errno;
    unlink_if_ours(made);
    return refuse_errno(path, "listen", error);
  }
  return made;
}

void unlink_if_ours(ControlSocket const& socket) {
  struct stat there {};
  if (::lstat(socket.path.c_str(), &there) != 0) return;
  if (there.st_dev == socket.device && there.st_ino == socket.inode) ::unlink(socket.path.c_str());
}

Peer peer_of(int fd) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return {};
  Peer peer{.known = true, .uid = credentials.uid, .gid = credentials.gid, .pid = credentials.pid, .groups = {}};

  peer.groups.resize(64);
  size = static_cast<socklen_t>(peer.groups.size() * sizeof(gid_t));
  int got = ::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, peer.groups.data(), &size);
  if (got != 0 && errno == ERANGE) {  // `size` now says how much there is
    peer.groups.resize(size / sizeof(gid_t));
    got = ::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, peer.groups.data(), &size);
  }
  peer.groups.resize(got == 0 ? size / sizeof(gid_t) : 0);
  return peer;
}

}  // namespace sluice::daemon

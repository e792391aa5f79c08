// control_socket.h - the Unix socket file that the control server listens on.
//
// A socket file outlives the process that made it, so one that is there already is looked at first: if
// nobody answers it is stale and is replaced; if somebody does, or if it is no socket at all, it is left
// alone and opening fails. The mode is set between bind and listen: until then the kernel refuses every
// connection, so no umask can open a gap.
#pragma once

#include <sys/types.h>

#include <string>

#include "core/base/error.h"
#include "daemon/control_access.h"
#include "daemon/unique_fd.h"

namespace sluice::daemon {

struct ControlSocket {
  UniqueFd fd;  // listening, non-blocking
  std::string path;
  SocketOwner owner;
  dev_t device = 0;  // of the socket file that was made, so that no other is ever unlinked
  ino_t inode = 0;
};

// Fails  kLocal: the path is not absolute or does not fit in an address, its folder is missing or not
//        writable, something that is no socket is there, or another process answers.
Result<ControlSocket> listen_at(std::string const& path);

// Removes the socket file if it is still the one that was made.
void unlink_if_ours(ControlSocket const& socket);

// Who is at the other end of a connected Unix socket.
Peer peer_of(int fd);

}  // namespace sluice::daemon

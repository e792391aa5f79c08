// mount_kind.h - which file systems hide what other hosts do to their files.
//
// On these neither inotify (D7) nor a lease (D23) proves anything: a writer on another host makes no
// event here, and NFS and SMB answer EAGAIN to a lease whether there is a writer or not. Local file
// systems are all the others.
#pragma once

#include <string_view>

namespace sluice::daemon {

// Returns  "NFS", "SMB", "FUSE", "9p", ... for an open file or folder on such a file system; "" for
//          a local one, and where fstatfs fails.
// Source   statfs(2) and linux/magic.h, the f_type values; read 2026-11.
std::string_view remote_kind(int fd);

// The same for a value of statfs::f_type.
std::string_view remote_kind_of_type(unsigned long type);

}  // namespace sluice::daemon

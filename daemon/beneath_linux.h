// beneath_linux.h - opens by a held root descriptor that can neither leave it nor follow a link.
//
// After discovery no path string is ever resolved from the top (F1, F2, F11, D31): between a check and
// an open an uploader could put a link to /etc/shadow in the place of a folder. Every open goes by
// openat2 with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS, so the kernel refuses
// what we would have to check. openat2 is there since Linux 5.6; glibc 2.36 has no wrapper for it.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "core/ports/files.h"
#include "daemon/unique_fd.h"

struct stat;

namespace sluice::daemon {

// Opens `relative` beneath `root_fd`; "" opens the root itself anew.
//
// `flags` are those of open(2); O_NOFOLLOW, O_NOCTTY, O_NONBLOCK and O_CLOEXEC are added, so that a
// fifo or a device can never hold the caller (D14). A path longer than PATH_MAX is walked in pieces
// (D46). With O_PATH a link at the end of the path is opened itself, elsewhere links are refused.
//
// Fails     with the errno: ELOOP for a link, EXDEV for a way out, EINVAL for a path of another form.
std::expected<UniqueFd, int> open_beneath(int root_fd, std::string_view relative, int flags);

// "Permission denied (EACCES)".
std::string errno_words(int error);

// "0640": the permission bits.
std::string mode_words(unsigned mode);

// What of a stat(2) shows a change of content (D22).
ports::FilePrint print_of(struct stat const& from);

}  // namespace sluice::daemon

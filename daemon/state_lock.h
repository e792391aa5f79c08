// state_lock.h - one daemon per state directory (D60).
//
// An flock on `lock` in the state directory, held for the process's life and released by the kernel
// when it ends, however it ends. The file holds the owner's pid, for the message to the second one. Whoever removes
// the file opens no way in: SQLite's own lock on the journal is asked, too.
#pragma once

#include <string>

#include "core/base/error.h"
#include "daemon/unique_fd.h"

namespace sluice::daemon {

class StateLock {
 public:
  // Makes the directory (0700) when its parent is there, and takes the lock.
  // Fails     kLocal: "locked" (the text names the other's pid), or "state_dir" (it cannot be made or written).
  // Requires  this process has not opened the journal (journal::opener_of).
  static Result<StateLock> take(std::string const& state_dir);

 private:
  explicit StateLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace sluice::daemon

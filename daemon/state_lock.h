// state_lock.h - one daemon per state directory (D60).
//
// An flock on `lock` in the state directory, held for the process's life and released by the kernel
// when it ends, however it ends. The file holds the owner's pid, for the message to the second one.
#pragma once

#include <string>

#include "core/base/error.h"
#include "daemon/unique_fd.h"

namespace sluice::daemon {

class StateLock {
 public:
  // Makes the directory (0700) when its parent is there, and takes the lock.
  // Fails  kLocal: "locked" (the text names the other's pid), or "state_dir" (it cannot be made or written).
  static Result<StateLock> take(std::string const& state_dir);

 private:
  explicit StateLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace sluice::daemon

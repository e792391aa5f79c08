// state_lock.h - one daemon per state directory (D60).
//
// An flock on `lock` in the state directory, held for the process's life and released by the kernel
// when it ends, however it ends. The file holds the owner's pid, for the message to the second one. Whoever removes
// the file opens no way in: SQLite's own lock on the journal is asked, too.
#pragma once

#include <string>
#include <utility>

#include "core/base/error.h"
#include "daemon/unique_fd.h"

namespace sluice::daemon {

class StateLock {
 public:
  // Makes the directory (0700) when its parent is there, and takes the lock.
  // Fails     kLocal: "locked" (the text names the other's pid), or "state_dir" (it cannot be made or written).
  // Requires  this process has not opened the journal (journal::opener_of).
  static Result<StateLock> take(std::string const& state_dir);

  // Whether the directory was not there, and was made.
  bool made_folder() const { return made_folder_; }

  // Whether what lies under its name is still the file that is locked: else others may lock what lies there.
  bool holds() const;
  // Locks what lies there, made anew if need be, where that is not what is held.
  // Returns  whether it was taken anew. If not, the old one is held on, and it may be tried again.
  bool take_back();

 private:
  StateLock(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  UniqueFd fd_;
  std::string path_;
  bool made_folder_ = false;
};

}  // namespace sluice::daemon

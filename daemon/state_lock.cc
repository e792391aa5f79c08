#include "daemon/state_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/text.h"
#include "core/journal/folder_owner.h"
#include "core/journal/journal.h"
#include "daemon/journal_watch.h"

namespace sluice::daemon {
namespace {

std::string owner_of(int fd) {
  std::array<char, 32> text{};
  auto const count = ::pread(fd, text.data(), text.size() - 1, 0);
  auto const pid = count > 0 ? std::string(trimmed({text.data(), static_cast<std::size_t>(count)})) : std::string();
  return pid.empty() ? "another process" : "process " + pid;
}

UniqueFd open_lock(std::string const& path) {
  return UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
}

// The lock is the flock; the number in it is for people. Over the old number it needs no space, and without any
// space it is left out: a full state directory keeps nobody from starting.
bool write_owner(int fd) {
  auto const pid = std::to_string(::getpid()) + "\n";
  auto const written = ::pwrite(fd, pid.data(), pid.size(), 0) >= 0 || errno == ENOSPC || errno == EDQUOT;
  return written && ::ftruncate(fd, static_cast<off_t>(pid.size())) == 0;
}

}  // namespace

Result<StateLock> StateLock::take(std::string const& state_dir) {
  auto const shown = printable(state_dir);
  auto const made = ::mkdir(state_dir.c_str(), 0700) == 0;
  if (!made && errno != EEXIST)
    return fail(Fault::kLocal,
                "cannot make the state directory " + shown + ": " + std::strerror(errno) +
                    "; make it, owned by this user, or set state_dir",
                "state_dir");
  auto const path = state_dir + "/lock";
  auto fd = open_lock(path);
  if (fd.get() < 0) {
    auto const why = std::string(std::strerror(errno));
    return fail(Fault::kLocal, "cannot open " + printable(path) + " for writing: " + why + journal::owner_trouble(path),
                "state_dir");
  }
  journal::give_to_owner_of_folder(fd.get(), path);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0)
    return fail(Fault::kLocal,
                "the state directory " + shown + " is in use by " + owner_of(fd.get()) +
                    ": stop that one first, or give this one its own state_dir",
                "locked");
  if (auto const other = journal::opener_of(state_dir + "/journal.db"))
    return fail(Fault::kLocal,
                "the journal in " + shown + " is in use by " + *other +
                    ", although nobody holds the lock beside it (was the file removed?): stop that one first",
                "locked");
  if (!write_owner(fd.get()))
    return fail(Fault::kLocal, "cannot write " + printable(path) + ": " + std::strerror(errno), "state_dir");
  StateLock lock(std::move(fd), path);
  lock.made_folder_ = made;
  return lock;
}

bool StateLock::holds() const { return !is_gone(path_, identity_of(fd_.get())); }

bool StateLock::take_back() {
  if (holds()) return false;
  auto fd = open_lock(path_);
  if (!fd || ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return false;
  write_owner(fd.get());
  fd_ = std::move(fd);
  return true;
}

}  // namespace sluice::daemon

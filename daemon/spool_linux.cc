#include "daemon/spool_linux.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "core/base/text.h"
#include "core/base/units.h"
#include "daemon/unique_fd.h"

namespace sluice::daemon {
namespace {

constexpr mode_t kFileMode = 0600;
constexpr mode_t kFolderMode = 0700;
constexpr std::uint64_t kLeftToJournal = 64 * kMiB;

std::unexpected<Error> failed(std::string const& folder, char const* doing, int error) {
  auto const full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  return fail(
      Fault::kLocal,
      "the spool " + printable(folder) + ": " + doing + ": " + std::strerror(error),  // NOLINT(concurrency-mt-unsafe)
      full ? ports::kNoSpace : "");
}

std::unexpected<Error> lost(std::string const& folder, std::string const& name) {
  return fail(Fault::kLocal, "the spool " + printable(folder) + " has no such file any more: " + printable(name),
              ports::kSpoolLost);
}

// The spool is the daemon's own folder; whoever put a link there is not followed.
Result<UniqueFd> open_folder(std::string const& folder) {
  if (::mkdir(folder.c_str(), kFolderMode) != 0 && errno != EEXIST) return failed(folder, "make", errno);
  UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (fd.get() < 0) return failed(folder, "open", errno);
  return fd;
}

Result<void> write_all(int fd, std::string const& folder, std::uint64_t offset_bytes, std::string_view bytes) {
  while (!bytes.empty()) {
    auto const wrote = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset_bytes));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return failed(folder, "write", errno);
    offset_bytes += static_cast<std::uint64_t>(wrote);
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return {};
}

// The disk may be the journal's too, and what cannot be written down never ends.
bool is_left_to_journal(int folder_fd, std::uint64_t total_bytes) {
  struct statvfs about {};
  if (::fstatvfs(folder_fd, &about) != 0) return true;
  return std::uint64_t{about.f_bavail} * about.f_frsize >= total_bytes + kLeftToJournal;
}

// The whole room is taken at once, so that a full disk is met before the download and not in its middle. A file of
// another size is of an earlier content.
Result<void> make_room(int fd, int folder_fd, std::string const& folder, std::uint64_t total_bytes) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return failed(folder, "look at", errno);
  auto const total = static_cast<off_t>(total_bytes);
  if (status.st_size == total) return {};
  if (!is_left_to_journal(folder_fd, total_bytes)) return failed(folder, "make room, and leave 64 MiB free", ENOSPC);
  if (status.st_size > 0 && ::ftruncate(fd, 0) != 0) return failed(folder, "cut", errno);
  auto const taken = ::fallocate(fd, 0, 0, total) == 0;
  if (!taken && errno != EOPNOTSUPP && errno != ENOSYS) {
    auto const error = errno;
    static_cast<void>(::ftruncate(fd, 0));
    return failed(folder, "make room", error);
  }
  if (!taken && ::ftruncate(fd, total) != 0) return failed(folder, "make room", errno);
  if (::fsync(folder_fd) != 0) return failed(folder, "sync", errno);
  return {};
}

}  // namespace

Result<void> SpoolLinux::write(std::string const& folder, std::string const& name, ports::SpoolPart const& part) {
  SLUICE_TRY(within, open_folder(folder));
  auto const flags = O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | (part.is_first ? O_CREAT : 0);
  UniqueFd const fd(::openat(within.get(), name.c_str(), flags, kFileMode));
  if (fd.get() < 0 && errno == ENOENT) return lost(folder, name);
  if (fd.get() < 0) return failed(folder, "make", errno);
  if (part.is_first) SLUICE_CHECK(make_room(fd.get(), within.get(), folder, part.total_bytes));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return failed(folder, "look at", errno);
  if (status.st_size != static_cast<off_t>(part.total_bytes)) return lost(folder, name);
  SLUICE_CHECK(write_all(fd.get(), folder, part.offset_bytes, part.bytes));
  if (::fdatasync(fd.get()) != 0) return failed(folder, "sync", errno);
  return {};
}

Result<void> SpoolLinux::remove(std::string const& folder, std::string const& name) {
  UniqueFd const within(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (within.get() < 0) return errno == ENOENT ? Result<void>() : failed(folder, "open", errno);
  if (::unlinkat(within.get(), name.c_str(), 0) != 0 && errno != ENOENT) return failed(folder, "remove", errno);
  return {};
}

Result<std::vector<std::string>> SpoolLinux::names(std::string const& folder) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator at(folder, error);
  if (error == std::errc::no_such_file_or_directory) return names;
  for (std::filesystem::directory_iterator const end; !error && at != end; at.increment(error))
    names.push_back(at->path().filename().string());
  if (error) return failed(folder, "list", error.value());
  return names;
}

}  // namespace sluice::daemon

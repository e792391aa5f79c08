#include "daemon/results_linux.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/base/text.h"
#include "daemon/unique_fd.h"

namespace sluice::daemon {
namespace {

constexpr mode_t kFileMode = 0640;
constexpr mode_t kFolderMode = 0700;

std::unexpected<Error> failed(std::string const& path, char const* doing, int error) {
  return fail(error == ENOENT ? Fault::kGone : Fault::kLocal,
              printable(path) + ": " + doing + ": " + std::strerror(error));  // NOLINT(concurrency-mt-unsafe)
}

Result<void> write_all(int fd, std::string const& path, std::string_view text) {
  while (!text.empty()) {
    auto const wrote = ::write(fd, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return failed(path, "write", errno);
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return {};
}

// A name is there for good only once its folder was synced.
void sync_folder_of(std::string const& path) {
  UniqueFd const folder(::open(std::string(directory_of(path)).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() >= 0) ::fsync(folder.get());
}

}  // namespace

Result<ports::ResultsFile> ResultsLinux::make(std::string const& path, bool with_folder) {
  if (with_folder) ::mkdir(std::string(directory_of(path)).c_str(), kFolderMode);
  UniqueFd const fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, kFileMode));
  if (fd.get() < 0) return failed(path, "make", errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return failed(path, "look at", errno);
  if (!S_ISREG(status.st_mode) || status.st_nlink != 1 || status.st_size != 0)
    return fail(Fault::kLocal, printable(path) + ": is there already, and not empty", "taken");
  sync_folder_of(path);
  return ports::ResultsFile{.path = path, .inode = status.st_ino, .bytes = 0};
}

Result<std::uint64_t> ResultsLinux::append(ports::ResultsFile const& file, std::string_view text) {
  UniqueFd const fd(::open(file.path.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (fd.get() < 0) return failed(file.path, "open", errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return failed(file.path, "look at", errno);
  if (status.st_ino != file.inode || !S_ISREG(status.st_mode) || status.st_nlink != 1)
    return fail(Fault::kGone, printable(file.path) + ": is another file now");
  auto const counts = static_cast<off_t>(file.bytes);
  if (status.st_size > counts && ::ftruncate(fd.get(), counts) != 0) return failed(file.path, "cut", errno);
  auto const at = std::min(status.st_size, counts);
  if (::lseek(fd.get(), at, SEEK_SET) != at) return failed(file.path, "seek", errno);
  SLUICE_CHECK(write_all(fd.get(), file.path, text));
  if (::fdatasync(fd.get()) != 0) return failed(file.path, "sync", errno);
  return static_cast<std::uint64_t>(at) + text.size();
}

}  // namespace sluice::daemon

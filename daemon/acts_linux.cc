#include "daemon/acts_linux.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "core/base/text.h"
#include "daemon/beneath_linux.h"

namespace sluice::daemon {

using ports::Place;
using ports::Standing;

namespace {

constexpr std::size_t kBufferBytes = 1 << 20;
constexpr mode_t kNoteMode = 0644;
constexpr mode_t kFolderMode = 0777;  // less the umask

std::string shown(Place const& at) { return printable(at.folder + "/" + at.path); }

// The Error for an errno met at `what` (with the verb in front: "rename /srv/drop/a.mp4").
Error error_of(int error, std::string what) {
  what += ": " + errno_words(error);
  switch (error) {
    case ENOENT:
    case ENOTDIR: return {Fault::kGone, std::move(what), "gone"};
    case ELOOP: return {Fault::kRejected, what + "; symbolic links are not followed", "symlink"};
    case EROFS:
      return {Fault::kRejected, what + "; under systemd, name the folder in ReadWritePaths of the unit", "read_only"};
    case EACCES:
    case EPERM:
      return {Fault::kRejected, what + "; this process runs as uid " + std::to_string(::geteuid()), "permission"};
    case ENAMETOOLONG:
      return {Fault::kRejected, what + "; a name has 255 bytes at the most: give the file a shorter one", "name"};
    case ENOSPC:
    case EDQUOT: return {Fault::kLocal, std::move(what), "full"};
    case EMFILE:
    case ENFILE:
    case ENOMEM: return {Fault::kLocal, std::move(what), "descriptors"};
    case EXDEV: return {Fault::kSourceIo, std::move(what), ports::kOtherDevice};
    case EBUSY:
    case ETXTBSY:
    case EAGAIN: return {Fault::kSourceIo, std::move(what), "busy"};
    default: return {Fault::kSourceIo, std::move(what), "io"};
  }
}

std::unexpected<Error> failed(int error, char const* verb, Place const& at) {
  return std::unexpected(error_of(error, std::string(verb) + " " + shown(at)));
}

// Of openat2, where EXDEV means a way out of the folder.
std::unexpected<Error> not_opened(int error, char const* verb, Place const& at) {
  return failed(error == EXDEV ? ELOOP : error, verb, at);
}

Result<UniqueFd> open_folder(std::string const& folder) {
  UniqueFd fd(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (fd) return fd;
  auto const error = errno;
  auto made = error_of(error, "open folder " + printable(folder));
  if (made.fault == Fault::kGone) return fail(Fault::kLocal, made.text, ports::kNoFolder);
  return std::unexpected(std::move(made));
}

// A place as the kernel is asked for it: the folder that its name stands in, and the name.
struct Spot {
  UniqueFd folder;
  std::string name;
};

Result<Spot> spot_of(Place const& at, char const* verb, int flags = O_PATH | O_DIRECTORY) {
  SLUICE_TRY(root, open_folder(at.folder));
  auto folder = open_beneath(root.get(), directory_of(at.path), flags);
  if (!folder) return not_opened(folder.error(), verb, at);
  return Spot{std::move(*folder), std::string(basename_of(at.path))};
}

// A regular file, for reading; never waits for a fifo, never follows.
Result<UniqueFd> open_regular(Place const& at, char const* verb) {
  SLUICE_TRY(root, open_folder(at.folder));
  struct stat about {};
  auto const entry = open_beneath(root.get(), at.path, O_PATH);
  if (!entry) return not_opened(entry.error(), verb, at);
  if (::fstat(entry->get(), &about) != 0) return failed(errno, verb, at);
  if (!S_ISREG(about.st_mode)) return fail(Fault::kRejected, shown(at) + " is not a regular file", "not_regular");
  auto file = open_beneath(root.get(), at.path, O_RDONLY);
  if (!file) return not_opened(file.error(), verb, at);
  if (::fstat(file->get(), &about) != 0) return failed(errno, verb, at);
  if (!S_ISREG(about.st_mode)) return fail(Fault::kRejected, shown(at) + " is not a regular file", "not_regular");
  return std::move(*file);
}

// Fills the buffer as far as the file goes.
Result<std::size_t> read_full(int fd, std::span<char> into, std::uint64_t offset, Place const& at) {
  std::size_t bytes = 0;
  while (bytes < into.size()) {
    auto const got = ::pread(fd, into.data() + bytes, into.size() - bytes, static_cast<off_t>(offset + bytes));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(errno, "read", at);
    if (got == 0) break;
    bytes += static_cast<std::size_t>(got);
  }
  return bytes;
}

Result<void> write_all(int fd, std::string_view bytes, Place const& at) {
  while (!bytes.empty()) {
    auto const put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return failed(errno, "write", at);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

// A new file at the spot, filled and flushed; none stays behind where that fails.
template <class Fill>
Result<void> make_file(Place const& to, mode_t mode, Fill const& fill) {
  SLUICE_TRY(spot, spot_of(to, "write"));
  if (::unlinkat(spot.folder.get(), spot.name.c_str(), 0) != 0 && errno != ENOENT) return failed(errno, "write", to);
  UniqueFd const file(
      ::openat(spot.folder.get(), spot.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!file) return failed(errno, "write", to);
  auto filled = fill(file.get());
  if (filled && ::fsync(file.get()) != 0) filled = failed(errno, "flush", to);
  if (!filled) ::unlinkat(spot.folder.get(), spot.name.c_str(), 0);
  return filled;
}

Result<void> fill_from(int from_fd, int to_fd, Place const& from, Place const& to) {
  std::vector<char> buffer(kBufferBytes);
  for (std::uint64_t offset = 0;;) {
    SLUICE_TRY(got, read_full(from_fd, buffer, offset, from));
    if (got == 0) return {};
    SLUICE_CHECK(write_all(to_fd, {buffer.data(), got}, to));
    offset += got;
  }
}

Result<void> hold_to(int fd, ports::FilePrint const& print, Place const& at, struct stat& about) {
  if (::fstat(fd, &about) != 0) return failed(errno, "stat", at);
  if (print_of(about) == print) return {};
  return fail(Fault::kSourceChanged, shown(at) + " is not the file any more that was sent", "changed");
}

// Whoever may put files into the folder above must be able to go on with what is put into this one, whatever the umask:
// a unit's would shut it. Where the file system or the sandbox (RestrictSUIDSGID) has it otherwise, it stays as it is.
void open_like(int parent, int made) {
  struct stat above {};
  struct stat about {};
  if (::fstat(parent, &above) != 0 || ::fstat(made, &about) != 0) return;
  auto const mode = (about.st_mode & 0700) | (above.st_mode & 0077);
  if ((about.st_mode & 0777) == mode) return;
  if (::fchmod(made, mode | (about.st_mode & S_ISGID)) != 0) static_cast<void>(::fchmod(made, mode) == 0);
}

// By a second name and the end of the first, which overwrites nothing either.
Result<bool> link_over(Spot const& from, Spot const& to, Place const& from_at) {
  if (::linkat(from.folder.get(), from.name.c_str(), to.folder.get(), to.name.c_str(), 0) != 0) {
    if (errno == EEXIST) return false;
    return failed(errno, "rename", from_at);
  }
  if (::unlinkat(from.folder.get(), from.name.c_str(), 0) != 0) return failed(errno, "rename", from_at);
  return true;
}

}  // namespace

Result<std::optional<Standing>> ActsLinux::look(Place const& at) {
  SLUICE_TRY(root, open_folder(at.folder));
  auto const entry = open_beneath(root.get(), at.path, O_PATH);
  if (!entry && (entry.error() == ENOENT || entry.error() == ENOTDIR)) return std::nullopt;
  if (!entry) return not_opened(entry.error(), "look at", at);
  struct stat about {};
  if (::fstat(entry->get(), &about) != 0) return failed(errno, "look at", at);
  auto const type = S_ISREG(about.st_mode)   ? ports::FileType::kRegular
                    : S_ISDIR(about.st_mode) ? ports::FileType::kDirectory
                    : S_ISLNK(about.st_mode) ? ports::FileType::kSymlink
                                             : ports::FileType::kOther;
  return Standing{.type = type, .print = print_of(about)};
}

Result<bool> ActsLinux::rename(Place const& from, Place const& to) {
  SLUICE_TRY(here, spot_of(from, "rename"));
  SLUICE_TRY(there, spot_of(to, "rename to"));
  if (::renameat2(here.folder.get(), here.name.c_str(), there.folder.get(), there.name.c_str(), RENAME_NOREPLACE) == 0)
    return true;
  if (errno == EEXIST) return false;
  if (errno == EINVAL) return link_over(here, there, from);
  if (errno == ENAMETOOLONG) return failed(errno, "rename to", to);  // `from` is there
  return failed(errno, "rename", from);
}

Result<void> ActsLinux::replace(Place const& from, Place const& to) {
  SLUICE_TRY(here, spot_of(from, "rename"));
  auto const name = std::string(basename_of(to.path));
  if (::renameat(here.folder.get(), here.name.c_str(), here.folder.get(), name.c_str()) == 0) return {};
  return failed(errno, "rename", from);
}

Result<void> ActsLinux::remove(Place const& at) {
  SLUICE_TRY(spot, spot_of(at, "remove"));
  struct stat about {};
  auto const looked = ::fstatat(spot.folder.get(), spot.name.c_str(), &about, AT_SYMLINK_NOFOLLOW);
  if (looked != 0 && errno == ENOENT) return {};
  if (looked != 0) return failed(errno, "remove", at);
  if (!S_ISREG(about.st_mode)) return fail(Fault::kRejected, shown(at) + " is not a regular file", "not_regular");
  if (::unlinkat(spot.folder.get(), spot.name.c_str(), 0) == 0 || errno == ENOENT) return {};
  return failed(errno, "remove", at);
}

Result<void> ActsLinux::stands_apart(Place const& to) {
  if (watched_ == nullptr) return {};
  SLUICE_TRY(target, open_folder(to.folder));
  struct stat about {};
  auto const is_watched = [&](int fd) -> Result<void> {
    if (::fstat(fd, &about) != 0) return failed(errno, "stat the folder of", to);
    auto const root = watched_->root_of(about);
    if (!root) return {};
    return fail(Fault::kRejected,
                shown(to) + " is within " + printable(*root) +
                    ", whose files are taken, so it would be uploaded again and again: move_to needs a folder apart "
                    "from it; mind where links lead",
                "bad_target");
  };
  // Beneath the folder no link is followed: down by the names, as far as they are there.
  auto rest = directory_of(to.path);
  for (auto end = rest.find('/'); !rest.empty(); end = rest.find('/', end + 1)) {
    auto const folder = open_beneath(target.get(), rest.substr(0, end), O_PATH | O_DIRECTORY);
    if (!folder) break;  // what is in the way is said by who goes there
    SLUICE_CHECK(is_watched(folder->get()));
    if (end == std::string_view::npos) break;
  }
  // And up to the root, which is its own parent.
  for (struct stat below{}; true; below = about) {
    SLUICE_CHECK(is_watched(target.get()));
    if (about.st_dev == below.st_dev && about.st_ino == below.st_ino) return {};
    UniqueFd above(::openat(target.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!above) return failed(errno, "look above the folder of", to);
    target = std::move(above);
  }
}

Result<void> ActsLinux::make_way(Place const& to) {
  SLUICE_TRY(folder, open_folder(to.folder));
  auto rest = directory_of(to.path);
  while (!rest.empty()) {
    auto const name = std::string(rest.substr(0, rest.find('/')));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    auto const made = ::mkdirat(folder.get(), name.c_str(), kFolderMode) == 0;
    if (!made && errno != EEXIST) return failed(errno, "make the folders of", to);
    if (made) {
      auto const parent = open_beneath(folder.get(), "", O_RDONLY | O_DIRECTORY);
      if (!parent) return not_opened(parent.error(), "make the folders of", to);
      if (::fsync(parent->get()) != 0) return failed(errno, "make the folders of", to);
    }
    auto next = open_beneath(folder.get(), name, (made ? O_RDONLY : O_PATH) | O_DIRECTORY);
    if (!next) return not_opened(next.error(), "make the folders of", to);
    if (made) open_like(folder.get(), next->get());
    folder = std::move(*next);
  }
  return {};
}

Result<void> ActsLinux::copy(Place const& from, ports::FilePrint const& print, Place const& to) {
  SLUICE_TRY(file, open_regular(from, "copy"));
  struct stat about {};
  SLUICE_CHECK(hold_to(file.get(), print, from, about));
  ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  return make_file(to, 0600, [&](int fd) -> Result<void> {
    SLUICE_CHECK(fill_from(file.get(), fd, from, to));
    // The owner only where this process may choose it; then the mode, which a change of owner would cut.
    static_cast<void>(::fchown(fd, about.st_uid, about.st_gid) == 0);
    timespec const times[] = {about.st_atim, about.st_mtim};
    if (::fchmod(fd, about.st_mode & 0777) != 0 || ::futimens(fd, times) != 0) return failed(errno, "write", to);
    return hold_to(file.get(), print, from, about);
  });
}

Result<bool> ActsLinux::same_bytes(Place const& one, Place const& other) {
  SLUICE_TRY(first, open_regular(one, "read"));
  SLUICE_TRY(second, open_regular(other, "read"));
  ::posix_fadvise(second.get(), 0, 0, POSIX_FADV_DONTNEED);  // from the disk, not from what was just written
  std::vector<char> here(kBufferBytes), there(kBufferBytes);
  for (std::uint64_t offset = 0;; offset += kBufferBytes) {
    SLUICE_TRY(got, read_full(first.get(), here, offset, one));
    SLUICE_TRY(got_there, read_full(second.get(), there, offset, other));
    if (std::string_view(here.data(), got) != std::string_view(there.data(), got_there)) return false;
    if (got < kBufferBytes) return true;
  }
}

Result<void> ActsLinux::write(Place const& to, std::string_view text) {
  return make_file(to, kNoteMode, [&](int fd) {
    static_cast<void>(::fchmod(fd, kNoteMode) == 0);  // whatever the umask: whoever dropped the file is to read it
    return write_all(fd, text, to);
  });
}

Result<std::string> ActsLinux::head(Place const& at, std::size_t bytes_max) {
  auto const file = open_regular(at, "read");
  if (!file && (file.error().code == "not_regular" || file.error().code == "symlink")) return std::string();
  if (!file) return std::unexpected(file.error());
  std::string text(bytes_max, '\0');
  SLUICE_TRY(got, read_full(file->get(), text, 0, at));
  text.resize(got);
  return text;
}

Result<void> ActsLinux::sync(Place const& at) {
  SLUICE_TRY(spot, spot_of(at, "flush the folder of", O_RDONLY | O_DIRECTORY));
  if (::fsync(spot.folder.get()) == 0 || errno == EINVAL) return {};  // not every file system flushes folders
  return failed(errno, "flush the folder of", at);
}

Result<bool> ActsLinux::any_beside(Place const& at, std::function<bool(std::string_view name)> const& fits) {
  SLUICE_TRY(spot, spot_of(at, "list the folder of", O_RDONLY | O_DIRECTORY));
  std::unique_ptr<DIR, decltype([](DIR* dir) { ::closedir(dir); })> const dir(::fdopendir(spot.folder.get()));
  if (!dir) return failed(errno, "list the folder of", at);
  spot.folder.release();  // closedir closes it
  for (std::size_t names = 0; names < ports::kNamesBesideMax; ++names) {
    errno = 0;
    auto const* found = ::readdir(dir.get());
    if (found == nullptr && errno != 0) return failed(errno, "list the folder of", at);
    if (found == nullptr) return false;
    if (fits(found->d_name)) return true;
  }
  return fail(Fault::kLocal, "the folder of " + shown(at) + " has too many names to look at", "too_many");
}

}  // namespace sluice::daemon

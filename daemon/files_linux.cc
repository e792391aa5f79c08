#include "daemon/files_linux.h"

#include <dirent.h>
#include <fcntl.h>
#include <magic.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <string_view>

#include "core/base/text.h"
#include "daemon/beneath_linux.h"
#include "daemon/mount_kind.h"

namespace sluice::daemon {
namespace {

constexpr std::size_t kSniffBytes = 64 * 1024;

std::string shown_path(std::string const& root, std::string const& relative) {
  return printable(relative.empty() ? root : root + "/" + relative);
}

std::string owner_words(struct stat const& about) {
  return "belongs to uid " + std::to_string(about.st_uid) + ", gid " + std::to_string(about.st_gid) + " with mode " +
         mode_words(about.st_mode);
}

// Who may not read what, and what to do: the half of an EACCES text that lets a person mend it (D36).
std::string access_words(int root_fd, std::string const& root, std::string const& relative) {
  auto const uid = std::to_string(::geteuid());
  auto const words = "; this process runs as uid " + uid + ", gid " + std::to_string(::getegid());
  struct stat about {};
  if (auto const entry = open_beneath(root_fd, relative, O_PATH); entry && ::fstat(entry->get(), &about) == 0)
    return words + ", it " + owner_words(about) + ": let this process read it, by chmod, chown or setfacl";
  // The last folder on the way that can be come to is the one that lets nobody through.
  auto last = std::string();
  for (auto end = relative.find('/'); end != std::string::npos; end = relative.find('/', end + 1)) {
    auto const folder = open_beneath(root_fd, relative.substr(0, end), O_PATH);
    if (!folder) break;
    last = relative.substr(0, end);
  }
  auto const folder = open_beneath(root_fd, last, O_PATH);
  if (!folder || ::fstat(folder->get(), &about) != 0) return words + ", a folder above it lacks search permission";
  return words + "; the folder " + shown_path(root, last) + " " + owner_words(about) +
         " and does not let it through: chmod it, or setfacl -m u:" + uid + ":rx";
}

// The Error for an errno met at `what` (with the verb in front: "open /srv/drop/a.mp4").
Error error_of(int error, std::string what) {
  what += ": " + errno_words(error);
  switch (error) {
    case ENOENT:
    case ENOTDIR: return {Fault::kGone, std::move(what), "gone"};
    case ELOOP: return {Fault::kSourceIo, what + "; symbolic links are not followed", "symlink"};
    case EXDEV: return {Fault::kSourceIo, what + "; the path leads out of its folder", "symlink"};
    case EACCES:
    case EPERM: return {Fault::kSourceIo, std::move(what), "permission"};
    case EMFILE:
    case ENFILE:
    case ENOMEM: return {Fault::kLocal, std::move(what), "descriptors"};
    case EAGAIN: return {Fault::kSourceIo, what + "; another program holds a lease on it", "busy"};
    case ENOSYS: return {Fault::kSourceIo, what + "; openat2 needs Linux 5.6 or newer", "io"};
    default: return {Fault::kSourceIo, std::move(what), "io"};
  }
}

ports::FileType type_of(mode_t mode) {
  if (S_ISREG(mode)) return ports::FileType::kRegular;
  if (S_ISDIR(mode)) return ports::FileType::kDirectory;
  if (S_ISLNK(mode)) return ports::FileType::kSymlink;
  return ports::FileType::kOther;
}

class OpenFileLinux final : public ports::OpenFile {
 public:
  OpenFileLinux(UniqueFd fd, std::string shown) : fd_(std::move(fd)), shown_(std::move(shown)) {
    is_remote_ = !remote_kind(fd_.get()).empty();
    ::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  }

  Result<ports::FilePrint> print() const override {
    struct stat about {};
    if (::fstat(fd_.get(), &about) != 0) return std::unexpected(error_of(errno, "stat " + shown_));
    return print_of(about);
  }

  Result<std::size_t> read_at(std::span<std::byte> into, std::uint64_t offset_bytes) const override {
    while (true) {
      auto const got = ::pread(fd_.get(), into.data(), into.size(), static_cast<off_t>(offset_bytes));
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) return fail(Fault::kSourceIo, "read " + shown_ + ": " + errno_words(errno), "io");
    }
  }

  bool expect(std::uint64_t offset_bytes, std::uint64_t length_bytes) const override {
    std::byte first{};
    iovec into{.iov_base = &first, .iov_len = 1};
    // Fails with EAGAIN where the byte would have to come from the disk; not every file system can say.
    auto const got = ::preadv2(fd_.get(), &into, 1, static_cast<off_t>(offset_bytes), RWF_NOWAIT);
    if (got >= 0 || errno != EAGAIN) return false;
    ::posix_fadvise(fd_.get(), static_cast<off_t>(offset_bytes), static_cast<off_t>(length_bytes), POSIX_FADV_WILLNEED);
    return true;
  }

  void release(std::uint64_t offset_bytes, std::uint64_t length_bytes) const override {
    ::posix_fadvise(fd_.get(), static_cast<off_t>(offset_bytes), static_cast<off_t>(length_bytes), POSIX_FADV_DONTNEED);
  }

  ports::Writer writer() const override {
    auto const found = take_lease();
    if (found == ports::Writer::kNone) ::fcntl(fd_.get(), F_SETLEASE, F_UNLCK);
    return found;
  }

  ports::Writer keep_writers_out() override {
    auto const found = take_lease();
    if (found == ports::Writer::kNone) since_ = found;
    return found;
  }

  ports::Writer writer_since() const override {
    if (since_ == ports::Writer::kNone && ::fcntl(fd_.get(), F_GETLEASE) != F_RDLCK) {
      since_ = ports::Writer::kPresent;
      ::fcntl(fd_.get(), F_SETLEASE, F_UNLCK);  // or the writer would wait for /proc/sys/fs/lease-break-time
    }
    return since_;
  }

 private:
  ports::Writer take_lease() const {
    if (is_remote_) return ports::Writer::kUnknown;  // its answer would be about this host only
    // Who breaks a lease sends its holder a signal, and SIGIO, the usual one, would end the process. SIGURG is ignored
    // unless somebody asks for it (signals_linux). It goes to the thread that took the lease, and nowhere when that is
    // not the first one, unless the process is named. The kernel forgets both with each lease that is given back.
    if (::fcntl(fd_.get(), F_SETSIG, kWriterSignal) != 0 || ::fcntl(fd_.get(), F_SETOWN, ::getpid()) != 0)
      return ports::Writer::kUnknown;
    if (::fcntl(fd_.get(), F_SETLEASE, F_RDLCK) == 0) return ports::Writer::kNone;
    return errno == EAGAIN ? ports::Writer::kPresent : ports::Writer::kUnknown;
  }

  UniqueFd fd_;
  std::string shown_;
  bool is_remote_ = false;
  std::atomic<ports::Writer> mutable since_ = ports::Writer::kUnknown;  // file workers and the loop ask
};

Result<UniqueFd> open_root(std::string const& root) {
  UniqueFd folder(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return std::unexpected(error_of(errno, "open folder " + printable(root)));
  return folder;
}

struct DirCloser {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

class FolderListing final : public ports::Listing {
 public:
  FolderListing(std::unique_ptr<DIR, DirCloser> dir, std::string shown)
      : dir_(std::move(dir)), shown_(std::move(shown)) {}

  Result<std::vector<ports::DirEntry>> next(std::size_t max) override {
    std::vector<ports::DirEntry> entries;
    while (entries.size() < max) {
      errno = 0;
      auto const* found = ::readdir(dir_.get());
      if (found == nullptr && errno != 0) return std::unexpected(error_of(errno, "list " + shown_));
      if (found == nullptr) break;
      std::string_view const name = found->d_name;
      if (name == "." || name == "..") continue;
      SLUICE_TRY(entry, look_at(*found));
      if (entry) entries.push_back(std::move(*entry));
    }
    return entries;
  }

 private:
  // Nothing for what went away meanwhile.
  Result<std::optional<ports::DirEntry>> look_at(dirent const& found) {
    struct stat about {};
    ports::DirEntry entry{.name = found.d_name, .type = ports::FileType::kOther, .print = {}};
    if (looked_at_ >= FilesLinux::kPrintsMax && found.d_type != DT_UNKNOWN) {
      entry.type = type_of(static_cast<mode_t>(DTTOIF(found.d_type)));
      entry.has_print = false;
      return entry;
    }
    ++looked_at_;
    if (::fstatat(::dirfd(dir_.get()), found.d_name, &about, AT_SYMLINK_NOFOLLOW) == 0) {
      entry.type = type_of(about.st_mode);
      entry.print = print_of(about);
    } else if (errno == ENOENT) {
      return std::nullopt;
    } else if (errno == EACCES) {  // so will every other: the folder can be read but not searched
      return std::unexpected(error_of(EACCES, "list " + shown_ + ": it lacks search permission (x)"));
    }
    return entry;
  }

  std::unique_ptr<DIR, DirCloser> dir_;
  std::string shown_;
  std::size_t looked_at_ = 0;
};

}  // namespace

struct FilesLinux::Magic {
  struct Closer {
    void operator()(magic_set* cookie) const { ::magic_close(cookie); }
  };
  std::unique_ptr<magic_set, Closer> cookie;
  bool loaded = false;

  Magic()
      : cookie(::magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_TAR | MAGIC_NO_CHECK_ELF |
                            MAGIC_NO_CHECK_CDF)) {
    loaded = cookie && ::magic_load(cookie.get(), nullptr) == 0;
  }
};

FilesLinux::FilesLinux(WatchedRoots* watched) : watched_(watched) {}
FilesLinux::~FilesLinux() = default;

Result<std::shared_ptr<ports::OpenFile>> FilesLinux::open(std::string const& root, std::string const& relative) {
  SLUICE_TRY(folder, open_root(root));
  auto const shown = shown_path(root, relative);
  auto const failed = [&](int error) {
    auto made = error_of(error, "open " + shown);
    if (error == EACCES) made.text += access_words(folder.get(), root, relative);
    return std::unexpected(std::move(made));
  };
  struct stat about {};
  auto const refuse_special = [&](int fd) -> Result<void> {
    if (::fstat(fd, &about) != 0) return failed(errno);
    if (S_ISLNK(about.st_mode)) return failed(ELOOP);
    if (!S_ISREG(about.st_mode)) return fail(Fault::kSourceIo, "open " + shown + ": not a regular file", "not_regular");
    return {};
  };

  auto const looked_at = open_beneath(folder.get(), relative, O_PATH);
  if (!looked_at) return failed(looked_at.error());
  SLUICE_CHECK(refuse_special(looked_at->get()));
  auto opened = open_beneath(folder.get(), relative, O_RDONLY);
  if (!opened) return failed(opened.error());
  SLUICE_CHECK(refuse_special(opened->get()));  // it may be another one by now
  return std::make_shared<OpenFileLinux>(std::move(*opened), shown);
}

Result<ports::FilePrint> FilesLinux::stat(std::string const& root, std::string const& relative) {
  SLUICE_TRY(folder, open_root(root));
  auto const entry = open_beneath(folder.get(), relative, O_PATH);
  if (!entry) {
    auto made = error_of(entry.error(), "stat " + shown_path(root, relative));
    if (entry.error() == EACCES) made.text += access_words(folder.get(), root, relative);
    return std::unexpected(std::move(made));
  }
  struct stat about {};
  if (::fstat(entry->get(), &about) != 0) return std::unexpected(error_of(errno, "stat " + shown_path(root, relative)));
  return print_of(about);
}

Result<std::unique_ptr<ports::Listing>> FilesLinux::list(std::string const& root, std::string const& relative) {
  SLUICE_TRY(folder, open_root(root));
  auto const shown = shown_path(root, relative);
  auto opened = open_beneath(folder.get(), relative, O_RDONLY | O_DIRECTORY);
  if (!opened) {
    auto made = error_of(opened.error(), "list " + shown);
    if (opened.error() == EACCES) made.text += access_words(folder.get(), root, relative);
    return std::unexpected(std::move(made));
  }
  struct stat about {};
  if (watched_ != nullptr && relative.empty() && ::fstat(opened->get(), &about) == 0) watched_->saw(root, about);
  std::unique_ptr<DIR, DirCloser> dir(::fdopendir(opened->get()));
  if (!dir) return std::unexpected(error_of(errno, "list " + shown));
  opened->release();  // closedir closes it
  return std::make_unique<FolderListing>(std::move(dir), shown);
}

Result<std::string> FilesLinux::sniff(ports::OpenFile const& file) {
  std::vector<std::byte> head(kSniffBytes);
  SLUICE_TRY(got, file.read_at(head, 0));
  if (got == 0) return std::string();

  std::lock_guard const lock(magic_mutex_);
  if (!magic_) magic_ = std::make_unique<Magic>();
  if (!magic_->loaded) return std::string();
  auto const* type = ::magic_buffer(magic_->cookie.get(), head.data(), got);
  if (type == nullptr || std::string_view(type) == "application/octet-stream") return std::string();
  return std::string(type);
}

}  // namespace sluice::daemon

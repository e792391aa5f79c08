#include "daemon/beneath_linux.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "core/base/text.h"

namespace sluice::daemon {
namespace {

// PATH_MAX is 4096 with the NUL; a piece stays well below it.
constexpr std::size_t kPieceBytesMax = 4000;

std::expected<UniqueFd, int> open_piece(int dir_fd, std::string const& piece, int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_NOFOLLOW | O_CLOEXEC);
  if ((flags & O_PATH) == 0) how.flags |= O_NOCTTY | O_NONBLOCK;  // openat2 refuses them beside O_PATH
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  while (true) {
    auto const fd = ::syscall(SYS_openat2, dir_fd, piece.c_str(), &how, sizeof how);
    if (fd >= 0) return UniqueFd(static_cast<int>(fd));
    if (errno != EINTR) return std::unexpected(errno);
  }
}

std::int64_t to_ns(timespec at) { return std::int64_t{at.tv_sec} * 1'000'000'000 + at.tv_nsec; }

}  // namespace

std::expected<UniqueFd, int> open_beneath(int root_fd, std::string_view relative, int flags) {
  if (!is_plain_relative(relative)) return std::unexpected(EINVAL);
  if (relative.empty()) return open_piece(root_fd, ".", flags);

  UniqueFd folder;
  while (relative.size() > kPieceBytesMax) {
    auto const slash = relative.rfind('/', kPieceBytesMax);
    if (slash == std::string_view::npos) return std::unexpected(ENAMETOOLONG);
    auto const from = folder ? folder.get() : root_fd;
    auto next = open_piece(from, std::string(relative.substr(0, slash)), O_PATH | O_DIRECTORY);
    if (!next) return next;
    folder = std::move(*next);
    relative.remove_prefix(slash + 1);
  }
  return open_piece(folder ? folder.get() : root_fd, std::string(relative), flags);
}

std::string errno_words(int error) {
  auto const* words = ::strerrordesc_np(error);
  auto const* name = ::strerrorname_np(error);
  if (words == nullptr || name == nullptr) return "error " + std::to_string(error);
  return std::string(words) + " (" + name + ")";
}

std::string mode_words(unsigned mode) {
  std::string digits = "0";
  for (int shift = 6; shift >= 0; shift -= 3) digits += static_cast<char>('0' + ((mode >> shift) & 7u));
  return digits;
}

ports::FilePrint print_of(struct stat const& from) {
  return {.size_bytes = static_cast<std::uint64_t>(from.st_size),
          .mtime_ns = to_ns(from.st_mtim),
          .ctime_ns = to_ns(from.st_ctim),
          .inode = from.st_ino,
          .device = from.st_dev};
}

}  // namespace sluice::daemon

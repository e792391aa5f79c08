#include "daemon/journal_watch.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace sluice::daemon {

bool is_gone(std::filesystem::path const& file, FileIdentity const& was) {
  struct stat facts {};
  if (::stat(file.c_str(), &facts) != 0) return errno == ENOENT || errno == ENOTDIR;
  return FileIdentity{facts.st_dev, facts.st_ino} != was;
}

FileIdentity identity_of(int fd) {
  struct stat facts {};
  if (::fstat(fd, &facts) != 0) return {};
  return {facts.st_dev, facts.st_ino};
}

JournalWatch::JournalWatch(std::filesystem::path const& journal_file) {
  for (auto const* part : {"", "-wal"}) {
    auto const file = std::filesystem::path(journal_file.string() + part);
    struct stat facts {};
    if (::stat(file.c_str(), &facts) == 0) watched_.push_back({file, {facts.st_dev, facts.st_ino}});
  }
}

std::optional<std::filesystem::path> JournalWatch::gone() const {
  auto const lost =
      std::ranges::find_if(watched_, [](auto const& watched) { return is_gone(watched.file, watched.identity); });
  if (lost == watched_.end()) return std::nullopt;
  return lost->file;
}

}  // namespace sluice::daemon

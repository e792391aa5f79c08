#include "core/journal/folder_owner.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "core/base/text.h"

namespace sluice::journal {
namespace {

std::filesystem::path folder_of(std::filesystem::path const& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

std::string name_of(uid_t user) {
  auto const* entry = ::getpwuid(user);
  return entry == nullptr ? std::to_string(user) : std::string(entry->pw_name);
}

}  // namespace

void give_to_owner_of_folder(int fd, std::filesystem::path const& file) {
  struct stat folder {};
  if (::geteuid() != 0 || ::stat(folder_of(file).c_str(), &folder) != 0 || folder.st_uid == 0) return;
  [[maybe_unused]] auto const given = ::fchown(fd, folder.st_uid, folder.st_gid);
}

std::string owner_trouble(std::filesystem::path const& file) {
  struct stat facts {};
  auto const there = ::lstat(file.c_str(), &facts) == 0;
  auto const culprit = there ? file : folder_of(file);
  auto const needed = there ? R_OK | W_OK : R_OK | W_OK | X_OK;
  if (::faccessat(AT_FDCWD, culprit.c_str(), needed, AT_EACCESS) == 0 || errno != EACCES) return {};
  auto const me = name_of(::geteuid());
  auto const shown = printable(culprit.string());
  auto const whose = ::stat(culprit.c_str(), &facts) == 0 ? "belongs to " + name_of(facts.st_uid) : "is another user's";
  return ": " + shown + " " + whose + ", and this runs as " + me + "; if " + me +
         " is the user of sluiced, run as root: chown " + me + " " + shown;
}

}  // namespace sluice::journal

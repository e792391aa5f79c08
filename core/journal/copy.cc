#include "core/journal/copy.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "core/journal/folder_owner.h"

namespace sluice::journal {
namespace {

[[noreturn]] void refuse_copy(std::filesystem::path const& copy, int error) {
  auto const kind = error == ENOSPC || error == EDQUOT ? JournalError::Kind::kFull : JournalError::Kind::kIo;
  throw JournalError(
      kind, "journal: the copy " + copy.string() + " cannot be made: " + std::generic_category().message(error));
}

void sync_path(std::filesystem::path const& path, std::filesystem::path const& copy) {
  auto const fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) refuse_copy(copy, errno);
  auto const result = ::fsync(fd);
  auto const error = errno;
  ::close(fd);
  if (result != 0) refuse_copy(copy, error);
}

void forget_urls(std::string const& copy) {
  Database database(copy);
  database.run("PRAGMA journal_mode = DELETE; PRAGMA secure_delete = ON");
  if (database.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'chunk'") == 0) return;
  database.run("UPDATE item SET url = NULL WHERE instr(url, '?') > 0");
  database.run("UPDATE chunk SET state = 'needs_url', url = NULL, url_renew_at_ms = NULL WHERE url IS NOT NULL");
}

}  // namespace

void keep_copy(Database& database, std::filesystem::path const& copy, Urls urls) {
  auto const half = copy.string() + ".part";  // the name without .part appears only when the copy is whole
  ::unlink(half.c_str());
  auto const made = ::open(half.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (made < 0) refuse_copy(copy, errno);
  give_to_owner_of_folder(made, half);
  ::close(made);
  try {
    database.copy_into(half);
    if (urls == Urls::kForgotten) forget_urls(half);
    sync_path(half, copy);
  } catch (JournalError const&) {
    ::unlink(half.c_str());  // on a full disk it takes the room that its next try needs
    throw;
  }
  if (::rename(half.c_str(), copy.c_str()) != 0) refuse_copy(copy, errno);
  sync_path(copy.has_parent_path() ? copy.parent_path() : std::filesystem::path("."), copy);
}

}  // namespace sluice::journal

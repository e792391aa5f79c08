#include "core/journal/migrate.h"

#include <fcntl.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <string>
#include <system_error>

#include "core/journal/open.h"
#include "core/journal/sqlite.h"

namespace sluice::journal {
namespace {

[[noreturn]] void refuse_copy(std::filesystem::path const& copy, int error) {
  auto const kind = error == ENOSPC || error == EDQUOT ? JournalError::Kind::kFull : JournalError::Kind::kIo;
  throw JournalError(kind, "journal: the copy before a migration, " + copy.string() + ", cannot be made: " +
                               std::generic_category().message(error) + "; nothing was migrated");
}

void sync_path(std::filesystem::path const& path, std::filesystem::path const& copy) {
  auto const fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) refuse_copy(copy, errno);
  auto const result = ::fsync(fd);
  auto const error = errno;
  ::close(fd);
  if (result != 0) refuse_copy(copy, error);
}

// A presigned URL outlives neither its hour nor the journal (P2); the copy may lie there for years.
void forget_urls(std::string const& copy) {
  Database database(copy);
  database.run("PRAGMA journal_mode = DELETE; PRAGMA secure_delete = ON");
  if (database.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'chunk'") == 0) return;
  database.run("UPDATE item SET url = NULL WHERE instr(url, '?') > 0");
  database.run("UPDATE chunk SET state = 'needs_url', url = NULL, url_renew_at_ms = NULL WHERE url IS NOT NULL");
}

void keep_copy(Database& database, std::filesystem::path const& copy) {
  auto const half = copy.string() + ".part";  // the name without .part appears only when the copy is whole
  ::unlink(half.c_str());
  auto const made = ::open(half.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (made < 0) refuse_copy(copy, errno);
  ::close(made);
  database.copy_into(half);
  forget_urls(half);
  sync_path(half, copy);
  if (::rename(half.c_str(), copy.c_str()) != 0) refuse_copy(copy, errno);
  sync_path(copy.has_parent_path() ? copy.parent_path() : std::filesystem::path("."), copy);
}

void apply(Database& database, Migration const& migration) {
  database.run("BEGIN IMMEDIATE");
  try {
    database.run(migration.sql);
    database.run("PRAGMA application_id = " + std::to_string(kApplicationId));
    database.run("PRAGMA user_version = " + std::to_string(migration.number));
    database.run("COMMIT");
  } catch (JournalError const& error) {
    if (database.in_transaction()) database.run("ROLLBACK");
    throw JournalError(error.kind(), "migration " + std::string(migration.name) + ": " + error.what());
  }
}

}  // namespace

void migrate(Database& database, std::filesystem::path const& file, std::span<Migration const> all) {
  auto const version = database.integer("PRAGMA user_version");
  auto copied = version == 0;  // a new journal has nothing to keep
  for (auto const& migration : all) {
    if (migration.number <= version) continue;
    if (!copied) keep_copy(database, file.string() + ".before-" + std::to_string(migration.number));
    copied = true;
    apply(database, migration);
  }
}

}  // namespace sluice::journal

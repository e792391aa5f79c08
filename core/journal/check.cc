// check.cc - the whole check of a journal that no daemon has open: by `sluice journal check`, and before it is sealed.

#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "core/journal/journal.h"
#include "core/journal/migrate.h"
#include "core/journal/open.h"
#include "core/journal/sqlite.h"

namespace sluice::journal {
namespace {

constexpr std::size_t kProblemsMax = 20;

// Where SQLite locks a database (os.h: PENDING_BYTE, RESERVED_BYTE, and SHARED_SIZE bytes of readers).
constexpr off_t kLocksFrom = 0x40000000;
constexpr off_t kLocksBytes = 2 + 510;

void add_rows(Database& database, std::string_view sql, std::string const& what, std::vector<std::string>& problems) {
  auto statement = database.statement(sql);
  while (problems.size() < kProblemsMax && statement.next()) {
    auto text = statement.take_text();
    database.fail_if_unread(text);
    if (text != "ok") problems.push_back(what + text);
  }
}

}  // namespace

Checked check_journal(std::filesystem::path const& file) {
  if (!std::filesystem::exists(file))
    throw JournalError(JournalError::Kind::kDamaged, "journal " + file.string() + ": it is not there");
  Database database(file.string());
  database.run("PRAGMA locking_mode = EXCLUSIVE");
  check_identity(database, file, migrations().back().number);
  Checked checked;
  add_rows(database, "PRAGMA integrity_check(20)", "", checked.problems);
  add_rows(database, "PRAGMA foreign_key_check", "a row without its parent in table ", checked.problems);
  if (database.integer("SELECT count(*) FROM sqlite_schema WHERE name IN ('item', 'event', 'meta')") != 3) {
    checked.problems.emplace_back("its tables are not there: it is no journal, or an empty file");
    return checked;
  }
  checked.last_event = database.integer("SELECT max(id) FROM event");
  auto id = database.text("SELECT value FROM meta WHERE key = '" + std::string(kIdKey) + "'");
  if (!id.empty()) checked.id = std::move(id);
  return checked;
}

bool check_closed(std::filesystem::path const& file, std::function<bool()> const& give_up) {
  Database database(file.string());
  database.run("PRAGMA locking_mode = EXCLUSIVE");
  auto given_up = give_up();
  database.ask_to_give_up([&] { return given_up = given_up || give_up(); });
  try {
    database.check_whole();
  } catch (JournalError const&) {
    if (!given_up) throw;
  }
  return !given_up;
}

std::optional<std::string> opener_of(std::filesystem::path const& file) {
  auto const fd = ::open(file.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return std::nullopt;
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = kLocksFrom;
  lock.l_len = kLocksBytes;
  auto const asked = ::fcntl(fd, F_GETLK, &lock);
  ::close(fd);
  if (asked != 0 || lock.l_type == F_UNLCK) return std::nullopt;
  return lock.l_pid > 0 ? "process " + std::to_string(lock.l_pid) : "another process";
}

}  // namespace sluice::journal

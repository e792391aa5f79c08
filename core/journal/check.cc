// check.cc - the whole check of a stopped daemon's journal, for `sluice journal check`.

#include <string>
#include <utility>

#include "core/journal/journal.h"
#include "core/journal/sqlite.h"

namespace sluice::journal {
namespace {

constexpr std::size_t kProblemsMax = 20;

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

}  // namespace sluice::journal

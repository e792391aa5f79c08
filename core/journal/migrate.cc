#include "core/journal/migrate.h"

#include <string>

#include "core/journal/copy.h"
#include "core/journal/open.h"
#include "core/journal/sqlite.h"

namespace sluice::journal {
namespace {

void keep_copy_before(Database& database, std::filesystem::path const& copy) {
  try {
    keep_copy(database, copy, Urls::kForgotten);
  } catch (JournalError const& error) {
    throw JournalError(error.kind(), std::string(error.what()) + "; nothing was migrated");
  }
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
    if (!copied) keep_copy_before(database, file.string() + ".before-" + std::to_string(migration.number));
    copied = true;
    apply(database, migration);
  }
}

}  // namespace sluice::journal

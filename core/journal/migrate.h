// migrate.h - brings a journal to the newest schema, one numbered file after the other.
//
// The SQL files of core/journal/sql are compiled in; a released one is never edited
// (tests/journal/released.sha256 sees to it). The number reached is `PRAGMA user_version`, which rolls
// back with its transaction, so a migration that dies half-way did not happen.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>

namespace sluice::journal {

struct Migration {
  int number;             // user_version after it
  std::string_view name;  // "0001_first.sql"
  std::string_view sql;
};

// All migrations, lowest number first, without gaps.
std::span<Migration const> migrations();

class Database;

// Applies, in one transaction each, the migrations that the database has not seen yet. Before the
// first of them a database that is in use already is copied to `file` + ".before-N", N being the
// number of that migration; the copy holds no presigned URL.
// Throws  JournalError; the database is then as the last whole migration left it.
void migrate(Database& database, std::filesystem::path const& file, std::span<Migration const> all);

}  // namespace sluice::journal

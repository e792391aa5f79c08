#include "journal_copy.h"

#include <sqlite3.h>

#include <filesystem>
#include <memory>
#include <stdexcept>

namespace sluice::e2e {

namespace fs = std::filesystem;

namespace {
struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
}  // namespace

JournalCopy::JournalCopy(std::string const& state_dir, std::string const& folder) {
  fs::remove_all(folder);
  fs::create_directories(folder);
  for (auto const* name : {"journal.db", "journal.db-wal"}) {
    auto const from = fs::path(state_dir) / name;
    if (fs::exists(from)) fs::copy_file(from, fs::path(folder) / name);
  }
  if (sqlite3_open((folder + "/journal.db").c_str(), &db_) != SQLITE_OK) {
    std::string const why = sqlite3_errmsg(db_);
    sqlite3_close(db_);
    throw std::runtime_error("cannot open the journal's copy: " + why);
  }
}

JournalCopy::~JournalCopy() { sqlite3_close(db_); }

std::vector<std::vector<std::string>> JournalCopy::rows(std::string const& sql) const {
  sqlite3_stmt* made = nullptr;
  if (sqlite3_prepare_v2(db_, sql.c_str(), -1, &made, nullptr) != SQLITE_OK)
    throw std::runtime_error(sql + ": " + sqlite3_errmsg(db_));
  std::unique_ptr<sqlite3_stmt, Finalize> const statement(made);
  std::vector<std::vector<std::string>> all;
  while (sqlite3_step(made) == SQLITE_ROW) {
    auto& row = all.emplace_back();
    for (int i = 0; i < sqlite3_column_count(made); ++i) {
      auto const* const text = reinterpret_cast<char const*>(sqlite3_column_text(made, i));
      row.emplace_back(text == nullptr ? "" : text);
    }
  }
  return all;
}

std::set<std::string> JournalCopy::chunks_where(std::string const& condition) const {
  std::set<std::string> chunks;
  for (auto const& row : rows("SELECT s.upload_id || ' ' || c.chunk_index FROM chunk c JOIN session s "
                              "ON s.id = c.session_id WHERE " +
                              condition))
    chunks.insert(row.at(0));
  return chunks;
}

bool JournalCopy::has_tables() const {
  return rows("SELECT count(*) FROM sqlite_schema WHERE name IN ('item', 'chunk')").at(0).at(0) == "2";
}

std::uint64_t JournalCopy::bytes_of_chunks_in_air() const {
  auto const sum = rows(
      "SELECT coalesce(sum(min(s.chunk_size_bytes, s.file_bytes - (c.chunk_index - 1) * s.chunk_size_bytes)), 0) "
      "FROM chunk c JOIN session s ON s.id = c.session_id WHERE c.state = 'putting'");
  return std::stoull(sum.at(0).at(0));
}

JournalCopy::WholeFiles JournalCopy::whole_files_in_air() const {
  auto const row = rows(
                       "SELECT count(*), coalesce(sum(size_bytes), 0) FROM item WHERE state = 'sending' "
                       "AND unknown_at_ms IS NULL")
                       .at(0);
  return {.files = std::stoull(row.at(0)), .bytes = std::stoull(row.at(1))};
}

std::set<std::string> JournalCopy::stored_chunks() const { return chunks_where("c.state IN ('stored', 'reported')"); }
std::set<std::string> JournalCopy::chunks_in_air() const { return chunks_where("c.state = 'putting'"); }

}  // namespace sluice::e2e

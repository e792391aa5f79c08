// journal_copy.h - what the journal of a dead daemon says.
//
// A copy is read, never the journal itself: the next start shall find it exactly as the death left it.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

struct sqlite3;

namespace sluice::e2e {

class JournalCopy {
 public:
  // Copies journal.db and its log from the state directory into `folder` and opens the copy.
  // Requires: no daemon runs on it. Throws std::runtime_error.
  JournalCopy(std::string const& state_dir, std::string const& folder);
  ~JournalCopy();
  JournalCopy(JournalCopy const&) = delete;
  JournalCopy& operator=(JournalCopy const&) = delete;

  // All rows; NULL is "".
  std::vector<std::vector<std::string>> rows(std::string const& sql) const;

  // Whether the daemon lived long enough to make them.
  bool has_tables() const;
  // "ok", or what SQLite's integrity_check found.
  std::string integrity() const { return rows("PRAGMA integrity_check").at(0).at(0); }

  // The chunks, as "upload_id chunk_index", whose answer is in the journal.
  std::set<std::string> stored_chunks() const;
  // Those that were in the air when the daemon died.
  std::set<std::string> chunks_in_air() const;
  std::uint64_t bytes_of_chunks_in_air() const;
  // Files sent in one request that were in the air then.
  struct WholeFiles {
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;
  };
  WholeFiles whole_files_in_air() const;

 private:
  std::set<std::string> chunks_where(std::string const& condition) const;
  sqlite3* db_ = nullptr;
};

}  // namespace sluice::e2e

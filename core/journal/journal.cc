#include "core/journal/journal.h"

#include <cassert>

#include "core/journal/copy.h"
#include "core/journal/open.h"
#include "core/journal/sqlite.h"

namespace sluice::journal {
namespace {

// A passive checkpoint copies what the log holds and lets the next commit start the log anew, so the
// log stays about this long; each costs two flushes, so it must not be much shorter either.
constexpr std::uint64_t kLogBytesMax = 4u << 20;

}  // namespace

Journal::Journal(std::filesystem::path const& file, std::string const& vfs, Check check)
    : db_(open_database(file, migrations(), vfs, check)) {
  count_states();
}
Journal::~Journal() = default;

void Journal::begin() {
  assert(!in_transaction());
  if (late_error_) throw *late_error_;
  restore_lines();  // after a transaction that SQLite itself rolled back
  if (db_->log_is_left()) db_->write_log_back();
  db_->statement("BEGIN IMMEDIATE").run();
  lines_before_ = lines_;
  rows_written_before_ = rows_written();
}

void Journal::commit() {
  assert(in_transaction());
  try {
    db_->statement("COMMIT").run();
  } catch (JournalError const&) {
    rollback();
    throw;
  }
  lines_before_.reset();
  if (db_->wal_bytes() <= kLogBytesMax) return;
  try {
    db_->checkpoint(Database::Checkpoint::kPassive);
  } catch (JournalError const& error) {
    // The rows are committed, so this must not look like a failed commit: the caller would undo what
    // happened. With a full disk the log just grows on; anything else stops the next transaction.
    if (error.kind() != JournalError::Kind::kFull) late_error_ = error;
  }
}

void Journal::rollback() {
  if (in_transaction()) {
    try {
      db_->statement("ROLLBACK").run();
    } catch (JournalError const& error) {
      late_error_ = error;  // the first failure, which led here, is the one to be told
    }
  }
  restore_lines();
}

bool Journal::in_transaction() const { return db_->in_transaction(); }
std::uint64_t Journal::rows_written() const { return db_->total_changes(); }

void Journal::checkpoint() {
  assert(!in_transaction());
  if (late_error_) throw *late_error_;
  db_->checkpoint(Database::Checkpoint::kTruncate);
}

void Journal::copy_to(std::filesystem::path const& copy) {
  assert(!in_transaction());
  keep_copy(*db_, copy, Urls::kKept);
}

void Journal::close() { db_.reset(); }

int Journal::schema_version() const { return static_cast<int>(db_->integer("PRAGMA user_version")); }
std::vector<std::string> Journal::query_plans() const { return db_->query_plans(); }

// --- meta

std::optional<std::string> Journal::meta(std::string_view key) const {
  auto statement = db_->statement("SELECT value FROM meta WHERE key = ?");
  if (!statement.bind(key).next()) return std::nullopt;
  return statement.take_text();
}

void Journal::set_meta(std::string_view key, std::string_view value) {
  assert(in_transaction());
  db_->statement("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
      .bind(key)
      .bind(value)
      .run();
}

// --- counters

// Each query is served by an index; of the finished steps and names there may be very many.
void Journal::count_states() {
  for (auto items = db_->statement("SELECT state, count(*) FROM item GROUP BY state"); items.next();) {
    auto const state = item_state(items.take_text());
    lines_.of(state).rows = items.take<std::int64_t>();
  }
  for (auto steps = db_->statement("SELECT state, count(*) FROM step WHERE state IN ('waiting', 'creating', 'created') "
                                   "GROUP BY state");
       steps.next();) {
    auto const state = step_state(steps.take_text());
    lines_.of(state).rows = steps.take<std::int64_t>();
  }
  for (auto named = db_->statement("SELECT state, count(*) FROM named WHERE state <> 'present' GROUP BY state");
       named.next();) {
    auto const state = named_state(named.take_text());
    lines_.of(state).rows = named.take<std::int64_t>();
  }
  for (auto acts = db_->statement("SELECT state, count(*) FROM act WHERE state IN ('wanted', 'acting') GROUP BY state");
       acts.next();) {
    auto const state = act_state(acts.take_text());
    lines_.of(state).rows = acts.take<std::int64_t>();
  }
  lines_.open_sessions().rows = db_->integer("SELECT count(*) FROM session WHERE state = 'open'");
}

// What reading has learned stays, where nothing was written.
void Journal::restore_lines() {
  if (lines_before_ && rows_written() != rows_written_before_) lines_ = *lines_before_;
  lines_before_.reset();
}

std::int64_t Journal::count_items(ItemState state) const { return lines_.of(state).rows; }

}  // namespace sluice::journal

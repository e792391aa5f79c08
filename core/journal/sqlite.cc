#include "core/journal/sqlite.h"

#include <sqlite3.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>

#include "core/journal/folder_owner.h"

namespace sluice::journal {
namespace {

using Kind = JournalError::Kind;

constexpr int kLogPieceBytes = 64 * 1024;

bool is_want_of_space(int error) { return error == ENOSPC || error == EDQUOT; }

// The errno of the last failure on a file of SQLite's; 0 where it keeps none.
int last_errno(sqlite3_file* file) {
  int error = 0;
  if (file != nullptr && file->pMethods != nullptr) file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &error);
  return error;
}

// SQLite itself calls only ENOSPC of a write "full"; a used-up quota heals in the same way. A failed flush is no
// such case, whatever its errno: what it lost nobody knows. The database and its log each keep the errno of their
// own last failure, which may be an old one: both must allow it.
bool is_quota(sqlite3* handle, int code) {
  if ((code & 0xff) == SQLITE_CANTOPEN) return is_want_of_space(sqlite3_system_errno(handle));
  if (code != SQLITE_IOERR_WRITE) return false;
  bool found = false;
  for (auto const which : {SQLITE_FCNTL_FILE_POINTER, SQLITE_FCNTL_JOURNAL_POINTER}) {
    sqlite3_file* file = nullptr;
    sqlite3_file_control(handle, "main", which, &file);
    auto const error = last_errno(file);
    if (error != 0 && !is_want_of_space(error)) return false;
    found = found || error != 0;
  }
  return found;
}

// What SQLite's result code means for the program.
Kind kind_of(sqlite3* handle, int code) {
  if (handle != nullptr && is_quota(handle, code)) return Kind::kFull;
  switch (code & 0xff) {
    case SQLITE_FULL: return Kind::kFull;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return Kind::kLocked;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_SCHEMA:
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
    case SQLITE_ERROR: return Kind::kDamaged;  // "no such table" and its like: not the schema we know
    default: return Kind::kIo;                 // IOERR, READONLY, CANTOPEN, PERM, AUTH, ...
  }
}

std::string_view meaning_of(Kind kind) {
  switch (kind) {
    case Kind::kFull: return "no space is left for the journal";
    case Kind::kLocked: return "another process has the journal open";
    case Kind::kDamaged: return "the journal is damaged";
    case Kind::kNewer: return "the journal was written by a newer version";
    case Kind::kIo: return "the journal could not be read or written";
  }
  std::abort();
}

// Damage ends the run, so its text is the last word that a person gets: it says what to do.
std::string way_out_of_damage(std::string const& file) {
  return ". Sluice never repairs or replaces a journal by itself. Stop sluiced (systemctl stop sluiced), keep " + file +
         " and every file whose name begins so, and put the newest copy back if there is one; or run: sluice journal "
         "rebuild, which sets the damaged files aside and makes a new journal from the platform's lists and the "
         "sources, so that nothing complete is sent again (for the journal of `sluice ingest`: sluice journal rebuild "
         "PATH...)";
}

std::string owner_trouble_of(std::string const& file) {
  auto const trouble = owner_trouble(file);
  return trouble.empty() ? owner_trouble(file + "-wal") : trouble;
}

char const* no_null(std::string_view bytes) {  // SQLite binds NULL for a null pointer, which an empty view may hold
  return bytes.data() == nullptr ? "" : bytes.data();
}

// SQLite counts each byte that it allocates under a mutex of the whole process, for figures that nobody reads here.
void spare_memory_figures() {
  static std::once_flag once;
  std::call_once(once, [] { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); });
}

}  // namespace

// --- Statement

Statement::~Statement() {
  sqlite3_reset(handle_);  // repeats the last step's error, which was thrown already
  sqlite3_clear_bindings(handle_);
}

void Statement::bound(int code) {
  if (code != SQLITE_OK) database_->fail(code, sqlite3_sql(handle_));
}

Statement& Statement::bind_integer(std::int64_t value) {
  bound(sqlite3_bind_int64(handle_, ++parameter_, value));
  return *this;
}

Statement& Statement::bind(std::string_view text) {
  bound(sqlite3_bind_text64(handle_, ++parameter_, no_null(text), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind_blob(std::string_view bytes) {
  bound(sqlite3_bind_blob64(handle_, ++parameter_, no_null(bytes), bytes.size(), SQLITE_TRANSIENT));
  return *this;
}

Statement& Statement::bind_null() {
  bound(sqlite3_bind_null(handle_, ++parameter_));
  return *this;
}

bool Statement::next() {
  assert(parameter_ == sqlite3_bind_parameter_count(handle_));
  auto const code = sqlite3_step(handle_);
  column_ = 0;
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) database_->fail(code, sqlite3_sql(handle_));
  return false;
}

void Statement::run() {
  [[maybe_unused]] auto const row = next();
  assert(!row);
}

std::int64_t Statement::take_integer() { return sqlite3_column_int64(handle_, column_++); }

std::string Statement::take_text() {
  auto const column = column_++;
  auto const* bytes = static_cast<char const*>(sqlite3_column_blob(handle_, column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

std::optional<WallTime> Statement::take_optional_time() {
  if (sqlite3_column_type(handle_, column_) == SQLITE_NULL) {
    ++column_;
    return std::nullopt;
  }
  return take_time();
}

// --- Database

void Database::Finalize::operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
void Database::Close::operator()(sqlite3* handle) const { sqlite3_close(handle); }

Database::Database(std::string file, std::string const& vfs) : file_(std::move(file)) {
  spare_memory_figures();
  sqlite3* handle = nullptr;
  // No CREATE: the caller made the file with its mode. EXRESCODE: the text then says which I/O failed.
  auto flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
  if (!vfs.empty()) flags |= SQLITE_OPEN_CREATE;
  auto const code = sqlite3_open_v2(file_.c_str(), &handle, flags, vfs.empty() ? nullptr : vfs.c_str());
  handle_.reset(handle);  // also after a failure there may be a handle, which holds the message
  if (code != SQLITE_OK) fail(code, "open");
  if (sqlite3_db_readonly(handle, "main") == 1)  // SQLite falls back to this silently
    throw JournalError(Kind::kIo, "journal " + file_ +
                                      ": it can be read but not written: another user owns it, or its file "
                                      "system is mounted read-only" +
                                      owner_trouble(file_));
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);  // no statement of ours needs to corrupt a file
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);    // a misspelt column is an error, not a text
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  // Without it SQLite looks at bound values to see whether a partial index fits, and prepares the text anew for each
  // other value (measured: twice the time of a turn).
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_QPSG, 1, nullptr);
  sqlite3_wal_hook(handle, &Database::log_grew, this);  // replaces the hook that checkpoints by itself
}

Database::~Database() = default;

int Database::log_grew(void* self, sqlite3*, char const*, int pages) {
  static_cast<Database*>(self)->wal_pages_ = pages;
  return SQLITE_OK;
}

void Database::fail(int code, std::string_view doing, bool constraint_throws) {
  auto const primary = code & 0xff;
  auto const told = handle_ && sqlite3_extended_errcode(handle_.get()) == code;  // or the last call ended otherwise
  std::string const detail = told ? sqlite3_errmsg(handle_.get()) : sqlite3_errstr(code);
  if (primary == SQLITE_NOMEM) throw std::bad_alloc();
  if ((primary == SQLITE_CONSTRAINT && !constraint_throws) || primary == SQLITE_MISUSE || primary == SQLITE_RANGE) {
    std::fprintf(stderr, "journal %s: the program broke a rule of the schema: %s (SQLite code %d) in: %.*s\n",
                 file_.c_str(), detail.c_str(), code, static_cast<int>(doing.size()), doing.data());
    std::abort();  // a bug of ours: the rows on disk are right, a restart reads them anew
  }
  auto const kind = kind_of(handle_.get(), code);
  auto text = "journal " + file_ + ": " + std::string(meaning_of(kind)) + ": " + detail + " (SQLite code " +
              std::to_string(code) + ", at: " + std::string(doing.substr(0, 60)) + ")";
  if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB) text += way_out_of_damage(file_);
  if (primary == SQLITE_CANTOPEN) text += owner_trouble_of(file_);
  throw JournalError(kind, text);
}

Database::StatementHandle Database::prepare(std::string_view sql, char const** rest) {
  sqlite3_stmt* handle = nullptr;
  auto const code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                       rest == nullptr ? SQLITE_PREPARE_PERSISTENT : 0, &handle, rest);
  StatementHandle prepared(handle);
  if (code != SQLITE_OK) fail(code, sql);
  return prepared;
}

Statement Database::statement(std::string_view sql) {
  auto found = statements_.find(sql);
  if (found == statements_.end()) found = statements_.emplace(std::string(sql), prepare(sql)).first;
  assert(sqlite3_stmt_busy(found->second.get()) == 0);
  return {*this, found->second.get()};
}

void Database::run(std::string_view sql) {
  while (!sql.empty()) {
    char const* rest = nullptr;
    auto const prepared = prepare(sql, &rest);
    auto const length = static_cast<std::size_t>(rest - sql.data());
    auto const text = sql.substr(0, length);
    sql.remove_prefix(length);
    if (!prepared) continue;  // only a comment or white space
    auto code = SQLITE_ROW;
    while (code == SQLITE_ROW) code = sqlite3_step(prepared.get());
    if (code != SQLITE_DONE) fail(code, text, true);
  }
}

// Lets a statement that has given its row come to its end. A pragma commits only there: left at its row, it would
// keep to itself that its flush failed.
void Database::finish(sqlite3_stmt* prepared, std::string_view sql) {
  auto code = SQLITE_ROW;
  while (code == SQLITE_ROW) code = sqlite3_step(prepared);
  if (code != SQLITE_DONE) fail(code, sql);
}

std::int64_t Database::integer(std::string_view sql) {
  char const* rest = nullptr;
  auto const prepared = prepare(sql, &rest);
  auto const code = sqlite3_step(prepared.get());
  if (code == SQLITE_DONE) return 0;
  if (code != SQLITE_ROW) fail(code, sql);
  auto const value = sqlite3_column_int64(prepared.get(), 0);
  finish(prepared.get(), sql);
  return value;
}

std::string Database::text(std::string_view sql) {
  char const* rest = nullptr;
  auto const prepared = prepare(sql, &rest);
  auto const code = sqlite3_step(prepared.get());
  if (code == SQLITE_DONE) return {};
  if (code != SQLITE_ROW) fail(code, sql);
  auto const* bytes = reinterpret_cast<char const*>(sqlite3_column_text(prepared.get(), 0));
  auto value = bytes == nullptr ? std::string() : std::string(bytes);
  finish(prepared.get(), sql);
  return value;
}

bool Database::in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }
std::int64_t Database::changes() const { return sqlite3_changes64(handle_.get()); }
std::uint64_t Database::total_changes() const {
  return static_cast<std::uint64_t>(sqlite3_total_changes64(handle_.get()));
}
std::int64_t Database::last_insert_id() const { return sqlite3_last_insert_rowid(handle_.get()); }

std::uint64_t Database::wal_bytes() const {
  constexpr std::uint64_t kPageBytes = 4096;  // SQLite's default, which a new journal gets
  return static_cast<std::uint64_t>(wal_pages_) * kPageBytes;
}

void Database::checkpoint(Checkpoint mode) {
  auto const how = mode == Checkpoint::kTruncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
  auto const code = sqlite3_wal_checkpoint_v2(handle_.get(), nullptr, how, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code, "checkpoint");
  if (mode == Checkpoint::kTruncate) log_is_left_ = false;
  wal_pages_ = 0;  // all of it is in the database now: this connection is the only reader
}

void Database::write_log_back() {
  sqlite3_file* log = nullptr;
  sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  if (log == nullptr || log->pMethods == nullptr) return;  // nothing was read yet, or there is none
  auto const must = [this](int code) {
    if (code != SQLITE_OK) fail(code, "write the log anew");
  };
  sqlite3_int64 size = 0;
  must(log->pMethods->xFileSize(log, &size));
  std::string piece(kLogPieceBytes, '\0');
  for (sqlite3_int64 at = 0; at < size; at += kLogPieceBytes) {
    auto const count = static_cast<int>(std::min<sqlite3_int64>(kLogPieceBytes, size - at));
    must(log->pMethods->xRead(log, piece.data(), count, at));
    must(log->pMethods->xWrite(log, piece.data(), count, at));
  }
  if (size > 0) must(log->pMethods->xSync(log, SQLITE_SYNC_NORMAL));
  checkpoint(Checkpoint::kTruncate);
}

void Database::ask_to_give_up(std::function<bool()> give_up) {
  constexpr int kStepsBetween = 500;  // of SQLite's virtual machine
  give_up_ = std::move(give_up);
  sqlite3_progress_handler(handle_.get(), kStepsBetween, &Database::progress, this);
}

int Database::progress(void* self) { return static_cast<Database*>(self)->give_up_() ? 1 : 0; }

void Database::check_whole() {
  auto const verdict = text("PRAGMA integrity_check(1)");
  if (verdict == "ok") return;
  fail_if_unread(verdict);
  throw JournalError(Kind::kDamaged,
                     "journal " + file_ + ": the journal is damaged: " + verdict + way_out_of_damage(file_));
}

void Database::fail_if_unread(std::string_view verdict) {
  constexpr std::string_view kOfTree = "unable to get the page. error code=";
  constexpr std::string_view kOfList = "failed to get page ";  // of the freelist or an overflow chain: without its code
  auto code = SQLITE_OK;
  if (auto const at = verdict.find(kOfTree); at != verdict.npos)
    code = std::atoi(std::string(verdict.substr(at + kOfTree.size())).c_str());
  else if (verdict.find(kOfList) != verdict.npos)
    code = SQLITE_IOERR_READ;
  if (code != SQLITE_OK && kind_of(handle_.get(), code) != Kind::kDamaged) fail(code, "integrity_check");
}

void Database::copy_into(std::string const& file) {
  Database copy(file);
  auto* const backup = sqlite3_backup_init(copy.handle_.get(), "main", handle_.get(), "main");
  if (backup == nullptr) copy.fail(sqlite3_extended_errcode(copy.handle_.get()), "backup");
  auto const stepped = sqlite3_backup_step(backup, -1);
  auto const finished = sqlite3_backup_finish(backup);
  if (finished != SQLITE_OK) copy.fail(finished, "backup");
  if (stepped != SQLITE_DONE) copy.fail(stepped, "backup");
}

std::vector<std::string> Database::query_plans() {
  std::vector<std::string> plans;
  for (auto const& [sql, unused] : statements_) {
    auto plan = sql;
    auto const prepared = prepare("EXPLAIN QUERY PLAN " + sql);
    while (sqlite3_step(prepared.get()) == SQLITE_ROW)
      plan += "\n  " + std::string(reinterpret_cast<char const*>(sqlite3_column_text(prepared.get(), 3)));
    plans.push_back(std::move(plan));
  }
  return plans;
}

}  // namespace sluice::journal

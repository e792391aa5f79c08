// sqlite.h - the one connection to SQLite, and statements that clean up after themselves.
//
// For core/journal and its tests only. sqlite.cc is the only file that includes sqlite3.h. Every failure
// of SQLite leaves here as a JournalError, but for a violated constraint of a row: the program wrote a
// row that the schema forbids, which is a bug of ours and aborts.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/time.h"
#include "core/journal/journal.h"

struct sqlite3;
struct sqlite3_stmt;

namespace sluice::journal {

// A prepared statement on loan from its Database. Values are bound in order, by bind() and its kin; the
// columns of a row are read in order, by the take functions. The destructor resets it for the next loan.
class Statement {
 public:
  Statement(Database& database, sqlite3_stmt* handle) : database_(&database), handle_(handle) {}
  ~Statement();
  Statement(Statement const&) = delete;
  Statement& operator=(Statement const&) = delete;

  template <std::integral T>
  Statement& bind(T value) {  // unsigned 64-bit values keep their bits: an inode may use all of them
    return bind_integer(static_cast<std::int64_t>(value));
  }
  Statement& bind(std::string_view text);
  Statement& bind(WallTime at) { return bind_integer(to_unix_ms(at)); }
  Statement& bind(std::optional<WallTime> at) { return at ? bind(*at) : bind_null(); }
  Statement& bind_blob(std::string_view bytes);
  Statement& bind_null();

  // Steps to the next row; false after the last. Throws JournalError.
  bool next();
  // Steps once, for a statement that gives no row.
  void run();

  template <std::integral T>
  T take() {
    return static_cast<T>(take_integer());
  }
  std::string take_text();  // of TEXT or BLOB; "" for NULL
  WallTime take_time() { return from_unix_ms(take_integer()); }
  std::optional<WallTime> take_optional_time();

 private:
  Statement& bind_integer(std::int64_t value);
  std::int64_t take_integer();  // 0 for NULL
  void bound(int code);

  Database* database_;
  sqlite3_stmt* handle_;
  int parameter_ = 0;
  int column_ = 0;
};

class Database {
 public:
  // Opens an existing file; sets no pragma and reads nothing. `vfs` names another way to the disk than the
  // system's, and then the file is made if it is not there. Throws JournalError.
  explicit Database(std::string file, std::string const& vfs = {});
  ~Database();
  Database(Database const&) = delete;
  Database& operator=(Database const&) = delete;

  std::string const& file() const { return file_; }

  // The statement of that text, prepared once and kept. Two loans of one text may not overlap.
  Statement statement(std::string_view sql);
  // Runs one or several statements, kept nowhere; rows are dropped. Here a violated constraint throws.
  void run(std::string_view sql);
  // The first column of the first row, as an integer or text; 0 or "" if there is no row.
  std::int64_t integer(std::string_view sql);
  std::string text(std::string_view sql);

  bool in_transaction() const;
  std::int64_t changes() const;         // rows of the last INSERT, UPDATE or DELETE
  std::uint64_t total_changes() const;  // since opening
  std::int64_t last_insert_id() const;
  std::uint64_t wal_bytes() const;  // of the write-ahead log after the last commit

  // Copies the write-ahead log into the database file; kTruncate then cuts the log to nothing, which
  // costs one more flush. Throws JournalError.
  enum class Checkpoint : std::uint8_t { kPassive, kTruncate };
  void checkpoint(Checkpoint mode);
  // What an older process left in the log, into the database, so that it is there whatever becomes of the power.
  // After a failed sync the kernel may call pages of the log clean that never reached the medium. A checkpoint alone
  // would not do: SQLite does not sync the cut of the log, and a log that comes back without its last frames puts older
  // pages over newer ones. So the log is first written over itself and synced. Throws JournalError.
  void write_log_back();
  // The log of before could not be written back for want of space: until a kTruncate has done it, what was read from it
  // may not be on the medium, whatever the kernel says (open.h).
  void leave_log() { log_is_left_ = true; }
  bool log_is_left() const { return log_is_left_; }

  // From now on asked every few milliseconds while a statement runs: where it says true, that one fails with kIo.
  void ask_to_give_up(std::function<bool()> give_up);

  // Throws  kDamaged, with what to do about it, if the file does not hold together. integrity_check and not
  // quick_check, at about twice its time (4.5 s for 200,000 items, measured): quick_check does not hold the
  // indexes against their rows, and a row that its index has lost is a file that is uploaded again.
  void check_whole();
  // Throws  what it means, if a line of integrity_check tells of a page that could not be read: SQLite puts that
  // among the damages, but the disk may get well again (sqlite3BtreeIntegrityCheck and its checkList).
  void fail_if_unread(std::string_view verdict);

  // Copies the whole database into `file`, which must be there and empty, by the backup API.
  void copy_into(std::string const& file);

  // Every text prepared so far, with its query plan.
  std::vector<std::string> query_plans();

  // Throws the JournalError that `code` means, or aborts for a violated constraint of a row.
  [[noreturn]] void fail(int code, std::string_view doing, bool constraint_throws = false);

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const;
  };
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  using StatementHandle = std::unique_ptr<sqlite3_stmt, Finalize>;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  StatementHandle prepare(std::string_view sql, char const** rest = nullptr);
  void finish(sqlite3_stmt* prepared, std::string_view sql);
  static int progress(void* self);
  static int log_grew(void* self, sqlite3* handle, char const* name, int pages);

  std::string file_;
  int wal_pages_ = 0;
  bool log_is_left_ = false;
  std::function<bool()> give_up_;
  std::unique_ptr<sqlite3, Close> handle_;  // before the statements: they are finalized first
  std::unordered_map<std::string, StatementHandle, Hash, std::equal_to<>> statements_;
};

}  // namespace sluice::journal

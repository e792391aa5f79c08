// journal.h - the SQLite database that is the only truth about items. What is not in it did not happen.
//
// One process, one connection: WAL, synchronous=FULL, locking_mode=EXCLUSIVE (durability.md explains:
// two connections can corrupt a WAL on SQLite below 3.51.3). All writes happen between begin() and
// commit(); reads may happen at any time. The journal never retries and never repairs.
//
// Failures are JournalError exceptions, not Results: no stage can do anything about one, the turn
// gives up its transaction and the program decides (docs/adr/0003). A guarded write that does not find
// the row in the state it names is a bug of ours and aborts.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/journal/lines.h"
#include "core/journal/rows.h"
#include "core/journal/states.h"

namespace sluice::journal {

class JournalError : public std::runtime_error {
 public:
  enum class Kind : std::uint8_t {
    kFull,     // no space: roll back, start no new work, go on by itself later
    kLocked,   // another process has it
    kDamaged,  // not a journal, or it fails its check: stop, with instructions
    kNewer,    // written by a newer Sluice: refuse
    kIo,       // read, write or fsync failed: stop (durability.md)
  };
  JournalError(Kind kind, std::string const& text) : std::runtime_error(text), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

// Whether SQLite's whole check is made of a file that was there. kNone only where somebody knows that it is, byte
// by byte, one that was closed in peace.
enum class Check : std::uint8_t { kWhole, kNone };

class Database;  // the connection; in sqlite.h, for this folder only

class Journal {
 public:
  // Opens or creates the journal, mode 0600, checks it whole (integrity_check: a damaged index would make a known
  // file look new; `check` can spare that) and migrates it forward; before a
  // migration of an existing file a copy is kept beside it as journal.db.before-N.
  // `vfs`: the SQLite VFS that holds the file; "" for the system's own. The tests have one that forgets
  // what was not synced.
  // Throws  JournalError.
  explicit Journal(std::filesystem::path const& file, std::string const& vfs = {}, Check check = Check::kWhole);
  ~Journal();
  Journal(Journal const&) = delete;
  Journal& operator=(Journal const&) = delete;

  void begin();     // Requires: not in a transaction
  void commit();    // one fsync; throws JournalError, then the transaction is rolled back
  void rollback();  // does nothing outside a transaction
  bool in_transaction() const;
  std::uint64_t rows_written() const;  // since opening; for "nothing changed, no commit"
  void checkpoint();                   // WAL into the database, when idle
  // A copy of all that is committed, in a file that can take the journal's place: with its unused URLs. Requires  no
  // transaction. Throws  JournalError: there is no copy then.
  void copy_to(std::filesystem::path const& copy);
  void close();  // nothing may be asked of it afterwards
  int schema_version() const;
  // The host's clock was set by this much: every time that is waited for or looked by moves with it, in all rows that
  // are not at their end. Events and the times of ends stay. Takes seconds with a million rows. Requires  a
  // transaction.
  void shift_times(Millis by);

  // --- meta
  std::optional<std::string> meta(std::string_view key) const;
  void set_meta(std::string_view key, std::string_view value);

  // --- items
  RowId insert(ItemRow const& row);
  // Writes `row` where it is in `expected`, and an event if the state changed. What names it stays as it is:
  // ulid, root, path (see rename()), item_key, name; and its source and created_at, unless it comes to `seen` with
  // this: another source may take it then, and patience with it begins anew. An item that comes to an end, or is looked
  // at anew, makes due who waits for it as its twin.
  void update(ItemRow const& row, ItemState expected, WallTime now, std::string_view note = {});
  // Writes only what every chunk changes: bytes_sent, bytes_acked, attempts, last_error and reason. No index holds
  // one of them, so that this costs one page where update() costs several.
  void write_progress(ItemRow const& row);
  std::optional<ItemRow> item(RowId id) const;
  std::optional<ItemRow> latest_item(std::string_view root, std::string_view path) const;  // a file's
  // Live items of a folder whose file has this inode, as it was seen last: hard links may share one. At most 16.
  std::vector<ItemRow> live_items_of_inode(std::string_view root, std::uint64_t inode) const;
  // Items that are done or under way, from `stable` on, whose file may be the same as this one's: its size and its ends
  // are, and its content key, where one is given, or none is known of them. The oldest first, at most 16 behind
  // `after`; not the item itself.
  std::vector<ItemRow> items_of_ends(ItemRow const& item, std::string_view content_key = {}, RowId after = 0) const;
  // The last one that was done of the same file before this item.
  std::optional<ItemRow> done_before(ItemRow const& item) const;
  // Gives a live item another path. Requires  no live item has it.
  void rename(RowId item, std::string_view path);
  std::optional<ItemRow> item_by_key(std::string_view key) const;  // a URL's, ended or not
  void release_key(RowId item);    // a URL's item gives its key to another one, and has one of its own from now on
  void take_key_back(RowId item);  // ... and has that key again. Requires  nobody has it now
  // Those of one URL without its query, newest first: they differ by their queries.
  std::vector<ItemRow> items_by_url(std::string_view shown, int limit) const;
  // Items whose ULID begins with `prefix` (upper case), at most `limit`.
  std::vector<ItemRow> items_by_prefix(std::string_view prefix, int limit) const;
  std::vector<ItemRow> items_by_path(std::string_view path_or_name,
                                     int limit) const;  // whole absolute or relative path
  // Due rows of a state, highest priority first, then oldest.
  // Up to `limit` live items of these states without a due time, behind `place`, which moves on; fewer than `limit`
  // only when no more are left. In the order of states, priorities and ids.
  std::vector<UndatedItem> undated_items(std::span<ItemState const> states, UndatedPlace& place, int limit) const;
  std::vector<ItemRow> due_items(ItemState state, WallTime now, int limit) const;
  // Due rows in `seen`, of each source an even share of `limit` (one at the least), the longest due first.
  std::vector<ItemRow> due_seen_items(WallTime now, int limit) const;
  // The next lower priority at which items in `stable` wait for this method, due or not; nothing if there is none.
  std::optional<std::int64_t> next_upload_priority(std::string_view method, std::optional<std::int64_t> below) const;
  // Those of one priority that are due: up to `limit` of each source, oldest first; no source without one.
  std::vector<std::vector<ItemRow>> uploads_waiting(std::string_view method, std::int64_t priority, WallTime now,
                                                    int limit) const;
  // False where it is known that nothing in that state is due.
  bool may_have_due(ItemState state, WallTime now) const { return !lines_.of(state).surely_nothing_due(now); }
  std::vector<ItemRow> items_in(ItemState state, int limit) const;
  bool asset_known(std::string_view asset_id) const;  // by an item or a session
  std::int64_t count_items(ItemState state) const;

  struct ItemFilter {
    std::optional<StageWord> stage = std::nullopt;
    std::optional<ItemState> state = std::nullopt;
    std::string source = {};  // "" for any
    RowId after_id = 0;       // cursor: rows with a larger id
    int limit = 100;
  };
  std::vector<ItemRow> list_items(ItemFilter const& filter) const;
  struct StageCount {
    StageWord stage;
    std::int64_t total;
    std::int64_t waiting;  // of these: due in the future, or waiting for another row
  };
  std::vector<StageCount> count_by_stage(WallTime now) const;

  // --- upload sessions and chunks
  RowId insert(SessionRow const& row);
  void insert_chunks(RowId session_id, std::uint32_t total_chunks, WallTime due_at);  // all in needs_url
  void update(SessionRow const& row, SessionState expected, WallTime now, std::string_view note = {});
  std::optional<SessionRow> session(RowId id) const;
  std::optional<SessionRow> open_session(RowId item_id) const;
  std::vector<SessionRow> sessions_of(RowId item_id) const;
  std::vector<SessionRow> open_sessions(int limit) const;  // of items in `opened`, by priority and age

  // Writes an event too when the chunk becomes stored or a try failed; `item_id` is for that event.
  void update(ChunkRow const& row, ChunkState expected, RowId item_id, WallTime now, std::string_view note = {});
  std::optional<ChunkRow> chunk(RowId session_id, std::uint32_t index) const;
  // Chunks of a session in a state whose due_at has come, in index order.
  std::vector<ChunkRow> due_chunks(RowId session_id, ChunkState state, WallTime now, int limit) const;
  std::vector<ChunkRow> chunks_in(RowId session_id, ChunkState state) const;  // all of them, in index order
  struct ChunkCounts {
    std::uint32_t needs_url = 0, has_url = 0, putting = 0, stored = 0, reported = 0;
    bool operator==(ChunkCounts const&) const = default;
  };
  ChunkCounts count_chunks(RowId session_id) const;
  // Calls `take` with the leaves of each chunk in index order, "" for one that has none.
  void visit_leaves(RowId session_id, std::function<void(std::string_view)> const& take) const;
  // Whether a chunk is in one of these states, `reported` not among them: what a turn asks in place of counting.
  bool has_chunks(RowId session_id, std::initializer_list<ChunkState> states) const;
  std::vector<RowId> sessions_with_putting() const;  // for recovery at start

  // The first session behind `after` that has chunk rows.
  std::optional<SessionRow> next_session_with_chunks(RowId after) const;
  // Deletes up to `limit` chunk rows of a session, and as many of the events that tell of chunks of its item. Returns
  // how many rows went; fewer than `limit` only when none is left.
  int forget_chunks(SessionRow const& session, int limit);

  // --- downloads (downloads.cc)
  RowId insert(DownloadRow const& row);
  // Writes `row` where it is in `expected`, and an event of its item if the state changed.
  void update(DownloadRow const& row, DownloadState expected, WallTime now, std::string_view note = {});
  std::optional<DownloadRow> download_of(RowId item_id) const;
  void delete_download(RowId item_id);
  std::optional<DownloadRow> oldest_parked() const;     // of those that have room in the spool, and whose item failed
  std::uint64_t parked_bytes() const;                   // what all of them hold
  std::vector<DownloadRow> fetching_downloads() const;  // by age; as many as were begun at once
  std::uint64_t reserved_bytes() const;                 // of the spool, by all
  bool owns_in_spool(std::string_view ulid) const;      // whether the item of this ULID has a file there

  // --- shared names
  // The row of (kind, parent, name), made in `wanted` if it is not there.
  NamedRow ensure_named(NamedRow const& wish);
  void update(NamedRow const& row, NamedState expected, WallTime now, std::string_view note = {});
  std::optional<NamedRow> named(RowId id) const;
  std::vector<NamedRow> due_named(NamedState state, WallTime now, int limit) const;
  std::vector<NamedRow> named_in(NamedState state) const;
  std::vector<NamedRow> named_children(RowId parent_id) const;

  // --- steps
  RowId insert(StepRow const& row);
  void update(StepRow const& row, StepState expected, WallTime now, std::string_view note = {});
  std::optional<StepRow> step(RowId id) const;
  std::vector<StepRow> steps_of(RowId item_id) const;
  void delete_steps_of(RowId item_id);  // when the item's content changed before any was begun
  std::vector<StepRow> due_steps(StepState state, StepKind kind, WallTime now, int limit) const;
  std::vector<StepRow> steps_in(StepState state, int limit) const;
  std::vector<StepRow> steps_on(RowId named_id, StepState state, int limit) const;

  // --- manifests and their entries (manifests.cc)
  RowId insert(ManifestRow const& row);
  // Writes `row` where it is in `expected`, and an event if the state changed.
  void update(ManifestRow const& row, ManifestState expected, WallTime now, std::string_view note = {});
  std::optional<ManifestRow> manifest(RowId id) const;
  std::optional<ManifestRow> manifest(std::string_view root, std::string_view path) const;
  std::vector<ManifestRow> manifests(std::string_view source) const;  // "" for all; at most kManifestsMax
  static constexpr int kManifestsMax = 10'000;
  std::vector<RowId> manifests_waiting() const;  // those with entries that wait
  std::vector<RowId> manifests_open() const;     // those with something that belongs into their results

  // Inserts an entry, unless there is one of its key. Returns  whether it was inserted.
  bool insert_if_new(EntryRow const& row);
  std::optional<EntryRow> entry_of_key(std::string_view item_key) const;
  std::optional<EntryRow> entry_of_item(RowId item_id) const;
  void update(EntryRow const& row, EntryState expected);
  // An entry of it that had ended as failed waits again, or is another manifest's now.
  void recount(RowId manifest_id, std::int64_t waiting, std::int64_t failed);
  void replace(EntryRow const& row);  // its manifest, pass and line, which updates leave alone
  // Waiting ones whose time has come, up to `limit`: by priority, then in the order of the file.
  std::vector<EntryRow> waiting_entries(RowId manifest_id, WallTime now, int limit) const;
  // Those that belong into the results: refused, or taken and their item is at its end. Up to `limit`.
  std::vector<EntryRow> ended_entries(RowId manifest_id, int limit) const;

  // Returns  whether it was not there yet.
  bool add_note(NoteRow const& note);
  std::vector<NoteRow> open_notes(RowId manifest_id, int limit) const;
  std::vector<NoteRow> kept_notes(RowId manifest_id, int limit) const;  // reported ones, by line
  void note_reported(NoteRow const& note, bool keep);
  // --- acts
  RowId insert(ActRow const& row);
  void update(ActRow const& row, ActState expected, WallTime now, std::string_view note = {});
  std::optional<ActRow> act(RowId id) const;
  std::vector<ActRow> acts_of(RowId item_id) const;  // by ordinal
  // Of the files' acts; or of one hook's.
  std::vector<ActRow> due_acts(ActState state, WallTime now, int limit) const;
  std::vector<ActRow> due_hooks(std::string_view hook, ActState state, WallTime now, int limit) const;
  std::vector<ActRow> open_of_hook(std::string_view hook, int limit) const;
  std::vector<std::string> open_hooks() const;  // the names of those that have something to tell
  std::int64_t count_open(std::string_view hook) const;
  std::int64_t count_acts(ActState state) const;  // of `wanted` and `acting`
  // Acts that wait for a folder (ActRow::is_held()): one that wants this folder as its target or its item's root; and
  // all of them, or all there are for "", are due now.
  std::optional<ActRow> held_act(std::string_view folder) const;
  void release_acts(std::string_view folder, WallTime now);
  // Acts on files that were refused for what a person should see to: how many, the first of them, and up to `limit` of
  // their items behind `after`, by id.
  std::int64_t count_refused() const;
  std::optional<ActRow> first_refused() const;
  std::vector<RowId> items_with_refused(RowId after, int limit) const;

  // --- assets that a rebuild kept (unclaimed.cc)
  void insert(UnclaimedRow const& row);                                 // requires  none of its identity is there
  std::optional<UnclaimedRow> unclaimed(std::string_view front) const;  // the first whose identity begins so
  void delete_unclaimed(std::string_view identity);

  // --- events
  void add_event(EventRow const& event);
  std::vector<EventRow> events_of(RowId item_id, int limit) const;  // oldest first, the last `limit`
  // The newest event's id; 0 if there is none. It only grows: how far the journal has come.
  RowId last_event() const;
  std::optional<WallTime> last_event_at() const;

  // What the platform no longer had, oldest first: events that became `gone`, with the lost id in `was`. Of
  // an item; of all shared names for 0.
  std::vector<EventRow> losses_of(RowId item_id) const;

  // The earliest due_at over all rows that wait for a time; nothing if none does. Rows due at or before
  // `after` are passed over: they wait for a slot, or are in the air, and a sleep until then would spin.
  std::optional<WallTime> next_due(std::optional<WallTime> after = std::nullopt) const;

  // Every statement used so far with its query plan, for the test that no index is missed.
  std::vector<std::string> query_plans() const;

 private:
  void count_states();
  void restore_lines();
  // Asks when the line's first row is due, so that until then nobody asks again.
  void learn_due(ItemState state) const;
  void reopen_entry(RowId item_id);  // its item left its end: the results will tell of the next one
  void wake_twins_of(RowId item, WallTime now);
  void learn_due(StepState state) const;
  void learn_due(NamedState state) const;
  void learn_due(ActState state) const;

  std::unique_ptr<Database> db_;
  mutable Lines lines_{};                   // reading learns when a line's first row is due
  std::optional<Lines> lines_before_;       // as of begin(), for rollback()
  std::uint64_t rows_written_before_ = 0;   // the same
  std::optional<JournalError> late_error_;  // a failed checkpoint or rollback: told by the next begin()
};

inline constexpr char kIdKey[] = "journal_id";  // in meta: which journal this is; given by the daemon (journal_mark)

// A stopped daemon's journal, looked at whole: SQLite's own check and that of the foreign keys.
struct Checked {
  std::vector<std::string> problems = {};  // at most 20; none if all is well
  std::optional<std::string> id = {};      // meta's kIdKey
  RowId last_event = 0;
};
// Migrates nothing and makes nothing. Throws  JournalError: kLocked, kNewer, kDamaged, kIo.
Checked check_journal(std::filesystem::path const& file);

// The check that a start makes, of a journal that was just closed, by a connection of its own. `give_up` is asked at
// first and now and then whether it takes too long.
// Returns  false: it was given up, and nothing is known.
// Throws   JournalError: kDamaged, with what to do about it; kLocked, kFull, kIo: it could not be looked at.
bool check_closed(std::filesystem::path const& file, std::function<bool()> const& give_up);

// Who has this journal open, by SQLite's own lock on it, which no removal of `lock` takes away: "process 4711".
// Returns   nothing: nobody, or it is not there or cannot be opened.
// Requires  this process has it not open: with any descriptor of the file that is closed, SQLite's lock goes.
std::optional<std::string> opener_of(std::filesystem::path const& file);

}  // namespace sluice::journal

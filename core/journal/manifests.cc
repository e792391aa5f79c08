// manifests.cc - manifests, their entries, and what is to be said of lines that became none.

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

#include "core/journal/access.h"
#include "core/journal/journal.h"
#include "core/journal/sqlite.h"

namespace sluice::journal {
namespace {

NoteRow take_note(Statement& statement) {
  NoteRow note;
  note.id = statement.take<RowId>();
  note.manifest_id = statement.take<RowId>();
  note.line = statement.take<std::uint64_t>();
  note.column = statement.take<std::uint64_t>();
  note.is_error = statement.take_text() == "error";
  note.text = statement.take_text();
  return note;
}

std::vector<NoteRow> all_notes(Statement&& statement) {
  std::vector<NoteRow> notes;
  while (statement.next()) notes.push_back(take_note(statement));
  return notes;
}

std::vector<RowId> all_ids(Statement&& statement) {
  std::vector<RowId> ids;
  while (statement.next()) ids.push_back(statement.take<RowId>());
  return ids;
}

}  // namespace

RowId Journal::insert(ManifestRow const& row) {
  assert(in_transaction());
  return insert_row(*db_, row);
}

void Journal::update(ManifestRow const& row, ManifestState expected, WallTime now, std::string_view note) {
  assert(in_transaction());
  update_row(*db_, row, expected);
  if (row.state == expected) return;
  add_event({0, now, 0, "manifest " + row.path, std::string(word(expected)), std::string(word(row.state)),
             std::string(note)});
}

std::optional<ManifestRow> Journal::manifest(RowId id) const {
  static auto const sql = select<ManifestRow>("WHERE t.id = ?");
  return first_row<ManifestRow>(std::move(db_->statement(sql).bind(id)));
}

std::optional<ManifestRow> Journal::manifest(std::string_view root, std::string_view path) const {
  static auto const sql = select<ManifestRow>("WHERE t.root = ? AND t.path = ?");
  return first_row<ManifestRow>(std::move(db_->statement(sql).bind_blob(root).bind_blob(path)));
}

std::vector<ManifestRow> Journal::manifests(std::string_view source) const {
  static auto const sql = select<ManifestRow>("WHERE ?1 = '' OR t.source = ?1 ORDER BY t.id LIMIT ?2");
  return all_rows<ManifestRow>(std::move(db_->statement(sql).bind(source).bind(kManifestsMax)));
}

std::vector<RowId> Journal::manifests_waiting() const {
  return all_ids(db_->statement("SELECT id FROM manifest WHERE waiting > 0 ORDER BY id"));
}

std::vector<RowId> Journal::manifests_open() const {
  return all_ids(db_->statement("SELECT id FROM manifest WHERE open > 0 OR notes_open > 0 ORDER BY id"));
}

bool Journal::insert_if_new(EntryRow const& row) {
  assert(in_transaction());
  static auto const sql = "INSERT INTO entry (" + columns_of<EntryRow>().listed + ") VALUES (" +
                          columns_of<EntryRow>().marks + ") ON CONFLICT (item_key) DO NOTHING";
  auto statement = db_->statement(sql);
  Binder binder(statement);
  visit(binder, row);
  statement.run();
  return db_->changes() == 1;
}

std::optional<EntryRow> Journal::entry_of_key(std::string_view item_key) const {
  static auto const sql = select<EntryRow>("WHERE t.item_key = ?");
  return first_row<EntryRow>(std::move(db_->statement(sql).bind_blob(item_key)));
}

std::optional<EntryRow> Journal::entry_of_item(RowId item_id) const {
  static auto const sql = select<EntryRow>("WHERE t.item_id = ?");
  return first_row<EntryRow>(std::move(db_->statement(sql).bind(item_id)));
}

void Journal::update(EntryRow const& row, EntryState expected) {
  assert(in_transaction());
  update_row(*db_, row, expected);
}

void Journal::reopen_entry(RowId item_id) {
  auto entry = entry_of_item(item_id);
  if (entry && entry->state == EntryState::kWaiting) {  // its line was read again: what it was told is old by then
    entry->reason = "retried";
    return update(*entry, EntryState::kWaiting);
  }
  if (!entry || entry->state != EntryState::kEnded) return;
  if (entry->outcome == "failed") recount(entry->manifest_id, 0, -1);
  entry->state = EntryState::kTaken;
  entry->outcome.clear();
  update(*entry, EntryState::kEnded);
  db_->statement("UPDATE manifest SET open = open + 1 WHERE id = ?").bind(entry->manifest_id).run();
}

void Journal::recount(RowId manifest_id, std::int64_t waiting, std::int64_t failed) {
  assert(in_transaction());
  db_->statement("UPDATE manifest SET waiting = waiting + ?, failed = max(0, failed + ?) WHERE id = ?")
      .bind(waiting)
      .bind(failed)
      .bind(manifest_id)
      .run();
}

void Journal::replace(EntryRow const& row) {
  assert(in_transaction());
  db_->statement("UPDATE entry SET manifest_id = ?, pass = ?, line = ? WHERE id = ?")
      .bind(row.manifest_id)
      .bind(row.pass)
      .bind(row.line)
      .bind(row.id)
      .run();
}

std::vector<EntryRow> Journal::waiting_entries(RowId manifest_id, WallTime now, int limit) const {
  static auto const sql = select<EntryRow>(
      "WHERE t.state = 'waiting' AND t.manifest_id = ? AND t.priority = ? AND t.not_before_ms <= ? "
      "ORDER BY t.not_before_ms, t.id LIMIT ?");
  std::vector<EntryRow> due;
  std::int64_t below = INT64_MAX;
  while (std::ssize(due) < limit) {
    {
      auto next = db_->statement(
          "SELECT priority FROM entry WHERE state = 'waiting' AND manifest_id = ? AND priority < ? "
          "ORDER BY priority DESC LIMIT 1");
      if (!next.bind(manifest_id).bind(below).next()) break;
      below = next.take<std::int64_t>();
    }
    auto some = all_rows<EntryRow>(std::move(
        db_->statement(sql).bind(manifest_id).bind(below).bind(now).bind(limit - static_cast<int>(due.size()))));
    std::ranges::move(some, std::back_inserter(due));
  }
  return due;
}

std::vector<EntryRow> Journal::ended_entries(RowId manifest_id, int limit) const {
  static auto const sql = select<EntryRow>(
      "WHERE t.state IN ('taken', 'refused') AND t.manifest_id = ? AND (t.state = 'refused' OR EXISTS (SELECT 1 FROM "
      "item i WHERE i.id = t.item_id AND i.finished_at_ms IS NOT NULL)) ORDER BY t.id LIMIT ?");
  return all_rows<EntryRow>(std::move(db_->statement(sql).bind(manifest_id).bind(limit)));
}

bool Journal::add_note(NoteRow const& note) {
  assert(in_transaction());
  db_->statement(
         "INSERT INTO manifest_note (manifest_id, line, column_bytes, what, text) VALUES (?, ?, ?, ?, ?) ON CONFLICT "
         "DO "
         "NOTHING")
      .bind(note.manifest_id)
      .bind(note.line)
      .bind(note.column)
      .bind(std::string_view(note.is_error ? "error" : "duplicate"))
      .bind(std::string_view(note.text))
      .run();
  return db_->changes() == 1;
}

std::vector<NoteRow> Journal::open_notes(RowId manifest_id, int limit) const {
  return all_notes(std::move(db_->statement("SELECT id, manifest_id, line, column_bytes, what, text FROM manifest_note "
                                            "WHERE reported = 0 AND manifest_id = ? ORDER BY id LIMIT ?")
                                 .bind(manifest_id)
                                 .bind(limit)));
}

std::vector<NoteRow> Journal::kept_notes(RowId manifest_id, int limit) const {
  return all_notes(std::move(db_->statement("SELECT id, manifest_id, line, column_bytes, what, text FROM manifest_note "
                                            "WHERE manifest_id = ? ORDER BY line LIMIT ?")
                                 .bind(manifest_id)
                                 .bind(limit)));
}

void Journal::note_reported(NoteRow const& note, bool keep) {
  assert(in_transaction());
  auto const* const sql =
      keep ? "UPDATE manifest_note SET reported = 1 WHERE id = ?" : "DELETE FROM manifest_note WHERE id = ?";
  db_->statement(sql).bind(note.id).run();
}

}  // namespace sluice::journal

// sessions.cc - upload sessions and their chunks.
//
// A session may have ten thousand chunks, and several sessions are asked about in every turn: each
// query below reads only the rows it gives back, but for the counting of a session's unreported ones.

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

#include "core/journal/access.h"
#include "core/journal/journal.h"
#include "core/journal/sqlite.h"

namespace sluice::journal {

RowId Journal::insert(SessionRow const& row) {
  assert(in_transaction());
  auto const id = insert_row(*db_, row);
  if (row.state == SessionState::kOpen) lines_.open_sessions().written(1);
  return id;
}

void Journal::insert_chunks(RowId session_id, std::uint32_t total_chunks, WallTime due_at) {
  assert(in_transaction());
  db_->statement(
         "WITH RECURSIVE number (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < ?) "
         "INSERT INTO chunk (session_id, chunk_index, state, due_at_ms) SELECT ?, i, 'needs_url', ? FROM number")
      .bind(total_chunks)
      .bind(session_id)
      .bind(due_at)
      .run();
  lines_.open_sessions().written();
}

void Journal::update(SessionRow const& row, SessionState expected, WallTime now, std::string_view note) {
  assert(in_transaction());
  update_row(*db_, row, expected);
  lines_.open_sessions().written((row.state == SessionState::kOpen ? 1 : 0) -
                                 (expected == SessionState::kOpen ? 1 : 0));
  if (row.state == expected) return;
  add_event({0, now, row.item_id, "session " + row.upload_id, std::string(word(expected)), std::string(word(row.state)),
             std::string(note)});
}

std::optional<SessionRow> Journal::session(RowId id) const {
  static auto const sql = select<SessionRow>("WHERE t.id = ?");
  return first_row<SessionRow>(std::move(db_->statement(sql).bind(id)));
}

std::optional<SessionRow> Journal::open_session(RowId item_id) const {
  static auto const sql = select<SessionRow>("WHERE t.item_id = ? AND t.state = 'open'");
  return first_row<SessionRow>(std::move(db_->statement(sql).bind(item_id)));
}

std::vector<SessionRow> Journal::sessions_of(RowId item_id) const {
  static auto const sql = select<SessionRow>("WHERE t.item_id = ? ORDER BY t.id");
  return all_rows<SessionRow>(std::move(db_->statement(sql).bind(item_id)));
}

std::vector<SessionRow> Journal::open_sessions(int limit) const {
  if (lines_.open_sessions().rows == 0 || count_items(ItemState::kOpened) == 0) return {};
  static auto const sql = select<SessionRow>(
      "JOIN item i ON i.id = t.item_id WHERE t.state = 'open' AND i.state = 'opened' AND i.finished_at_ms IS NULL "
      "ORDER BY i.priority DESC, i.id LIMIT ?");
  return all_rows<SessionRow>(std::move(db_->statement(sql).bind(limit)));
}

void Journal::update(ChunkRow const& row, ChunkState expected, RowId item_id, WallTime now, std::string_view note) {
  assert(in_transaction());
  static auto const sql =
      "UPDATE chunk SET " + columns_of<ChunkRow>().assigned + " WHERE session_id = ? AND chunk_index = ? AND state = ?";
  {
    auto statement = db_->statement(sql);
    Binder binder(statement);
    visit(binder, row);
    statement.bind(row.session_id).bind(row.index).bind(word(expected)).run();
  }
  lines_.open_sessions().written();
  require_one_row(*db_, "chunk", std::to_string(row.session_id) + "/" + std::to_string(row.index), word(expected));
  if (row.state == expected) return;
  // Of a chunk's moves only these two tell a story; the others would make five events of every chunk.
  auto const failed_try = row.state == ChunkState::kNeedsUrl && !row.last_error.empty();
  if (row.state != ChunkState::kStored && !failed_try) return;
  add_event({0, now, item_id, "chunk " + std::to_string(row.index), std::string(word(expected)),
             std::string(word(row.state)), note.empty() && failed_try ? row.last_error : std::string(note)});
}

std::optional<ChunkRow> Journal::chunk(RowId session_id, std::uint32_t index) const {
  static auto const sql = select<ChunkRow>("WHERE t.session_id = ? AND t.chunk_index = ?");
  return first_row<ChunkRow>(std::move(db_->statement(sql).bind(session_id).bind(index)));
}

std::vector<ChunkRow> Journal::due_chunks(RowId session_id, ChunkState state, WallTime now, int limit) const {
  assert(state != ChunkState::kReported);  // its end: nothing is ever due there
  // Left to itself SQLite walks the session's chunks by the primary key, since that gives the order, too: a third of
  // a millisecond for ten thousand of which none is in this state, where the index takes one microsecond.
  static auto const sql = select<ChunkRow>(
      "INDEXED BY chunk_active WHERE t.session_id = ? AND t.state = ? AND t.state <> 'reported' AND t.due_at_ms <= ? "
      "ORDER BY t.chunk_index LIMIT ?");
  return all_rows<ChunkRow>(std::move(db_->statement(sql).bind(session_id).bind(word(state)).bind(now).bind(limit)));
}

std::vector<ChunkRow> Journal::chunks_in(RowId session_id, ChunkState state) const {
  static auto const active = select<ChunkRow>(
      "INDEXED BY chunk_active WHERE t.session_id = ? AND t.state = ? AND t.state <> 'reported' ORDER BY "
      "t.chunk_index");
  static auto const reported = select<ChunkRow>("WHERE t.session_id = ? AND t.state = ? ORDER BY t.chunk_index");
  auto const& sql = state == ChunkState::kReported ? reported : active;
  return all_rows<ChunkRow>(std::move(db_->statement(sql).bind(session_id).bind(word(state))));
}

Journal::ChunkCounts Journal::count_chunks(RowId session_id) const {
  ChunkCounts counts;
  std::uint32_t total = 0;
  {
    // The chunks of a session are made at once, counted from 1: the last one's index is their number.
    auto last = db_->statement("SELECT max(chunk_index) FROM chunk WHERE session_id = ?");
    last.bind(session_id).next();
    total = last.take<std::uint32_t>();
  }
  auto statement =
      db_->statement("SELECT state, count(*) FROM chunk WHERE session_id = ? AND state <> 'reported' GROUP BY state");
  statement.bind(session_id);
  counts.reported = total;
  while (statement.next()) {
    auto const state = chunk_state(statement.take_text());
    auto const count = statement.take<std::uint32_t>();
    counts.reported -= count;
    switch (state) {
      case ChunkState::kNeedsUrl: counts.needs_url = count; break;
      case ChunkState::kHasUrl: counts.has_url = count; break;
      case ChunkState::kPutting: counts.putting = count; break;
      case ChunkState::kStored: counts.stored = count; break;
      case ChunkState::kReported: break;
    }
  }
  return counts;
}

void Journal::visit_leaves(RowId session_id, std::function<void(std::string_view)> const& take) const {
  auto statement = db_->statement("SELECT leaves FROM chunk WHERE session_id = ? ORDER BY chunk_index");
  for (statement.bind(session_id); statement.next();) take(statement.take_text());
}

std::optional<SessionRow> Journal::next_session_with_chunks(RowId after) const {
  auto next = db_->statement("SELECT session_id FROM chunk WHERE session_id > ? ORDER BY session_id LIMIT 1");
  if (!next.bind(after).next()) return std::nullopt;
  return session(next.take<RowId>());
}

int Journal::forget_chunks(SessionRow const& session, int limit) {
  assert(in_transaction());
  assert(session.state != SessionState::kOpen);
  db_->statement(
         "DELETE FROM chunk WHERE session_id = ?1 AND chunk_index < ?2 + "
         "(SELECT chunk_index FROM chunk WHERE session_id = ?1 ORDER BY chunk_index LIMIT 1)")
      .bind(session.id)
      .bind(limit)
      .run();
  auto const chunks = static_cast<int>(db_->changes());
  db_->statement(
         "DELETE FROM event WHERE id IN (SELECT id FROM event WHERE item_id = ? AND subject LIKE 'chunk %' LIMIT ?)")
      .bind(session.item_id)
      .bind(limit)
      .run();
  return std::max(chunks, static_cast<int>(db_->changes()));
}

bool Journal::has_chunks(RowId session_id, std::initializer_list<ChunkState> states) const {
  return std::ranges::any_of(states, [&](ChunkState state) {
    assert(state != ChunkState::kReported);  // of these there may be many, and the index has none
    auto statement = db_->statement(
        "SELECT 1 FROM chunk INDEXED BY chunk_active WHERE session_id = ? AND state = ? AND state <> 'reported' LIMIT "
        "1");
    return statement.bind(session_id).bind(word(state)).next();
  });
}

std::vector<RowId> Journal::sessions_with_putting() const {
  std::vector<RowId> ids;
  auto statement =
      db_->statement("SELECT DISTINCT session_id FROM chunk WHERE state = 'putting' AND state <> 'reported'");
  while (statement.next()) ids.push_back(statement.take<RowId>());
  return ids;
}

}  // namespace sluice::journal

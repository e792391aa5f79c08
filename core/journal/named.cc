// named.cc - shared things found by name: one row looks and creates for everyone who wants it.

#include <cassert>
#include <cstdlib>
#include <utility>

#include "core/journal/access.h"
#include "core/journal/journal.h"
#include "core/journal/sqlite.h"

namespace sluice::journal {

NamedRow Journal::ensure_named(NamedRow const& wish) {
  assert(in_transaction());
  assert(wish.state == NamedState::kWanted);
  static auto const insert = "INSERT INTO named (" + columns_of<NamedRow>().listed + ") VALUES (" +
                             columns_of<NamedRow>().marks + ") ON CONFLICT (kind, parent_id, name) DO NOTHING";
  static auto const find = select<NamedRow>("WHERE t.kind = ? AND t.parent_id = ? AND t.name = ?");
  {
    auto statement = db_->statement(insert);
    Binder binder(statement);
    visit(binder, wish);
    statement.run();
    if (db_->changes() == 1) lines_.of(wish.state).written(1);
  }
  auto row = first_row<NamedRow>(
      std::move(db_->statement(find).bind(word(wish.kind)).bind(wish.parent_id).bind(std::string_view(wish.name))));
  if (!row) std::abort();  // it was there or was just made, within this transaction
  return std::move(*row);
}

void Journal::update(NamedRow const& row, NamedState expected, WallTime now, std::string_view note) {
  assert(in_transaction());
  update_row(*db_, row, expected);
  lines_.moved(expected, row.state);
  if (row.state == expected) return;
  add_event({0, now, 0, "named " + std::string(word(row.kind)) + " " + row.name, std::string(word(expected)),
             std::string(word(row.state)), std::string(note)});
}

std::optional<NamedRow> Journal::named(RowId id) const {
  static auto const sql = select<NamedRow>("WHERE t.id = ?");
  return first_row<NamedRow>(std::move(db_->statement(sql).bind(id)));
}

std::vector<NamedRow> Journal::due_named(NamedState state, WallTime now, int limit) const {
  assert(state != NamedState::kPresent);  // its end: nothing is ever due there
  if (lines_.of(state).surely_nothing_due(now)) return {};
  static auto const sql = select<NamedRow>(
      "WHERE t.state = ? AND t.state <> 'present' AND t.due_at_ms <= ? ORDER BY t.due_at_ms, t.id LIMIT ?");
  auto due = all_rows<NamedRow>(std::move(db_->statement(sql).bind(word(state)).bind(now).bind(limit)));
  if (due.empty()) learn_due(state);  // not asked again before that
  return due;
}

std::vector<NamedRow> Journal::named_in(NamedState state) const {
  if (state != NamedState::kPresent && lines_.of(state).rows == 0) return {};
  static auto const unfinished =
      select<NamedRow>("WHERE t.state = ? AND t.state <> 'present' ORDER BY t.due_at_ms, t.id");
  static auto const present = select<NamedRow>("WHERE t.state = ? ORDER BY t.id");
  auto const& sql = state == NamedState::kPresent ? present : unfinished;
  return all_rows<NamedRow>(std::move(db_->statement(sql).bind(word(state))));
}

std::vector<NamedRow> Journal::named_children(RowId parent_id) const {
  // Only entities have a parent; naming their kind lets the uniqueness index serve.
  static auto const sql = select<NamedRow>("WHERE t.kind = 'entity' AND t.parent_id = ? ORDER BY t.name");
  return all_rows<NamedRow>(std::move(db_->statement(sql).bind(parent_id)));
}

}  // namespace sluice::journal

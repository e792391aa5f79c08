// acts.cc - the outbox: what is done to files after the end of their items.

#include <cassert>
#include <string>
#include <utility>

#include "core/journal/access.h"
#include "core/journal/journal.h"
#include "core/journal/sqlite.h"

namespace sluice::journal {

RowId Journal::insert(ActRow const& row) {
  assert(in_transaction());
  auto const id = insert_row(*db_, row);
  lines_.of(row.state).written(1);
  return id;
}

void Journal::update(ActRow const& row, ActState expected, WallTime now, std::string_view note) {
  assert(in_transaction());
  update_row(*db_, row, expected);
  lines_.moved(expected, row.state);
  if (row.state == expected) return;
  add_event({0, now, row.item_id, "act " + std::to_string(row.ordinal) + " " + std::string(word(row.kind)),
             std::string(word(expected)), std::string(word(row.state)), std::string(note)});
}

std::optional<ActRow> Journal::act(RowId id) const {
  static auto const sql = select<ActRow>("WHERE t.id = ?");
  return first_row<ActRow>(std::move(db_->statement(sql).bind(id)));
}

std::vector<ActRow> Journal::acts_of(RowId item_id) const {
  static auto const sql = select<ActRow>("WHERE t.item_id = ? ORDER BY t.ordinal");
  return all_rows<ActRow>(std::move(db_->statement(sql).bind(item_id)));
}

std::vector<ActRow> Journal::due_acts(ActState state, WallTime now, int limit) const {
  assert(!is_over(state));
  if (lines_.of(state).surely_nothing_due(now)) return {};
  static auto const sql = select<ActRow>(
      "WHERE t.hook IS NULL AND t.state = ? AND t.state IN ('wanted', 'acting') AND t.due_at_ms <= ? "
      "ORDER BY t.due_at_ms, t.id LIMIT ?");
  auto due = all_rows<ActRow>(std::move(db_->statement(sql).bind(word(state)).bind(now).bind(limit)));
  if (due.empty()) learn_due(state);  // not asked again before that
  return due;
}

std::vector<ActRow> Journal::due_hooks(std::string_view hook, ActState state, WallTime now, int limit) const {
  assert(!is_over(state));
  if (lines_.of(state).surely_nothing_due(now)) return {};
  static auto const sql = select<ActRow>(
      "WHERE t.hook = ? AND t.state = ? AND t.state IN ('wanted', 'acting') AND t.due_at_ms <= ? "
      "ORDER BY t.due_at_ms, t.id LIMIT ?");
  auto due = all_rows<ActRow>(std::move(db_->statement(sql).bind(hook).bind(word(state)).bind(now).bind(limit)));
  if (due.empty()) learn_due(state);
  return due;
}

std::vector<ActRow> Journal::open_of_hook(std::string_view hook, int limit) const {
  static auto const sql = select<ActRow>("WHERE t.hook = ? AND t.state IN ('wanted', 'acting') LIMIT ?");
  return all_rows<ActRow>(std::move(db_->statement(sql).bind(hook).bind(limit)));
}

// One seek for each name.
std::vector<std::string> Journal::open_hooks() const {
  std::vector<std::string> names;
  while (true) {
    auto statement = db_->statement("SELECT min(hook) FROM act WHERE hook > ? AND state IN ('wanted', 'acting')");
    auto const after = names.empty() ? std::string_view() : std::string_view(names.back());
    statement.bind(after).next();
    auto name = statement.take_text();
    if (name.empty()) return names;
    names.push_back(std::move(name));
  }
}

std::int64_t Journal::count_open(std::string_view hook) const {
  auto statement = db_->statement("SELECT count(*) FROM act WHERE hook = ? AND state IN ('wanted', 'acting')");
  statement.bind(hook).next();
  return statement.take<std::int64_t>();
}

std::int64_t Journal::count_acts(ActState state) const {
  assert(!is_over(state));
  return lines_.of(state).rows;
}

}  // namespace sluice::journal

// acts.cc - the outbox: what is done to files after the end of their items.

#include <cassert>
#include <string>
#include <utility>

#include "core/journal/access.h"
#include "core/journal/journal.h"
#include "core/journal/sqlite.h"

namespace sluice::journal {
namespace {

constexpr std::string_view kHeldBy =
    "t.state = 'wanted' AND t.state IN ('wanted', 'acting') AND t.hook IS NULL AND t.due_at_ms IS NULL AND t.tries > 0 "
    "AND "
    "(?1 = '' OR t.target_folder = CAST(?1 AS BLOB) OR "
    "EXISTS (SELECT 1 FROM item i WHERE i.id = t.item_id AND i.root = CAST(?1 AS BLOB)))";

// As the index says it.
constexpr std::string_view kRefused =
    "t.state = 'refused' AND t.kind NOT IN ('hook', 'amend') AND "
    "t.reason NOT IN ('withdrawn', 'superseded', 'not_configured', 'changed', 'gone')";

}  // namespace

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

std::optional<ActRow> Journal::held_act(std::string_view folder) const {
  static auto const sql = select<ActRow>(std::string("WHERE ").append(kHeldBy).append(" LIMIT 1"));
  return first_row<ActRow>(std::move(db_->statement(sql).bind(folder)));
}

void Journal::release_acts(std::string_view folder, WallTime now) {
  assert(in_transaction());
  static auto const sql = std::string("UPDATE act AS t SET due_at_ms = ?2 WHERE ").append(kHeldBy);
  auto statement = db_->statement(sql);
  statement.bind(folder).bind(now).run();
  lines_.of(ActState::kWanted).written();
}

std::int64_t Journal::count_refused() const {
  static auto const sql = std::string("SELECT count(*) FROM act t WHERE ").append(kRefused);
  auto statement = db_->statement(sql);
  statement.next();
  return statement.take<std::int64_t>();
}

std::optional<ActRow> Journal::first_refused() const {
  static auto const sql =
      select<ActRow>(std::string("WHERE ").append(kRefused).append(" ORDER BY t.item_id, t.id LIMIT 1"));
  return first_row<ActRow>(std::move(db_->statement(sql)));
}

std::vector<RowId> Journal::items_with_refused(RowId after, int limit) const {
  static auto const sql = std::string("SELECT DISTINCT t.item_id FROM act t WHERE ")
                              .append(kRefused)
                              .append(" AND t.item_id > ? ORDER BY t.item_id LIMIT ?");
  auto statement = db_->statement(sql);
  statement.bind(after).bind(limit);
  std::vector<RowId> items;
  while (statement.next()) items.push_back(statement.take<RowId>());
  return items;
}

}  // namespace sluice::journal

// steps.cc - what the pipelines ask for once an asset is ready, one row each.

#include <cassert>
#include <string>
#include <utility>

#include "core/journal/access.h"
#include "core/journal/journal.h"
#include "core/journal/sqlite.h"

namespace sluice::journal {
namespace {

constexpr bool is_unfinished(StepState state) { return state < StepState::kReady; }

// SQLite uses the partial index step_due only for queries that hold its very term (measured).
constexpr char kUnfinished[] = "t.state IN ('waiting', 'creating', 'created')";

}  // namespace

RowId Journal::insert(StepRow const& row) {
  assert(in_transaction());
  auto const id = insert_row(*db_, row);
  lines_.of(row.state).written(1);
  return id;
}

void Journal::update(StepRow const& row, StepState expected, WallTime now, std::string_view note) {
  assert(in_transaction());
  update_row(*db_, row, expected);
  lines_.moved(expected, row.state);
  if (row.state == expected) return;
  add_event({0, now, row.item_id, "step " + std::to_string(row.ordinal) + " " + std::string(word(row.kind)),
             std::string(word(expected)), std::string(word(row.state)), std::string(note)});
}

std::optional<StepRow> Journal::step(RowId id) const {
  static auto const sql = select<StepRow>("WHERE t.id = ?");
  return first_row<StepRow>(std::move(db_->statement(sql).bind(id)));
}

std::vector<StepRow> Journal::steps_of(RowId item_id) const {
  static auto const sql = select<StepRow>("WHERE t.item_id = ? ORDER BY t.ordinal");
  return all_rows<StepRow>(std::move(db_->statement(sql).bind(item_id)));
}

void Journal::delete_steps_of(RowId item_id) {
  assert(in_transaction());
  for (auto const& step : steps_of(item_id)) lines_.of(step.state).written(-1);
  db_->statement("DELETE FROM step WHERE item_id = ?").bind(item_id).run();
}

std::vector<StepRow> Journal::due_steps(StepState state, StepKind kind, WallTime now, int limit) const {
  assert(is_unfinished(state));
  if (lines_.of(state).surely_nothing_due(now)) return {};
  static auto const sql = select<StepRow>("WHERE t.state = ? AND t.kind = ? AND " + std::string(kUnfinished) +
                                          " AND t.due_at_ms <= ? ORDER BY t.due_at_ms, t.id LIMIT ?");
  auto due = all_rows<StepRow>(std::move(db_->statement(sql).bind(word(state)).bind(word(kind)).bind(now).bind(limit)));
  if (due.empty()) learn_due(state);  // not asked again before that
  return due;
}

std::vector<StepRow> Journal::steps_in(StepState state, int limit) const {
  if (is_unfinished(state) && lines_.of(state).rows == 0) return {};
  static auto const unfinished = select<StepRow>("WHERE t.state = ? AND " + std::string(kUnfinished) +
                                                 " ORDER BY t.kind, t.due_at_ms, t.id LIMIT ?");
  static auto const ended = select<StepRow>("WHERE t.state = ? ORDER BY t.id LIMIT ?");
  auto const& sql = is_unfinished(state) ? unfinished : ended;
  return all_rows<StepRow>(std::move(db_->statement(sql).bind(word(state)).bind(limit)));
}

std::vector<StepRow> Journal::steps_on(RowId named_id, StepState state, int limit) const {
  static auto const sql = select<StepRow>("WHERE t.named_id = ? AND t.state = ? ORDER BY t.id LIMIT ?");
  return all_rows<StepRow>(std::move(db_->statement(sql).bind(named_id).bind(word(state)).bind(limit)));
}

}  // namespace sluice::journal

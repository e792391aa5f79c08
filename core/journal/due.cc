// due.cc - when the next row is due: read off the indexes, and remembered for each line until it changes.
//
// One seek per state (and priority) that has rows, never a scan: this runs before every sleep. A NULL is smaller
// than every time, so `> ?` also passes over the rows that wait for another row.

#include "core/journal/access.h"
#include "core/journal/journal.h"
#include "core/journal/sqlite.h"

namespace sluice::journal {
namespace {

using Due = std::optional<WallTime>;

constexpr WallTime kBeforeAll(Millis(INT64_MIN));

Due earlier(Due one, Due other) { return !one || (other && *other < *one) ? other : one; }

Due only_time(Statement& statement) {
  statement.next();
  return statement.take_optional_time();
}

Due due_after(Database& db, ItemState state, WallTime floor) {
  Due earliest;
  for (std::optional<std::int64_t> priority; (priority = next_priority(db, state, priority));)
    earliest = earlier(earliest, only_time(db.statement("SELECT min(due_at_ms) FROM item WHERE state = ? AND "
                                                        "finished_at_ms IS NULL AND priority = ? AND due_at_ms > ?")
                                               .bind(word(state))
                                               .bind(*priority)
                                               .bind(floor)));
  return earliest;
}

Due due_after(Database& db, NamedState state, WallTime floor) {
  return only_time(
      db.statement("SELECT min(due_at_ms) FROM named WHERE state = ? AND state <> 'present' AND due_at_ms > ?")
          .bind(word(state))
          .bind(floor));
}

Due due_after(Database& db, StepState state, WallTime floor) {
  Due earliest;
  for (auto const kind : kStepKinds)
    earliest = earlier(earliest, only_time(db.statement("SELECT min(due_at_ms) FROM step WHERE state = ? AND kind = ? "
                                                        "AND state IN ('waiting', 'creating', 'created') "
                                                        "AND due_at_ms > ?")
                                               .bind(word(state))
                                               .bind(word(kind))
                                               .bind(floor)));
  return earliest;
}

Due due_after(Database& db, ActState state, WallTime floor) {
  return only_time(db.statement("SELECT min(due_at_ms) FROM act WHERE state = ? AND state IN ('wanted', 'acting') "
                                "AND due_at_ms > ?")
                       .bind(word(state))
                       .bind(floor));
}

struct OpenSessions {};

Due due_after(Database& db, OpenSessions, WallTime floor) {
  auto const sessions =
      only_time(db.statement("SELECT min(s.due_at_ms) FROM session s JOIN item i ON i.id = s.item_id "
                             "WHERE s.state = 'open' AND i.finished_at_ms IS NULL AND s.due_at_ms > ?")
                    .bind(floor));
  auto const chunks =
      only_time(db.statement("SELECT min((SELECT min(c.due_at_ms) FROM chunk c WHERE c.session_id = s.id "
                             "            AND c.state IN ('needs_url', 'has_url') AND c.due_at_ms > ?)) "
                             "FROM session s JOIN item i ON i.id = s.item_id "
                             "WHERE s.state = 'open' AND i.finished_at_ms IS NULL")
                    .bind(floor));
  return earlier(sessions, chunks);
}

// The first due time behind `floor`: of a line that is as it was, no query is made.
template <class Which>
Due due_in_line(Database& db, Line& line, Which which, WallTime floor) {
  if (line.rows == 0) return std::nullopt;
  if (!line.first_due) line.first_due = Line::Due{due_after(db, which, kBeforeAll)};
  if (!line.first_due->at || *line.first_due->at > floor) return line.first_due->at;
  return due_after(db, which, floor);
}

}  // namespace

void Journal::learn_due(ItemState state) const { due_in_line(*db_, lines_.of(state), state, kBeforeAll); }
void Journal::learn_due(StepState state) const { due_in_line(*db_, lines_.of(state), state, kBeforeAll); }
void Journal::learn_due(NamedState state) const { due_in_line(*db_, lines_.of(state), state, kBeforeAll); }
void Journal::learn_due(ActState state) const { due_in_line(*db_, lines_.of(state), state, kBeforeAll); }

std::optional<WallTime> Journal::next_due(std::optional<WallTime> after) const {
  auto const floor = after.value_or(kBeforeAll);
  Due earliest = due_in_line(*db_, lines_.open_sessions(), OpenSessions{}, floor);
  auto const take = [&](auto state) {
    earliest = earlier(earliest, due_in_line(*db_, lines_.of(state), state, floor));
  };
  for (auto const state : kLiveItemStates) take(state);
  for (auto const state : {NamedState::kWanted, NamedState::kCreating}) take(state);
  for (auto const state : {StepState::kWaiting, StepState::kCreating, StepState::kCreated}) take(state);
  for (auto const state : {ActState::kWanted, ActState::kActing}) take(state);
  return earliest;
}

}  // namespace sluice::journal

// events.cc - the story of each item, and the time of the next thing that is due.

#include <algorithm>
#include <cassert>

#include "core/journal/access.h"
#include "core/journal/journal.h"
#include "core/journal/sqlite.h"

namespace sluice::journal {
namespace {

std::vector<EventRow> all_events(Statement& statement) {
  std::vector<EventRow> events;
  while (statement.next()) {
    EventRow event;
    event.id = statement.take<RowId>();
    event.at = statement.take_time();
    event.item_id = statement.take<RowId>();
    event.subject = statement.take_text();
    event.was = statement.take_text();
    event.became = statement.take_text();
    event.note = statement.take_text();
    events.push_back(std::move(event));
  }
  return events;
}

}  // namespace

void Journal::add_event(EventRow const& event) {
  assert(in_transaction());
  auto statement =
      db_->statement("INSERT INTO event (at_ms, item_id, subject, was, became, note) VALUES (?, ?, ?, ?, ?, ?)");
  statement.bind(event.at);
  event.item_id == 0 ? statement.bind_null() : statement.bind(event.item_id);
  statement.bind(std::string_view(event.subject))
      .bind(std::string_view(event.was))
      .bind(std::string_view(event.became))
      .bind(std::string_view(event.note))
      .run();
}

RowId Journal::last_event() const {
  auto statement = db_->statement("SELECT max(id) FROM event");
  return statement.next() ? statement.take<RowId>() : 0;
}

std::vector<EventRow> Journal::events_of(RowId item_id, int limit) const {
  auto statement = db_->statement(
      "SELECT id, at_ms, item_id, subject, was, became, note FROM event WHERE item_id IS ? ORDER BY id DESC LIMIT ?");
  item_id == 0 ? statement.bind_null() : statement.bind(item_id);
  statement.bind(limit);
  auto events = all_events(statement);
  std::ranges::reverse(events);
  return events;
}

std::vector<EventRow> Journal::losses_of(RowId item_id) const {
  auto statement = db_->statement(
      "SELECT id, at_ms, item_id, subject, was, became, note FROM event WHERE item_id IS ? AND became = 'gone' "
      "ORDER BY id");
  item_id == 0 ? statement.bind_null() : statement.bind(item_id);
  return all_events(statement);
}

// One seek per state (and priority) that has rows, never a scan: this runs before every sleep. A NULL is smaller
// than every time, so `> ?` also passes over the rows that wait for another row.
std::optional<WallTime> Journal::next_due(std::optional<WallTime> after) const {
  auto const floor = after.value_or(from_unix_ms(INT64_MIN));
  std::optional<WallTime> earliest;
  auto const take = [&](Statement& statement) {
    statement.next();
    auto const due = statement.take_optional_time();
    if (due && (!earliest || *due < *earliest)) earliest = due;
  };
  for (auto const state : kLiveItemStates) {
    if (count_items(state) == 0) continue;
    for (std::optional<std::int64_t> priority; (priority = next_priority(*db_, state, priority));)
      take(db_->statement("SELECT min(due_at_ms) FROM item WHERE state = ? AND finished_at_ms IS NULL "
                          "AND priority = ? AND due_at_ms > ?")
               .bind(word(state))
               .bind(*priority)
               .bind(floor));
  }
  if (counts_.open_sessions > 0) {
    take(db_->statement("SELECT min(s.due_at_ms) FROM session s JOIN item i ON i.id = s.item_id "
                        "WHERE s.state = 'open' AND i.finished_at_ms IS NULL AND s.due_at_ms > ?")
             .bind(floor));
    take(db_->statement("SELECT min((SELECT min(c.due_at_ms) FROM chunk c WHERE c.session_id = s.id "
                        "            AND c.state IN ('needs_url', 'has_url') AND c.due_at_ms > ?)) "
                        "FROM session s JOIN item i ON i.id = s.item_id "
                        "WHERE s.state = 'open' AND i.finished_at_ms IS NULL")
             .bind(floor));
  }
  for (auto const state : {NamedState::kWanted, NamedState::kCreating})
    if (counts_.of(state) > 0)
      take(db_->statement("SELECT min(due_at_ms) FROM named WHERE state = ? AND state <> 'present' AND due_at_ms > ?")
               .bind(word(state))
               .bind(floor));
  for (auto const state : {StepState::kWaiting, StepState::kCreating, StepState::kCreated})
    if (counts_.of(state) > 0)
      take(db_->statement("SELECT min(due_at_ms) FROM step WHERE state = ? "
                          "AND state IN ('waiting', 'creating', 'created') AND due_at_ms > ?")
               .bind(word(state))
               .bind(floor));
  return earliest;
}

}  // namespace sluice::journal

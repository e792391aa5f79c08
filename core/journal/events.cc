// events.cc - the story of each item, and the time of the next thing that is due.

#include <algorithm>
#include <cassert>

#include "core/journal/journal.h"
#include "core/journal/sqlite.h"

namespace sluice::journal {

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
  std::ranges::reverse(events);
  return events;
}

std::optional<WallTime> Journal::next_due(std::optional<WallTime> after) const {
  // One seek per state (and priority), never a scan: this runs before every sleep. A NULL is smaller
  // than every time, so `> ?` also passes over the rows that wait for another row.
  static constexpr char const* kQueries[] = {
      "WITH RECURSIVE state (word) AS (VALUES ('seen'), ('stable'), ('opening'), ('opened'), ('reported'), "
      "('completed'), "
      "('sending'), ('sent'), ('asset_ready')), "
      "level (word, priority) AS ("
      " SELECT word, (SELECT max(i.priority) FROM item i WHERE i.state = word AND i.finished_at_ms IS NULL) FROM state"
      " UNION ALL"
      " SELECT word, (SELECT max(i.priority) FROM item i WHERE i.state = word AND i.finished_at_ms IS NULL"
      "               AND i.priority < level.priority) FROM level WHERE level.priority IS NOT NULL) "
      "SELECT min((SELECT min(i.due_at_ms) FROM item i WHERE i.state = word AND i.finished_at_ms IS NULL"
      "            AND i.priority = level.priority AND i.due_at_ms > ?)) FROM level WHERE level.priority IS NOT NULL",

      "SELECT min(s.due_at_ms) FROM session s JOIN item i ON i.id = s.item_id "
      "WHERE s.state = 'open' AND i.finished_at_ms IS NULL AND s.due_at_ms > ?",

      "SELECT min((SELECT min(c.due_at_ms) FROM chunk c WHERE c.session_id = s.id AND c.state IN ('needs_url', "
      "'has_url')"
      "            AND c.due_at_ms > ?)) "
      "FROM session s JOIN item i ON i.id = s.item_id WHERE s.state = 'open' AND i.finished_at_ms IS NULL",

      "WITH state (word) AS (VALUES ('wanted'), ('creating')) "
      "SELECT min((SELECT min(n.due_at_ms) FROM named n WHERE n.state = word AND n.state <> 'present'"
      "            AND n.due_at_ms > ?)) FROM state",

      "WITH state (word) AS (VALUES ('waiting'), ('creating'), ('created')) "
      "SELECT min((SELECT min(s.due_at_ms) FROM step s WHERE s.state = word"
      "            AND s.state IN ('waiting', 'creating', 'created') AND s.due_at_ms > ?)) FROM state",
  };
  std::optional<WallTime> earliest;
  for (auto const* sql : kQueries) {
    auto statement = db_->statement(sql);
    statement.bind(after.value_or(from_unix_ms(INT64_MIN))).next();
    auto const due = statement.take_optional_time();
    if (due && (!earliest || *due < *earliest)) earliest = due;
  }
  return earliest;
}

}  // namespace sluice::journal

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

std::optional<WallTime> Journal::last_event_at() const {
  auto statement = db_->statement("SELECT at_ms FROM event ORDER BY id DESC LIMIT 1");
  if (!statement.next()) return std::nullopt;
  return statement.take_optional_time();
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

}  // namespace sluice::journal

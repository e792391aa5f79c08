// shift.cc - the host's clock was set: times that are waited for, or looked by, move with it.

#include <cassert>

#include "core/journal/journal.h"
#include "core/journal/sqlite.h"

namespace sluice::journal {

void Journal::shift_times(Millis by) {
  assert(in_transaction());
  // What is NULL stays it. Rows at their end are history, but for the traces by which a retry looks for what they made,
  // and for the ends of sessions that were forgotten; chunks are moved with their open sessions.
  static constexpr std::string_view kMoves[] = {
      "UPDATE item SET due_at_ms = due_at_ms + ?1, intent_at_ms = intent_at_ms + ?1, "
      "unknown_at_ms = unknown_at_ms + ?1, quiet_since_ms = quiet_since_ms + ?1 "
      "WHERE finished_at_ms IS NULL OR intent_at_ms IS NOT NULL",
      "UPDATE session SET due_at_ms = due_at_ms + ?1, expires_at_ms = expires_at_ms + ?1 "
      "WHERE state IN ('open', 'expired')",
      "UPDATE chunk SET due_at_ms = due_at_ms + ?1, url_renew_at_ms = url_renew_at_ms + ?1 "
      "WHERE session_id IN (SELECT id FROM session WHERE state = 'open')",
      "UPDATE named SET due_at_ms = due_at_ms + ?1, intent_at_ms = intent_at_ms + ?1, "
      "unknown_at_ms = unknown_at_ms + ?1",
      "UPDATE act SET due_at_ms = due_at_ms + ?1 WHERE state IN ('wanted', 'acting')",
      "UPDATE step SET due_at_ms = due_at_ms + ?1, intent_at_ms = intent_at_ms + ?1, "
      "unknown_at_ms = unknown_at_ms + ?1 WHERE state IN ('waiting', 'creating', 'created') OR intent_at_ms IS NOT "
      "NULL"};
  for (auto const sql : kMoves) db_->statement(sql).bind(by.count()).run();
  lines_ = {};
  count_states();
}

}  // namespace sluice::journal

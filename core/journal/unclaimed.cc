// unclaimed.cc - assets that a rebuild kept for the files and URLs that come later.

#include <cassert>

#include "core/journal/journal.h"
#include "core/journal/sqlite.h"

namespace sluice::journal {

void Journal::insert(UnclaimedRow const& row) {
  assert(in_transaction());
  auto statement = db_->statement(
      "INSERT INTO unclaimed (identity, client_op, asset_id, method, state, size_bytes, created_at_ms) "
      "VALUES (?, ?, ?, ?, ?, ?, ?)");
  statement.bind(row.identity).bind(row.client_op).bind(row.asset_id).bind(row.method);
  statement.bind(row.is_ready ? "ready" : "processing");
  row.size_bytes ? statement.bind(*row.size_bytes) : statement.bind_null();
  statement.bind(row.created_at).run();
}

std::optional<UnclaimedRow> Journal::unclaimed(std::string_view front) const {
  auto statement = db_->statement(
      "SELECT identity, client_op, asset_id, method, state = 'ready', size_bytes IS NULL, size_bytes, created_at_ms "
      "FROM unclaimed WHERE identity >= ?1 AND identity < ?1 || 'g' ORDER BY identity LIMIT 1");  // behind each digit
  if (!statement.bind(front).next()) return std::nullopt;
  UnclaimedRow row{.identity = statement.take_text()};
  row.client_op = statement.take_text();
  row.asset_id = statement.take_text();
  row.method = statement.take_text();
  row.is_ready = statement.take<int>() != 0;
  auto const has_no_size = statement.take<int>() != 0;
  auto const size_bytes = statement.take<std::uint64_t>();
  if (!has_no_size) row.size_bytes = size_bytes;
  row.created_at = statement.take_optional_time();
  return row;
}

void Journal::delete_unclaimed(std::string_view identity) {
  assert(in_transaction());
  db_->statement("DELETE FROM unclaimed WHERE identity = ?").bind(identity).run();
}

}  // namespace sluice::journal

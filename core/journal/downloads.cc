// downloads.cc - how far the bytes behind URLs are in the spool.

#include <cassert>
#include <string>

#include "core/journal/access.h"
#include "core/journal/journal.h"
#include "core/journal/sqlite.h"

namespace sluice::journal {

RowId Journal::insert(DownloadRow const& row) {
  assert(in_transaction());
  return insert_row(*db_, row);
}

void Journal::update(DownloadRow const& row, DownloadState expected, WallTime now, std::string_view note) {
  assert(in_transaction());
  update_row(*db_, row, expected);
  if (row.state == expected) return;
  add_event(
      {0, now, row.item_id, "download", std::string(word(expected)), std::string(word(row.state)), std::string(note)});
}

std::optional<DownloadRow> Journal::download_of(RowId item_id) const {
  static auto const sql = select<DownloadRow>("WHERE t.item_id = ?");
  return first_row<DownloadRow>(std::move(db_->statement(sql).bind(item_id)));
}

void Journal::delete_download(RowId item_id) {
  assert(in_transaction());
  db_->statement("DELETE FROM download WHERE item_id = ?").bind(item_id).run();
}

std::vector<DownloadRow> Journal::fetching_downloads() const {
  static auto const sql = select<DownloadRow>("WHERE t.state = 'fetching' ORDER BY t.id");
  return all_rows<DownloadRow>(db_->statement(sql));
}

std::optional<DownloadRow> Journal::oldest_parked() const {
  static auto const sql = select<DownloadRow>(
      "JOIN item i ON i.id = t.item_id WHERE t.reserved_bytes > 0 AND i.state = 'failed' "
      "ORDER BY i.finished_at_ms, t.id LIMIT 1");
  return first_row<DownloadRow>(db_->statement(sql));
}

std::uint64_t Journal::parked_bytes() const {
  auto statement = db_->statement(
      "SELECT coalesce(sum(d.reserved_bytes), 0) FROM download d JOIN item i ON i.id = d.item_id "
      "WHERE d.reserved_bytes > 0 AND i.state = 'failed'");
  statement.next();
  return statement.take<std::uint64_t>();
}

std::uint64_t Journal::reserved_bytes() const {
  auto statement = db_->statement("SELECT coalesce(sum(reserved_bytes), 0) FROM download WHERE reserved_bytes > 0");
  statement.next();
  return statement.take<std::uint64_t>();
}

bool Journal::owns_in_spool(std::string_view ulid) const {
  auto statement = db_->statement(
      "SELECT 1 FROM item i JOIN download d ON d.item_id = i.id WHERE i.ulid = ? AND d.reserved_bytes > 0");
  return statement.bind(ulid).next();
}

}  // namespace sluice::journal

// items.cc - the journal's items: written with a guard, found by what indexes serve.
//
// Every query names `finished_at_ms IS NULL` where it means live items: without that very term SQLite
// does not use the partial index, and walks all items that ever were (measured).

#include <algorithm>
#include <cassert>
#include <utility>

#include "core/journal/access.h"
#include "core/journal/journal.h"
#include "core/journal/sqlite.h"

namespace sluice::journal {
namespace {

// The states of a stage, as an SQL list. kIndex and kRegister both are asset_ready.
std::string_view states_of(StageWord stage) {
  switch (stage) {
    case StageWord::kSettle: return "('seen')";
    case StageWord::kUpload: return "('stable', 'opening', 'opened', 'reported', 'sending')";
    case StageWord::kReady: return "('completed', 'sent')";
    case StageWord::kIndex:
    case StageWord::kRegister: return "('asset_ready')";
    case StageWord::kDone: return "('done')";
    case StageWord::kFailed: return "('failed')";
    case StageWord::kCancelled: return "('cancelled')";
    case StageWord::kSkipped: return "('skipped')";
  }
  std::abort();
}

constexpr std::string_view kIndexing =
    "EXISTS (SELECT 1 FROM step s WHERE s.item_id = t.id AND s.kind = 'index' AND s.state NOT IN ('ready', 'failed'))";

}  // namespace

std::optional<std::int64_t> next_priority(Database& db, ItemState state, std::optional<std::int64_t> below) {
  auto statement = db.statement(
      "SELECT priority FROM item WHERE state = ? AND finished_at_ms IS NULL AND priority < ? ORDER BY priority DESC "
      "LIMIT 1");
  if (!statement.bind(word(state)).bind(below.value_or(INT64_MAX)).next()) return std::nullopt;
  return statement.take<std::int64_t>();
}

namespace {

// The next source, in the order of names, that has items in `stable` of this method and priority.
std::optional<std::string> next_source(Database& db, std::string_view method, std::int64_t priority,
                                       std::optional<std::string> const& after) {
  auto statement = db.statement(
      "SELECT source FROM item WHERE state = 'stable' AND finished_at_ms IS NULL AND method = ? AND priority = ? "
      "AND source > ? ORDER BY source LIMIT 1");
  if (!statement.bind(method).bind(priority).bind(std::string_view(after ? *after : "")).next()) return std::nullopt;
  return statement.take_text();
}

// What update_row() leaves as it is: an item in `seen` is whoever's source finds it.
void write_beginning(Database& db, ItemRow const& row) {
  auto statement = db.statement(
      "UPDATE item SET source = ?1, created_at_ms = ?2 WHERE id = ?3 AND (source <> ?1 OR created_at_ms <> ?2)");
  statement.bind(std::string_view(row.source)).bind(row.created_at).bind(row.id).run();
}

std::vector<std::string> sources_of_seen(Database& db) {
  std::vector<std::string> sources;
  while (true) {
    auto statement = db.statement(
        "SELECT source FROM item WHERE state = 'seen' AND finished_at_ms IS NULL AND source > ? ORDER BY source LIMIT "
        "1");
    if (!statement.bind(std::string_view(sources.empty() ? "" : sources.back())).next()) return sources;
    sources.push_back(statement.take_text());
  }
}

}  // namespace

RowId Journal::insert(ItemRow const& row) {
  assert(in_transaction());
  auto const id = insert_row(*db_, row);
  lines_.of(row.state).written(1);
  return id;
}

void Journal::update(ItemRow const& row, ItemState expected, WallTime now, std::string_view note) {
  assert(in_transaction());
  update_row(*db_, row, expected);
  lines_.moved(expected, row.state);
  lines_.open_sessions().written();  // only those of live items are due
  if (row.state == ItemState::kSeen) write_beginning(*db_, row);
  if (row.state == expected) return;
  if (is_end(expected) && !is_end(row.state)) reopen_entry(row.id);
  if (is_end(row.state) || row.state == ItemState::kSeen) wake_twins_of(row.id, now);
  add_event({0, now, row.id, "item", std::string(word(expected)), std::string(word(row.state)), std::string(note)});
}

void Journal::write_progress(ItemRow const& row) {
  assert(in_transaction());
  auto statement = db_->statement(
      "UPDATE item SET bytes_sent = ?, bytes_acked = ?, attempts = ?, last_error = ?, reason = ? WHERE id = ? AND "
      "state = ?");
  Binder binder(statement);
  binder.number("bytes_sent", row.bytes_sent);
  binder.number("bytes_acked", row.bytes_acked);
  binder.number("attempts", row.effort.attempts);
  binder.text_or_null("last_error", row.effort.last_error);
  binder.text_or_null("reason", row.reason);
  statement.bind(row.id).bind(word(row.state)).run();
  require_one_row(*db_, "item", std::to_string(row.id), word(row.state));
}

std::optional<ItemRow> Journal::item(RowId id) const {
  static auto const sql = select<ItemRow>("WHERE t.id = ?");
  return first_row<ItemRow>(std::move(db_->statement(sql).bind(id)));
}

std::optional<ItemRow> Journal::latest_item(std::string_view root, std::string_view path) const {
  static auto const sql = select<ItemRow>("WHERE t.root = ? AND t.path = ? ORDER BY t.id DESC LIMIT 1");
  return first_row<ItemRow>(std::move(db_->statement(sql).bind_blob(root).bind_blob(path)));
}

std::vector<ItemRow> Journal::live_items_of_inode(std::string_view root, std::uint64_t inode) const {
  static auto const sql = select<ItemRow>("WHERE t.inode = ? AND t.root = ? AND t.finished_at_ms IS NULL LIMIT 16");
  return all_rows<ItemRow>(std::move(db_->statement(sql).bind(static_cast<std::int64_t>(inode)).bind_blob(root)));
}

std::vector<ItemRow> Journal::items_of_ends(ItemRow const& item, std::string_view content_key, RowId after) const {
  if (item.ends_hash == 0) return {};
  static auto const sql = select<ItemRow>(
      "WHERE t.ends_hash = ? AND t.size_bytes = ? AND t.id <> ? AND t.state NOT IN ('seen', 'failed', 'cancelled', "
      "'skipped') AND t.id > ? AND (? = '' OR coalesce(t.content_key, '') IN ('', ?)) ORDER BY t.id LIMIT 16");
  auto statement = db_->statement(sql);
  statement.bind(item.ends_hash).bind(static_cast<std::int64_t>(item.print.size_bytes)).bind(item.id).bind(after);
  return all_rows<ItemRow>(std::move(statement.bind(content_key).bind(content_key)));
}

std::optional<ItemRow> Journal::done_before(ItemRow const& item) const {
  static auto const sql =
      select<ItemRow>("WHERE t.root = ? AND t.path = ? AND t.id < ? AND t.state = 'done' ORDER BY t.id DESC LIMIT 1");
  return first_row<ItemRow>(std::move(db_->statement(sql).bind_blob(item.root).bind_blob(item.path).bind(item.id)));
}

void Journal::wake_twins_of(RowId item, WallTime now) {
  db_->statement("UPDATE item SET due_at_ms = ?, twin_id = NULL WHERE twin_id = ? AND state = 'seen'")
      .bind(now)
      .bind(item)
      .run();
  if (db_->changes() > 0) lines_.of(ItemState::kSeen).written();
}

void Journal::rename(RowId item, std::string_view path) {
  assert(in_transaction());
  auto statement = db_->statement("UPDATE item SET path = ? WHERE id = ? AND finished_at_ms IS NULL");
  statement.bind_blob(path).bind(item).run();
  require_one_row(*db_, "item", std::to_string(item), "a live one");
}

std::optional<ItemRow> Journal::item_by_key(std::string_view key) const {
  static auto const sql = select<ItemRow>("WHERE t.item_key = ?");
  return first_row<ItemRow>(std::move(db_->statement(sql).bind(key)));
}

void Journal::release_key(RowId item) {
  assert(in_transaction());
  db_->statement("UPDATE item SET item_key = item_key || ' ' || ulid WHERE id = ?").bind(item).run();
}

void Journal::take_key_back(RowId item) {
  assert(in_transaction());
  db_->statement(
         "UPDATE item SET item_key = substr(item_key, 1, length(item_key) - length(ulid) - 1) "
         "WHERE id = ? AND substr(item_key, -length(ulid) - 1) = ' ' || ulid")
      .bind(item)
      .run();
}

std::vector<ItemRow> Journal::items_by_url(std::string_view shown, int limit) const {
  static auto const sql = select<ItemRow>("WHERE t.root = x'' AND t.path = ? ORDER BY t.id DESC LIMIT ?");
  return all_rows<ItemRow>(std::move(db_->statement(sql).bind_blob(shown).bind(limit)));
}

std::vector<ItemRow> Journal::items_by_prefix(std::string_view prefix, int limit) const {
  static auto const sql = select<ItemRow>("WHERE t.ulid >= ? AND t.ulid < ? ORDER BY t.ulid LIMIT ?");
  auto const end = std::string(prefix) + "~";  // sorts after every character of a ULID
  return all_rows<ItemRow>(std::move(db_->statement(sql).bind(prefix).bind(std::string_view(end)).bind(limit)));
}

std::vector<ItemRow> Journal::items_by_path(std::string_view path_or_name, int limit) const {
  static auto const by_path = select<ItemRow>("WHERE t.root = ? AND t.path = ? ORDER BY t.id DESC LIMIT ?");
  std::vector<ItemRow> found;
  std::string root;  // each root in turn, by one seek: there are few
  while (static_cast<int>(found.size()) < limit) {
    auto next = db_->statement("SELECT root FROM item WHERE root > ? ORDER BY root LIMIT 1");
    if (!next.bind_blob(root).next()) break;
    root = next.take_text();
    auto path = path_or_name;
    if (path.starts_with('/')) {
      if (!path.starts_with(root)) continue;
      path.remove_prefix(root.size());
      if (!root.ends_with('/')) {
        if (!path.starts_with('/')) continue;
        path.remove_prefix(1);
      }
    }
    auto const left = limit - static_cast<int>(found.size());
    auto some = all_rows<ItemRow>(std::move(db_->statement(by_path).bind_blob(root).bind_blob(path).bind(left)));
    for (auto& row : some) found.push_back(std::move(row));
  }
  return found;
}

std::vector<ItemRow> Journal::due_items(ItemState state, WallTime now, int limit) const {
  assert(!is_end(state));
  if (lines_.of(state).surely_nothing_due(now)) return {};
  static auto const sql = select<ItemRow>(
      "WHERE t.state = ? AND t.finished_at_ms IS NULL AND t.priority = ? AND t.due_at_ms <= ? "
      "ORDER BY t.due_at_ms LIMIT ?");  // rows due at the same time come by id, as they lie in the index
  std::vector<ItemRow> due;
  std::optional<std::int64_t> priority;
  // One priority after the other, so that a backlog of a million due rows is never sorted.
  while (static_cast<int>(due.size()) < limit && (priority = next_priority(*db_, state, priority))) {
    auto const left = limit - static_cast<int>(due.size());
    auto some =
        all_rows<ItemRow>(std::move(db_->statement(sql).bind(word(state)).bind(*priority).bind(now).bind(left)));
    for (auto& row : some) due.push_back(std::move(row));
  }
  if (due.empty()) learn_due(state);  // not asked again before that
  return due;
}

std::vector<ItemRow> Journal::due_seen_items(WallTime now, int limit) const {
  if (lines_.of(ItemState::kSeen).surely_nothing_due(now)) return {};
  static auto const sql = select<ItemRow>(
      "WHERE t.state = 'seen' AND t.finished_at_ms IS NULL AND t.source = ? AND t.due_at_ms <= ? "
      "ORDER BY t.due_at_ms LIMIT ?");
  auto const sources = sources_of_seen(*db_);
  std::vector<ItemRow> due;
  for (auto const& source : sources) {
    auto const share = std::max(1, limit / static_cast<int>(sources.size()));
    auto some = all_rows<ItemRow>(std::move(db_->statement(sql).bind(std::string_view(source)).bind(now).bind(share)));
    for (auto& row : some) due.push_back(std::move(row));
  }
  if (due.empty()) learn_due(ItemState::kSeen);  // not asked again before that
  return due;
}

std::optional<std::int64_t> Journal::next_upload_priority(std::string_view method,
                                                          std::optional<std::int64_t> below) const {
  auto statement = db_->statement(
      "SELECT priority FROM item WHERE state = 'stable' AND finished_at_ms IS NULL AND method = ? AND priority < ? "
      "ORDER BY priority DESC LIMIT 1");
  if (!statement.bind(method).bind(below.value_or(INT64_MAX)).next()) {
    if (!below) learn_due(ItemState::kStable);
    return std::nullopt;
  }
  return statement.take<std::int64_t>();
}

std::vector<std::vector<ItemRow>> Journal::uploads_waiting(std::string_view method, std::int64_t priority, WallTime now,
                                                           int limit) const {
  static auto const sql = select<ItemRow>(
      "WHERE t.state = 'stable' AND t.finished_at_ms IS NULL AND t.method = ? AND t.priority = ? AND t.source = ? "
      "AND t.due_at_ms <= ? ORDER BY t.due_at_ms LIMIT ?");
  std::vector<std::vector<ItemRow>> lines;
  for (std::optional<std::string> source; (source = next_source(*db_, method, priority, source));) {
    auto line = all_rows<ItemRow>(std::move(
        db_->statement(sql).bind(method).bind(priority).bind(std::string_view(*source)).bind(now).bind(limit)));
    if (!line.empty()) lines.push_back(std::move(line));
  }
  if (lines.empty()) learn_due(ItemState::kStable);  // not asked again before that
  return lines;
}

std::vector<UndatedItem> Journal::undated_items(std::span<ItemState const> states, UndatedPlace& place,
                                                int limit) const {
  std::vector<UndatedItem> found;
  for (; place.state < states.size(); ++place.state, place.priority.reset()) {
    auto const state = states[place.state];
    if (count_items(state) == 0) continue;
    if (!place.priority) place = {place.state, next_priority(*db_, state, std::nullopt), 0};
    for (; place.priority; place = {place.state, next_priority(*db_, state, place.priority), 0}) {
      auto statement = db_->statement(
          "SELECT id, asset_id FROM item WHERE state = ? AND finished_at_ms IS NULL AND priority = ? "
          "AND due_at_ms IS NULL AND id > ? ORDER BY id LIMIT ?");
      statement.bind(word(state)).bind(*place.priority).bind(place.id).bind(limit - static_cast<int>(found.size()));
      while (statement.next()) {
        place.id = statement.take<RowId>();
        found.push_back({.id = place.id, .asset_id = statement.take_text()});
      }
      if (static_cast<int>(found.size()) == limit) return found;
    }
  }
  return found;
}

std::vector<ItemRow> Journal::items_in(ItemState state, int limit) const {
  if (count_items(state) == 0) return {};
  static auto const live =
      select<ItemRow>("WHERE t.state = ? AND t.finished_at_ms IS NULL ORDER BY t.priority DESC, t.due_at_ms LIMIT ?");
  static auto const ended =
      select<ItemRow>("WHERE t.state = ? AND t.state IN ('failed', 'cancelled', 'skipped') ORDER BY t.id LIMIT ?");
  static auto const done = select<ItemRow>("WHERE t.state = ? ORDER BY t.id LIMIT ?");
  auto const& sql = !is_end(state) ? live : state == ItemState::kDone ? done : ended;
  return all_rows<ItemRow>(std::move(db_->statement(sql).bind(word(state)).bind(limit)));
}

bool Journal::asset_known(std::string_view asset_id) const {
  if (asset_id.empty()) return false;
  if (db_->statement("SELECT 1 FROM item WHERE asset_id = ? LIMIT 1").bind(asset_id).next()) return true;
  return db_->statement("SELECT 1 FROM session WHERE asset_id = ? LIMIT 1").bind(asset_id).next();
}

std::vector<ItemRow> Journal::list_items(ItemFilter const& filter) const {
  std::string where = "WHERE t.id > ?";
  if (filter.state) where += " AND t.state = ?";
  if (filter.state && is_end(*filter.state) && *filter.state != ItemState::kDone)
    where += " AND t.state IN ('failed', 'cancelled', 'skipped')";  // the very term of the partial index
  if (filter.stage) where.append(" AND t.state IN ").append(states_of(*filter.stage));
  if (filter.stage == StageWord::kIndex) where.append(" AND ").append(kIndexing);
  if (filter.stage == StageWord::kRegister) where.append(" AND NOT ").append(kIndexing);
  if (!filter.source.empty()) where += " AND t.source = ?";
  auto statement = db_->statement(select<ItemRow>(where + " ORDER BY t.id LIMIT ?"));
  statement.bind(filter.after_id);
  if (filter.state) statement.bind(word(*filter.state));
  if (!filter.source.empty()) statement.bind(std::string_view(filter.source));
  return all_rows<ItemRow>(std::move(statement.bind(filter.limit)));
}

std::vector<Journal::StageCount> Journal::count_by_stage(WallTime now) const {
  std::vector<StageCount> counts;
  for (int i = 0; i <= static_cast<int>(StageWord::kSkipped); ++i) counts.push_back({static_cast<StageWord>(i), 0, 0});
  auto const at = [&](StageWord stage) -> StageCount& { return counts[static_cast<std::size_t>(stage)]; };
  for (int i = 0; i <= static_cast<int>(ItemState::kSkipped); ++i)
    at(stage_of(static_cast<ItemState>(i), false)).total += count_items(static_cast<ItemState>(i));

  // Totals come from the counters; only rows that wait are counted here, most of them within the index.
  for (int i = 0; i < static_cast<int>(ItemState::kDone); ++i) {
    auto const state = static_cast<ItemState>(i);
    auto& stage = at(stage_of(state, false));
    for (std::optional<std::int64_t> p; (p = next_priority(*db_, state, p));) {
      for (auto const* sql :
           {"SELECT count(*) FROM item WHERE state = ? AND finished_at_ms IS NULL AND priority = ? AND due_at_ms > ?",
            "SELECT count(*) FROM item WHERE state = ? AND finished_at_ms IS NULL AND priority = ? "
            "AND due_at_ms IS NULL AND ? IS NOT NULL"}) {
        auto statement = db_->statement(sql);
        statement.bind(word(state)).bind(*p).bind(now).next();
        stage.waiting += statement.take<std::int64_t>();
      }
    }
  }
  static auto const indexing =
      std::string(
          "SELECT count(*), count(CASE WHEN t.due_at_ms <= ? THEN NULL ELSE 1 END) FROM item t "
          "WHERE t.state = 'asset_ready' AND t.finished_at_ms IS NULL AND ")
          .append(kIndexing);
  auto statement = db_->statement(indexing);
  statement.bind(now).next();
  auto const total = statement.take<std::int64_t>();
  auto const waiting = statement.take<std::int64_t>();
  at(StageWord::kIndex).total = total;
  at(StageWord::kIndex).waiting = waiting;
  at(StageWord::kRegister).total -= total;
  at(StageWord::kRegister).waiting -= waiting;
  return counts;
}

}  // namespace sluice::journal

// access.h - the SQL that is the same for every table: select, insert, guarded update.
//
// For core/journal only. Texts are built once per table from the lists in columns.h.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/journal/columns.h"
#include "core/journal/sqlite.h"

namespace sluice::journal {

template <class Row>
struct Table;
template <>
struct Table<ItemRow> {
  static constexpr std::string_view kName = "item";
};
template <>
struct Table<SessionRow> {
  static constexpr std::string_view kName = "session";
};
template <>
struct Table<NamedRow> {
  static constexpr std::string_view kName = "named";
};
template <>
struct Table<StepRow> {
  static constexpr std::string_view kName = "step";
};
template <>
struct Table<ActRow> {
  static constexpr std::string_view kName = "act";
};
template <>
struct Table<DownloadRow> {
  static constexpr std::string_view kName = "download";
};
template <>
struct Table<ChunkRow> {
  static constexpr std::string_view kName = "chunk";
};

template <>
struct Table<ManifestRow> {
  static constexpr std::string_view kName = "manifest";
};
template <>
struct Table<EntryRow> {
  static constexpr std::string_view kName = "entry";
};

// "SELECT id, ... FROM item t " followed by `rest`, which calls the table `t`.
template <class Row>
std::string select(std::string_view rest) {
  std::string text = "SELECT ";
  if constexpr (requires(Row row) { row.id; })
    text += "t.id, ";
  else
    text += "t.session_id, t.chunk_index, ";
  auto const& listed = columns_of<Row>().listed;
  text += "t.";
  for (auto const c : listed) {
    text += c;
    if (c == ' ') text += "t.";
  }
  return text.append(" FROM ").append(Table<Row>::kName).append(" t ").append(rest);
}

template <class Row>
Row take_row(Statement& statement) {
  Row row;
  if constexpr (requires { row.id; }) {
    row.id = statement.take<RowId>();
  } else {
    row.session_id = statement.take<RowId>();
    row.index = statement.take<std::uint32_t>();
  }
  Reader reader(statement);
  visit(reader, row);
  return row;
}

template <class Row>
std::optional<Row> first_row(Statement&& statement) {
  if (!statement.next()) return std::nullopt;
  return take_row<Row>(statement);
}

template <class Row>
std::vector<Row> all_rows(Statement&& statement) {
  std::vector<Row> rows;
  while (statement.next()) rows.push_back(take_row<Row>(statement));
  return rows;
}

// Inserts a row with a fresh id, and returns that id.
template <class Row>
RowId insert_row(Database& database, Row const& row) {
  static std::string const sql =
      std::string("INSERT INTO ")
          .append(Table<Row>::kName)
          .append(" (" + columns_of<Row>().listed + ") VALUES (" + columns_of<Row>().marks + ")");
  auto statement = database.statement(sql);
  Binder binder(statement);
  visit(binder, row);
  statement.run();
  return database.last_insert_id();
}

// Stops the program when a guarded write did not change exactly one row: the caller's idea of the row
// is not what the journal holds, so nothing that it is about to do can be trusted.
inline void require_one_row(Database& database, std::string_view table, std::string const& id,
                            std::string_view expected) {
  if (database.changes() == 1) return;
  std::fprintf(stderr, "journal %s: guarded write failed: %.*s %s is not in state '%.*s'\n", database.file().c_str(),
               static_cast<int>(table.size()), table.data(), id.c_str(), static_cast<int>(expected.size()),
               expected.data());
  std::abort();
}

inline bool is_about_its_end(ItemState state) { return is_end(state); }
template <class State>
bool is_about_its_end(State) {
  return false;
}

// Writes every column that may change, of the row where it is in `expected`.
template <class Row, class State>
void update_row(Database& database, Row const& row, State expected) {
  static auto const text = [](bool with_end) {
    return std::string("UPDATE ")
        .append(Table<Row>::kName)
        .append(" SET " + assignments_of<Row>(with_end) + " WHERE id = ? AND state = ?");
  };
  static std::string const whole = text(true);
  static std::string const live = text(false);
  auto const with_end = is_about_its_end(row.state) || is_about_its_end(expected);
  auto statement = database.statement(with_end ? whole : live);
  Binder binder(statement);
  visit_moving(binder, row, with_end);
  statement.bind(row.id).bind(word(expected));
  statement.run();
  require_one_row(database, Table<Row>::kName, std::to_string(row.id), word(expected));
}

// The distinct priorities of the live items in a state, highest first, one index seek each. In items.cc.
std::optional<std::int64_t> next_priority(Database& db, ItemState state, std::optional<std::int64_t> below);

inline constexpr ItemState kLiveItemStates[] = {ItemState::kSeen,    ItemState::kStable,   ItemState::kOpening,
                                                ItemState::kOpened,  ItemState::kReported, ItemState::kCompleted,
                                                ItemState::kSending, ItemState::kSent,     ItemState::kAssetReady};

}  // namespace sluice::journal

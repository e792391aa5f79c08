// columns.h - which column of the schema holds which field: one list per table, for every direction.
//
// For core/journal only. The same list makes the SQL's column names, binds a row's values and reads
// them back, so that a new column cannot be written and then forgotten when reading. The id of a row
// and the key of a chunk are not in the lists: statements name them.
//
// Each list has two parts. What is `fixed` when the row is made is left out of updates, and so is an item's end
// while it lives: SQLite writes every index that has a column of the SET list anew, changed or not (an item has
// six; measured, half of an update's cost).
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/journal/rows.h"
#include "core/journal/sqlite.h"

namespace sluice::journal {

template <class Visitor, class Row>
void visit_intent(Visitor& v, Row& intent) {
  v.time_or_null("intent_at_ms", intent.at);
  v.time_or_null("unknown_at_ms", intent.unknown_at);
  v.number("looks", intent.looks);
}

template <class Visitor, class Row>
void visit_effort(Visitor& v, Row& effort) {
  v.number("attempts", effort.attempts);
  v.number("tries", effort.tries);
  v.time_or_null("due_at_ms", effort.due_at);
  v.text_or_null("last_error", effort.last_error);
}

template <class Visitor, class Row>
void visit_item_fixed(Visitor& v, Row& row) {
  v.text("ulid", row.ulid);
  v.text("source", row.source);
  v.blob("root", row.root);
  v.blob("path", row.path);
  v.text_or_null("item_key", row.key);
  v.text_or_null("name", row.name);
  v.time("created_at_ms", row.created_at);
}

template <class Visitor, class Row>
void visit_item(Visitor& v, Row& row) {
  v.text_or_null("kind", row.kind);
  v.text_or_null("pipeline", row.pipeline);
  v.number("generation", row.generation);
  v.word("state", row.state);
  v.text_or_null("method", row.method);
  v.secret_or_null("url", row.url);
  v.number("size_bytes", row.print.size_bytes);
  v.number("mtime_ns", row.print.mtime_ns);
  v.number("ctime_ns", row.print.ctime_ns);
  v.number("inode", row.print.inode);
  v.number("device", row.print.device);
  v.time("quiet_since_ms", row.quiet_since);
  v.text_or_null("plan", row.plan);
  v.text_or_null("sidecar", row.sidecar);
  v.number("sidecars_print", row.sidecars_print);
  v.text_or_null("content_type", row.content_type);
  v.text_or_null("client_op", row.client_op);
  v.text_or_null("asset_id", row.asset_id);
  v.number("media_ms", row.media_ms);
  v.text_or_null("content_key", row.content_key);
  v.number_or_null("ends_hash", row.ends_hash);
  v.text_or_null("duplicate_of", row.duplicate_of);
  v.number_or_null("twin_id", row.twin);
  visit_intent(v, row.intent);
  visit_effort(v, row.effort);
  v.text_or_null("reason", row.reason);
  v.text_or_null("failed_from", row.failed_from);
  v.number("priority", row.priority);
  v.number("bytes_sent", row.bytes_sent);
  v.number("bytes_acked", row.bytes_acked);
}

template <class Visitor, class Row>
void visit_item_end(Visitor& v, Row& row) {
  v.time_or_null("finished_at_ms", row.finished_at);
}

template <class Visitor, class Row>
void visit_download(Visitor& v, Row& row) {
  v.word("state", row.state);
  v.number("restarts", row.restarts);
  v.number("total_bytes", row.total_bytes);
  v.number("reserved_bytes", row.reserved_bytes);
  v.text_or_null("etag", row.etag);
  v.text_or_null("modified", row.modified);
  v.blob_or_null("have", row.have);
  v.secret_or_null("url", row.url);
  v.text_or_null("sums", row.sums);
  v.number("promised_bytes", row.promised_bytes);
}

template <class Visitor, class Row>
void visit_session_fixed(Visitor& v, Row& row) {
  v.number("item_id", row.item_id);
  v.number("generation", row.generation);
  v.text("upload_id", row.upload_id);
  v.text("asset_id", row.asset_id);
  v.number("file_bytes", row.file_bytes);
  v.number("chunk_size_bytes", row.chunk_size_bytes);
  v.number("total_chunks", row.total_chunks);
  v.headers("upload_headers", row.upload_headers);
  v.time("opened_at_ms", row.opened_at);
}

template <class Visitor, class Row>
void visit_session(Visitor& v, Row& row) {
  v.word("state", row.state);
  v.time("expires_at_ms", row.expires_at);
  v.time("due_at_ms", row.due_at);
  v.number("tries", row.tries);
}

template <class Visitor, class Row>
void visit_chunk(Visitor& v, Row& row) {
  v.word("state", row.state);
  v.secret_or_null("url", row.url);
  v.time_or_null("url_renew_at_ms", row.url_renew_at);
  v.text_or_null("etag", row.etag);
  v.blob_or_null("leaves", row.leaves);
  v.number("attempts", row.attempts);
  v.number("tries", row.tries);
  v.number("refusals", row.refusals);
  v.number("mismatches", row.mismatches);
  v.time("due_at_ms", row.due_at);
  v.text_or_null("last_error", row.last_error);
}

template <class Visitor, class Row>
void visit_named_fixed(Visitor& v, Row& row) {
  v.word("kind", row.kind);
  v.number("parent_id", row.parent_id);
  v.text("name", row.name);
}

template <class Visitor, class Row>
void visit_named(Visitor& v, Row& row) {
  v.word("state", row.state);
  v.text_or_null("remote_id", row.remote_id);
  v.text("params", row.params);
  v.text("client_op", row.client_op);
  v.id_or_null("seed_step_id", row.seed_step_id);
  v.number("created_by_us", row.created_by_us);
  visit_intent(v, row.intent);
  visit_effort(v, row.effort);
}

template <class Visitor, class Row>
void visit_step_fixed(Visitor& v, Row& row) {
  v.number("item_id", row.item_id);
  v.number("ordinal", row.ordinal);
  v.word("kind", row.kind);
}

template <class Visitor, class Row>
void visit_step(Visitor& v, Row& row) {
  v.word("state", row.state);
  v.text("params", row.params);
  v.text("client_op", row.client_op);
  v.id_or_null("named_id", row.named_id);
  v.text_or_null("remote_id", row.remote_id);
  v.text_or_null("remote_status", row.remote_status);
  visit_intent(v, row.intent);
  visit_effort(v, row.effort);
  v.text_or_null("reason", row.reason);
}

template <class Visitor, class Row>
void visit_manifest_fixed(Visitor& v, Row& row) {
  v.blob("root", row.root);
  v.blob("path", row.path);
  v.time("created_at_ms", row.created_at);
}

template <class Visitor, class Row>
void visit_manifest(Visitor& v, Row& row) {
  v.text("source", row.source);
  v.word("state", row.state);
  v.text_or_null("reason", row.reason);
  v.number("pass", row.pass);
  v.number("line", row.line);
  v.number("offset_bytes", row.offset);
  v.text("fingerprint", row.fingerprint);
  v.number("inode", row.inode);
  v.number("size_bytes", row.size_bytes);
  v.number("mtime_ns", row.mtime_ns);
  v.number("entries", row.entries);
  v.number("duplicates", row.duplicates);
  v.number("errors", row.errors);
  v.number("failed", row.failed);
  v.number("waiting", row.waiting);
  v.number("open", row.open);
  v.number("notes_open", row.notes_open);
  v.number("notes_kept", row.notes_kept);
  v.number("noted_line", row.noted_line);
  v.blob_or_null("results", row.results);
  v.number("results_inode", row.results_inode);
  v.number("results_bytes", row.results_bytes);
  v.time_or_null("read_at_ms", row.read_at);
}

template <class Visitor, class Row>
void visit_entry_fixed(Visitor& v, Row& row) {
  v.number("manifest_id", row.manifest_id);
  v.number("pass", row.pass);
  v.number("line", row.line);
  v.blob("item_key", row.item_key);
}

template <class Visitor, class Row>
void visit_entry(Visitor& v, Row& row) {
  v.word("state", row.state);
  v.secret_or_null("url", row.url);
  v.text_or_null("name", row.name);
  v.text_or_null("options", row.options);
  v.number("priority", row.priority);
  v.number("not_before_ms", row.not_before_ms);
  v.id_or_null("item_id", row.item_id);
  v.text_or_null("outcome", row.outcome);
  v.text_or_null("reason", row.reason);
  v.text_or_null("last_error", row.last_error);
}

template <class Visitor, class Row>
void visit_act_fixed(Visitor& v, Row& row) {
  v.number("item_id", row.item_id);
  v.number("generation", row.generation);
  v.number("ordinal", row.ordinal);
  v.word("kind", row.kind);
  v.text_or_null("hook", row.hook);
}

template <class Visitor, class Row>
void visit_act(Visitor& v, Row& row) {
  v.word("state", row.state);
  v.blob_or_null("target_folder", row.target_folder);
  v.blob_or_null("target_path", row.target_path);
  visit_effort(v, row.effort);
  v.text_or_null("reason", row.reason);
  v.text_or_null("payload", row.payload);
}

template <class Row, class Of>
concept IsRow = std::same_as<std::remove_const_t<Row>, Of>;

template <class Visitor, class Row>
void visit_fixed(Visitor& v, Row& row) {
  if constexpr (IsRow<Row, ItemRow>) visit_item_fixed(v, row);
  if constexpr (IsRow<Row, SessionRow>) visit_session_fixed(v, row);
  if constexpr (IsRow<Row, NamedRow>) visit_named_fixed(v, row);
  if constexpr (IsRow<Row, StepRow>) visit_step_fixed(v, row);
  if constexpr (IsRow<Row, ManifestRow>) visit_manifest_fixed(v, row);
  if constexpr (IsRow<Row, EntryRow>) visit_entry_fixed(v, row);
  if constexpr (IsRow<Row, ActRow>) visit_act_fixed(v, row);
  if constexpr (IsRow<Row, DownloadRow>) v.number("item_id", row.item_id);
}

// What an update writes: `with_end` where the row ends, ended, or comes back from its end.
template <class Visitor, class Row>
void visit_moving(Visitor& v, Row& row, bool with_end) {
  if constexpr (IsRow<Row, ItemRow>) visit_item(v, row);
  if constexpr (IsRow<Row, ItemRow>)
    if (with_end) visit_item_end(v, row);
  if constexpr (IsRow<Row, SessionRow>) visit_session(v, row);
  if constexpr (IsRow<Row, ChunkRow>) visit_chunk(v, row);
  if constexpr (IsRow<Row, NamedRow>) visit_named(v, row);
  if constexpr (IsRow<Row, StepRow>) visit_step(v, row);
  if constexpr (IsRow<Row, ManifestRow>) visit_manifest(v, row);
  if constexpr (IsRow<Row, EntryRow>) visit_entry(v, row);
  if constexpr (IsRow<Row, ActRow>) visit_act(v, row);
  if constexpr (IsRow<Row, DownloadRow>) visit_download(v, row);
}

template <class Visitor, class Row>
void visit(Visitor& v, Row& row) {
  visit_fixed(v, row);
  visit_moving(v, row, true);
}

// Collects the names of the columns.
class ColumnNames {
 public:
  template <class T>
  void text(std::string_view name, T const&) {
    add(name);
  }
  template <class T>
  void text_or_null(std::string_view name, T const&) {
    add(name);
  }
  template <class T>
  void blob(std::string_view name, T const&) {
    add(name);
  }
  template <class T>
  void blob_or_null(std::string_view name, T const&) {
    add(name);
  }
  template <class T>
  void number(std::string_view name, T const&) {
    add(name);
  }
  template <class T>
  void number_or_null(std::string_view name, T const&) {
    add(name);
  }
  template <class T>
  void id_or_null(std::string_view name, T const&) {
    add(name);
  }
  template <class T>
  void time(std::string_view name, T const&) {
    add(name);
  }
  template <class T>
  void time_or_null(std::string_view name, T const&) {
    add(name);
  }
  template <class T>
  void word(std::string_view name, T const&) {
    add(name);
  }
  template <class T>
  void secret_or_null(std::string_view name, T const&) {
    add(name);
  }
  template <class T>
  void headers(std::string_view name, T const&) {
    add(name);
  }

  std::string listed;    // "ulid, source, ..."
  std::string assigned;  // "ulid = ?, source = ?, ..."
  std::string marks;     // "?, ?, ..."

 private:
  void add(std::string_view name) {
    auto const comma = listed.empty() ? "" : ", ";
    listed.append(comma).append(name);
    assigned.append(comma).append(name).append(" = ?");
    marks.append(comma).append("?");
  }
};

template <class Row>
ColumnNames const& columns_of() {
  static ColumnNames const names = [] {
    ColumnNames collected;
    Row const row{};
    visit(collected, row);
    return collected;
  }();
  return names;
}

// "state = ?, ...": what an update writes.
template <class Row>
std::string const& assignments_of(bool with_end) {
  static auto const collect = [](bool end) {
    ColumnNames collected;
    Row const row{};
    visit_moving(collected, row, end);
    return collected.assigned;
  };
  static std::string const all = collect(true);
  static std::string const live = collect(false);
  return with_end ? all : live;
}

// Binds a row's values in the order of its columns.
class Binder {
 public:
  explicit Binder(Statement& statement) : statement_(statement) {}
  void text(std::string_view, std::string const& value) { statement_.bind(value); }
  void text_or_null(std::string_view, std::string const& value) {
    value.empty() ? statement_.bind_null() : statement_.bind(std::string_view(value));
  }
  void blob(std::string_view, std::string const& value) { statement_.bind_blob(value); }
  void blob_or_null(std::string_view, std::string const& value) {
    value.empty() ? statement_.bind_null() : statement_.bind_blob(value);
  }
  template <class T>
  void number(std::string_view, T value) {
    statement_.bind(value);
  }
  void number_or_null(std::string_view, std::int64_t value) {  // 0 is none
    value == 0 ? statement_.bind_null() : statement_.bind(value);
  }
  void id_or_null(std::string_view, RowId id) { id == 0 ? statement_.bind_null() : statement_.bind(id); }
  void time(std::string_view, WallTime at) { statement_.bind(at); }
  void time_or_null(std::string_view, std::optional<WallTime> at) { statement_.bind(at); }
  template <class State>
  void word(std::string_view, State state) {
    statement_.bind(journal::word(state));
  }
  void secret_or_null(std::string_view name, SecretUrl const& url) { text_or_null(name, url.reveal_for_journal()); }
  void headers(std::string_view, std::vector<std::pair<std::string, std::string>> const& headers) {
    auto all = Json::array();
    for (auto const& [name, value] : headers) all.push(Json::array({Json(name), Json(value)}));
    statement_.bind(std::string_view(all.dump()));
  }

 private:
  Statement& statement_;
};

inline void read_word(std::string_view text, ItemState& state) { state = item_state(text); }
inline void read_word(std::string_view text, SessionState& state) { state = session_state(text); }
inline void read_word(std::string_view text, ChunkState& state) { state = chunk_state(text); }
inline void read_word(std::string_view text, StepState& state) { state = step_state(text); }
inline void read_word(std::string_view text, NamedState& state) { state = named_state(text); }
inline void read_word(std::string_view text, StepKind& kind) { kind = step_kind(text); }
inline void read_word(std::string_view text, ActState& state) { state = act_state(text); }
inline void read_word(std::string_view text, ActKind& kind) { kind = act_kind(text); }
inline void read_word(std::string_view text, NamedKind& kind) { kind = named_kind(text); }
inline void read_word(std::string_view text, ManifestState& state) { state = manifest_state(text); }
inline void read_word(std::string_view text, EntryState& state) { state = entry_state(text); }
inline void read_word(std::string_view text, DownloadState& state) { state = download_state(text); }

// Reads a row's values in the order of its columns.
class Reader {
 public:
  explicit Reader(Statement& statement) : statement_(statement) {}
  void text(std::string_view, std::string& value) { value = statement_.take_text(); }
  void text_or_null(std::string_view, std::string& value) { value = statement_.take_text(); }
  void blob(std::string_view, std::string& value) { value = statement_.take_text(); }
  void blob_or_null(std::string_view, std::string& value) { value = statement_.take_text(); }
  template <class T>
  void number(std::string_view, T& value) {
    value = statement_.take<T>();
  }
  void number_or_null(std::string_view, std::int64_t& value) { value = statement_.take<std::int64_t>(); }
  void id_or_null(std::string_view, RowId& id) { id = statement_.take<RowId>(); }
  void time(std::string_view, WallTime& at) { at = statement_.take_time(); }
  void time_or_null(std::string_view, std::optional<WallTime>& at) { at = statement_.take_optional_time(); }
  template <class State>
  void word(std::string_view, State& state) {
    read_word(statement_.take_text(), state);
  }
  void secret_or_null(std::string_view, SecretUrl& url) { url = SecretUrl(statement_.take_text()); }
  void headers(std::string_view, std::vector<std::pair<std::string, std::string>>& headers) {
    auto const all = parse_json(statement_.take_text());
    if (!all) throw JournalError(JournalError::Kind::kDamaged, "session: upload_headers: " + all.error().text);
    for (auto const& pair : all->elements()) {
      if (pair.elements().size() != 2 || !pair.elements()[0].as_text() || !pair.elements()[1].as_text())
        throw JournalError(JournalError::Kind::kDamaged, "session: upload_headers: not a list of pairs");
      headers.emplace_back(*pair.elements()[0].as_text(), *pair.elements()[1].as_text());
    }
  }

 private:
  Statement& statement_;
};

}  // namespace sluice::journal

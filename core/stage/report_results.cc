#include "core/stage/report_results.h"

#include <algorithm>
#include <set>
#include <utility>

#include "core/base/json.h"
#include "core/base/text.h"
#include "core/stage/entry_row.h"

namespace sluice::stage {

using journal::EntryRow;
using journal::EntryState;
using journal::ItemRow;
using journal::ItemState;
using journal::ManifestRow;

namespace {

constexpr int kNamesTried = 9;
constexpr std::size_t kNameBytesElsewhere = 180;  // of a manifest's name: what is put before and behind it must fit in

std::string_view outcome_of(ItemRow const& item) {
  switch (item.state) {
    case ItemState::kDone: return "ok";
    case ItemState::kFailed: return "failed";
    default: return item.reason == "duplicate" ? "duplicate" : "skipped";
  }
}

void set_ids(Context& ctx, Json& line, ItemRow const& item) {
  auto indexed = Json::array();
  auto entities = Json::array();
  for (auto const& step : ctx.journal.steps_of(item.id)) {
    if (step.remote_id.empty()) continue;
    auto const named = ctx.journal.named(step.named_id);
    if (step.kind == journal::StepKind::kIndex)
      indexed.push(Json::object({{"index", named ? Json(named->name) : Json()}, {"id", step.remote_id}}));
    else
      entities.push(Json::object({{"entity", named ? Json(named->name) : Json()}, {"id", step.remote_id}}));
  }
  if (!item.asset_id.empty()) line.set("asset_id", item.asset_id);
  if (!indexed.elements().empty()) line.set("indexed_assets", std::move(indexed));
  if (!entities.elements().empty()) line.set("entities", std::move(entities));
}

Json begin_line(std::uint64_t number, std::string_view result) {
  return Json::object({{"line", number}, {"result", result}});
}

// The line of an entry, whose outcome it sets.
std::string line_of(Context& ctx, EntryRow& entry, std::optional<ItemRow> const& item) {
  auto const refused = entry.state == EntryState::kRefused || !item;
  entry.outcome = refused ? entry.reason == "duplicate" ? "duplicate" : "failed" : outcome_of(*item);
  auto line = begin_line(entry.line, entry.outcome);
  auto const key = unpacked_key(entry.item_key);
  if (key.starts_with("k:")) line.set("key", key.substr(2));
  line.set("name", entry.name);
  if (item) line.set("url", printable(item->path)).set("item", item->ulid);
  auto const& code = refused ? entry.reason : item->reason;
  auto const& message = refused ? entry.last_error : item->effort.last_error;
  if (entry.outcome != "ok" && !code.empty()) line.set("code", code);
  if (entry.outcome != "ok" && !message.empty()) line.set("message", message);
  if (item) set_ids(ctx, line, *item);
  line.set("at", to_rfc3339(item && item->finished_at ? *item->finished_at : ctx.now));
  return line.dump() + "\n";
}

std::string line_of(journal::NoteRow const& note) {
  auto line = begin_line(note.line, note.is_error ? "error" : "duplicate");
  if (note.column > 0) line.set("column", note.column);
  return line.set("message", note.text).dump() + "\n";
}

// Beside the manifest, else in the fallback folder; by the first name that is not somebody else's. Where the manifest
// itself is not there its folder may be unmounted: what is written there would vanish beneath the mount.
Result<ports::ResultsFile> make_somewhere(ports::Files& files, ports::Results& results, std::string const& root,
                                          std::string const& name, std::string const& fallback,
                                          std::string const& prefix) {
  Error first{Fault::kLocal, "there is no place for its results"};
  auto const beside = files.stat(root, name) ? root + "/" : std::string();
  for (auto const& folder : {beside, fallback.empty() ? std::string() : fallback + "/" + prefix}) {
    if (folder.empty()) continue;
    auto const shown = folder == beside ? name : name.substr(0, kNameBytesElsewhere);
    for (int number = 1; number <= kNamesTried; ++number) {
      auto made = results.make(folder + results_name(shown, number), folder != beside);
      if (made) return made;
      first = std::move(made).error();
      if (first.code != "taken") break;
    }
  }
  return std::unexpected(std::move(first));
}

}  // namespace

std::string results_name(std::string_view manifest_name, int number) {
  auto const which = number == 1 ? std::string() : "-" + std::to_string(number);
  return std::string(manifest_name) + ".results" + which + ".jsonl";
}

bool is_results_name(std::string_view name) {
  return name.find(".results.") != std::string_view::npos || name.find(".results-") != std::string_view::npos;
}

void ResultsReport::start_over() { writing_.clear(); }

std::optional<std::string> ResultsReport::why_stuck(journal::RowId manifest) const {
  auto const found = stuck_.find(manifest);
  return found == stuck_.end() ? std::nullopt : std::optional(found->second.why);
}

std::optional<WallTime> ResultsReport::next_retry() const {
  std::optional<WallTime> next;
  for (auto const& [id, stuck] : stuck_)
    if (!next || stuck.retry_at < *next) next = stuck.retry_at;
  return next;
}

void ResultsReport::start_making(Context& ctx, ManifestRow const& row) {
  Writing writing{.lane = row.root, .question = "make results " + std::to_string(next_question_++), .making = true};
  auto const prefix = std::to_string(row.id) + "-";
  auto const put = ctx.scout.put<ports::ResultsFile>(
      writing.lane, writing.question,
      [results = results_, root = row.root, name = row.path, fallback = fallback_folder_, prefix](ports::Files& files) {
        return make_somewhere(files, *results, root, name, fallback, prefix);
      });
  if (put) writing_.emplace(row.id, std::move(writing));
}

void ResultsReport::start_append(Context& ctx, ManifestRow const& row) {
  Writing writing{.lane = row.root, .question = "write results " + std::to_string(next_question_++)};
  std::string text;
  for (auto& entry : ctx.journal.ended_entries(row.id, kLinesAtOnce)) {
    auto const item = ctx.journal.item(entry.item_id);
    writing.were.push_back(entry.state);
    writing.ends.push_back(item ? item->finished_at : std::nullopt);
    // A correction that was refused says nothing of the item that the line had been.
    auto const is_its_item = entry.state != EntryState::kRefused || entry.reason == "duplicate";
    text += line_of(ctx, entry, is_its_item ? item : std::nullopt);
    entry.state = EntryState::kEnded;
    writing.entries.push_back(std::move(entry));
  }
  writing.notes = ctx.journal.open_notes(row.id, kLinesAtOnce);
  for (auto const& note : writing.notes) text += line_of(note);
  if (text.empty()) {
    stuck_.erase(row.id);
    return;
  }
  ports::ResultsFile const file{.path = row.results, .inode = row.results_inode, .bytes = row.results_bytes};
  auto const put = ctx.scout.put<std::uint64_t>(
      writing.lane, writing.question,
      [results = results_, file, text = std::move(text)](ports::Files&) { return results->append(file, text); });
  if (put) writing_.emplace(row.id, std::move(writing));
}

void ResultsReport::settle_append(Context& ctx, ManifestRow row, Writing& writing, std::uint64_t bytes) {
  for (std::size_t i = 0; i < writing.entries.size(); ++i) {
    auto const item = ctx.journal.item(writing.entries[i].item_id);
    auto const another_end = item && item->finished_at != writing.ends[i];
    if (writing.were[i] == EntryState::kTaken && another_end) continue;  // it was retried: its next end is told too
    ctx.journal.update(writing.entries[i], writing.were[i]);
    row.open -= 1;
    row.failed += writing.entries[i].outcome == "failed" ? 1 : 0;
  }
  for (auto const& note : writing.notes) {
    auto const keep = row.notes_kept < kNotesKept;
    ctx.journal.note_reported(note, keep);
    row.notes_kept += keep ? 1 : 0;
    if (!keep) row.noted_line = std::max(row.noted_line, note.line);
    row.notes_open -= 1;
  }
  row.results_bytes = bytes;
  ctx.journal.update(row, row.state, ctx.now);
}

void ResultsReport::failed(Context& ctx, ManifestRow row, Error const& error) {
  if (error.fault == Fault::kGone) {  // moved away or removed: the next lines begin a new one
    row.results.clear();
    row.results_inode = row.results_bytes = 0;
    return ctx.journal.update(row, row.state, ctx.now);
  }
  auto const [stuck, is_new] = stuck_.insert_or_assign(row.id, Stuck{error.text, ctx.now + kRetryEvery});
  if (is_new) ctx.log.warning("manifest \"" + printable(row.path) + "\": its results cannot be written: " + error.text);
}

// Returns  whether the answer was there.
bool ResultsReport::settle(Context& ctx, journal::RowId id, Writing& writing) {
  std::optional<Error> error;
  auto row = ctx.journal.manifest(id);
  if (writing.making) {
    auto made = ctx.scout.fetch<ports::ResultsFile>(writing.lane, writing.question);
    if (!made) return false;
    if (*made && row) {
      row->results = (*made)->path;
      row->results_inode = (*made)->inode;
      row->results_bytes = 0;
      ctx.journal.update(*row, row->state, ctx.now);
      ctx.log.info("manifest \"" + printable(row->path) + "\": its results are in \"" + printable(row->results) + "\"");
    }
    if (!*made) error = made->error();
  } else {
    auto bytes = ctx.scout.fetch<std::uint64_t>(writing.lane, writing.question);
    if (!bytes) return false;
    if (*bytes && row) settle_append(ctx, *row, writing, **bytes);
    if (!*bytes) error = bytes->error();
  }
  if (error && row)
    failed(ctx, *row, *error);
  else
    stuck_.erase(id);
  return true;
}

void ResultsReport::run(Context& ctx) {
  if (results_ == nullptr) return;
  std::set<journal::RowId> made;  // nothing is written into a file before it is on disk that the file is ours
  for (auto at = writing_.begin(); at != writing_.end();) {
    auto const settled = settle(ctx, at->first, at->second);
    if (settled && at->second.making) made.insert(at->first);
    at = settled ? writing_.erase(at) : std::next(at);
  }
  for (auto const id : ctx.journal.manifests_open()) {
    auto const stuck = stuck_.find(id);
    if (made.contains(id) || writing_.contains(id) || (stuck != stuck_.end() && stuck->second.retry_at > ctx.now))
      continue;
    if (stuck != stuck_.end()) stuck->second.retry_at = ctx.now + kRetryEvery;  // whatever comes of this try
    auto const row = ctx.journal.manifest(id);
    if (row) row->results.empty() ? start_making(ctx, *row) : start_append(ctx, *row);
  }
}

}  // namespace sluice::stage

#include "core/stage/results.h"

#include <utility>

#include "core/base/text.h"
#include "core/stage/why.h"

namespace sluice::stage {

using journal::ItemRow;
using journal::Journal;
using journal::StepKind;
using journal::StepRow;

namespace {

Json text_or_null(std::string const& text) { return text.empty() ? Json() : Json(text); }
Json time_or_null(std::optional<WallTime> at) { return at ? Json(to_rfc3339(*at)) : Json(); }

std::string status_of(StepRow const& step) {
  return step.remote_status.empty() ? std::string(word(step.state)) : step.remote_status;
}

// What tells one file's note of a kind from all others; first in the text.
Json note_about(char const* schema, ItemRow const& item) {
  auto json = Json::object({{"schema", schema}, {"source", item.source}});
  set_bytes(json, "path", absolute_path(item));
  return json;
}

std::string beginning_of(Json const& note) {
  auto text = note.dump(2);
  text.erase(text.rfind('\n'));  // the brace that ends it, and its line
  return text;
}

void set_item(Json& json, ItemRow const& item) {
  set_bytes(json, "name", std::string(file_name(item)));
  json.set("id", item.ulid);
  json.set("size", item.print.size_bytes);
  json.set("kind", text_or_null(item.kind));
  json.set("pipeline", text_or_null(item.pipeline));
}

void set_result(Json& json, Journal const& journal, ItemRow const& item, std::string const& file) {
  auto const steps = journal.steps_of(item.id);
  set_item(json, item);
  json.set("content_key", text_or_null(item.content_key));
  json.set("asset_id", text_or_null(item.asset_id));
  json.set("indexed_assets", indexed_assets_json(journal, steps));
  json.set("entities", entities_json(journal, steps));
  if (file.empty())
    json.set("file", Json());
  else
    set_bytes(json, "file", file);
  json.set("created_at", to_rfc3339(item.created_at));
  json.set("finished_at", time_or_null(item.finished_at));
}

}  // namespace

void set_bytes(Json& into, std::string const& key, std::string const& bytes) {
  bool const exact = is_utf8(bytes);
  into.set(key, exact ? bytes : printable(bytes));
  if (!exact) into.set(key + "_b64", to_base64(bytes));
}

std::string absolute_path(ItemRow const& item) {
  if (item.root.empty() || item.path.starts_with('/')) return item.path;
  return item.root.ends_with('/') ? item.root + item.path : item.root + "/" + item.path;
}

std::string planned_text(StepRow const& step, std::string_view key) {
  auto const plan = parse_json(step.params);
  if (!plan) return {};
  auto const text = plan->text(key);
  return text ? text->value_or("") : "";
}

Json indexed_assets_json(Journal const& journal, std::span<StepRow const> steps) {
  auto list = Json::array();
  for (auto const& step : steps) {
    if (step.kind != StepKind::kIndex) continue;
    auto const index = journal.named(step.named_id);
    list.push(Json::object({{"index_id", text_or_null(index ? index->remote_id : "")},
                            {"index", text_or_null(index ? index->name : planned_text(step, "name"))},
                            {"id", text_or_null(step.remote_id)},
                            {"status", status_of(step)}}));
  }
  return list;
}

Json entities_json(Journal const& journal, std::span<StepRow const> steps) {
  auto list = Json::array();
  for (auto const& step : steps) {
    if (step.kind != StepKind::kEntity) continue;
    auto const entity = journal.named(step.named_id);
    auto const collection = entity ? journal.named(entity->parent_id) : std::nullopt;
    list.push(
        Json::object({{"collection_id", text_or_null(collection ? collection->remote_id : "")},
                      {"collection", text_or_null(collection ? collection->name : planned_text(step, "collection"))},
                      {"name", text_or_null(entity ? entity->name : planned_text(step, "name"))},
                      {"id", text_or_null(step.remote_id)},
                      {"status", status_of(step)}}));
  }
  return list;
}

NoteText receipt_of(Journal const& journal, ItemRow const& item, std::string const& file) {
  auto json = note_about("sluice.receipt/1", item);
  auto ours = beginning_of(json);
  set_result(json, journal, item, file);
  if (!item.duplicate_of.empty()) json.set("duplicate_of", item.duplicate_of);
  return {.text = json.dump(2) + "\n", .ours = std::move(ours)};
}

std::string event_of(Journal const& journal, ItemRow const& item, std::string const& file,
                     std::string const& event_id) {
  auto json = Json::object({{"schema", "sluice.event/1"},
                            {"event_id", event_id},
                            {"event", word(item.state)},
                            {"at", time_or_null(item.finished_at)},
                            {"source", item.source}});
  set_bytes(json, is_of_url(item) ? "url" : "path", absolute_path(item));  // a URL without its query
  set_result(json, journal, item, file);
  if (item.state == journal::ItemState::kDone) return json.dump();
  json.set("code", text_or_null(item.reason));
  json.set("text", item.effort.last_error.empty() ? meaning_of(item.reason) : item.effort.last_error);
  json.set("duplicate_of", text_or_null(item.duplicate_of));
  return json.dump();
}

NoteText error_note_of(Journal const& journal, ItemRow const& item) {
  auto json = note_about("sluice.error/1", item);
  auto ours = beginning_of(json);
  auto const steps = journal.steps_of(item.id);
  auto const reason = why(item, steps, std::nullopt, {}, item.finished_at.value_or(WallTime{}));
  set_item(json, item);
  json.set("code", item.reason);
  json.set("text", item.effort.last_error.empty() ? meaning_of(item.reason) : item.effort.last_error);
  json.set("remedy", text_or_null(reason ? reason->remedy : ""));
  json.set("at", time_or_null(item.finished_at));
  return {.text = json.dump(2) + "\n", .ours = std::move(ours)};
}

}  // namespace sluice::stage

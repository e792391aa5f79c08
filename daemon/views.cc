#include "daemon/views.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include "core/base/text.h"
#include "core/source/spool_blocks.h"
#include "core/stage/refusals.h"
#include "core/stage/results.h"
#include "core/stage/send_hook.h"
#include "daemon/policy.h"
#include "daemon/view_manifests.h"

namespace sluice::daemon {
namespace {

using journal::ItemRow;
using journal::ItemState;
using journal::SessionRow;
using journal::StageWord;
using journal::StepKind;
using journal::StepRow;
using journal::StepState;
using stage::absolute_path;
using stage::entities_json;
using stage::indexed_assets_json;
using stage::planned_text;
using stage::set_bytes;

Json time_or_null(std::optional<WallTime> at) { return at ? Json(to_rfc3339(*at)) : Json(); }
Json text_or_null(std::string const& text) { return text.empty() ? Json() : Json(text); }

// Nobody here knows how large what a URL names is, unless it was told with it.
Json size_or_null(ItemRow const& item) {
  return is_of_url(item) && item.print.size_bytes == 0 ? Json() : Json(item.print.size_bytes);
}

struct Download {
  std::uint64_t bytes = 0;
  std::uint64_t total_bytes = 0;  // 0: not known yet
};

// All rows that one item's view is made of, each read once.
struct Rows {
  std::vector<StepRow> steps;
  std::vector<SessionRow> sessions;

  SessionRow const* open() const {
    auto const found =
        std::ranges::find(sessions, journal::SessionState::kOpen, [](SessionRow const& row) { return row.state; });
    return found == sessions.end() ? nullptr : &*found;
  }
};

Rows rows_of(ViewContext const& context, ItemRow const& item) {
  return {.steps = context.journal.steps_of(item.id), .sessions = context.journal.sessions_of(item.id)};
}

// How far the bytes behind a URL are in the spool; nothing where nobody downloads them.
std::optional<Download> download_of(ViewContext const& context, ItemRow const& item) {
  if (!is_relayed(item) || is_end(item.state)) return std::nullopt;
  auto const row = context.journal.download_of(item.id);
  if (!row || row->total_bytes == 0) return Download{};
  return Download{.bytes = source::bytes_there(row->have, row->total_bytes), .total_bytes = row->total_bytes};
}

Json why_json(ViewContext const& context, ItemRow const& item, Rows const& rows) {
  auto const* const open = rows.open();
  auto const session = open == nullptr ? std::nullopt : std::optional(*open);
  auto const why = stage::why(item, rows.steps, session, context.surroundings, context.now);
  if (!why) return {};
  auto text = why->text;
  if (auto const got = download_of(context, item); got && got->total_bytes > 0 && item.method == "relay")
    text += " (" + to_words_bytes(got->bytes) + " of " + to_words_bytes(got->total_bytes) + " are here)";
  return Json::object({{"code", why->code},
                       {"text", text},
                       {"until", time_or_null(why->until)},
                       {"remedy", text_or_null(why->remedy)},
                       {"whose", text_or_null(why->whose)},
                       {"heals", why->heals}});
}

bool is_unfinished(StepRow const& step) { return step.state != StepState::kReady && step.state != StepState::kFailed; }

// The earliest time at which anything of this item is tried again; nothing at its end.
std::optional<WallTime> next_attempt(ItemRow const& item, Rows const& rows) {
  if (is_end(item.state)) return std::nullopt;
  auto next = item.effort.due_at;
  auto const consider = [&](std::optional<WallTime> due) {
    if (due && (!next || *due < *next)) next = due;
  };
  for (auto const& step : rows.steps)
    if (is_unfinished(step)) consider(step.effort.due_at);
  if (auto const* const session = rows.open(); session != nullptr) consider(session->due_at);
  return next;
}

std::string last_error(ItemRow const& item, Rows const& rows) {
  for (auto const& step : rows.steps)
    if (step.state != StepState::kReady && !step.effort.last_error.empty()) return step.effort.last_error;
  return item.effort.last_error;
}

Json act_json(journal::ActRow const& act, ItemRow const& item) {
  auto json = Json::object({{"kind", word(act.kind)}, {"state", word(act.state)}, {"hook", text_or_null(act.hook)}});
  if (act.target_folder.empty())
    json.set("target", Json());
  else
    set_bytes(json, "target", act.target_folder + "/" + act.target_path);
  json.set("tries", act.effort.tries);
  json.set("next_attempt_at", is_over(act.state) ? Json() : time_or_null(act.effort.due_at));
  json.set("reason", text_or_null(act.reason));
  json.set("last_error", text_or_null(act.effort.last_error));
  json.set("remedy", text_or_null(stage::remedy_of(act, item)));
  return json;
}

Json acts_json(ViewContext const& context, ItemRow const& item) {
  auto list = Json::array();
  for (auto const& act : context.journal.acts_of(item.id)) list.push(act_json(act, item));
  return list;
}

std::uint64_t in_air(ViewContext const& context, journal::RowId item) {
  auto const found = context.uploads.find(item);
  return found == context.uploads.end() ? 0 : found->second.bytes_in_air;
}

Json item_with(ViewContext const& context, ItemRow const& item, Rows const& rows) {
  bool const indexing = std::ranges::any_of(
      rows.steps, [](StepRow const& step) { return step.kind == StepKind::kIndex && is_unfinished(step); });
  auto json = Json::object({{"id", item.ulid}, {"source", item.source}});
  set_bytes(json, is_of_url(item) ? "url" : "path", absolute_path(item));  // a URL without its query
  set_bytes(json, "name", std::string(file_name(item)));
  json.set("size", size_or_null(item));
  if (auto const got = download_of(context, item))
    json.set("download", Json::object({{"bytes", got->bytes},
                                       {"total_bytes", got->total_bytes == 0 ? Json() : Json(got->total_bytes)}}));
  json.set("kind", text_or_null(item.kind));
  json.set("pipeline", text_or_null(item.pipeline));
  if (!is_of_url(item)) json.set("sidecar", item.sidecar.empty() ? Json() : parse_json(item.sidecar).value_or(Json()));
  json.set("stage", word(stage_of(item.state, indexing)));
  json.set("state", word(item.state));
  json.set("attempts", item.effort.attempts);
  json.set("next_attempt_at", time_or_null(next_attempt(item, rows)));
  json.set("why", why_json(context, item, rows));
  json.set("reason", text_or_null(item.reason));
  json.set("last_error", text_or_null(last_error(item, rows)));
  json.set("method", text_or_null(item.method));
  json.set("asset_id", text_or_null(item.asset_id));
  json.set("content_key", text_or_null(item.content_key));
  json.set("duplicate_of", text_or_null(item.duplicate_of));
  json.set("upload_id", text_or_null(rows.sessions.empty() ? "" : rows.sessions.back().upload_id));
  json.set("indexed_assets", indexed_assets_json(context.journal, rows.steps));
  json.set("entities", entities_json(context.journal, rows.steps));
  json.set("acts", acts_json(context, item));
  json.set("bytes_sent", item.bytes_sent + in_air(context, item.id));
  json.set("bytes_acked", item.bytes_acked);
  json.set("generation", item.generation);
  json.set("priority", item.priority);
  json.set("created_at", to_rfc3339(item.created_at));
  json.set("finished_at", time_or_null(item.finished_at));
  return json;
}

// Null for an upload that ended so long ago that its chunks are no longer kept.
Json chunks_json(journal::Journal::ChunkCounts const& counts, std::uint32_t total) {
  if (counts == journal::Journal::ChunkCounts{}) return {};
  auto const done = counts.stored + counts.reported;
  return Json::object({{"total", total},
                       {"done", done},
                       {"in_flight", counts.putting},
                       {"with_url", counts.has_url},
                       {"unreported", counts.stored}});
}

Json step_json(ViewContext const& context, StepRow const& step) {
  auto const named = context.journal.named(step.named_id);
  return Json::object({{"ordinal", step.ordinal},
                       {"kind", word(step.kind)},
                       {"name", text_or_null(named ? named->name : planned_text(step, "name"))},
                       {"state", word(step.state)},
                       {"id", text_or_null(step.remote_id)},
                       {"status", text_or_null(step.remote_status)},
                       {"attempts", step.effort.attempts},
                       {"next_attempt_at", time_or_null(step.effort.due_at)},
                       {"reason", text_or_null(step.reason)},
                       {"last_error", text_or_null(step.effort.last_error)}});
}

Json session_json(ViewContext const& context, SessionRow const& session) {
  return Json::object({{"upload_id", session.upload_id},
                       {"asset_id", session.asset_id},
                       {"generation", session.generation},
                       {"state", word(session.state)},
                       {"file_bytes", session.file_bytes},
                       {"chunk_size_bytes", session.chunk_size_bytes},
                       {"chunks", chunks_json(context.journal.count_chunks(session.id), session.total_chunks)},
                       {"tries", session.tries},
                       {"opened_at", to_rfc3339(session.opened_at)},
                       {"expires_at", to_rfc3339(session.expires_at)}});
}

Json source_json(SourceFacts const& source) {
  auto degraded = Json::array();
  for (auto const& text : source.degraded) degraded.push(text);
  auto first = Json::array();
  for (auto const& text : source.left_out_first) first.push(text);
  return Json::object({{"name", source.name},
                       {"up", source.up},
                       {"why_down", text_or_null(source.why_down)},
                       {"mode", text_or_null(source.mode)},
                       {"watched", source.watched},
                       {"needed", source.needed},
                       {"overflows", source.overflows},
                       {"settling", source.settling},
                       {"last_scan", time_or_null(source.last_scan)},
                       {"left_out", Json::object({{"count", source.left_out}, {"first", std::move(first)}})},
                       {"degraded", std::move(degraded)}});
}

Json upload_json(ViewContext const& context, ItemRow const& item) {
  auto const session = context.journal.open_session(item.id);
  auto const found = context.uploads.find(item.id);
  auto const progress = found == context.uploads.end() ? UploadProgress{} : found->second;
  auto const arrived = std::min(item.print.size_bytes, item.bytes_acked + progress.bytes_in_air);
  auto json = Json::object({{"item", item.ulid}, {"source", item.source}});
  set_bytes(json, "name", std::string(file_name(item)));
  json.set("size", size_or_null(item));
  json.set("acked", item.bytes_acked);
  json.set("in_air", progress.bytes_in_air);
  json.set("bytes_per_s", progress.bytes_per_s);
  json.set("eta_s",
           progress.bytes_per_s == 0 ? Json() : Json((item.print.size_bytes - arrived) / progress.bytes_per_s));
  json.set("state", word(item.state));
  json.set("method", text_or_null(item.method));
  json.set("attempt", item.effort.attempts + 1);
  json.set("upload_id", session ? Json(session->upload_id) : Json());
  json.set("session_expires_at", session ? Json(to_rfc3339(session->expires_at)) : Json());
  json.set("chunks", session ? chunks_json(context.journal.count_chunks(session->id), session->total_chunks) : Json());
  return json;
}

// The states of items that hold an upload slot. Their rows wait for chunk rows, not for a time, and yet
// they are at work.
constexpr std::array kUploading = {ItemState::kOpened, ItemState::kSending, ItemState::kReported, ItemState::kOpening};

Json uploads_json(ViewContext const& context) {
  auto list = Json::array();
  int room = kUploadsShownMax;
  for (auto const state : kUploading) {
    for (auto const& item : context.journal.items_in(state, room)) {
      list.push(upload_json(context, item));
      --room;
    }
  }
  return list;
}

std::int64_t uploading(journal::Journal const& journal) {
  std::int64_t count = 0;
  for (auto const state : kUploading) count += journal.count_items(state);
  return count;
}

}  // namespace

Json item_json(ViewContext const& context, ItemRow const& item) {
  return item_with(context, item, rows_of(context, item));
}

Json item_story_json(ViewContext const& context, ItemRow const& item) {
  auto const rows = rows_of(context, item);
  auto json = item_with(context, item, rows);
  auto steps = Json::array();
  for (auto const& step : rows.steps) steps.push(step_json(context, step));
  auto sessions = Json::array();
  for (auto const& session : rows.sessions) sessions.push(session_json(context, session));
  auto events = Json::array();
  for (auto const& event : context.journal.events_of(item.id, kStoryEventsMax))
    events.push(Json::object({{"at", to_rfc3339(event.at)},
                              {"subject", event.subject},
                              {"was", event.was},
                              {"became", event.became},
                              {"note", event.note}}));
  json.set("steps", std::move(steps));
  json.set("sessions", std::move(sessions));
  json.set("events", std::move(events));
  return json;
}

Json items_page_json(ViewContext const& context, std::vector<ItemRow> rows, std::size_t limit) {
  bool const more = rows.size() > limit;
  if (more) rows.resize(limit);
  auto items = Json::array();
  for (auto const& row : rows) items.push(item_json(context, row));
  return Json::object(
      {{"items", std::move(items)}, {"next", more && !rows.empty() ? Json(std::to_string(rows.back().id)) : Json()}});
}

namespace {

Json reasons_json(std::vector<HealthReason> const& reasons) {
  auto all = Json::array();
  for (auto const& reason : reasons)
    all.push(Json::object({{"code", reason.code},
                           {"text", reason.text},
                           {"since", time_or_null(reason.since)},
                           {"hint", text_or_null(reason.hint)}}));
  return all;
}

}  // namespace

Json health_json(StatusFacts const& facts) {
  bool const down = std::ranges::any_of(facts.reasons, &HealthReason::stops_all);
  auto const* const status = down ? "down" : facts.reasons.empty() ? "ok" : "degraded";
  return Json::object(
      {{"status", status}, {"reasons", reasons_json(facts.reasons)}, {"notices", reasons_json(facts.notices)}});
}

namespace {

// What waits to be told, and what no hook took.
Json hooks_json(journal::Journal const& journal) {
  std::int64_t waiting = 0;
  for (auto const& name : journal.open_hooks()) waiting += journal.count_open(name);
  return Json::object(
      {{"waiting", waiting}, {"given_up", std::stoll(journal.meta(stage::kHooksGivenUp).value_or("0"))}});
}

}  // namespace

Json status_json(ViewContext const& context, StatusFacts const& facts) {
  std::int64_t items = 0, waiting = 0, active = 0;
  std::map<StageWord, std::int64_t> ended;
  auto stages = Json::array();
  for (auto const& count : context.journal.count_by_stage(context.now)) {
    items += count.total;
    if (count.stage >= StageWord::kDone) {
      ended[count.stage] = count.total;
      continue;
    }
    auto const busy = count.stage == StageWord::kUpload ? uploading(context.journal)
                                                        : std::max<std::int64_t>(0, count.total - count.waiting);
    waiting += count.total - busy;
    active += busy;
    stages.push(Json::object({{"name", word(count.stage)}, {"waiting", count.total - busy}, {"active", busy}}));
  }
  auto sources = Json::array();
  for (auto const& source : facts.sources) sources.push(source_json(source));

  auto json = Json::object({{"schema", "sluice.status/1"}, {"time", to_rfc3339(context.now)}});
  json.set("daemon", Json::object({{"version", SLUICE_VERSION},
                                   {"pid", ::getpid()},
                                   {"host", host_name()},
                                   {"started_at", to_rfc3339(facts.started_at)},
                                   {"config_hash", text_or_null(facts.config_hash)},
                                   {"state", facts.state}}));
  json.set("health", health_json(facts));
  json.set("totals", Json::object({{"items", items},
                                   {"done", ended[StageWord::kDone]},
                                   {"failed", ended[StageWord::kFailed]},
                                   {"cancelled", ended[StageWord::kCancelled]},
                                   {"skipped", ended[StageWord::kSkipped]},
                                   {"active", active},
                                   {"waiting", waiting}}));
  json.set("stages", std::move(stages));
  json.set("sources", std::move(sources));
  std::set<std::string> configured;
  for (auto const& source : facts.sources) configured.insert(source.name);
  json.set("manifests", manifests_json(context.journal, facts.results_stuck, configured));
  json.set("uploads", uploads_json(context));
  json.set("hooks", hooks_json(context.journal));
  json.set("acts", Json::object({{"refused", context.journal.count_refused()}}));
  json.set("transfer", Json::object({{"chunks_limit", facts.chunks_limit},
                                     {"max_chunks", facts.max_chunks},
                                     {"bandwidth_bytes_per_s", facts.bandwidth ? Json(*facts.bandwidth) : Json()}}));
  json.set("journal", Json::object({{"ok", true}, {"schema", context.journal.schema_version()}}));
  // Empty upload reservations whose answer was lost (R51): they hold nothing and expire by themselves.
  json.set("orphan_reservations", std::stoll(context.journal.meta("orphan_reservations").value_or("0")));
  return json;
}

Json explanation_json(std::string const& path, stage::Explanation const& told) {
  auto rules = Json::array();
  for (auto const& finding : told.findings)
    rules.push(Json::object({{"rule", finding.rule}, {"says", name_of(finding.says)}, {"text", finding.text}}));
  auto const* const held = told.held_by();
  auto json = Json::object({{"source", told.source},
                            {"verdict", held == nullptr ? "taken" : name_of(held->says)},
                            {"text", held == nullptr ? Json() : Json(held->text)},
                            {"rules", std::move(rules)},
                            {"item", told.item ? Json(told.item->ulid) : Json()},
                            {"state", told.item ? Json(word(told.item->state)) : Json()}});
  set_bytes(json, "path", path);
  return json;
}

}  // namespace sluice::daemon

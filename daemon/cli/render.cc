#include "daemon/cli/render.h"

#include <algorithm>
#include <utility>

#include "core/base/text.h"
#include "daemon/cli/exit_codes.h"
#include "daemon/cli/json_fields.h"

namespace sluice::cli {
namespace {

Cell number(std::uint64_t count, Tone tone = Tone::kPlain) { return {std::to_string(count), tone}; }

std::string reason_lines(Json const& reason, Look const& look) {
  auto text = "  ! " + text_at(reason, "text");
  if (auto const began = since(text_at(reason, "since"), look); !began.empty()) text += " (" + began + ")";
  if (auto const hint = text_at(reason, "hint"); !hint.empty()) text += "\n    next: " + hint;
  return text + "\n";
}

std::string health_lines(Json const& health, Look const& look) {
  auto const status = text_at(health, "status");
  auto const tone = status == "ok" ? Tone::kGood : status == "degraded" ? Tone::kWarning : Tone::kBad;
  auto text = "health: " + painted(status, tone, look) + "\n";
  for (auto const* const list : {"reasons", "notices"})
    for (auto const& reason : list_at(health, list)) text += reason_lines(reason, look);
  return text;
}

std::string totals_line(Json const& totals) {
  auto text = std::to_string(count_at(totals, "items")) + " items:";
  char const* separator = " ";
  for (auto const* const key : {"done", "active", "waiting", "failed", "cancelled", "skipped"}) {
    text += separator + std::to_string(count_at(totals, key)) + " " + key;
    separator = ", ";
  }
  return text + "\n";
}

std::string stages_table(Json const& status, Look const& look) {
  std::vector<std::vector<Cell>> rows;
  for (auto const& stage : list_at(status, "stages")) {
    if (count_at(stage, "waiting") + count_at(stage, "active") == 0) continue;
    rows.push_back({{text_at(stage, "name")}, number(count_at(stage, "waiting")), number(count_at(stage, "active"))});
  }
  if (rows.empty()) return {};
  return "\n" + table({{"STAGE"}, {"WAITING", true}, {"ACTIVE", true}}, rows, look);
}

// "3 of 6": folders whose events are heard; "" where all are only scanned.
std::string watched_words(Json const& source) {
  auto const needed = count_at(source, "needed");
  return needed == 0 ? std::string() : std::to_string(count_at(source, "watched")) + " of " + std::to_string(needed);
}

// Some of what each source leaves out, whole: a table would cut the reasons short.
std::string left_out_list(Json const& status) {
  std::string text;
  for (auto const& source : list_at(status, "sources")) {
    auto const& left_out = object_at(source, "left_out");
    if (count_at(left_out, "count") == 0) continue;
    text += "\n" + text_at(source, "name") + " leaves out " + std::to_string(count_at(left_out, "count")) + ":\n";
    for (auto const& entry : list_at(left_out, "first"))
      if (auto const* const why = entry.as_text(); why != nullptr) text += "  " + safe(*why) + "\n";
  }
  return text;
}

std::string sources_table(Json const& status, Look const& look) {
  std::vector<std::vector<Cell>> rows;
  for (auto const& source : list_at(status, "sources")) {
    bool const up = flag_at(source, "up", true);
    auto notes = up ? std::string() : text_at(source, "why_down");
    for (auto const& degraded : list_at(source, "degraded"))
      if (auto const* const text = degraded.as_text(); text != nullptr)
        notes += (notes.empty() ? "" : "; ") + safe(*text);
    if (auto const overflows = count_at(source, "overflows"); overflows > 0)
      notes +=
          (notes.empty() ? "" : "; ") + std::to_string(overflows) + "x scanned whole, since the kernel dropped events";
    rows.push_back({{text_at(source, "name")},
                    {up ? "up" : "DOWN", up ? Tone::kPlain : Tone::kBad},
                    {text_at(source, "mode")},
                    {watched_words(source)},
                    number(count_at(source, "settling")),
                    {since(text_at(source, "last_scan"), look)},
                    {notes}});
  }
  if (rows.empty()) return {};
  return "\n" + table({{"SOURCE"},
                       {"STATE"},
                       {"MODE"},
                       {"WATCHED", true},
                       {"SETTLING", true},
                       {"SCANNED"},
                       {"NOTES", false, true}},
                      rows, look);
}

std::string manifests_table(Json const& status, Look const& look) {
  std::vector<std::vector<Cell>> rows;
  for (auto const& manifest : list_at(status, "manifests")) {
    auto const state = text_at(manifest, "state");
    rows.push_back({{text_at(manifest, "path")},
                    {state, state == "refused" ? Tone::kBad : Tone::kPlain},
                    number(count_at(manifest, "lines")),
                    number(count_at(manifest, "waiting")),
                    number(count_at(manifest, "active")),
                    number(count_at(manifest, "ended")),
                    number(count_at(manifest, "duplicates")),
                    number(count_at(manifest, "errors")),
                    {text_at(manifest, "notes")}});
  }
  if (rows.empty()) return {};
  return "\n" + table({{"MANIFEST"},
                       {"STATE"},
                       {"LINES", true},
                       {"WAITING", true},
                       {"ACTIVE", true},
                       {"ENDED", true},
                       {"REPEATED", true},
                       {"WRONG", true},
                       {"NOTES", false, true}},
                      rows, look);
}

std::string uploads_table(Json const& status, Look const& look) {
  std::vector<std::vector<Cell>> rows;
  for (auto const& upload : list_at(status, "uploads")) {
    auto const size = count_at(upload, "size");
    auto const there = std::min(size, count_at(upload, "acked") + count_at(upload, "in_air"));
    auto const eta = count_at(upload, "eta_s");
    rows.push_back({{text_at(upload, "name")},
                    {bar(there, size, 12) + " " + percent(there, size)},
                    {to_words_bytes(size)},
                    {rate_words(count_at(upload, "bytes_per_s"))},
                    {eta == 0 ? "-" : to_words(std::chrono::seconds(std::min<std::uint64_t>(eta, 1'000'000'000)))}});
  }
  if (rows.empty()) return {};
  return "\n" + table({{"UPLOAD", false, true}, {"DONE"}, {"SIZE", true}, {"RATE", true}, {"LEFT", true}}, rows, look);
}

// Where it is: a path, or a URL without its query.
std::string place_of(Json const& item) {
  auto url = text_at(item, "url");
  return url.empty() ? text_at(item, "path") : url;
}

// What an item's line says last: why it waits or failed, and until when.
std::string why_words(Json const& item, Look const& look) {
  auto const& why = object_at(item, "why");
  auto text = text_at(why, "text");
  if (auto const until = when(text_at(why, "until"), look); !until.empty() && until != "now") text += ", " + until;
  return text;
}

}  // namespace

std::string render_status(Json const& status, Look const& look) {
  auto const& daemon = object_at(status, "daemon");
  auto const& totals = object_at(status, "totals");
  auto text = painted("sluiced " + text_at(daemon, "version"), Tone::kStrong, look) + " on " + text_at(daemon, "host") +
              ", pid " + std::to_string(count_at(daemon, "pid")) + ", " + text_at(daemon, "state");
  if (auto const started = since(text_at(daemon, "started_at"), look); !started.empty()) text += ", started " + started;
  text += "\n" + health_lines(object_at(status, "health"), look) + totals_line(totals);
  text += stages_table(status, look) + uploads_table(status, look) + sources_table(status, look) +
          left_out_list(status) + manifests_table(status, look);
  if (auto const orphans = count_at(status, "orphan_reservations"); orphans > 0)
    text += "\n" + std::to_string(orphans) +
            " empty upload reservations may be left on the platform; they expire by themselves\n";
  auto const& hooks = object_at(status, "hooks");
  if (auto const waiting = count_at(hooks, "waiting"), lost = count_at(hooks, "given_up"); waiting > 0 || lost > 0)
    text += "\nhooks: " + std::to_string(waiting) + " events are still to be told, " + std::to_string(lost) +
            " were given up\n";
  if (count_at(totals, "failed") > 0) text += "\nnext: sluice ls --stage failed\n";
  return text;
}

std::string render_items(std::vector<Json> const& items, bool more, Look const& look) {
  if (items.empty()) return "no items\n";
  std::vector<std::vector<Cell>> rows;
  for (auto const& item : items) {
    auto const stage = text_at(item, "stage");
    auto const size = count_at(item, "size");
    auto const method = text_at(item, "method");
    auto const by_url = !text_at(item, "url").empty() && method != "direct" && method != "multipart";
    rows.push_back({{text_at(item, "id")},
                    {stage, tone_of_stage(stage)},
                    {size == 0 ? "-" : to_words_bytes(size)},
                    {by_url ? "-" : percent(count_at(item, "bytes_acked"), size)},
                    {text_at(item, "source")},
                    {text_at(item, "name")},
                    {why_words(item, look), Tone::kDim}});
  }
  auto text =
      table({{"ID"}, {"STAGE"}, {"SIZE", true}, {"UP", true}, {"SOURCE"}, {"NAME", false, true}, {"WHY", false, true}},
            rows, look);
  if (more) text += "... and more: sluice ls --limit 0\n";
  return text;
}

std::string render_added(Json const& answer, Look const& look) {
  std::string text;
  for (auto const& item : list_at(answer, "items")) {
    bool const dry = item.find("would") != nullptr;
    auto const* const what = dry ? "would add" : flag_at(item, "was_known") ? "known" : "added";
    text += painted(what, dry ? Tone::kPlain : Tone::kGood, look) + "  " + place_of(item);
    if (auto const id = text_at(item, "id"); !id.empty()) text += "  " + id;
    if (auto const pipeline = text_at(item, "pipeline"); !pipeline.empty())
      text += "  (" + text_at(item, "kind") + ", pipeline " + pipeline + ")";
    text += "\n";
    for (auto const& line : list_at(item, "would"))
      if (auto const* const step = line.as_text(); step != nullptr) text += "    " + safe(*step) + "\n";
  }
  for (auto const& refused : list_at(answer, "errors")) {
    auto const& error = object_at(refused, "error");
    text += painted("refused", Tone::kBad, look) + "  " + place_of(refused) + ": " + text_at(error, "text") + "\n";
    if (auto const remedy = text_at(error, "remedy"); !remedy.empty()) text += "  next: " + remedy + "\n";
  }
  return text;
}

std::string render_changed(std::string const& what, Json const& item, Look const& look) {
  return painted(what, Tone::kGood, look) + "  " + text_at(item, "name") + "  " + text_at(item, "id") + "  now " +
         text_at(item, "stage") + "\n";
}

std::string render_explanation(Json const& told, Look const& look) {
  auto const verdict = text_at(told, "verdict");
  auto const words = verdict == "taken"   ? "nothing holds it back"
                     : verdict == "waits" ? "it waits: "
                                          : "it is left out: ";
  auto text = safe(text_at(told, "path")) + ", source " + safe(text_at(told, "source")) + "\n" +
              painted(words + safe(text_at(told, "text")), Tone::kStrong, look) + "\n\n";
  std::vector<std::vector<Cell>> rows;
  for (auto const& rule : list_at(told, "rules")) {
    auto const says = text_at(rule, "says");
    auto const tone = says == "waits" || says == "left_out" ? Tone::kBad : Tone::kPlain;
    rows.push_back({{text_at(rule, "rule")}, {says, tone}, {safe(text_at(rule, "text"))}});
  }
  text += table({{"RULE"}, {"SAYS"}, {"BECAUSE"}}, rows, look);
  if (auto const item = text_at(told, "item"); !item.empty())
    text += "\nit is an item, " + safe(text_at(told, "state")) + ": sluice show " + item + "\n";
  return text;
}

std::string render_trouble(std::string const& text, std::string const& next, Look const& look) {
  auto made = painted("sluice:", Tone::kBad, look) + " " + text + "\n";
  if (!next.empty()) made += "  next: " + next + "\n";
  return made;
}

Trouble trouble_of(Answer const& answer) {
  Trouble trouble{.code = "bad_answer",
                  .text = "the daemon answered with status " + std::to_string(answer.status) + " and no reason",
                  .next = "journalctl -u sluiced",
                  .exit_code = answer.status >= 500 ? kInternalError : kUsage};
  if (auto const body = parse_json(answer.body, {.bytes_max = answer.body.size()}); body) {
    auto const& error = object_at(*body, "error");
    if (auto const text = text_at(error, "text"); !text.empty())
      trouble = {text_at(error, "code"), text, text_at(error, "remedy"), trouble.exit_code};
  }
  if (trouble.code == "no_such_item") trouble.exit_code = kNoSuchItem;
  if (trouble.code == "not_supported_yet") trouble.exit_code = kUsage;
  if (trouble.code == "key_refused") trouble.exit_code = kKeyRefused;
  return trouble;
}

Trouble trouble_of(Error const& error) {
  Trouble trouble{.code = error.code, .text = error.text, .next = "systemctl status sluiced", .exit_code = kNoDaemon};
  if (error.code == "denied") {
    trouble.next = "run it as root, or join the socket's group: usermod -aG sluice $USER, then log in again";
  } else if (error.fault == Fault::kProtocol) {
    trouble.next = "check which socket is meant: --socket, SLUICE_SOCKET, control.socket";
  } else if (error.code == "no_socket" || error.code == "nobody_listens") {
    trouble.text = "the daemon is not running, or listens elsewhere: " + error.text;
    trouble.next = "systemctl start sluiced, or name its socket with --socket";
  }
  return trouble;
}

Json trouble_json(Trouble const& trouble) {
  return Json::object({{"error", Json::object({{"code", trouble.code},
                                               {"text", trouble.text},
                                               {"remedy", trouble.next.empty() ? Json() : Json(trouble.next)}})}});
}

}  // namespace sluice::cli

#include "daemon/cli/story.h"

#include <algorithm>

#include "core/base/text.h"
#include "daemon/cli/json_fields.h"

namespace sluice::cli {
namespace {

std::string line(std::string_view label, std::string const& text) {
  if (text.empty()) return {};
  auto made = std::string(label);
  made.resize(std::max<std::size_t>(made.size() + 1, 11), ' ');
  return made + text + "\n";
}

std::string whose_words(std::string const& whose) {
  if (whose == "file") return "the file";
  if (whose == "platform") return "the platform";
  if (whose == "network") return "the network between this host and the platform";
  if (whose == "key") return "the API key";
  if (whose == "configuration") return "the configuration";
  if (whose == "daemon") return "this host or Sluice itself";
  if (whose == "person") return "a person's wish";
  return whose;
}

std::string heals_words(Json const& item, Json const& why, Look const& look) {
  auto const stage = text_at(item, "stage");
  if (stage == "skipped") return "nothing to heal: it was left out on purpose";
  if (stage == "failed" || stage == "cancelled") return "no, it waits for a person";
  if (!flag_at(why, "heals", true)) return "no, it needs a person";
  auto const until = when(text_at(why, "until"), look);
  if (until.empty()) return "yes, by itself";
  return until == "now" ? "yes, by itself, now" : "yes, by itself: looked at again " + until;
}

// Of an item that is well: what was to follow, and did not.
std::string shortcomings(Json const& item, Look const& look) {
  std::string text, remedy;
  for (auto const& act : list_at(item, "acts")) {
    auto const next = text_at(act, "remedy");
    auto const error = text_at(act, "last_error");
    auto const waits = text_at(act, "state") == "wanted" && !error.empty();
    if (next.empty() && !waits) continue;
    auto const kind = text_at(act, "kind");
    auto said = (kind == "hook" ? "hook " + text_at(act, "hook") : kind) +
                (waits ? " waits" : " was refused (" + text_at(act, "reason") + ")");
    if (!error.empty()) said += ": " + error;
    text += line(text.empty() ? "but" : "", painted(said, Tone::kWarning, look));
    if (remedy.empty()) remedy = next;
  }
  return text + (remedy.empty() ? "" : line("next", painted(remedy, Tone::kStrong, look)));
}

std::string diagnosis(Json const& item, Look const& look) {
  auto const& why = object_at(item, "why");
  auto const stage = text_at(item, "stage");
  auto const but = shortcomings(item, look);
  if (why.is_null() && !but.empty()) return line("what", "all is done on the platform") + but;
  if (why.is_null()) return line("what", stage == "done" ? "done, nothing is wrong" : "at work");
  auto const tone = stage == "failed" ? Tone::kBad : Tone::kPlain;
  auto const code = text_at(why, "code");
  bool const calm = text_at(why, "whose").empty() && stage != "failed";
  auto text = line("what", painted(text_at(why, "text"), tone, look) + (code == "working" ? "" : " (" + code + ")"));
  if (calm && code == "working") return text;
  text += line("cause", calm ? "nobody's fault: the ordinary course of things" : whose_words(text_at(why, "whose")));
  text += line("heals", heals_words(item, why, look));
  auto const remedy = text_at(why, "remedy");
  text += line("next", remedy.empty() ? "nothing to do" : painted(remedy, Tone::kStrong, look));
  return text + but;
}

std::string standing(Json const& item, Look const& look) {
  auto const size = count_at(item, "size");
  auto const acked = count_at(item, "bytes_acked");
  auto const url = text_at(item, "url");
  auto text = url.empty() ? line("file", text_at(item, "path")) : line("url", url);
  auto what = size == 0 && !url.empty() ? std::string("size not known") : to_words_bytes(size);
  for (auto const* const key : {"kind", "method"})
    if (auto const word = text_at(item, key); !word.empty()) what += ", " + word;
  what += ", source " + text_at(item, "source");
  if (auto const pipeline = text_at(item, "pipeline"); !pipeline.empty()) what += ", pipeline " + pipeline;
  text += line("", what);
  if (auto const* const got = item.find("download"); got != nullptr && text_at(item, "method") == "relay")
    text += line("fetched", to_words_bytes(count_at(*got, "bytes")) +
                                (count_at(*got, "total_bytes") == 0
                                     ? std::string("; how much there is, is not known yet")
                                     : " of " + to_words_bytes(count_at(*got, "total_bytes")) + " are in the spool"));
  auto const method = text_at(item, "method");
  if (url.empty() || method == "direct" || method == "multipart")
    text +=
        line("sent", to_words_bytes(acked) + " of " + to_words_bytes(size) + " acknowledged (" + percent(acked, size) +
                         "), " + to_words_bytes(count_at(item, "bytes_sent")) + " sent in all");
  if (auto const attempts = count_at(item, "attempts"); attempts > 0)
    text += line("attempts", std::to_string(attempts) + " failed so far");
  text += line("asset", text_at(item, "asset_id"));
  for (auto const& entry : list_at(item, "indexed_assets"))
    text += line("index", text_at(entry, "index") + "  " + text_at(entry, "id") + "  " + text_at(entry, "status"));
  for (auto const& entry : list_at(item, "entities"))
    text += line("entity", text_at(entry, "collection") + "/" + text_at(entry, "name") + "  " + text_at(entry, "id") +
                               "  " + text_at(entry, "status"));
  text += line("created", text_at(item, "created_at") + ", " + since(text_at(item, "created_at"), look));
  auto const finished = text_at(item, "finished_at");
  return text + line("finished", finished.empty() ? "" : finished + ", " + since(finished, look));
}

std::string steps(Json const& item) {
  std::string text;
  for (auto const& step : list_at(item, "steps")) {
    auto made = text_at(step, "kind") + " " + text_at(step, "name") + ": " + text_at(step, "state");
    if (auto const error = text_at(step, "last_error"); !error.empty()) made += ", " + error;
    text += line("step " + std::to_string(count_at(step, "ordinal")), made);
  }
  return text;
}

// What is done to the file after the end.
std::string acts(Json const& item) {
  std::string text;
  for (auto const& act : list_at(item, "acts")) {
    auto made = text_at(act, "state");
    if (auto const target = text_at(act, "target"); !target.empty()) made += ", " + target;
    if (auto const error = text_at(act, "last_error"); !error.empty()) made += ": " + error;
    auto const hook = text_at(act, "hook");
    text += line(hook.empty() ? text_at(act, "kind") : "hook " + hook, made);
  }
  return text;
}

std::string sessions(Json const& item) {
  std::string text;
  for (auto const& session : list_at(item, "sessions")) {
    auto made = text_at(session, "upload_id") + "  " + text_at(session, "state");
    if (auto const* const chunks = session.find("chunks"); chunks != nullptr && !chunks->is_null())
      made += ", " + std::to_string(count_at(*chunks, "done")) + " of " + std::to_string(count_at(*chunks, "total")) +
              " chunks, " + std::to_string(count_at(*chunks, "in_flight")) + " in flight";
    else
      made += ", its chunks are no longer kept";
    text += line("session", made + ", expires " + text_at(session, "expires_at"));
  }
  return text;
}

bool is_stored_chunk(Json const& event) {
  return text_at(event, "subject").starts_with("chunk ") && text_at(event, "became") == "stored" &&
         text_at(event, "note").empty();
}

std::string event_line(Json const& event) {
  auto text = "  " + text_at(event, "at") + "  " + text_at(event, "subject");
  auto const was = text_at(event, "was");
  auto const became = text_at(event, "became");
  if (!became.empty()) text += "  " + (was.empty() || was == became ? became : was + " -> " + became);
  if (auto const note = text_at(event, "note"); !note.empty()) text += "  " + note;
  return text + "\n";
}

// One line per event; chunks that went up without trouble, one after the other, share a line.
std::string events(Json const& item, Look const& look) {
  auto const& list = list_at(item, "events");
  if (list.empty()) return {};
  std::string text = "\n" + painted("what happened", Tone::kStrong, look) + "\n";
  for (std::size_t i = 0; i < list.size();) {
    auto end = i;
    while (end < list.size() && is_stored_chunk(list[end])) ++end;
    if (end <= i + 1) {
      text += event_line(list[i++]);
      continue;
    }
    text += "  " + text_at(list[i], "at") + "  " + std::to_string(end - i) + " chunks stored, until " +
            text_at(list[end - 1], "at") + "\n";
    i = end;
  }
  return text;
}

}  // namespace

std::string render_story(Json const& item, Look const& look) {
  auto const stage = text_at(item, "stage");
  auto text = painted(text_at(item, "name"), Tone::kStrong, look) + "  " + text_at(item, "id") + "  " +
              painted(stage, tone_of_stage(stage), look) + " (" + text_at(item, "state") + ")\n\n";
  text += diagnosis(item, look) + "\n" + standing(item, look) + steps(item) + acts(item) + sessions(item) +
          events(item, look);
  return text;
}

}  // namespace sluice::cli

#include "daemon/control_reply.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::daemon {
namespace {

struct Remedy {
  std::string_view code;
  std::string_view text;
};

constexpr std::array kRemedies = {
    Remedy{"not_beneath_source", "put the file beneath a source's folder, or use `sluice ingest PATH`"},
    Remedy{"no_such_pipeline", "see the pipelines in the configuration file"},
    Remedy{"no_pipeline", "name one with --pipeline, or add one for this kind to the source"},
    Remedy{"no_match", "rename or move it, or change `match` of its source"},
    Remedy{"unknown_kind", "say what it is by its name: --name FILE.mp4"},
    Remedy{"needs_new_url", "sign the URL anew"},
    Remedy{"bad_url", "give the https URL of the file itself"},
    Remedy{"is_folder", "name the files in it"},
    Remedy{"no_such_file", "check the path: sluice ls"},
    Remedy{"unreadable", "give the daemon's user the right to read it"},
    Remedy{"empty_file", "put a file with content in its place"},
    Remedy{"not_failed", "only failed and cancelled items are retried: sluice show ID"},
    Remedy{"superseded", "see to the newer one: sluice ls"},
    Remedy{"at_end", "see how it ended: sluice show ID"},
    Remedy{"no_such_source", "see which there are: sluice status"},
    Remedy{"no_such_item", "see what there is: sluice ls"},
    Remedy{"journal_full", "free space in the state directory; the daemon goes on by itself"},
};

std::string_view remedy_for(std::string_view code) {
  auto const* const found = std::ranges::find(kRemedies, code, &Remedy::code);
  return found == kRemedies.end() ? std::string_view() : found->text;
}

}  // namespace

ControlReply json_reply(int status, Json const& body) {
  return {.status = status, .content_type = "application/json", .body = body.dump() + "\n"};
}

Json error_object(std::string_view code, std::string_view text, std::string_view remedy) {
  if (remedy.empty()) remedy = remedy_for(code);
  return Json::object({{"code", code}, {"text", text}, {"remedy", remedy.empty() ? Json() : Json(remedy)}});
}

ControlReply error_reply(int status, std::string_view code, std::string_view text, std::string_view remedy) {
  return json_reply(status, Json::object({{"error", error_object(code, text, remedy)}}));
}

Json error_object(Error const& error) {
  auto const code = error.code.empty() ? std::string(name_of(error.fault)) : error.code;
  return error_object(code, error.text, {});
}

int status_of(Error const& error, int refused) {
  switch (error.fault) {
    case Fault::kGone: return 404;
    case Fault::kRejected:
    case Fault::kSourceIo:
    case Fault::kSourceChanged:
    case Fault::kCorrupt: return refused;
    case Fault::kOffline:
    case Fault::kTransient:
    case Fault::kOutcomeUnknown:
    case Fault::kThrottled:
    case Fault::kUrlExpired:
    case Fault::kKeyRefused:
    case Fault::kProtocol:
    case Fault::kLocal: return 503;
  }
  std::unreachable();
}

}  // namespace sluice::daemon

#include "daemon/cli/journal_verbs.h"

#include <ostream>
#include <utility>

#include "core/base/text.h"
#include "daemon/cli/exit_codes.h"
#include "daemon/cli/render.h"

namespace sluice::cli {
namespace {

std::string count(std::uint64_t number, char const* one, char const* many) {
  return std::to_string(number) + " " + (number == 1 ? one : many);
}

int stopped(daemon::Stop const& stop, bool json, std::ostream& out, std::ostream& err, Look const& look) {
  if (json)
    out << trouble_json({.code = "stopped", .text = stop.text, .next = stop.remedy, .exit_code = stop.code}).dump(2)
        << "\n";
  err << render_trouble(stop.text, stop.remedy, look);
  return stop.code;
}

int check(daemon::CheckReport const& report, bool json, std::ostream& out) {
  auto const code = report.problems.empty() ? kFine : kJournalTrouble;
  if (json) {
    auto problems = Json::array();
    for (auto const& problem : report.problems) problems.push(printable(problem));
    out << Json::object({{"journal", printable(report.journal)},
                         {"ok", report.problems.empty()},
                         {"problems", std::move(problems)}})
               .dump(2)
        << "\n";
    return code;
  }
  out << printable(report.journal) << ": " << (report.problems.empty() ? "fine" : "not fine") << "\n";
  for (auto const& problem : report.problems) out << "  " << printable(problem) << "\n";
  if (code != kFine) out << "  next: what is said above; else put the newest copy back, or: sluice journal rebuild\n";
  return code;
}

std::string receipts_words(daemon::RebuildReport const& report) {
  auto text = count(report.receipts, "receipt was", "receipts were") + " read, " + std::to_string(report.decided) +
              " of them decided which asset a file is";
  if (report.of_unknown > 0)
    text += "; " + count(report.of_unknown, "names an asset", "name assets") + " that the platform does not have";
  if (report.unreadable > 0) text += "; " + std::to_string(report.unreadable) + " more cannot be read:";
  return text;
}

}  // namespace

std::string render_rebuild(daemon::RebuildReport const& report, bool dry_run) {
  std::string text;
  auto const line = [&](std::string const& words) { text += words + "\n"; };
  line(count(report.adopted, "file is", "files are") + " on the platform already: adopted, not sent again");
  line(count(report.to_upload, "file is", "files are") + " not there: the daemon uploads " +
       (report.to_upload == 1 ? "it" : "them"));
  if (report.ambiguous > 0) {
    line(count(report.ambiguous, "file", "files") +
         " may be there: failed as rebuild_ambiguous, not sent again without sluice retry");
    for (auto const& doubt : report.doubts) {
      auto names = std::string();
      for (auto const& id : doubt.asset_ids) names += " " + printable(id);
      line("  " + printable(doubt.path) + ": asset" + (doubt.asset_ids.size() == 1 ? "" : "s") + names);
    }
  }
  if (report.unread_sidecars > 0) {
    line(count(report.unread_sidecars, "file has a sidecar", "files have sidecars") +
         " that cannot be read, and what is adopted of them goes by the pipelines alone: mend them and run this again "
         "with --force "
         "before the daemon starts, else they may be indexed once more");
    for (auto const& file : report.unread) line("  " + printable(file.path) + ": " + printable(file.why));
  }
  line(count(report.strangers, "asset belongs", "assets belong") + " to no file of the sources");
  if (report.kept > 0)
    line(count(report.kept, "asset is kept, and adopted when its", "assets are kept, and adopted when their") +
         " URL or file comes");
  if (report.has_manifests)
    line(
        "the lines of all manifests are answered again, in the next free name, such as NAME.results-2.jsonl: follow "
        "that "
        "one, since the old one never grows again");
  if (report.receipts + report.unreadable > 0) line(receipts_words(report));
  for (auto const& problem : report.unreadable_receipts) line("  " + printable(problem));
  if (report.knows_none())
    line(
        "warning: not one file is known, although " +
        count(report.assets_of_files, "asset was made of a file", "assets were made of files") +
        " by Sluice: was a folder moved in the configuration, or is this the key of another account? Mend that and run "
        "this again with --force before the daemon starts, else the files are uploaded once more");
  if (report.unfinished_uploads > 0)
    line(count(report.unfinished_uploads, "unfinished upload is", "unfinished uploads are") +
         " left on the platform, and " +
         (report.unfinished_uploads == 1 ? "expires by itself" : "expire by themselves"));
  for (auto const& name : report.empty_sources)
    line("source " + printable(name) +
         " is empty: if it should not be, mount it and run this again with --force before the daemon starts, else its "
         "files "
         "are uploaded once more");
  if (dry_run && report.was_sound)
    line(
        "nothing is wrong with the journal that is there, and it knows more than a new one: it is replaced only with "
        "--force");
  if (dry_run) {
    line(std::string("nothing was written; next: ") +
         (report.was_sound ? report.next : "sluice journal rebuild, in the same words without --dry-run"));
    return text;
  }
  if (!report.set_aside.empty()) line("the old journal is kept as " + printable(report.set_aside));
  line("the new journal is " + printable(report.journal) + "; next: " + printable(report.next));
  return text;
}

Json rebuild_json(daemon::RebuildReport const& report, bool dry_run) {
  auto doubts = Json::array();
  for (auto const& doubt : report.doubts) {
    auto ids = Json::array();
    for (auto const& id : doubt.asset_ids) ids.push(id);
    doubts.push(Json::object({{"path", printable(doubt.path)}, {"asset_ids", std::move(ids)}}));
  }
  auto unread = Json::array();
  for (auto const& file : report.unread)
    unread.push(Json::object({{"path", printable(file.path)}, {"problem", printable(file.why)}}));
  auto empty = Json::array();
  for (auto const& name : report.empty_sources) empty.push(name);
  return Json::object({{"journal", printable(report.journal)},
                       {"dry_run", dry_run},
                       {"set_aside", report.set_aside.empty() ? Json() : Json(printable(report.set_aside))},
                       {"files", report.files},
                       {"adopted", report.adopted},
                       {"ambiguous", report.ambiguous},
                       {"to_upload", report.to_upload},
                       {"assets_of_no_file", report.strangers},
                       {"assets_kept", report.kept},
                       {"assets_made_of_files", report.assets_of_files},
                       {"receipts", report.receipts},
                       {"decided_by_receipts", report.decided},
                       {"receipts_of_unknown_assets", report.of_unknown},
                       {"receipts_unreadable", report.unreadable},
                       {"old_journal_is_sound", report.was_sound},
                       {"next", printable(report.next)},
                       {"unfinished_uploads", report.unfinished_uploads},
                       {"ambiguous_files", std::move(doubts)},
                       {"unread_sidecars", report.unread_sidecars},
                       {"files_of_unread_sidecars", std::move(unread)},
                       {"empty_sources", std::move(empty)}});
}

int run_journal(Arguments const& arguments, std::ostream& out, std::ostream& err, Look const& err_look) {
  daemon::JournalOptions const options{.config_file = arguments.config,
                                       .state_dir = arguments.state_dir,
                                       .paths = arguments.words,
                                       .dry_run = arguments.dry_run,
                                       .force = arguments.force};
  if (arguments.action == "check") {
    auto const report = daemon::check_journal_file(options);
    return report ? check(*report, arguments.json, out) : stopped(report.error(), arguments.json, out, err, err_look);
  }
  auto const report =
      daemon::rebuild_journal(options, [&](std::string const& line) { err << printable(line) << std::endl; });
  if (!report) return stopped(report.error(), arguments.json, out, err, err_look);
  if (arguments.json)
    out << rebuild_json(*report, arguments.dry_run).dump(2) << "\n";
  else
    out << render_rebuild(*report, arguments.dry_run);
  return kFine;
}

}  // namespace sluice::cli

#include "core/stage/explain_manifest.h"

#include <utility>

#include "core/base/text.h"
#include "core/source/manifest/format.h"
#include "core/stage/report_results.h"

namespace sluice::stage {

using journal::ManifestRow;
using journal::ManifestState;
using Says = Finding::Says;

namespace {

constexpr int kNotesShown = 20;

Finding name_finding(SourcePolicy const& source, std::string const& path) {
  if (is_results_name(path)) return {"name", Says::kLeftOut, "is the name of a file of results"};
  if (!source::manifest::format_for(path))
    return {"name", Says::kLeftOut, "tells no format: .txt .csv .tsv .jsonl, .gz"};
  if (!glob_match(source.manifest, path)) return {"name", Says::kLeftOut, "does not fit " + printable(source.manifest)};
  return {"name", Says::kTaken, "fits " + printable(source.manifest)};
}

Finding read_finding(ManifestRow const& row) {
  auto const far = "up to line " + std::to_string(row.line - 1);
  switch (row.state) {
    case ManifestState::kReading:
      return {"read", Says::kWaits,
              far + "; " + (row.reason.empty() ? "the rest is to be read, or is half of a line" : row.reason)};
    case ManifestState::kFollowed: return {"read", Says::kTaken, "to its end, " + far + "; it is followed"};
    case ManifestState::kGone: return {"read", Says::kTaken, far + "; " + row.reason};
    case ManifestState::kRefused: return {"read", Says::kLeftOut, row.reason};
  }
  std::unreachable();
}

std::string counts_of(ManifestRow const& row) {
  return std::to_string(row.entries) + " entries: " + std::to_string(row.waiting) + " wait, " +
         std::to_string(row.open) + " are under way, " + std::to_string(row.entries - row.waiting - row.open) +
         " have ended; " + std::to_string(row.duplicates) + " lines repeat others, " + std::to_string(row.errors) +
         " are wrong, " + std::to_string(row.failed) + " have failed";
}

}  // namespace

Explanation explain_manifest(journal::Journal const& journal, SourcePolicy const& source, std::string const& path) {
  Explanation all{.source = source.name, .findings = {name_finding(source, path)}};
  auto const row = journal.manifest(source.root, path);
  if (!row) {
    all.findings.push_back({"read", Says::kWaits, "nothing of it yet"});
    return all;
  }
  all.findings.push_back(read_finding(*row));
  all.findings.push_back({"entries", Says::kTaken, counts_of(*row)});
  if (!row->results.empty()) all.findings.push_back({"results", Says::kTaken, "are in " + printable(row->results)});
  for (auto const& note : journal.kept_notes(row->id, kNotesShown)) {
    auto const column = note.column == 0 ? std::string() : ", column " + std::to_string(note.column);
    all.findings.push_back({"line", Says::kUnknown, "line " + std::to_string(note.line) + column + " " + note.text});
  }
  return all;
}

}  // namespace sluice::stage

#include "daemon/view_manifests.h"

#include <algorithm>

#include "core/base/text.h"

namespace sluice::daemon {
namespace {

constexpr std::size_t kShownMax = 100;

bool is_at_rest(journal::ManifestRow const& row) {
  return row.state == journal::ManifestState::kFollowed && row.waiting == 0 && row.open == 0;
}

struct Surroundings {
  std::map<journal::RowId, std::string> const& stuck;
  std::set<std::string> const& sources;
};

std::string notes_of(journal::ManifestRow const& row, Surroundings const& around) {
  std::string notes = row.reason;
  auto const note = [&](std::string const& text) { notes += (notes.empty() ? "" : "; ") + text; };
  if (row.waiting > 0 && !around.sources.contains(row.source))
    note("its lines wait for ever: source " + printable(row.source) + " is not in the configuration any more");
  if (row.failed > 0)
    note(std::to_string(row.failed) + (row.failed == 1 ? " line has failed" : " lines have failed") +
         ": its results say why; a line that is mended counts");
  if (auto const found = around.stuck.find(row.id); found != around.stuck.end())
    note("its results cannot be written: " + found->second);
  return notes;
}

Json one(journal::ManifestRow const& row, Surroundings const& around) {
  return Json::object({{"source", row.source},
                       {"path", printable(row.root + "/" + row.path)},
                       {"state", word(row.state)},
                       {"lines", row.line - 1},
                       {"entries", row.entries},
                       {"waiting", row.waiting},
                       {"active", row.open},
                       {"ended", row.entries - row.waiting - row.open},
                       {"duplicates", row.duplicates},
                       {"errors", row.errors},
                       {"failed", row.failed},
                       {"results", row.results.empty() ? Json() : Json(printable(row.results))},
                       {"read_at", row.read_at ? Json(to_rfc3339(*row.read_at)) : Json()},
                       {"notes", notes_of(row, around)}});
}

}  // namespace

Json manifests_json(journal::Journal const& journal, std::map<journal::RowId, std::string> const& stuck,
                    std::set<std::string> const& sources) {
  auto rows = journal.manifests("");
  std::ranges::stable_partition(rows, [](auto const& row) { return !is_at_rest(row); });
  if (rows.size() > kShownMax) rows.resize(kShownMax);
  auto all = Json::array();
  for (auto const& row : rows) all.push(one(row, {stuck, sources}));
  return all;
}

}  // namespace sluice::daemon

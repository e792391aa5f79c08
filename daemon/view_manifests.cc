#include "daemon/view_manifests.h"

#include <algorithm>

#include "core/base/text.h"

namespace sluice::daemon {
namespace {

constexpr std::size_t kShownMax = 100;

bool is_at_rest(journal::ManifestRow const& row) {
  return row.state == journal::ManifestState::kFollowed && row.waiting == 0 && row.open == 0;
}

std::string notes_of(journal::ManifestRow const& row, std::map<journal::RowId, std::string> const& stuck) {
  auto notes = row.reason;
  auto const found = stuck.find(row.id);
  if (found == stuck.end()) return notes;
  return notes + (notes.empty() ? "" : "; ") + "its results cannot be written: " + found->second;
}

Json one(journal::ManifestRow const& row, std::map<journal::RowId, std::string> const& stuck) {
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
                       {"results", row.results.empty() ? Json() : Json(printable(row.results))},
                       {"read_at", row.read_at ? Json(to_rfc3339(*row.read_at)) : Json()},
                       {"notes", notes_of(row, stuck)}});
}

}  // namespace

Json manifests_json(journal::Journal const& journal, std::map<journal::RowId, std::string> const& stuck) {
  auto rows = journal.manifests("");
  std::ranges::stable_partition(rows, [](auto const& row) { return !is_at_rest(row); });
  if (rows.size() > kShownMax) rows.resize(kShownMax);
  auto all = Json::array();
  for (auto const& row : rows) all.push(one(row, stuck));
  return all;
}

}  // namespace sluice::daemon

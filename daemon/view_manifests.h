// view_manifests.h - what status says of manifests.
#pragma once

#include <map>
#include <set>
#include <string>

#include "core/base/json.h"
#include "core/journal/journal.h"

namespace sluice::daemon {

// `stuck`: why the results of a manifest cannot be written now. `sources`: those that are configured. At most 100
// manifests, those first that are not merely followed; the counts are columns, so nothing is counted.
Json manifests_json(journal::Journal const& journal, std::map<journal::RowId, std::string> const& stuck,
                    std::set<std::string> const& sources);

}  // namespace sluice::daemon

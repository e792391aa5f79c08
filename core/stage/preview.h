// preview.h - what would be done with a file or a URL, in lines for people: `--dry-run` of add and ingest.
//
// It asks the functions that decide when an item is taken (admit.h), and changes nothing. Pure.
#pragma once

#include <string>
#include <vector>

#include "core/stage/orders.h"
#include "core/stage/policy.h"

namespace sluice::stage {

// `added` is what add_item() or add_url() gave in a dry run. First what would become of it, then the upload with its
// limit, then each step.
std::vector<std::string> preview(Added const& added, Policy const& policy, SourcePolicy const& source, WallTime now);

}  // namespace sluice::stage

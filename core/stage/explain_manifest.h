// explain_manifest.h - how far a manifest was read, what of it is under way, and which of its lines are wrong.
//
// For `sluice explain MANIFEST`. Reads the journal and changes nothing.
#pragma once

#include <string>

#include "core/stage/explain.h"

namespace sluice::stage {

// `path` is beneath the folder of `source`, which is a manifest's.
Explanation explain_manifest(journal::Journal const& journal, SourcePolicy const& source, std::string const& path);

}  // namespace sluice::stage

// journal_verbs.h - `sluice journal check` and `sluice journal rebuild`: the command line's side of daemon/rebuild.
#pragma once

#include <iosfwd>

#include "core/base/json.h"
#include "daemon/cli/arguments.h"
#include "daemon/cli/look.h"
#include "daemon/rebuild.h"

namespace sluice::cli {

// Requires  arguments.action is "check" or "rebuild".
// Returns   the exit code: of check 0 or 10; of rebuild as daemon/rebuild.h says.
int run_journal(Arguments const& arguments, std::ostream& out, std::ostream& err, Look const& err_look);

// For people: what was made of what, and the next command.
std::string render_rebuild(daemon::RebuildReport const& report, bool dry_run);
Json rebuild_json(daemon::RebuildReport const& report, bool dry_run);

}  // namespace sluice::cli

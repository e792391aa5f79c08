// control_add.h - reads the body of POST /v1/items, and takes its paths up one by one.
#pragma once

#include "daemon/control_api.h"

namespace sluice::daemon {

// {"paths": [...], "paths_b64": [...], "urls": [...], "name", "pipeline", "index", "collection", "entity", "dry_run"};
// paths that are no UTF-8 come in base 64 (D42); a name goes with a single URL. All are read and checked before the
// first is taken up. No answer repeats the query of a URL.
//
// Answers {"items": [...], "errors": [{"path" or "url", "error"}]}: 200 when any path was taken; else the status
// of the first error, which is then also in "error".
Served serve_add(ControlRequest const& request, Operations& operations);

}  // namespace sluice::daemon

// control_api.h - the control interface: which path means what, and what is answered.
//
// It reads the journal and calls Operations; it knows neither the socket nor the turn. Who may ask was
// settled before (control_access.h). Every answer is JSON; an error is
// {"error": {"code", "text", "remedy"}} with the HTTP status that fits. What the product page documents
// and this release lacks answers 501 "not_supported_yet", never a quiet nothing.
//
//   GET   /v1/status
//   GET   /v1/items?stage=&state=&source=&limit=&cursor=
//   GET   /v1/items/{id}            id: a ULID, a unique prefix of one, a path or a URL, percent-encoded whole
//   POST  /v1/items                 {"paths"|"urls": [...], "pipeline"|"index"|"collection"+"entity", "dry_run"}
//   GET   /v1/explain?path=         each rule with its evidence, also for a file or URL that is no item
//   POST  /v1/items/{id}/retry      also for a cancelled item
//   POST  /v1/items/{id}/cancel
//   POST  /v1/retry-failed?cursor=  {"retried": n, "refused": [...], "next": cursor or null}, 200 at a time
//   POST  /v1/rescan?source=        {"sources": [...]}: whose folders are looked at anew from now on; without, all
//   GET   /livez /readyz /healthz   200, or 503 with the reason
#pragma once

#include <cstddef>

#include "core/base/time.h"
#include "core/journal/journal.h"
#include "daemon/control_server.h"
#include "daemon/operations.h"

namespace sluice::daemon {

inline constexpr int kPageDefault = 100;
inline constexpr int kPageMax = 1000;
inline constexpr std::size_t kAddPathsMax = 1000;  // paths in one request
inline constexpr int kRetryBatch = 200;            // items of one retry-failed: keeps a turn short

struct Served {
  ControlReply reply;
  // It tells of writes in the current transaction: send it only after their commit, and commit_failed()
  // in its place if that fails.
  bool after_commit = false;
  // There is no reply yet, and nothing was done: it is to be served again when answers of the file system have come.
  bool not_yet = false;
};

// Serves one request. Writing verbs run Operations, so a transaction must be open when they may come.
// JournalErrors pass through: what becomes of the request is then the caller's business.
Served serve(ControlRequest const& request, journal::Journal const& journal, Operations& operations, WallTime now);

// The answer to a writing request whose commit failed; `text` says why.
ControlReply commit_failed(std::string_view text);

}  // namespace sluice::daemon

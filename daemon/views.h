// views.h - what the control socket shows: the journal's rows as JSON (product page, section 8).
//
// Reading only: nothing here writes, and nothing is shown that the journal or the given facts do not
// hold. Times are RFC 3339 in UTC, absent ones null. Names are bytes (D42): `name` and `path` are always
// text that can be read; where the bytes are no UTF-8, `name_b64` and `path_b64` hold them exactly.
// No secret is in here: a presigned URL is never shown, not even without its query.
//
// JournalErrors pass through.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/time.h"
#include "core/journal/journal.h"
#include "core/stage/why.h"
#include "daemon/operations.h"

namespace sluice::daemon {

inline constexpr int kStoryEventsMax = 500;  // of one item: the last ones
inline constexpr int kUploadsShownMax = 64;  // in the status

// What every view needs; the references outlive the call only.
struct ViewContext {
  journal::Journal const& journal;
  stage::Surroundings const& surroundings;
  std::map<journal::RowId, UploadProgress> const& uploads;  // what memory knows of uploads; may be empty
  WallTime now;
};

// One item, as lists show it. `bytes_sent` counts what is in the air.
Json item_json(ViewContext const& context, journal::ItemRow const& item);

// What `sluice explain` shows of one path.
Json explanation_json(std::string const& path, stage::Explanation const& told);

// The same with its whole story: `steps`, `sessions` with their chunk counts, `events` oldest first.
Json item_story_json(ViewContext const& context, journal::ItemRow const& item);

// {items, next}. `rows` were read with a limit of `limit` + 1: one row more than the page says that there is more,
// and `next` is the cursor for it, else null.
Json items_page_json(ViewContext const& context, std::vector<journal::ItemRow> rows, std::size_t limit);

// The whole daemon: schema "sluice.status/1".
Json status_json(ViewContext const& context, StatusFacts const& facts);

// {status: "ok" | "degraded" | "down", reasons: [...], notices: [...]}: down when a reason stops everything; notices
// change nothing.
Json health_json(StatusFacts const& facts);

}  // namespace sluice::daemon

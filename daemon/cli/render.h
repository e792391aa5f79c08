// render.h - the daemon's answers as text for people. Pure: JSON and a Look in, text out.
#pragma once

#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/json.h"
#include "daemon/cli/client.h"
#include "daemon/cli/look.h"

namespace sluice::cli {

// GET /v1/status: how the daemon is, what it has done, what goes up now, and what to look at next.
std::string render_status(Json const& status, Look const& look);

// Items of GET /v1/items, as a table. `more` says that there are others.
std::string render_items(std::vector<Json> const& items, bool more, Look const& look);

// The answer to POST /v1/items: one line per path.
std::string render_added(Json const& answer, Look const& look);

// "retried  clip.mp4  01J9..." of an item after a change.
std::string render_changed(std::string const& what, Json const& item, Look const& look);

// GET /v1/explain: the verdict, then rule by rule.
std::string render_explanation(Json const& told, Look const& look);

// What went wrong, where and why, and the next command: two lines at most.
std::string render_trouble(std::string const& text, std::string const& next, Look const& look);

// The trouble that an answer tells of, or that kept the answer from coming; `code` as in the JSON.
struct Trouble {
  std::string code;
  std::string text;
  std::string next;
  int exit_code;
};
Trouble trouble_of(Answer const& answer);
Trouble trouble_of(Error const& error);
Json trouble_json(Trouble const& trouble);  // {"error": {...}}, for --json

}  // namespace sluice::cli

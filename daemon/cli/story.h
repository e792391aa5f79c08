// story.h - one item's whole story, readable at three in the morning.
//
// First what is wrong, whose fault it is, whether it heals by itself and when, and the next command;
// then where the item stands; then all that happened, oldest first.
#pragma once

#include <string>

#include "core/base/json.h"
#include "daemon/cli/look.h"

namespace sluice::cli {

// `item` is the answer of GET /v1/items/{id}.
std::string render_story(Json const& item, Look const& look);

}  // namespace sluice::cli

// control_find.h - finds the one item that a person means.
#pragma once

#include <expected>
#include <string>

#include "core/journal/journal.h"
#include "daemon/control_server.h"

namespace sluice::daemon {

// `word` is a ULID, a unique prefix of one in either case, or a path: absolute, or relative to its
// source. A path that several items had in the course of time means the newest.
// Returns  the item, or the answer to give: 404 no_such_item, 409 ambiguous_id naming some.
std::expected<journal::ItemRow, ControlReply> find_item(journal::Journal const& journal, std::string const& word);

}  // namespace sluice::daemon

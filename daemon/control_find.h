// control_find.h - finds the one item that a person means.
#pragma once

#include <expected>
#include <string>

#include "core/journal/journal.h"
#include "daemon/control_server.h"

namespace sluice::daemon {

// `word` is a ULID, a unique prefix of one in either case, a URL, or a path: absolute, or relative to its
// source. A URL means the item that it would be, whatever it is signed with; else the one of that URL without its
// query. A path that several items had in the course of time means the newest. Returns  the item, or the answer to
// give: 404 no_such_item, 409 ambiguous_id naming some.
std::expected<journal::ItemRow, ControlReply> find_item(journal::Journal const& journal, std::string const& word);

}  // namespace sluice::daemon

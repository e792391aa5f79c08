// entry_row.h - an entry of a manifest as the journal keeps it, and back.
//
// The URL, the name and what orders entries are columns; all else is one JSON text, which most lines do without: ten
// million rows are to be small. Pure.
#pragma once

#include <string>
#include <string_view>

#include "core/journal/rows.h"
#include "core/source/manifest/entry.h"

namespace sluice::stage {

// A row in `waiting`, without its manifest and pass. `priority` is the source's.
journal::EntryRow to_row(source::manifest::Entry const& entry, std::int64_t priority);

// What the line asked for, but for the place of its first byte. Requires  the row is in `waiting`.
source::manifest::Entry to_entry(journal::EntryRow const& row);

// The key of an item (core/source/entry_key.h) as the column holds it: the digits of a hash as the bytes that they
// mean.
std::string packed_key(std::string_view item_key);
std::string unpacked_key(std::string_view column);

}  // namespace sluice::stage

// finish_entry.h - what every entry gets, whatever format it was written in: a checked URL, a name, its key.
#pragma once

#include "core/source/manifest/fields.h"

namespace sluice::source::manifest {

// Checks the URLs (M24, M26), brings them into their one form, makes the name harmless (M27) or takes it from the URL,
// and finds the key that tells the entry from all others (M2). Returns  why not, if a URL is none.
Reason finish_entry(Entry& entry);

}  // namespace sluice::source::manifest

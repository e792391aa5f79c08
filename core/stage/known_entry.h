// known_entry.h - part of READ_MANIFESTS: what a line says whose key an entry has already (M2, M3).
//
// A line that was read before, in an earlier pass over its manifest, says how it waits on: with another URL, name, time
// or priority. One that failed goes on with it, and so does one whose item was cancelled, where its URL is another one;
// of one that is under way the results say that its URL is not changed any more. Whatever was refused, so that no item
// has its key, is asked for anew by whichever manifest has the key: that one answers for it. Any other line repeats the
// first one, and is told so; of its URL no more counts than a fresh signature of that very URL.
#pragma once

#include "core/stage/stage.h"

namespace sluice::stage {

// Requires  there is an entry of that key. `row`: the manifest that `fresh` is a line of; its counts are moved, and it
//           is the caller's to write.
void meet_again(Context& ctx, journal::ManifestRow& row, journal::EntryRow fresh);

// What is to be said of a line, once for all passes; of more than ResultsReport::kNotesKept lines that is known by the
// number alone. Returns  whether it is new.
bool note_once(Context& ctx, journal::ManifestRow& row, journal::NoteRow const& note);

}  // namespace sluice::stage

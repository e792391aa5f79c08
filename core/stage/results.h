// results.h - what an item came to, as JSON: for its views, its receipt and its error note. No secret is in here.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/base/json.h"
#include "core/journal/journal.h"

namespace sluice::stage {

// Bytes as text, and once more in base 64 where the text is not the bytes (D42).
void set_bytes(Json& into, std::string const& key, std::string const& bytes);

std::string absolute_path(journal::ItemRow const& item);

// [{index_id, index, id, status}] and [{collection_id, collection, name, id, status}].
Json indexed_assets_json(journal::Journal const& journal, std::span<journal::StepRow const> steps);
Json entities_json(journal::Journal const& journal, std::span<journal::StepRow const> steps);

// The name of what a step goes into, or what the plan says of it while no shared row exists yet.
std::string planned_text(journal::StepRow const& step, std::string_view key);

// A note that is written beside a file: the whole text, and what every note of that kind about that file begins with.
struct NoteText {
  std::string text;
  std::string ours;
};
// NAME.sluice.json. `file` is where the file is now; "" where it is no more.
NoteText receipt_of(journal::Journal const& journal, journal::ItemRow const& item, std::string const& file);
// What a hook is told of an item at its end: what a receipt says, why it came to that end, and the event's own id.
std::string event_of(journal::Journal const& journal, journal::ItemRow const& item, std::string const& file,
                     std::string const& event_id);
// NAME.error.json, for an item that failed at its finished_at.
NoteText error_note_of(journal::Journal const& journal, journal::ItemRow const& item);

}  // namespace sluice::stage

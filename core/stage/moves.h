// moves.h - the transitions that more than one stage makes.
//
// Each takes a row as it stands in the journal and writes its next shape in the turn's transaction.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/stage/stage.h"

namespace sluice::stage {

// The item fails, for a person. `reason` is the code people and scripts see; `retry_from` the state
// that `sluice retry` puts it back to. Its calls in the air become nobody's.
void fail_item(Context& ctx, journal::ItemRow item, std::string reason, std::string text,
               journal::ItemState retry_from);

// All calls of the item become nobody's, and its chunks in `putting` go back to `needs_url`, uncharged:
// their URLs count as used (R22).
void ground_chunks(Context& ctx, journal::ItemRow const& item);

// One more failure of the item's own call: waits and stays in `back_to`, or fails when its attempts are used up.
void retry_item(Context& ctx, journal::ItemRow item, Error const& error, journal::ItemState back_to);

// Whether the item itself waits for a time: after trouble with its file, while its session stays as it is.
bool waits(journal::ItemRow const& item, WallTime now);

// Whether a chunk of the session is still to be sent, or in the air.
bool has_unsent(Context const& ctx, journal::SessionRow const& session);

// The file is not what its open upload session, if there is one, was opened for.
void abandon_upload(Context& ctx, journal::ItemRow const& item);

// The file is not what was admitted: its upload is abandoned and it is taken anew from `seen`, as the
// next generation (D33); one that is gone fails.
void source_changed(Context& ctx, journal::ItemRow item);

// Any trouble with reading the source: a change, or an error that is retried with backoff in `back_to`. An upload that
// may be complete nevertheless is asked about first (doubted_upload.h); the second form does not ask.
void source_trouble(Context& ctx, journal::ItemRow const& item, Error const& error, journal::ItemState back_to);
void take_source_trouble(Context& ctx, journal::ItemRow const& item, Error const& error, journal::ItemState back_to);

// The reason of an item that waits after this error.
std::string_view reason_of(Error const& error);

// Reading stops of every file that a program opened for writing, since its lease was held (D32). What is stored of it
// stays: once the program is done, the file goes on if it is as it was, and is taken anew if not.
void let_writers_in(Context& ctx);

// The upload session is of no more use (R28): it ends in `became`, and the item is opened anew.
void replace_session(Context& ctx, journal::SessionRow session, journal::ItemRow item, journal::SessionState became,
                     std::string_view why);

// The quota group that pays for calls about it (R63).
inline budget::Group group_of(journal::StepKind kind) {
  return kind == journal::StepKind::kIndex ? budget::Group::kIndexing : budget::Group::kEntities;
}
inline budget::Group group_of(journal::NamedKind kind) {
  return kind == journal::NamedKind::kIndex ? budget::Group::kIndexing : budget::Group::kEntities;
}

// The asset is ready: the steps that the plan asks for may begin, or the item is finished. A step that
// came with a rebuild, whose outcome is unknown, is looked for before it is begun (rebuild.h).
void asset_became_ready(Context& ctx, journal::ItemRow item);

// The thing a step goes into is wanted: its row is made if need be, and made due. Returns its row.
journal::NamedRow want_named(Context& ctx, journal::StepRow const& step);

// What the item's file or URL is called in its tag, whatever becomes of it (core/source/identity.h).
std::string identity_of(journal::ItemRow const& item);

// The operation tag of an item's asset, which says what file it is of (core/source/identity.h), and of one of
// its steps; both for this generation (R48).
std::string operation_tag(journal::ItemRow const& item);
std::string operation_tag(journal::ItemRow const& item, std::int64_t ordinal);

// A step is over, well or not. One that fails while it is not known whether its call happened keeps its
// intent: a retry looks first.
void step_ready(Context& ctx, journal::StepRow step);
void fail_step(Context& ctx, journal::StepRow step, std::string reason, std::string text);

// One more failure of a step's call: waits in `back_to`, or fails when its attempts are used up.
void retry_step(Context& ctx, journal::StepRow step, Error const& error, journal::StepState back_to);

// Whether the platform takes user_metadata; learned once, kept in the journal (R50, second branch).
bool takes_metadata(Context const& ctx);
void metadata_refused(Context& ctx);

// Flight::mode of a create: whether it carries user_metadata. Several may be in the air when the first
// of them is refused for it, and each is then made again without.
inline constexpr int kUntagged = 0;
inline constexpr int kTagged = 1;

}  // namespace sluice::stage

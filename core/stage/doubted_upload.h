// doubted_upload.h - an upload that may be complete although its file is not there any more as it was admitted.
//
// With every chunk stored, the report that completes the upload may have left, in an earlier life even, and its answer
// been lost. If it is complete, no byte of the file is needed any more, and another upload would send all of them
// twice. So the item waits in `reported`, with intent.unknown_at and with its file's trouble as its reason, and
// CONFIRM_SESSION asks the platform:
//
//   complete                    it goes on; what became of the file since is for the next sweep (discover.h)
//   active, every chunk in      the platform puts it together: waits, at the longest until the session's end
//   active, a chunk missing     the report may still be on its way: asked twice at the least, and until `late_effect`
//                               is over; then the trouble takes its course
//   over, or the look refused   the trouble takes its course at once
//   forgotten                   its asset tells (confirm_session.h)
#pragma once

#include "core/platform/replies.h"
#include "core/stage/stage.h"

namespace sluice::stage {

// Whether the item has an open session with nothing left to send: while it uploads, or failed in the middle of it.
bool may_be_complete(Context const& ctx, journal::ItemRow const& item);

// The item, of which that holds, begins to be doubted. `trouble` is what its file has: kSourceChanged or kSourceIo.
void doubt_upload(Context& ctx, journal::ItemRow item, Error const& trouble);
bool is_doubted(journal::ItemRow const& item);

// What CONFIRM_SESSION learned of a doubted item: a status that is not `completed`, or a look that failed.
void settle_doubted(Context& ctx, journal::SessionRow const& session, journal::ItemRow item,
                    platform::SessionStatus const& status);
void look_at_doubted_failed(Context& ctx, journal::ItemRow item, Error const& error);

}  // namespace sluice::stage

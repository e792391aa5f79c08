// report_chunks.h - stage REPORT_CHUNKS: stored chunks -> chunks the platform has taken in.
//
//   takes    open sessions with chunks in `stored`: a full batch, or the rest when nothing else is left
//   writes   chunk: state; session: due_at, tries; item: `reported` once every chunk is in
//   remote   POST /assets/multipart-uploads/{id}. Repeatable: known chunks count as duplicates (R24).
//   unknown  reports the same batch again
//   then     CONFIRM_SESSION takes the items left in `reported`
#pragma once

#include "core/stage/stage.h"

namespace sluice::stage {

void choose_report_chunks(Context& ctx);
void settle_report_chunks(Context& ctx, Landing const& landing);

}  // namespace sluice::stage

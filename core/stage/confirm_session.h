// confirm_session.h - stage CONFIRM_SESSION: a reported upload -> the platform says it is complete.
//
//   takes    items in `reported` whose due_at has come
//   writes   item: `completed`; or back to `opened` with the chunks that the platform lost; or `stable`
//            for a new session; session: state. Of a doubted item: as doubted_upload.h says
//   remote   GET /assets/multipart-uploads/{id}, all pages when it is not complete (R26). Safe.
//   unknown  reads again
//   then     AWAIT_ASSET takes the items left in `completed`
#pragma once

#include "core/stage/stage.h"

namespace sluice::stage {

void choose_confirm_session(Context& ctx);
// Reads that page of the session's status, for settle_confirm_session().
void ask_session(Context& ctx, journal::ItemRow const& item, journal::SessionRow const& session, int page);
void settle_confirm_session(Context& ctx, Landing const& landing);

}  // namespace sluice::stage

// lease_urls.h - stage LEASE_URLS: chunks without a URL -> chunks with one, just in time (R21).
//
//   takes    open sessions with due chunks in `needs_url` and fewer unused URLs than may fly soon
//   writes   chunk: state, url, url_renew_at; session: due_at, tries
//   remote   POST .../presigned-urls. Repeatable: asking again only yields other URLs.
//   unknown  asks again
//   then     PUT_CHUNK takes the rows left in `has_url`
#pragma once

#include "core/stage/stage.h"

namespace sluice::stage {

void choose_lease_urls(Context& ctx);
void settle_lease_urls(Context& ctx, Landing const& landing);

// A session call failed: the session waits, is replaced when it is gone, or its item fails. Shared by
// the stages that call on a session.
void session_call_failed(Context& ctx, journal::SessionRow session, Error const& error);

}  // namespace sluice::stage

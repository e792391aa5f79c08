// open_session.h - stage OPEN_SESSION: a stable file above the direct limit -> an open upload session.
//
//   takes    items in `stable` with method multipart whose due_at has come; writes `opening` before the call leaves
//   writes   item: state, client_op, asset_id; session and its chunks; the first presigned URLs
//   remote   POST /assets/multipart-uploads. Not repeatable.
//   unknown  the reservation cannot be found again (R51): it is counted, expires by itself, and a new
//            session is opened
//   then     LEASE_URLS and PUT_CHUNK take the session's chunks
#pragma once

#include <span>

#include "core/platform/replies.h"
#include "core/stage/stage.h"

namespace sluice::stage {

void choose_open_session(Context& ctx);
void settle_open_session(Context& ctx, Landing const& landing);

// Gives fresh URLs to those chunks of the session that need one; shared with LEASE_URLS.
// Returns  how many were of use.
std::size_t apply_urls(Context& ctx, journal::SessionRow const& session, std::span<platform::PresignedUrl const> urls);

// From when on a URL counts as too old (R21): `renew_before` ahead of its end, or a quarter of its life
// where that is less, so that a short-lived URL is of use at all. Pure.
WallTime renew_at(WallTime now, WallTime expires_at, Millis renew_before);

// One more upload session may lie on the platform that the journal does not know: it expires by itself, and is
// counted and shown (R51).
void count_reservation(Context& ctx);
// A reservation whose answer was lost: the item goes back to `stable`, the orphan is counted.
void forget_reservation(Context& ctx, journal::ItemRow item, std::string_view why);

}  // namespace sluice::stage

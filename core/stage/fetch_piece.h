// fetch_piece.h - stage FETCH_PIECE: a URL that Sluice downloads itself -> its file in the spool.
//
//   takes    items in `stable` with method relay whose due_at has come, and their downloads in `fetching`
//   writes   download: all of it; item: size, due_at, attempts, reason; at the end its print, and how it goes up
//   remote   GET with a Range, of the item's URL or where that was redirected to. Repeatable.
//   unknown  GET again: what is not in the journal is not in the spool
//   then     SEND_DIRECT and OPEN_SESSION take the item as they take a file: its method is direct or multipart
//
// The first piece tells size and content (ETag, Last-Modified), and all others must be of the same: If-Range asks for
// that, and another one begins the download anew. A piece counts once its bytes were synced. No more than
// kPiecesPerFile pieces of a file and kCallsPerHost of a host are in the air, and never more bytes than
// Policy::fetch_bytes.
//
// The host is somebody else's, and so is the choice of it: each call says so to the wire, which holds every address
// that it connects to against M21; redirects come back here and are judged anew, five at most (M15).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/stage/stage.h"

namespace sluice::stage {

inline constexpr char kSpoolFull[] = "spool_full";

void choose_fetch_piece(Context& ctx);
void settle_fetch_piece(Context& ctx, Landing const& landing);

// What a status that is no success means for a download. Pure.
Error fetch_refusal(ports::Reply const& reply, WallTime now);

// The spool's file is gone, or is not what was downloaded: the item is taken back to `stable`, to be downloaded again.
void fetch_anew(Context& ctx, journal::ItemRow item, std::string_view why);

// Nothing of the item is needed in the spool any more; its download would begin anew, or its probe.
void leave_spool(Context& ctx, journal::ItemRow const& item);

// The item failed: what came of a download that is not whole stays for a retry, until others need the room or
// Policy::keep_chunks is over. Else as leave_spool().
void park_download(Context& ctx, journal::ItemRow const& item);

// Blocks in one piece, and pieces at once, within fetch_bytes.
std::uint32_t blocks_per_piece(Policy const& policy);
std::size_t pieces_max(Policy const& policy);

}  // namespace sluice::stage

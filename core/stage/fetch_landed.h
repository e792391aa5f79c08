// fetch_landed.h - part of FETCH_PIECE: what became of a call, of a write, and of the whole file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/source/spool_blocks.h"
#include "core/stage/spooling.h"
#include "core/stage/stage.h"

namespace sluice::stage {

// Where its bytes are asked for: the item's URL, or where that was redirected to.
SecretUrl const& fetch_url(journal::ItemRow const& item, journal::DownloadRow const& row);

// Queues the call for one piece. `hop` counts the redirects of it, from 1.
void send_fetch(Context& ctx, journal::ItemRow const& item, journal::DownloadRow const& row, source::BlockRun run,
                int hop);

// The code of a file that is larger than the whole spool, and why it is; nothing where it is not.
inline constexpr char kSpoolTooSmall[] = "spool_too_small";
std::optional<std::string> why_never_room(Context const& ctx, std::uint64_t total_bytes);

// Why the spool has no room for the file now; nothing where it has, or where nobody knows how much it needs.
std::optional<std::string> why_no_room(Context& ctx, journal::ItemRow const& item, journal::DownloadRow const& row);
void wait_for_room(Context& ctx, journal::ItemRow item, std::string why, Millis wait);

// Sets the file's bytes aside in the spool. Returns  whether there was room; if not, the item waits.
bool reserve(Context& ctx, journal::ItemRow const& item, journal::DownloadRow& row);

// A piece is in the file and synced, or could not be.
void settle_written(Context& ctx, Spooling::Written const& written);

// All blocks are there: the file is looked at, held against its checksum, and goes up as files do.
void finish_download(Context& ctx, journal::ItemRow item, journal::DownloadRow row);

}  // namespace sluice::stage

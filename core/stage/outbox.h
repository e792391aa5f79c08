// outbox.h - which acts follow from an item's end, and where its file is.
//
// Acts are written in the transaction in which the item ends, so that there is no instant at which the one is known
// without the other (D65). The policy of that moment decides, not that of the item's admission: who changes `delete` to
// `keep` and restarts the daemon wants no file deleted any more, however long ago it was taken. The row then holds what
// was decided, so that it stays the same over restarts.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "core/ports/acts.h"
#include "core/stage/stage.h"

namespace sluice::stage {

// The item has just come to its end. First our older error note goes, then the file is moved or deleted, then what is
// beside it is written beside its new place. Then the hooks are told, so that they hear where the file is now: all that
// want to know of this end, and none waits for another.
void plan_acts(Context& ctx, journal::ItemRow const& item);
// Of an item that was skipped, only where it repeats a done one (twin_of).
void plan_file_acts(Context& ctx, journal::ItemRow const& item);  // without the hooks

// The item that a duplicate repeats, while it is done and the platform has its bytes from here: of what a rebuild only
// recognised (rebuild.h) nobody has compared them.
std::optional<journal::ItemRow> twin_of(Context const& ctx, journal::ItemRow const& item);

// The item, which is still at its end, is to go on: what was not begun with its file is not done any more. An act that
// is under way is no longer this item's; is_of_this_end() says so. Hooks are told of that end all the same.
void withdraw_acts(Context& ctx, journal::RowId item, std::string_view why);
bool is_of_this_end(journal::ActRow const& act, journal::ItemRow const& item);

// The first that waits for an act that is over is due now.
void next_act(Context& ctx, journal::RowId item);

// What a hook is told of the item as it stands, which is at that end. The event's id is its own for ever: the ULID, a
// dot and the act's ordinal. A journal that was rebuilt knows nothing of the events before, and counts its own from a
// higher number, which the rebuild wrote into its meta.
inline constexpr char kEventsFrom[] = "events_from";
std::string event_text(Context const& ctx, journal::ActRow const& act, journal::ItemRow const& item);

// An act will not be done, or is tried again after backoff, for kTriesMax charged times and a day after the item's end,
// whichever is later; the next one is due then, or waits on.
inline constexpr std::uint32_t kTriesMax = 300;
inline constexpr Millis kTriedFor = std::chrono::hours(24);
void refuse_act(Context& ctx, journal::ActRow act, std::string reason, std::string text);
void try_act_again(Context& ctx, journal::ActRow act, Error const& error, bool is_charged);

// It waits, without a due time, for a folder that is away; ACT looks for the folder, once for all who wait. The log has
// a line for the folder, and none for each act.
void hold_act(Context& ctx, journal::ActRow act, std::string const& folder, std::string text);

// Whether the item's file was moved away or deleted by us, as it was sent: the last such act.
journal::ActRow const* put_away(std::span<journal::ActRow const> acts, journal::ItemRow const& item);

// Where the file is now, or was before it was deleted.
ports::Place place_of_file(std::span<journal::ActRow const> acts, journal::ItemRow const& item);

void move(Context& ctx, journal::ActRow const& row, journal::ActState was, std::string_view note = {});

}  // namespace sluice::stage

// adopt.h - what the platform has already of an item -> the item's next shape, so that nothing of it is sent again.
//
// For what `sluice journal rebuild` found: of a file at once (rebuild.h), and of the files and URLs that come later,
// for which it kept the assets that no file had (the journal's table `unclaimed`). The ordinary stages do the rest: an
// adopted item waits for its asset (`sent`), and its steps are in `creating` with an unknown outcome, so that each is
// looked for before it is made. Nothing is sent from here.
#pragma once

#include <optional>
#include <string>

#include "core/journal/journal.h"
#include "core/platform/replies.h"
#include "core/stage/plan.h"
#include "core/stage/stage.h"

namespace sluice::stage {

// Writes into a new item what names the one that the asset was made by: its ULID, generation and tag. One that carries
// no tag of ours, or whose ULID another item has by now, changes nothing.
void take_names(Context const& ctx, journal::ItemRow& item, platform::Asset const& asset);

// Writes into an item that the platform has it as this asset. A multipart asset that is still processing may be an
// unfinished upload after all: it is followed like the asset of a session that was forgotten, and given up an hour past
// the day that such a session lives at the most (R11b, R21).
void take_asset(Context const& ctx, journal::ItemRow& item, platform::Asset const& asset);

// Inserts an item that was lost with the journal, and begins its story with `note`.
journal::RowId insert_lost(Context& ctx, journal::ItemRow const& item, std::string note);

// Inserts what an item has that was given this asset: its steps, and a forgotten session where there may have been one.
// Requires  the item is in the journal and has no steps.
void insert_what_follows(Context& ctx, journal::ItemRow const& item, Plan const& plan, platform::Asset const& asset);

// Such a step: it stands for a call that the lost journal may have known of. None is being made without a name else.
inline bool is_supposed(journal::StepRow const& step) {
  return step.state == journal::StepState::kCreating && step.named_id == 0;
}

// The asset that a rebuild kept for this very file or URL; nothing, by one look at an index, if it kept none.
std::optional<platform::Asset> kept_for(Context const& ctx, journal::ItemRow const& item);
// It is claimed: nobody else gets it. Returns  what the story says of it.
std::string claim(Context& ctx, journal::ItemRow const& item, platform::Asset const& asset);

// What a rebuild keeps. Requires  the asset carries a tag of ours, and has not failed.
journal::UnclaimedRow unclaimed_row(platform::Asset const& asset);

}  // namespace sluice::stage

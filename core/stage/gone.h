// gone.h - what the platform no longer has (R41): asked for once more, then made again, and said.
//
// Assets, records of an index, entities and what they stand in are deleted by the platform's own rules
// and by people. A refusal "gone" (R37) seldom says which of the ids in a call it means. So the asset is
// asked for, and if it is there, the name that it goes into is looked for. What is in doubt is first left
// alone for the list lag, since a list may show what is dead, as it may hide what is new (U16); only what two
// looks do not show is lost and made again. Every loss is an event that became `gone`, a line in the log,
// and counted: each fourth of one item is for a person. Items at their end are not watched.
#pragma once

#include <string_view>

#include "core/stage/stage.h"

namespace sluice::stage {

// The step's call was refused as gone: it waits, charged, and its item goes back from `asset_ready` to the
// polls of AWAIT_ASSET. If the asset is there, settle_doubt() puts the blame on the name.
void refused_as_gone(Context& ctx, journal::StepRow const& step, Error const& error);
void settle_doubt(Context& ctx, journal::ItemRow const& item);  // the asset is there
inline constexpr char kRefusedAsGone[] = "refused";  // such a step's remote_status, until its name was looked for

// A shared name that is `present` is looked for again, by name, before anything new is put there.
void doubt_name(Context& ctx, journal::RowId named_id, std::string_view why);

// The asset is lost: the file is uploaded again as the next generation, whose operation tags are its own,
// and its steps begin anew with it. Records that may have outlived the asset are read first, so that no
// content is indexed twice. Fails the item as `asset_gone` when its file is gone or changed, or when it
// is lost for the fourth time.
void upload_again(Context& ctx, journal::ItemRow item, std::string_view why);

// The record that a `created` step waits for is not there: it is looked for, and made again if it is
// lost; the fourth time the step fails as `gone`.
void step_gone(Context& ctx, journal::StepRow step, std::string_view why);

// The thing behind a doubted name is lost: what was being put into it went with it and begins anew.
// Returns  whether it may be made again: not for the fourth time within a day.
bool name_lost(Context& ctx, journal::NamedRow const& named);

}  // namespace sluice::stage

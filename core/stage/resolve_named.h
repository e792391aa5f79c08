// resolve_named.h - stage RESOLVE_NAMED: a shared name -> the id of the index, collection or entity.
//
//   takes    named rows in `wanted`, and those in `creating` whose outcome is unknown, that are due; writes
//            `creating` before a create leaves
//   writes   named: `present` and its remote id; the steps that wait on it become due
//   remote   a list by name, every page, names compared exactly (U9); then POST /indexes,
//            /entity-collections or .../entities, of all assets that wait for that name, fifty at most, or of
//            one where that was refused; entities of one asset that are missing at once go by .../entities/bulk,
//            and by themselves where that was refused (docs/adr/0013). Creates are not repeatable.
//   unknown  lists again, twice at the least and until `late_effect` and the list lag are over (R54, R53);
//            what exists is adopted. The same, for the list lag, before what was called gone is made again
//   then     CREATE_STEP takes the steps
//
// One row looks and creates for all who want the name, so fifty photos of one person make one entity. Where a
// pipeline says `existing: new`, only an entity with our tag or an asset of ours is the one of that name.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "core/platform/replies.h"
#include "core/stage/stage.h"

namespace sluice::stage {

void choose_resolve_named(Context& ctx);
void settle_look_named(Context& ctx, Landing const& landing);
void settle_create_named(Context& ctx, Landing const& landing);

// Of those with exactly this name the oldest, so that every run picks the same (U8). Pure.
platform::Named const* pick_named(std::span<platform::Named const> rows, std::string const& name);

}  // namespace sluice::stage

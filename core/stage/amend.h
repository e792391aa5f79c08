// amend.h - part of ACT: the sidecar of a done item changed -> the metadata that the platform has of it (D49).
//
//   takes    acts of the kind `amend`: in `wanted` the sidecar is read; in `acting` it is told
//   writes   act: what is to be told, in `acting`, before the first call leaves, and in the item's sidecar which keys
//   are
//            in doubt from then on; the item's sidecar once all is told
//   remote   PATCH the asset's metadata, then that of each indexed asset. Repeatable (R49): after a lost answer or a
//            death the part that was under way is told again
//   unknown  -
//   then     nothing
//
// Of a key that the sidecar does not have any more the pipeline's value is told, or none. One that was refused half-way
// leaves its keys in doubt: the next one tells each of them to every target, so that none keeps what is not said any
// more. What else a sidecar may say
// comes too late once the file is up, and is only noted.
#pragma once

#include <string>

#include "core/base/json.h"
#include "core/source/sidecar.h"
#include "core/stage/stage.h"

namespace sluice::stage {

// A sweep saw other sidecars than the item knows. While a change is being told, or a thousand acts are open (a folder's
// defaults may be those of very many items), the difference stays, to be seen again.
// Requires  the item is done.
void plan_amendment(Context& ctx, journal::ItemRow item, std::int64_t sidecars_print);

// One step onwards with an act that is due.
void go_on_amending(Context& ctx, journal::ActRow act, journal::ItemRow const& item);
void settle_amend(Context& ctx, Landing const& landing);

// The PATCH that leads from what the sidecar said before to what it says now, over what the pipeline planned: null
// takes a key away, and so does an empty text, which the platform would ignore (R42). Pure.
Json metadata_patch(Json const& before, Json const& now, Json const& planned);

}  // namespace sluice::stage

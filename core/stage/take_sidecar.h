// take_sidecar.h - part of ADMIT: what the sidecars beside a finished file say becomes part of its item (D47 to D49).
//
// The item keeps their words as they were when it was admitted; plan.h lays them over what the pipeline asks for. A
// sidecar that cannot be read holds its file back, with file, line and key in the reason, until somebody mends it.
#pragma once

#include <string>

#include "core/stage/check_sum.h"
#include "core/stage/stage.h"

namespace sluice::stage {

inline constexpr Millis kSidecarMendPause{60'000};  // the sweep that sees it mended comes first
inline constexpr Millis kSidecarWindow{30'000};     // how long a sidecar may come after its file (D47)

// A sidecar that was written but a moment ago, or cannot be read. Pure.
Held held_by_sidecar(SourcePolicy const& source, source::Look const& look, WallTime now);

// Takes over what the sidecars say now: another plan where they want something else, and the priority. Pure.
void take_words(Policy const& policy, journal::ItemRow& item, SourcePolicy const& source,
                source::Sidecar const& sidecar);

// "sidecar clip.mp4.json: index, metadata", for the item's story; "" without one.
std::string sidecar_words(journal::ItemRow const& item);

// Warns of keys that mean nothing, and of links (D48).
void tell_what_is_left_out(Context& ctx, journal::ItemRow const& item, source::SidecarLook const& look);

// What was planned for the item as it was is planned anew; what a person asked for stays. Pure.
void forget_plan(Policy const& policy, journal::ItemRow& item, SourcePolicy const& source);

}  // namespace sluice::stage

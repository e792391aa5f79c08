// recover.h - what a start does to the rows that a dead daemon left in the middle of something.
//
// One transaction, before the first turn, and the same every time: running it twice changes nothing
// more. Rows in resting states are not touched: a restart is the ordinary way in.
#pragma once

#include "core/stage/stage.h"

namespace sluice::stage {

// `putting` goes back to `needs_url`, uncharged: its URL counts as used (R22). `opening` goes back to
// `stable`: the reservation cannot be found again (R51). `sending` and `creating` become unknown as of
// now: their stages look before they repeat (R48). Acts that waited for a folder go there and see.
void recover(Context& ctx);

}  // namespace sluice::stage

// take_entries.h - stage TAKE_ENTRIES: entries in `waiting` -> items, as far as there is room.
//
//   takes    entries of each manifest whose time has come, by priority, then in the order of the file
//   writes   entry: `taken` with its item, or `refused`; item: as add_url() makes it
//   remote   nothing
//   unknown  -
//   then     SEND_URL takes the items; REPORT_RESULTS says how they ended
//
// Room: kRoom entries of one manifest that are taken and not in its results. So each manifest has its share, however
// long it is (M20); and where results cannot be written, nothing more is taken.
#pragma once

#include "core/stage/stage.h"

namespace sluice::stage {

inline constexpr std::int64_t kRoom = 512;

void choose_take_entries(Context& ctx);

}  // namespace sluice::stage

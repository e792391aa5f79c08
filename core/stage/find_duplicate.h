// find_duplicate.h - part of ADMIT: whether the content of a finished file was taken before (D38 to D41).
//
// Two files are the same where size and content key are (core/upload/leaves.h), and a file is a duplicate where the
// same content goes, or went, to the same places: index by index, entity by entity. So a second name, a hard link, a
// copy and a file that is dropped again are recognised; the same picture for another person is not one.
//
// Only a file whose size and ends are those of a known item is read for that, whole, in a lane. While that item is
// itself under way the file waits for its end (the journal makes it due then), for max_settle at most: it may fail.
//
// Where duplicates go up too, one thing is compared all the same: a file that stands where one of the same size and
// mtime was sent from. It is most likely that file, restored or copied to another disk.
#pragma once

#include <string>

#include "core/stage/check_sum.h"
#include "core/stage/plan.h"
#include "core/stage/stage.h"

namespace sluice::stage {

inline constexpr char kDuplicate[] = "duplicate";  // the reason of an item in `skipped`

struct Duplicate {
  Held held = {};           // "comparing", "waiting_for_twin"
  journal::RowId twin = 0;  // whose end it waits for
  std::string of = {};      // the ulid of the item that it repeats; "" if none
  std::string key = {};     // the content key of both; "" where the file was not read for that
  std::string text = {};    // the same in words
};

// Requires  `item` has the print and the ends of its last look, and `plan` is its plan. One that a person asked for
// again although it is a duplicate (duplicate_of) is none.
Duplicate find_duplicate(Context& ctx, journal::ItemRow const& item, SourcePolicy const& source, Plan const& plan);

// Whether two plans lead to the same places, whatever else they ask for. Pure.
bool same_places(Plan const& one, Plan const& other);

}  // namespace sluice::stage

// pipeline.h - the table of stages: which choose, in which order, and which settles what.
#pragma once

#include <span>

#include "core/platform/faults.h"
#include "core/stage/stage.h"

namespace sluice::stage {

// In the order of a turn: what ends items and frees slots first, what begins new ones last.
std::span<Stage const> stages();

// How a call's outcome is sorted, and who settles it.
struct ErrandRow {
  budget::Errand errand;
  platform::CallKind kind;
  void (*settle)(Context&, Landing const&);
};
ErrandRow const& errand_row(budget::Errand errand);

}  // namespace sluice::stage

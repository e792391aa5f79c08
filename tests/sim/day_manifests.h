// day_manifests.h - the manifests of a day: lists that grow, stop in half a line, vanish and come again corrected.
#pragma once

#include <cstdint>

#include "tests/sim/day.h"

namespace sluice::sim {

// By dice of its own, so that a day without one is what it was: about every third has one. Whatever is corrected is
// written once more when all is calm, since a line that has not failed yet is not corrected.
void add_manifests(Day& day, std::uint64_t seed, Millis length);

}  // namespace sluice::sim

// until.h - waiting for a thing to happen, and never for time to pass.
#pragma once

#include <chrono>
#include <functional>

namespace sluice::e2e {

using Millis = std::chrono::milliseconds;
using namespace std::chrono_literals;

// Asks `condition` again and again, some milliseconds apart, for as long as `patience` lasts.
// Returns  whether it came true.
bool until(Millis patience, std::function<bool()> const& condition);

}  // namespace sluice::e2e

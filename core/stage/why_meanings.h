// why_meanings.h - what our own codes mean, in one table: for people, beside the state of an item.
#pragma once

#include <string_view>

namespace sluice::stage {

// One row per code of ours. `{id}` in a remedy becomes the item's id. The platform's own codes are
// not here: its message says more than we could.
struct Meaning {
  std::string_view code;
  std::string_view text;
  std::string_view remedy;
  std::string_view whose;
  bool leads = false;  // stands before the last error, which alone would not say enough
};

// Null for a code that is not ours.
Meaning const* find_meaning(std::string_view code);

}  // namespace sluice::stage

// refusals.h - acts that were refused: which of them a person should see to, what is to be done about each, and how
// they are done after all.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/stage/stage.h"

namespace sluice::stage {

// Whether nothing of it is left to be done, whatever a person says: the item went on, or nobody wants it any more.
bool is_settled(journal::ActRow const& act);

// What a person could do about a refused act; "" where there is nothing: another file has the place of the one that was
// sent, or the item's own remedy comes first. Pure.
std::string remedy_of(journal::ActRow const& act, journal::ItemRow const& item);

// A person mended what the acts of a done item, or of a duplicate, were refused for. What was to be told is told. What
// was to be done with the file is planned anew, by the policy of now: who wants another target, or the file kept, has
// changed the configuration meanwhile.
// Returns  whether any act of its was refused.
bool repeat_acts(Context& ctx, journal::ItemRow const& item);

}  // namespace sluice::stage

// watch.h - what is looked at while a run goes on: intents before sends, and what a power cut may take.
#pragma once

#include <string>
#include <vector>

#include "core/journal/journal.h"
#include "tests/sim/sim_platform.h"
#include "tests/sim/sim_request.h"

namespace sluice::sim {

// Nothing leaves before its intent is on disk: as many rows with an open intent must be committed as calls
// of that kind are in the air, `waiting`. Returns whether they are.
bool intents_are_on_disk(journal::Journal const& journal, Ask ask, std::size_t waiting);

// What the journal says is stored must never be sent again in that session: tells the platform so.
void protect_stored(journal::Journal const& journal, SimPlatform& platform);

// Every fact that the journal holds about items, sessions, chunks, names and steps, in one text.
std::string all_facts(journal::Journal const& journal);

}  // namespace sluice::sim

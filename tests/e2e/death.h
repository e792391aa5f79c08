// death.h - what two witnesses say of the moment at which a daemon died: its journal and the platform's ledger.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "site.h"

namespace sluice::e2e {

// The world at one death, once the emulator has noticed that nobody sends any more.
struct Death {
  std::set<std::string> stored;     // chunks whose answer the journal has
  std::set<std::string> in_air;     // chunks that the journal says were being sent
  std::set<std::string> open;       // chunks that the ledger saw begun and not ended when the daemon died
  std::uint64_t bytes_in_air = 0;   // of those chunks, and of whole files that were being sent, by the journal
  std::uint64_t direct_in_air = 0;  // how many whole files
  std::uint64_t events = 0;         // how many events the ledger had then
};

// "upload_id chunk_index" of an event or of one of the ledger's chunk_puts.
std::string chunk_of(Json const& event);

// Requires: the daemon is dead. Expects that nothing left before its intent was in the journal.
Death look_at_death(Site& site);

// What the journal had as stored at a death is never begun again.
testing::AssertionResult none_sent_again(Site const& site, std::vector<Death> const& deaths);

// All bytes that ever arrived are no more than the files', once, and what was in the air at the deaths.
testing::AssertionResult sent_again_only_what_was_in_the_air(Site const& site, std::vector<Death> const& deaths,
                                                             std::uint64_t bytes, std::uint64_t direct_files);

}  // namespace sluice::e2e

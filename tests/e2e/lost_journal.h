// lost_journal.h - a site whose journal is taken away, and what a rebuild of it made.
#pragma once

#include <string>
#include <vector>

#include "site.h"

namespace sluice::e2e {

std::string journal_of(Site const& site);
void delete_journal(Site const& site);

// Runs `sluice journal rebuild` with the site's configuration.
Finished rebuild(Site const& site, std::vector<std::string> more = {});
// The same with --json: its report; null and a failed test where it does not end with 0.
Json rebuild_report(Site const& site, std::vector<std::string> more = {});

// All that was ever made or received on the platform. What is only read may differ.
Json made(Site const& site);

}  // namespace sluice::e2e

// canary.h - looks for what must be secret in everything that a test's programs wrote.
#pragma once

#include <string>
#include <vector>

#include "site.h"

namespace sluice::e2e {

inline constexpr char kSignature[] = "X-Amz-Signature";

// That `secret` stands in no file of the site, whatever its kind: configuration, state, logs, what was printed. The
// platform's own files are left out, and those named, by their ends.
testing::AssertionResult is_in_no_file(Site const& site, std::string const& secret,
                                       std::vector<std::string> const& but_for = {});

// All that the daemon's socket and the command line say of its items, by every way there is.
std::string all_answers(Site& site);

// That the key went to the API in its header and nowhere else in `to_the_api`, all that was sent there.
testing::AssertionResult is_in_its_header_alone(std::string const& key, std::string const& to_the_api);

}  // namespace sluice::e2e

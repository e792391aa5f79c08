// real_folders.h - where folders are on the disk, links followed, without waiting for one that does not answer.
//
// Each folder is looked up on a thread of its own, since a dead mount may hang in any call about it. A thread that does
// not come back in time is left behind: it holds what it uses, and touches nothing else.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "config/load.h"
#include "core/base/time.h"

namespace sluice::daemon {

// The path with all links followed as far as it is there, and what is there. Never fails: what cannot be followed stays
// as it is written. May hang.
config::RealFolder real_folder(std::string const& folder);

using LookUp = std::function<config::RealFolder(std::string const& folder)>;

// Of each folder that answers within `at_most` altogether.
std::map<std::string, config::RealFolder> real_folders(std::vector<std::string> const& folders,
                                                       Millis at_most = Millis(2'000),
                                                       LookUp const& look_up = real_folder);

}  // namespace sluice::daemon

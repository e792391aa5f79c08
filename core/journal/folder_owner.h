// folder_owner.h - whose the files in the state directory are: its owner's, who is the daemon.
//
// Root runs `sluice journal`, copies backups into place, and starts the daemon by hand to see what is wrong. What it
// makes there would keep the daemon out afterwards.
#pragma once

#include <filesystem>
#include <string>

namespace sluice::journal {

// Run by root, gives a file that was just made or opened to the owner of its folder; else does nothing. Where that
// fails the file stays as it is: whom it keeps out is told by owner_trouble().
void give_to_owner_of_folder(int fd, std::filesystem::path const& file);

// Returns  why this process may not read and write the file, or make it where it is not there: whose it is, and the
//          command that mends it, as the end of a sentence; "" if it may, or if that is not about owners.
std::string owner_trouble(std::filesystem::path const& file);

}  // namespace sluice::journal

// programs.h - where the programs under test are.
#pragma once

#include <string>

namespace sluice::e2e {

// The path of sluiced, sluice or sluice-emulator: as this build made it, or in the folder
// $SLUICE_E2E_BIN with all three in it; and journal-writer, which is of the tests. Throws std::runtime_error for
// another name.
std::string program(std::string const& name);

}  // namespace sluice::e2e

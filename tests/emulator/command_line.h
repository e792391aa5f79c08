// command_line.h - reads the emulator's command line into Options.

#pragma once

#include <variant>

#include "options.h"

namespace sluice::emulator {

// Returns the options, or the exit code with which the program ends now: 0 after --help, 2 after a
// usage error, which has then been explained on stderr.
std::variant<Options, int> parse_command_line(int argc, char** argv);

}  // namespace sluice::emulator

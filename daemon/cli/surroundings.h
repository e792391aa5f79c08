// surroundings.h - what the command line learns from where it runs: terminal, environment, socket.
#pragma once

#include <expected>
#include <string>

#include "daemon/cli/arguments.h"
#include "daemon/cli/look.h"
#include "daemon/cli/render.h"

namespace sluice::cli {

bool is_terminal(int fd);

// Colour on a terminal only, unless NO_COLOR is set and not empty or TERM is "dumb"; the terminal's
// width, else COLUMNS, else 100 columns (and no limit worth the name where no terminal is).
Look look_at(int fd);

// Which socket is meant: --socket, else SLUICE_SOCKET, else control.socket of the configuration, else
// the usual place where there is no configuration that this user can read.
// Fails  kBadConfig: the configuration is there and invalid.
std::expected<std::string, Trouble> find_socket(Arguments const& arguments);

}  // namespace sluice::cli

// programs_linux.h - programs by posix_spawn (the contract: core/ports/programs.h).
//
// Holds nothing between two runs: several lanes use one. posix_spawn and not fork, since other threads hold locks that
// a forked child would never see let go; its file actions close every descriptor from 3 up.
#pragma once

#include "core/ports/programs.h"

namespace sluice::daemon {

class ProgramsLinux final : public ports::Programs {
 public:
  Result<ports::Ended> run(ports::Program const& program) override;
};

}  // namespace sluice::daemon

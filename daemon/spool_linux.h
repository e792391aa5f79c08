// spool_linux.h - the spool on a disk (the contract: core/ports/spool.h).
#pragma once

#include "core/ports/spool.h"

namespace sluice::daemon {

class SpoolLinux final : public ports::Spool {
 public:
  Result<void> write(std::string const& folder, std::string const& name, ports::SpoolPart const& part) override;
  Result<void> remove(std::string const& folder, std::string const& name) override;
  Result<std::vector<std::string>> names(std::string const& folder) override;
};

}  // namespace sluice::daemon

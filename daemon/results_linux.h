// results_linux.h - results files on a disk (the contract: core/ports/results.h).
#pragma once

#include "core/ports/results.h"

namespace sluice::daemon {

class ResultsLinux final : public ports::Results {
 public:
  Result<ports::ResultsFile> make(std::string const& path, bool with_folder) override;
  Result<std::uint64_t> append(ports::ResultsFile const& file, std::string_view text) override;
};

}  // namespace sluice::daemon

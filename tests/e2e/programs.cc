#include "programs.h"

#include <cstdlib>
#include <stdexcept>

namespace sluice::e2e {

std::string program(std::string const& name) {
  if (name == "journal-writer") return JOURNAL_WRITER;
  if (auto const* const folder = std::getenv("SLUICE_E2E_BIN"); folder != nullptr && *folder != '\0')
    return std::string(folder) + "/" + name;
  if (name == "sluiced") return SLUICED_PROGRAM;
  if (name == "sluice") return SLUICE_PROGRAM;
  if (name == "sluice-emulator") return EMULATOR_PROGRAM;
  throw std::runtime_error("no program of this build: " + name);
}

}  // namespace sluice::e2e

// sim_spool.h - the spool in memory: a folder of its own, whose files are written in two halves, so that a death may
// come between them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "core/ports/files.h"
#include "core/ports/spool.h"

namespace sluice::sim {

class SimSpool final : public ports::Spool {
 public:
  // Called before, amid and after each change; may throw, and then the process is dead.
  void on_change(std::function<void()> moment) { moment_ = std::move(moment); }

  Result<void> write(std::string const& folder, std::string const& name, ports::SpoolPart const& part) override;
  Result<void> remove(std::string const& folder, std::string const& name) override;
  Result<std::vector<std::string>> names(std::string const& folder) override;

  // As ports::Files has it.
  Result<std::shared_ptr<ports::OpenFile>> open(std::string const& name) const;
  Result<ports::FilePrint> stat(std::string const& name) const;

 private:
  struct Stored {
    std::string bytes = {};
    ports::FilePrint print = {};
  };
  class Opened;
  void reached() const {
    if (moment_) moment_();
  }

  std::map<std::string, std::shared_ptr<Stored>> files_ = {};
  std::function<void()> moment_ = {};
  std::int64_t changes_ = 0;
};

}  // namespace sluice::sim

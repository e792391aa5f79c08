// sim_results.h - the disk on which the results of manifests are written, among the files of SimFiles.
//
// What was appended is safe once it was synced, and a name once its file was made; of what was not, a power cut leaves
// anything: all, a part, zeros instead, or what a cut had taken away. The disk may be full for a while, in which only a
// part is written; and any call may fail, half done (FileCall::kWrite).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/ports/results.h"
#include "tests/sim/sim_files.h"

namespace sluice::sim {

class SimResults final : public ports::Results {
 public:
  SimResults(SimFiles& files, SimClock const& clock, std::uint64_t seed)
      : files_(files), clock_(clock), dice_(seed, 8) {}

  // Called before, amid and after each change; may throw, and then the process is dead.
  void on_change(std::function<void()> moment) { moment_ = std::move(moment); }
  // Between these times since the beginning.
  void be_full(std::pair<Millis, Millis> span) { full_ = span; }
  void heal() { full_ = {}; }
  void cut_power();

  std::map<std::string_view, std::uint64_t> const& fired() const { return fired_; }

  Result<ports::ResultsFile> make(std::string const& path, bool with_folder) override;
  Result<std::uint64_t> append(ports::ResultsFile const& file, std::string_view text) override;

 private:
  bool is_full();
  void set(SimFiles::Inode& inode, std::string text);
  void reached() {
    dice_.bits();  // a death at another moment is to leave something else behind
    if (moment_) moment_();
  }

  SimFiles& files_;
  SimClock const& clock_;
  SimRandom dice_;
  std::function<void()> moment_ = {};
  std::pair<Millis, Millis> full_ = {};
  std::map<std::string, std::optional<std::string>> synced_ = {};  // by path; nothing: not even the name
  std::map<std::string_view, std::uint64_t> fired_ = {};
};

}  // namespace sluice::sim

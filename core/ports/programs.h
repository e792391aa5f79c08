// programs.h - the way out to other programs: the hooks that the operator configured.
//
// Called in lanes, never by the loop, and from several at a time. A program is started by its absolute path with the
// arguments and the environment given here and nothing else: no shell, no descriptor of ours but the three standard
// ones, a process group of its own. Production: daemon/programs_linux.
#pragma once

#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/time.h"

namespace sluice::ports {

struct Program {
  std::vector<std::string> argv;         // argv[0] is its path
  std::vector<std::string> environment;  // "NAME=value", all of it
  std::string input;                     // its standard input
  Millis timeout{30'000};                // then its whole group is killed
};

struct Ended {
  int exit_code = 0;        // 128 and the number, of a signal
  bool timed_out = false;   // it was killed
  std::string output = {};  // the last kOutputMax bytes of its standard output and error together
  static constexpr std::size_t kOutputMax = 2048;
};

class Programs {
 public:
  virtual ~Programs() = default;
  // Runs it to its end. What it does not read of its input is dropped; what its own children still do is not waited
  // for. Fails  kLocal: it could not be started.
  virtual Result<Ended> run(Program const& program) = 0;
};

}  // namespace sluice::ports

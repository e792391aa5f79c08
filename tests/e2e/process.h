// process.h - a program under test: started, signalled and waited for by its pid.
//
// It gets a small environment of its own, none of the caller's settings. It dies with the test, however
// the test ends.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "until.h"

namespace sluice::e2e {

struct Command {
  std::vector<std::string> words = {};  // the program's path, then its arguments
  std::map<std::string, std::string> environment = {};
  std::string out_file = {};  // appended to
  std::string err_file = {};  // "": goes where the output goes
};

class Process {
 public:
  explicit Process(Command const& command);
  ~Process();  // SIGKILL if it still runs
  Process(Process const&) = delete;
  Process& operator=(Process const&) = delete;

  pid_t pid() const { return pid_; }
  int descriptor() const { return pidfd_; }  // readable once the program has ended
  void send(int signal) const;
  // SIGKILL, and returns when the program is gone.
  void kill_at_once();
  // Its exit code, or 128 and the signal that ended it. Nothing: it still runs when patience is over.
  std::optional<int> wait(Millis patience);

 private:
  pid_t pid_ = -1;
  int pidfd_ = -1;
  std::optional<int> ended_;
};

struct Finished {
  int code = -1;  // -1: it did not end in time
  std::string out = {};
  std::string err = {};
};

// Runs a program to its end. Its output is kept in two files of `folder` too.
Finished run(std::string const& folder, Command command, Millis patience = Millis(30'000));

// The whole of a file; "" where there is none.
std::string read_text(std::string const& path);

}  // namespace sluice::e2e

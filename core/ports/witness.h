// witness.h - the moments of a turn at which it matters whether the process still lives.
//
// Production has none. The simulation counts the moments and ends the process's life at the n-th by an
// exception, so that a crash at every one of them is tried.
#pragma once

#include <cstdint>

namespace sluice::ports {

enum class Moment : std::uint8_t {
  kReceived,      // answers were taken from the wire, nothing is decided
  kBeforeCommit,  // all of the turn is decided, nothing is on disk
  kAfterCommit,   // it is on disk, nothing has left
  kAfterSend,     // one call has left; once per call
  kAtFile,        // a file is about to be changed, or was; the simulation's acts tell it themselves
};

class Witness {
 public:
  virtual ~Witness() = default;
  virtual void reached(Moment moment) = 0;
};

}  // namespace sluice::ports

// emulator.h - the whole emulator in one object: builds the parts, listens on two ports, ends cleanly.
//
// Tests may run several at a time in one process; nothing here is global.

#pragma once

#include <memory>
#include <string>

#include "options.h"

namespace sluice::emulator {

class Emulator {
 public:
  // Starts to listen. Throws std::runtime_error with a readable text: an address that is not loopback or
  // is taken, a folder that cannot be used or holds an earlier ledger, a scenario that cannot be read.
  Emulator(Options options, Clock clock);
  // Cuts what is under way, joins all threads.
  ~Emulator();
  Emulator(Emulator const&) = delete;
  Emulator& operator=(Emulator const&) = delete;

  std::string base_url() const;   // "http://127.0.0.1:PORT/v1.3"
  std::string store_url() const;  // "http://127.0.0.1:PORT"

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// The wall clock of the system.
Clock system_clock();

}  // namespace sluice::emulator

// lanes_linux.h - threads that do the file work of each root beside the loop (the contract: core/ports/lanes.h).
//
// A thread serves one lane at a time, for some pieces, then another lane that waits. Threads begin as lanes need them,
// up to kThreadsMax: so many mounts may hang at once before other folders feel it. Lanes whose work may take long have
// half of them at most, so that eight large files that are copied hold up no look at a folder. A thread that hangs
// cannot be ended by anyone; the daemon's end waits kHangMax for it and then leaves it behind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/base/time.h"
#include "core/ports/lanes.h"

namespace sluice::daemon {

class LanesLinux final : public ports::Lanes {
 public:
  static constexpr std::size_t kThreadsMax = 16;
  static constexpr std::size_t kPiecesInARow = 32;  // of one lane, while others wait for a thread
  static constexpr Millis kHangMax{2'000};

  // `kept` is what the work touches: it stays as long as a thread that hangs.
  explicit LanesLinux(std::shared_ptr<void> kept, std::size_t threads_max = kThreadsMax);
  // Work that has not begun is dropped.
  ~LanesLinux() override;
  LanesLinux(LanesLinux const&) = delete;
  LanesLinux& operator=(LanesLinux const&) = delete;

  bool start(std::string const& lane, std::uint64_t ticket, std::function<void()> work) override;
  std::vector<std::uint64_t> collect() override;

  // For the poll set: readable when something was done since the last collect(), until that or heard().
  int fd() const;
  // The loop knows, and polls on: what is to be collected stays.
  void heard();

 private:
  struct Pool;
  std::shared_ptr<Pool> pool_;
  std::vector<std::thread> threads_;
};

}  // namespace sluice::daemon

// random_linux.h - dice from the kernel, fetched 64 at a time.
//
// Good enough for ids and for jitter alike. Not for use on both sides of a fork: two processes would
// throw the same buffered dice. A kernel that refuses getrandom stops the program, since ids that
// could repeat are worse than no daemon.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/ports/random.h"

namespace sluice::daemon {

class RandomLinux final : public ports::Random {
 public:
  std::uint64_t bits() override;

 private:
  std::array<std::uint64_t, 64> buffer_{};
  std::size_t left_ = 0;
};

}  // namespace sluice::daemon

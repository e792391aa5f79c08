// random.h - the way out to dice. Production: getrandom. Tests: a seeded generator.
#pragma once

#include <cstdint>

namespace sluice::ports {

class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t bits() = 0;

  // In [0, 1): the jitter that settle functions take as an argument.
  double unit() { return static_cast<double>(bits() >> 11) * 0x1.0p-53; }
};

}  // namespace sluice::ports

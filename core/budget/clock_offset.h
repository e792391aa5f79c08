// clock_offset.h - the platform's clock minus this host's, by the Date headers of its answers (B9).
//
// A Date is cut to the second and may have been long on its way, so the offset is the median of the last ones: one
// strange answer does not move it. A clock that was set is another matter (core/stage/clock_step.h); after that the
// old ones mean nothing, and are soon outvoted.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "core/base/time.h"

namespace sluice::budget {

class ClockOffset {
 public:
  void note(Millis offset) {
    last_[next_] = offset;
    next_ = (next_ + 1) % kKept;
    known_ = std::min(known_ + 1, kKept);
    auto sorted = last_;
    auto const middle = sorted.begin() + static_cast<std::ptrdiff_t>(known_ / 2);
    std::nth_element(sorted.begin(), middle, sorted.begin() + static_cast<std::ptrdiff_t>(known_));
    median_ = *middle;
  }
  Millis median() const { return median_; }  // zero until an answer said one

 private:
  static constexpr std::size_t kKept = 32;
  std::array<Millis, kKept> last_ = {};
  std::size_t next_ = 0, known_ = 0;
  Millis median_{0};
};

}  // namespace sluice::budget

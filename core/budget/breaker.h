// breaker.h - whether a group of calls works at all, or fails for everybody (B12).
//
// Server errors, cuts and stalls may be about one item, or about the platform. They are taken for the platform's as
// soon as two items have met them with no success in between: from then on nobody is charged (product page, `retry`).
// When half of the last twenty calls failed so, and for two subjects or more, the breaker opens: one call leaves alone
// after 1, 2, 4 ... 60 s, until one succeeds. So it does when the group's retry budget is spent (B4): of 500 tokens a
// failure costs five and a success brings one, so that a service of which more than every sixth call fails for long is
// asked by one call at a time between bursts of some twenty failures. Each row keeps its own growing wait all the same,
// so that a probe is not always the same row's.
//
// Memory only. A subject is what a failure could be about: an item, or a chunk of it. Two chunks of one file open the
// breaker, so that a lone file knows an outage, and is charged only for its probes; it is charged, so that one which no
// storage will ever take has an end.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/base/time.h"
#include "core/budget/probe.h"

namespace sluice::budget {

class Breaker {
 public:
  // What a failed call was about; `and_others`: about further items too.
  struct Subject {
    std::int64_t item = 0;
    std::uint32_t part = 0;  // of its file
    bool and_others = false;
  };
  void failed(Subject const& subject, WallTime now);
  void succeeded();

  // Whether the failures are the platform's: met by several items since the last success.
  bool is_shared() const { return several_items_; }
  std::optional<WallTime> open_since() const { return probe_.since(); }
  std::optional<WallTime> probe_at(WallTime now) const { return probe_.at(now); }

 private:
  static constexpr std::size_t kWindow = 20;
  void remember(bool failed);

  std::bitset<kWindow> last_ = {};  // failed or not, in a ring
  std::size_t next_ = 0, known_ = 0;
  static constexpr int kBudget = 500, kFailureCosts = 5, kSuccessBrings = 1;
  static constexpr int kBudgetAfterOutage = 100;
  int budget_ = kBudget;
  std::optional<std::int64_t> last_failed_ = {};  // item
  std::optional<Subject> first_ = {};             // that failed since the last success
  WallTime first_at_{};
  bool several_ = false, several_items_ = false;
  Probe probe_{Millis(1'000), Millis(60'000)};
};

}  // namespace sluice::budget

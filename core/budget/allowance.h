// allowance.h - what the configuration lets one quota group spend: calls a minute and a day, media an hour and a day.
//
// The platform's quotas count per organization (R63), over everybody who uses it; what is written in `rate_limits` is
// Sluice's own share of them. What is not named is not limited here, and then the platform's refusals teach it
// (pace.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/time.h"
#include "core/budget/quota.h"

namespace sluice::budget {

// 0: not limited.
struct RateLimits {
  std::uint64_t calls_per_minute = 0;
  std::uint64_t calls_per_day = 0;
  Millis media_per_hour{0};
  Millis media_per_day{0};
};

class Allowance {
 public:
  enum class Of : std::uint8_t {
    kCallsPerMinute,
    kCallsPerDay,
    kPollsPerDay,  // half of the former: asking whether things are ready must not hold up making them
    kMediaPerHour,
    kMediaPerDay
  };
  // What one call costs beside itself.
  struct Cost {
    Millis media{0};
    bool is_poll = false;
  };
  struct Part {
    Of of;
    Quota quota;
    std::uint64_t unsaved = 0;  // spent since it was last saved
  };

  Allowance() = default;
  explicit Allowance(RateLimits const& limits);

  void spend(Cost const& cost, WallTime now);
  void give_back(Cost const& cost, WallTime spent_at);    // it did not leave, or did not arrive
  void give_back_media(Millis media, WallTime spent_at);  // it was refused

  // The part that lets a call wait the longest, and until when; nothing if it may leave now.
  struct Exhausted {
    Of of;
    std::uint64_t limit;
    WallTime until;
  };
  std::optional<Exhausted> exhausted(Cost const& cost, WallTime now) const;
  // Calls a second at which a minute's are spread over it.
  std::optional<double> calls_per_second() const;
  bool limits_media() const;

  // Those whose window is longer than a restart takes are kept in the journal.
  std::vector<Part>& parts() { return parts_; }
  std::vector<Part> const& parts() const { return parts_; }

 private:
  std::vector<Part> parts_ = {};
};

std::string_view name_of(Allowance::Of of);  // "calls_per_day"
bool is_media(Allowance::Of of);
bool is_kept(Allowance::Of of);  // over a restart

}  // namespace sluice::budget

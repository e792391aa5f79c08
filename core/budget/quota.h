// quota.h - how much may be spent in any stretch of time of one length: "2,000 calls a day".
//
// Whether the platform counts by the clock's minutes and days or over the last so many hours is not known (R63):
// what stays beneath the limit in every stretch of that length is within both. The window moves on in hundredths, so
// what was spent comes back at most a hundredth of it late, and 99 % of the limit can be used.
//
// Pure; the clock is an argument. Amounts are calls, or milliseconds of media.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/time.h"

namespace sluice::budget {

class Quota {
 public:
  // Requires  limit > 0, and a window of at least 100 ms.
  Quota(std::uint64_t limit, Millis window) : limit_(limit), slot_(window / kWindowSlots) {}

  void spend(std::uint64_t amount, WallTime now);
  // It was not spent after all. Requires  the time at which it was.
  void give_back(std::uint64_t amount, WallTime spent_at);

  // When `amount` more may be spent: `now`, or later. More than the whole limit may be spent once nothing else is:
  // it would wait for ever otherwise.
  WallTime fits_at(std::uint64_t amount, WallTime now) const;
  bool fits(std::uint64_t amount, WallTime now) const { return fits_at(amount, now) <= now; }
  std::uint64_t spent(WallTime now) const;  // in the window that ends now
  std::uint64_t limit() const { return limit_; }

  // For a restart: what is in the window, as text, and back. A text that is none, or is of another window, is nothing
  // spent. What was spent after `now` counts as spent now.
  std::string saved() const;
  void restore(std::string_view text, WallTime now);
  // The same text once the clock was set forward by so much: what was spent keeps its age.
  static std::string shifted(std::string_view text, Millis by);

 private:
  static constexpr std::int64_t kWindowSlots = 100;
  static constexpr std::int64_t kSlots = kWindowSlots + 1;  // the one that has begun, too

  std::int64_t slot_at(WallTime now) const;
  std::uint64_t& in(std::int64_t slot) { return spent_[static_cast<std::size_t>(slot % kSlots)]; }
  std::uint64_t in(std::int64_t slot) const { return spent_[static_cast<std::size_t>(slot % kSlots)]; }

  std::uint64_t limit_;
  Millis slot_;
  std::int64_t newest_ = kSlots;  // counted from 1970; those of before it and back to newest_ - 100 are in spent_
  std::array<std::uint64_t, kSlots> spent_ = {};
};

}  // namespace sluice::budget

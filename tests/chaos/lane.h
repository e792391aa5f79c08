// lane.h - the bytes of one connection that are on their way in one direction, and when each is due.
//
// Pure: the clock is an argument. Bounded: what is inside never exceeds kInsideMax, so a delay of 200 ms lets 5 MB/s
// through, as a TCP window of that size would; and where there is a rate, no more than it takes in the delay and
// kQueueing, since a sender whose bytes vanish into a buffer cannot tell a slow line from a stalled one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "tests/chaos/rules.h"

namespace sluice::chaos {

class Lane {
 public:
  static constexpr std::size_t kInsideMax = 1U << 20U;
  static constexpr std::size_t kPieceMax = 16U << 10U;  // of one take and one give: rates are shared in these

  static constexpr Millis kQueueing{100};

  // How many bytes it takes now; one piece at most.
  std::size_t room(Course const& course) const;
  // Bytes that came now. `chance` (0 to below 1) decides on their jitter.
  void take(std::string_view bytes, Instant now, Course const& course, double chance);
  // The end, in its place behind all bytes.
  void end(Instant now, Course const& course, double chance);
  void drop_all();  // what is inside, without an end

  // The next bytes that are due, or none. Valid until the lane changes.
  std::string_view due(Instant now) const;
  bool end_is_due(Instant now) const;
  void flip_next(std::uint8_t mask);  // XORs the next byte. Requires that some are inside
  void give(std::size_t count);       // so many of due() have gone

  std::optional<Instant> next_due() const;  // of the next byte or the end
  std::uint64_t taken() const { return taken_; }
  std::uint64_t given() const { return given_; }

 private:
  struct Piece {
    Instant due;
    std::string bytes;  // empty: the end
  };
  Instant due_of(Instant now, Course const& course, double chance);

  std::deque<Piece> pieces_;
  std::size_t gone_ = 0;  // of the first piece
  std::size_t inside_ = 0;
  std::uint64_t taken_ = 0;
  std::uint64_t given_ = 0;
  Instant last_due_{};
};

}  // namespace sluice::chaos

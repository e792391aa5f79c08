// sim_lanes.h - file work in virtual time: each piece takes what dice say, lane by lane in order.
//
// Without a delay each piece is done where it is started. With one, the files are touched at some time between the
// start and the end of a piece, as a thread of its own would; a piece that hangs holds up its lane.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports/lanes.h"
#include "tests/sim/sim_ports.h"

namespace sluice::sim {

class SimLanes final : public ports::Lanes {
 public:
  SimLanes(SimClock const& clock, std::uint64_t seed) : clock_(clock), dice_(seed, 7) {}

  // Pieces take up to `most` from now on, and with the probability `hangs` each takes up to a quarter of an hour.
  void be_slow(Millis most, double hangs) { delay_max_ = most, hangs_ = hangs; }
  void heal() { hangs_ = 0; }
  void crash() { pieces_.clear(), free_at_.clear(); }  // what was under way is nobody's any more

  bool start(std::string const& lane, std::uint64_t ticket, std::function<void()> work) override;
  std::vector<std::uint64_t> collect() override;

  std::optional<WallTime> next_outcome() const;
  std::map<std::string_view, std::uint64_t> const& fired() const { return fired_; }

 private:
  struct Piece {
    std::uint64_t ticket;
    std::function<void()> work;  // none: its look is taken already
    WallTime ends;
  };

  SimClock const& clock_;
  SimRandom dice_;
  Millis delay_max_{0};
  double hangs_ = 0;
  std::vector<Piece> pieces_ = {};
  std::map<std::string, WallTime> free_at_ = {};  // by lane: when its last piece ends
  std::map<std::string_view, std::uint64_t> fired_ = {};
};

}  // namespace sluice::sim

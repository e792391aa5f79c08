#include "tests/sim/sim_lanes.h"

#include <algorithm>
#include <utility>

namespace sluice::sim {
namespace {

constexpr Millis kHangMin{20'000}, kHangMax{900'000};  // longer than a scout's patience

}  // namespace

bool SimLanes::start(std::string const& lane, std::uint64_t ticket, std::function<void()> work) {
  if (delay_max_ == Millis(0)) {
    work();
    return true;
  }
  auto takes = dice_.between(Millis(0), delay_max_);
  if (hangs_ > 0 && dice_.chance(hangs_)) {
    takes = dice_.between(kHangMin, kHangMax);
    ++fired_["file.hung"];
  }
  auto& free_at = free_at_[lane];
  auto const is_free = free_at <= clock_.now();  // else what is before it in the lane may not be done yet
  free_at = std::max(free_at, clock_.now()) + takes;
  if (is_free && dice_.chance(0.5)) {
    work();
    work = nullptr;
  }
  pieces_.push_back({ticket, std::move(work), free_at});
  return false;
}

std::vector<std::uint64_t> SimLanes::collect() {
  std::ranges::stable_sort(pieces_, {}, &Piece::ends);
  std::vector<std::uint64_t> tickets;
  for (auto& piece : pieces_) {
    if (piece.ends > clock_.now()) break;
    if (piece.work) piece.work();
    tickets.push_back(piece.ticket);
  }
  pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(tickets.size()));
  return tickets;
}

std::optional<WallTime> SimLanes::next_outcome() const {
  if (pieces_.empty()) return std::nullopt;
  return std::ranges::min_element(pieces_, {}, &Piece::ends)->ends;
}

}  // namespace sluice::sim

#include "core/budget/stall_watch.h"

#include <algorithm>

namespace sluice::budget {
namespace {

constexpr int kTimeouts = 5;                    // in a row, before silence is more than a lost packet
constexpr Millis kOthersWentOn{1};              // after it was last seen to move: at the same look proves nothing
constexpr std::uint64_t kShare = 50;            // of the bytes that arrived, one may be wasted (B15)
constexpr std::uint64_t kBudgetMax = 1u << 30;  // saved up in good times
constexpr Millis kForgottenAfter{600'000};

}  // namespace

void StallWatch::arrived(std::uint64_t bytes) { budget_bytes_ = std::min(kBudgetMax, budget_bytes_ + bytes / kShare); }

bool StallWatch::cuts(std::string const& host, ports::Quiet quiet, std::uint64_t bytes_sent, WallTime now) {
  auto const moved = moved_at_.find(host);
  auto const enough =
      quiet.timeout > Millis(0) ? std::clamp(kTimeouts * quiet.timeout, kQuietMin, kQuietMax) : kQuietMax;
  if (bytes_sent == 0 || quiet.lasts < enough || moved == moved_at_.end()) return false;
  if (moved->second < now - quiet.lasts + kOthersWentOn || bytes_sent > budget_bytes_) return false;
  budget_bytes_ -= bytes_sent;
  return true;
}

void StallWatch::forget_idle(WallTime now) {
  std::erase_if(moved_at_, [&](auto const& at) { return at.second + kForgottenAfter < now; });
}

}  // namespace sluice::budget

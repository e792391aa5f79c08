#include "core/budget/concurrency.h"

#include <algorithm>
#include <utility>

namespace sluice::budget {
namespace {

constexpr Millis kWindow{5'000};
constexpr Millis kHold{600'000};                      // after a step that was taken back
constexpr Millis kHoldThrottled{30'000};              // before more are tried after the storage asked for fewer
constexpr std::uint64_t kSlowBytesPerS = 512 * 1024;  // a connection; a chunk of 5 MiB then takes ten seconds

}  // namespace

void Concurrency::set(std::size_t limit, std::uint64_t rate, std::size_t ceiling) {
  auto const now = this->limit(ceiling);
  limit = std::clamp<std::size_t>(limit, 1, ceiling);
  if (limit == now) return;
  step_ = Step{.from = now, .rate_before = rate};
  limit_ = limit;
}

void Concurrency::begin_anew() { *this = {}; }

void Concurrency::throttled(std::size_t ceiling, WallTime now) {
  if (now < holds_until_ && holds_until_ <= now + kHoldThrottled) return;  // one burst, one step
  limit_ = std::max<std::size_t>(1, limit(ceiling) * 7 / 10);
  step_.reset();
  holds_until_ = now + kHoldThrottled;
}

void Concurrency::look(std::size_t in_air, std::uint64_t bytes_sent, std::size_t ceiling, WallTime now) {
  auto const allowed = limit(ceiling);
  if (in_air > allowed) return window_.reset();  // of before the last step: they end by themselves
  if (!window_ || now < window_->began || bytes_sent < window_->bytes) {
    window_ = Window{.began = now, .bytes = bytes_sent};
    return;
  }
  window_->was_full = window_->was_full && in_air == allowed;
  auto const elapsed = now - window_->began;
  if (elapsed < kWindow) return;
  auto const rate = (bytes_sent - window_->bytes) * 1'000 / static_cast<std::uint64_t>(elapsed.count());
  auto const was_full = window_->was_full;
  window_ = Window{.began = now, .bytes = bytes_sent};
  if (was_full) judge(rate, ceiling, now);
}

void Concurrency::judge(std::uint64_t rate, std::size_t ceiling, WallTime now) {
  auto const allowed = limit(ceiling);
  if (step_) {
    auto const step = *std::exchange(step_, std::nullopt);
    auto const fewer = allowed < step.from;
    bool const was_wrong = fewer ? rate < step.rate_before * 9 / 10 : rate < step.rate_before * 21 / 20;
    if (was_wrong) {
      limit_ = step.from;
      holds_until_ = now + kHold;
      return;
    }
  }
  if (now < holds_until_ && holds_until_ <= now + kHold) return;
  auto const each = rate / allowed;
  if (rate > 0 && each < kSlowBytesPerS && allowed > 1)
    set(allowed * 7 / 10, rate, ceiling);
  else if (allowed < ceiling)
    set(allowed + std::max<std::size_t>(1, allowed / 4), rate, ceiling);
}

}  // namespace sluice::budget

#include "core/budget/bandwidth.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace sluice::budget {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr double kBucketSeconds = 0.05;
constexpr double kBucketMin = 16 * 1024;  // a smaller piece costs more than it sends
constexpr double kPieceMin = 4 * 1024;
constexpr Millis kLookMin{5};

}  // namespace

double SendRate::bucket() const {
  return std::max(kBucketMin, static_cast<double>(bytes_per_s_.value_or(0)) * kBucketSeconds);
}

void SendRate::set(std::optional<std::uint64_t> bytes_per_s, BootTime now) {
  if (bytes_per_s == bytes_per_s_) return;
  if (bytes_per_s_) fill(now);
  filled_ = now;
  bytes_per_s_ = bytes_per_s;
  tokens_ = std::min(tokens_, bucket());
}

void SendRate::fill(BootTime now) {
  auto const elapsed = std::max(Seconds(now - filled_), Seconds(0)).count();
  tokens_ = std::min(bucket(), tokens_ + elapsed * static_cast<double>(*bytes_per_s_));
  filled_ = now;
}

std::size_t SendRate::take(std::size_t wanted, std::size_t sharers, BootTime now) {
  if (!bytes_per_s_) return wanted;
  fill(now);
  auto const piece = std::min(static_cast<double>(wanted), kPieceMin);
  if (tokens_ < piece) return 0;
  auto const share = std::max(kPieceMin, tokens_ / static_cast<double>(std::max<std::size_t>(sharers, 1)));
  auto const granted = std::min({static_cast<double>(wanted), tokens_, share});
  tokens_ -= granted;
  return static_cast<std::size_t>(granted);
}

std::size_t SendRate::served(std::size_t sharers, BootTime now) {
  if (!bytes_per_s_) return sharers;
  fill(now);
  return std::min(sharers, static_cast<std::size_t>(tokens_ / kPieceMin));
}

BootTime SendRate::next(BootTime now) const {
  if (!bytes_per_s_ || tokens_ >= kPieceMin) return now;
  auto const missing = Seconds((kPieceMin - tokens_) / static_cast<double>(*bytes_per_s_));
  return std::max(now + kLookMin, filled_ + std::chrono::ceil<Millis>(missing));
}

}  // namespace sluice::budget

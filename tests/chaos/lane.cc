#include "tests/chaos/lane.h"

#include <algorithm>
#include <cassert>

namespace sluice::chaos {

namespace {

std::size_t inside_max(Course const& course) {
  auto rate = course.bytes_per_s;
  if (rate == 0 || (course.all_bytes_per_s != 0 && course.all_bytes_per_s < rate)) rate = course.all_bytes_per_s;
  if (rate == 0) return Lane::kInsideMax;
  auto const ms = static_cast<double>((course.delay + Lane::kQueueing).count());
  auto const wanted = static_cast<std::size_t>(static_cast<double>(rate) * ms / 1000);
  return std::clamp(wanted, Lane::kPieceMax, Lane::kInsideMax);
}

}  // namespace

std::size_t Lane::room(Course const& course) const {
  auto const most = inside_max(course);
  return inside_ >= most ? 0 : std::min(kPieceMax, most - inside_);
}

// Jitter must not change the order: nothing is due before what came earlier.
Instant Lane::due_of(Instant now, Course const& course, double chance) {
  using Span = std::chrono::duration<double, std::milli>;
  auto const wait = Span(course.delay) + Span(course.jitter) * (2 * chance - 1);
  auto const due = now + std::chrono::duration_cast<std::chrono::nanoseconds>(std::max(wait, Span(0)));
  return last_due_ = std::max(last_due_, due);
}

void Lane::take(std::string_view bytes, Instant now, Course const& course, double chance) {
  assert(!bytes.empty() && inside_ + bytes.size() <= kInsideMax);
  pieces_.push_back({.due = due_of(now, course, chance), .bytes = std::string(bytes)});
  inside_ += bytes.size();
  taken_ += bytes.size();
}

void Lane::end(Instant now, Course const& course, double chance) {
  pieces_.push_back({.due = due_of(now, course, chance), .bytes = {}});
}

void Lane::drop_all() {
  pieces_.clear();
  gone_ = inside_ = 0;
}

std::string_view Lane::due(Instant now) const {
  if (pieces_.empty() || pieces_.front().due > now) return {};
  return std::string_view(pieces_.front().bytes).substr(gone_);
}

bool Lane::end_is_due(Instant now) const {
  return !pieces_.empty() && pieces_.front().bytes.empty() && pieces_.front().due <= now;
}

void Lane::flip_next(std::uint8_t mask) {
  auto& byte = pieces_.front().bytes.at(gone_);
  byte = static_cast<char>(static_cast<std::uint8_t>(byte) ^ mask);
}

void Lane::give(std::size_t count) {
  given_ += count;
  inside_ -= count;
  gone_ += count;
  if (gone_ < pieces_.front().bytes.size()) return;
  pieces_.pop_front();
  gone_ = 0;
}

std::optional<Instant> Lane::next_due() const {
  if (pieces_.empty()) return std::nullopt;
  return pieces_.front().due;
}

}  // namespace sluice::chaos

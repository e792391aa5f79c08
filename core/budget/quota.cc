#include "core/budget/quota.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace sluice::budget {
namespace {

// The number at the begin of `text`, which then begins behind it and one blank.
std::optional<std::int64_t> take_number(std::string_view& text) {
  std::int64_t number = 0;
  auto const read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || number < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
  if (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  return number;
}

}  // namespace

// Never before the newest that is known: a clock that was set back spends in that one.
std::int64_t Quota::slot_at(WallTime now) const { return std::max(newest_, now.time_since_epoch() / slot_); }

void Quota::spend(std::uint64_t amount, WallTime now) {
  auto const slot = slot_at(now);
  for (auto passed = std::max(newest_ + 1, slot - kWindowSlots); passed <= slot; ++passed) in(passed) = 0;
  newest_ = slot;
  in(slot) += amount;
}

void Quota::give_back(std::uint64_t amount, WallTime spent_at) {
  auto const slot = std::min(newest_, spent_at.time_since_epoch() / slot_);
  if (slot < newest_ - kWindowSlots) return;
  in(slot) -= std::min(in(slot), amount);
}

std::uint64_t Quota::spent(WallTime now) const {
  std::uint64_t sum = 0;
  for (auto slot = slot_at(now) - kWindowSlots; slot <= newest_; ++slot) sum += in(slot);
  return sum;
}

WallTime Quota::fits_at(std::uint64_t amount, WallTime now) const {
  auto const room = limit_ - std::min(limit_, amount);  // what else may be spent beside it
  auto spent = this->spent(now);
  if (spent <= room) return now;
  auto slot = slot_at(now) - kWindowSlots;
  for (; slot <= newest_; ++slot) {
    spent -= in(slot);
    if (spent <= room) break;
  }
  return std::max(now, WallTime((slot + kSlots) * slot_));
}

std::string Quota::saved() const {
  std::string text = std::to_string(slot_.count()) + " " + std::to_string(newest_);
  for (auto slot = newest_; slot >= newest_ - kWindowSlots; --slot) text += " " + std::to_string(in(slot));
  while (text.ends_with(" 0")) text.resize(text.size() - 2);  // the oldest are mostly nothing
  return text;
}

std::string Quota::shifted(std::string_view text, Millis by) {
  auto rest = text;
  auto const length = take_number(rest);
  auto const newest = take_number(rest);
  if (!length || *length == 0 || !newest) return std::string(text);
  return std::to_string(*length) + " " + std::to_string(*newest + by.count() / *length) + " " + std::string(rest);
}

void Quota::restore(std::string_view text, WallTime now) {
  spent_ = {};
  auto const length = take_number(text);
  auto const newest = take_number(text);
  if (!length || !newest || Millis(*length) != slot_) return;
  newest_ = std::max(kSlots, now.time_since_epoch() / slot_);
  for (auto slot = *newest; !text.empty() && slot > 0; --slot) {
    auto const amount = take_number(text);
    if (!amount) break;
    if (slot < newest_ - kWindowSlots) continue;
    in(std::min(slot, newest_)) += static_cast<std::uint64_t>(*amount);
  }
}

}  // namespace sluice::budget

#include "core/budget/traffic.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <string_view>

namespace sluice::budget {

std::string_view name_of(Group group) {
  switch (group) {
    case Group::kAssets: return "assets";
    case Group::kIndexing: return "indexing";
    case Group::kEntities: return "entities";
    case Group::kStorage: return "storage";
  }
  std::abort();
}

void Traffic::count_in(Flight const& flight) {
  ++count_[static_cast<std::size_t>(flight.errand)];
  ++busy_[{flight.errand, flight.row}];
  for (auto const row : flight.rows) ++busy_[{flight.errand, row}];
}

void Traffic::count_out(Flight const& flight) {
  --count_[static_cast<std::size_t>(flight.errand)];
  auto const drop = [this](Key const& key) {
    auto const found = busy_.find(key);
    assert(found != busy_.end());
    if (--found->second == 0) busy_.erase(found);
  };
  drop({flight.errand, flight.row});
  for (auto const row : flight.rows) drop({flight.errand, row});
}

void Traffic::send(Flight flight, ports::Call call, WallTime now) {
  pace_of(flight.group).sent(now);
  call.ticket = next_ticket_++;
  count_in(flight);
  outbox_.push_back({call.ticket, std::move(flight), std::move(call)});
}

Flight const* Traffic::flight(std::uint64_t ticket) const {
  if (std::ranges::find(cancelled_, ticket) != cancelled_.end()) return nullptr;
  auto const found = flights_.find(ticket);
  return found == flights_.end() ? nullptr : &found->second;
}

// A landed flight no longer counts as in the air, so that the same turn may send the next.
void Traffic::landed(std::uint64_t ticket) {
  auto const found = flights_.find(ticket);
  assert(found != flights_.end());
  count_out(found->second);
  landed_.push_back(ticket);
}

void Traffic::cancel_item(journal::RowId item) {
  auto const gone = [&](std::uint64_t ticket) {
    return std::ranges::find(landed_, ticket) != landed_.end() ||
           std::ranges::find(cancelled_, ticket) != cancelled_.end();
  };
  for (auto const& [ticket, flight] : flights_) {
    if (flight.item != item || gone(ticket)) continue;
    count_out(flight);
    cancelled_.push_back(ticket);
  }
  std::erase_if(outbox_, [&](Departing const& departing) {
    if (departing.flight.item != item) return false;
    count_out(departing.flight);
    return true;
  });
}

Traffic::Departure Traffic::release() {
  Departure departure;
  for (auto const ticket : landed_) flights_.erase(ticket);
  for (auto const ticket : cancelled_) flights_.erase(ticket);
  departure.cancelled = std::exchange(cancelled_, {});
  landed_.clear();
  for (auto& departing : outbox_) {
    flights_.emplace(departing.ticket, std::move(departing.flight));
    departure.calls.push_back(std::move(departing.call));
  }
  outbox_.clear();
  return departure;
}

void Traffic::discard() {
  for (auto const& departing : outbox_) count_out(departing.flight);
  outbox_.clear();
  for (auto const ticket : landed_) count_in(flights_.at(ticket));
  for (auto const ticket : cancelled_) count_in(flights_.at(ticket));
  landed_.clear();
  cancelled_.clear();
}

bool Traffic::busy(Errand errand, journal::RowId row) const { return busy_.contains({errand, row}); }

std::size_t Traffic::api_calls() const {
  std::size_t all = 0;
  for (auto const count : count_) all += count;
  return all - in_air(Errand::kPutChunk);
}

std::vector<std::pair<std::uint64_t, Flight>> Traffic::flights(Errand errand) const {
  std::vector<std::pair<std::uint64_t, Flight>> found;
  for (auto const& [ticket, flight] : flights_)
    if (flight.errand == errand) found.emplace_back(ticket, flight);
  return found;
}

void Traffic::throttled(Group group, WallTime now, WallTime until) {
  if (group != Group::kStorage && !paused_until(group, now)) pace_of(group).refused(now);
  auto& current = paused_[group];
  current = std::max(current, until);
}

std::optional<double> Traffic::calls_per_second(Group group, WallTime now) const {
  return pace_of(group).per_second(now);
}

std::optional<WallTime> Traffic::paused_until(Group group, WallTime now) const {
  auto const found = paused_.find(group);
  if (found == paused_.end() || found->second <= now) return std::nullopt;
  return found->second;
}

void Traffic::key_refused(WallTime now, WallTime probe_at) {
  if (!key_refused_since_) key_refused_since_ = now;
  key_probe_at_ = probe_at;
}

void Traffic::key_accepted() {
  key_refused_since_.reset();
  key_probe_at_.reset();
}

void Traffic::offline(WallTime now) {
  if (!offline_since_) offline_since_ = now;
}

bool Traffic::may_call(Group group, WallTime now, std::size_t calls_max) const {
  if (paused_until(group, now)) return false;
  if (group == Group::kStorage) return true;  // presigned URLs carry no key and have slots of their own
  if (pace_of(group).next(now) > now) return false;
  if (key_refused_since_) return now >= *key_probe_at_ && api_calls() == 0;
  return api_calls() < calls_max;
}

std::optional<WallTime> Traffic::next_pause_end(WallTime now) const {
  std::optional<WallTime> next;
  auto const take = [&](WallTime at) {
    if (at > now && (!next || at < *next)) next = at;
  };
  for (auto const& [group, until] : paused_) take(until);
  for (auto const& pace : paces_) take(pace.next(now));
  if (key_probe_at_) take(*key_probe_at_);
  return next;
}

}  // namespace sluice::budget

#include "core/budget/traffic.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <string_view>

namespace sluice::budget {
namespace {

constexpr Millis kUnusedFor{600'000};  // a host of the storage to which no call goes any more is of no interest
constexpr std::size_t kHostsMax = 64;  // of the storage, out of reach at once; further ones are not remembered

bool is_poll(Errand errand) { return errand == Errand::kAwaitAsset || errand == Errand::kAwaitStep; }

Allowance::Cost cost_of(Flight const& flight) { return {.media = flight.media, .is_poll = is_poll(flight.errand)}; }

bool is_due(std::optional<WallTime> probe_at, WallTime now) { return probe_at && *probe_at <= now; }

}  // namespace

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
  if (flight.is_probe) {
    ++probes_[static_cast<std::size_t>(flight.group)];
    ++probes_to_[flight.host];
  }
  ++busy_[{flight.errand, flight.row}];
  for (auto const row : flight.rows) ++busy_[{flight.errand, row}];
}

void Traffic::count_out(Flight const& flight) {
  --count_[static_cast<std::size_t>(flight.errand)];
  if (flight.is_probe) {
    --probes_[static_cast<std::size_t>(flight.group)];
    if (--probes_to_.at(flight.host) == 0) probes_to_.erase(flight.host);
  }
  auto const drop = [this](Key const& key) {
    auto const found = busy_.find(key);
    assert(found != busy_.end());
    if (--found->second == 0) busy_.erase(found);
  };
  drop({flight.errand, flight.row});
  for (auto const row : flight.rows) drop({flight.errand, row});
}

void Traffic::send(Flight flight, ports::Call call, WallTime now) {
  if (!is_elsewhere(flight.errand)) {
    pace_of(flight.group).sent(now);
    allowance(flight.group).spend(cost_of(flight), now);
    flight.is_probe = is_held(flight);
  }
  call.ticket = next_ticket_++;
  flight.sent_at = now;
  count_in(flight);
  outbox_.push_back({call.ticket, std::move(flight), std::move(call)});
}

void Traffic::came_to_nothing(Flight const& flight) {
  allowance(flight.group).give_back(cost_of(flight), flight.sent_at);
}

void Traffic::was_refused(Flight const& flight) {
  allowance(flight.group).give_back_media(flight.media, flight.sent_at);
}

// It will not leave.
void Traffic::take_back(Departing const& departing) {
  count_out(departing.flight);
  if (is_elsewhere(departing.flight.errand)) return;
  allowance(departing.flight.group).give_back(cost_of(departing.flight), departing.flight.sent_at);
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
    take_back(departing);
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
  away_folders_.committed();
  return departure;
}

void Traffic::discard() {
  for (auto const& departing : outbox_) take_back(departing);
  outbox_.clear();
  for (auto const ticket : landed_) count_in(flights_.at(ticket));
  for (auto const ticket : cancelled_) count_in(flights_.at(ticket));
  landed_.clear();
  cancelled_.clear();
  away_folders_.discard();
}

bool Traffic::busy(Errand errand, journal::RowId row) const { return busy_.contains({errand, row}); }

std::size_t Traffic::api_calls() const {
  std::size_t all = 0;
  for (std::size_t i = 0; i < kErrands; ++i)
    if (auto const errand = static_cast<Errand>(i); errand != Errand::kPutChunk && !is_elsewhere(errand))
      all += count_[i];
  return all;
}

std::vector<std::pair<std::uint64_t, Flight>> Traffic::flights(Errand errand) const {
  std::vector<std::pair<std::uint64_t, Flight>> found;
  for (auto const& [ticket, flight] : flights_)
    if (flight.errand == errand) found.emplace_back(ticket, flight);
  return found;
}

std::vector<std::pair<std::uint64_t, Flight>> Traffic::queued(Errand errand) const {
  std::vector<std::pair<std::uint64_t, Flight>> found;
  for (auto const& departing : outbox_)
    if (departing.flight.errand == errand) found.emplace_back(departing.ticket, departing.flight);
  return found;
}

void Traffic::allow(Group group, RateLimits const& limits) {
  allowance(group) = Allowance(limits);
  if (auto const per_second = allowance(group).calls_per_second()) pace_of(group).limit(*per_second);
}

void Traffic::each_put(std::function<void(std::uint64_t ticket, Flight const&)> const& look) const {
  for (auto const& [ticket, flight] : flights_)
    if (flight.errand == Errand::kPutChunk) look(ticket, flight);
}

std::optional<WallTime> Traffic::oldest_put() const {
  if (in_air(Errand::kPutChunk) == 0) return std::nullopt;
  std::optional<WallTime> oldest;
  each_put([&](std::uint64_t, Flight const& flight) {
    if (!oldest || flight.sent_at < *oldest) oldest = flight.sent_at;
  });
  return oldest;
}

bool Traffic::may_spend(Group group, Millis media, WallTime now) {
  auto const exhausted = allowance(group).exhausted({.media = media}, now);
  if (exhausted)
    refused_media_ = {group, *exhausted};
  else if (refused_media_ && refused_media_->first == group)
    refused_media_.reset();
  return !exhausted;
}

std::optional<Allowance::Exhausted> Traffic::exhausted(Group group, WallTime now) const {
  if (auto const calls = allowance(group).exhausted({}, now)) return calls;
  if (!refused_media_ || refused_media_->first != group || refused_media_->second.until <= now) return std::nullopt;
  return refused_media_->second;
}

void Traffic::throttled(Group group, WallTime now, WallTime until) {
  if (group != Group::kStorage && !paused_until(group, now)) pace_of(group).refused(now);
  pause(group, until);
}

void Traffic::pause(Group group, WallTime until) {
  auto& current = paused_[group];
  current = std::max(current, until);
}

std::optional<double> Traffic::calls_per_second(Group group, WallTime now) const {
  if (!pace_of(group).is_learned(now)) return std::nullopt;
  return pace_of(group).per_second(now);
}

std::optional<WallTime> Traffic::paused_until(Group group, WallTime now) const {
  auto const found = paused_.find(group);
  if (found == paused_.end() || found->second <= now) return std::nullopt;
  return found->second;
}

void Traffic::key_refused(std::uint64_t ticket, WallTime now) {
  if (ticket < first_with_key_) return;  // it carried the key before this one
  if (key_.since()) return key_.failed(now);
  key_.begin(now, now);
}

void Traffic::key_replaced(WallTime now) {
  first_with_key_ = next_ticket_;
  key_.soon(now);
  forget_probes();
}

void Traffic::unreachable(std::string const& host, WallTime now, std::string text) {
  if (host.empty()) return api_.failed(now, std::move(text));
  if (storage_.contains(host) || storage_.size() < kHostsMax) storage_[host].failed(now, std::move(text));
}

void Traffic::reached(std::string const& host) {
  if (host.empty()) return api_.reached();
  storage_.erase(host);
}

std::size_t Traffic::lost_hosts() const {
  auto const is_down = [](auto const& named) { return named.second.down_since().has_value(); };
  return static_cast<std::size_t>(std::ranges::count_if(storage_, is_down)) + (api_.down_since() ? 1 : 0);
}

void Traffic::network_changed(WallTime now) {
  api_.network_changed(now);
  for (auto& [host, link] : storage_) link.network_changed(now);
  forget_probes();  // one may hang for long on a way that is no more
}

// Those in the air hold no further one back. Requires: between turns, when nothing is in the outbox.
void Traffic::forget_probes() {
  assert(outbox_.empty());
  for (auto& [ticket, flight] : flights_) flight.is_probe = false;
  probes_ = {};
  probes_to_.clear();
}

void Traffic::forget_unused_hosts(WallTime now) {
  std::erase_if(storage_, [&](auto const& named) {
    auto const& [host, link] = named;
    return !probes_to_.contains(host) && link.probe_at(now).value_or(link.failed_at()) + kUnusedFor < now;
  });
}

std::vector<std::pair<std::uint64_t, std::string>> Traffic::probes_of_lost_hosts() const {
  std::vector<std::pair<std::uint64_t, std::string>> found;
  for (auto const& [ticket, flight] : flights_) {
    auto const link = storage_.find(flight.host);
    auto const is_down =
        flight.host.empty() ? api_.down_since().has_value() : link != storage_.end() && link->second.down_since();
    if (flight.is_probe && is_down) found.emplace_back(ticket, flight.host);
  }
  return found;
}

void Traffic::failed(Flight const& flight, WallTime now) {
  auto const item = flight.item != 0 ? flight.item : flight.rows.empty() ? flight.row : flight.rows.front();
  breaker_of(flight.group)
      .failed({.item = item, .part = flight.chunk_index, .and_others = flight.rows.size() > 1}, now);
}

bool Traffic::is_held(Flight const& flight) const {
  if (breaker(flight.group).open_since()) return true;
  if (flight.group != Group::kStorage) return key_.since() || api_.down_since();
  auto const link = storage_.find(flight.host);
  return link != storage_.end() && link->second.down_since();
}

std::size_t Traffic::api_probes() const { return probes_to_.contains("") ? probes_to_.at("") : 0; }

// What left before the outage was known may hang for long, and is no probe.
bool Traffic::may_call(Group group, WallTime now, std::size_t calls_max) const {
  if (paused_until(group, now) || pace_of(group).next(now) > now) return false;
  if (allowance(group).exhausted({}, now)) return false;
  if (api_calls() >= calls_max) return false;
  if (key_.since() && (!is_due(key_.at(now), now) || api_probes() > 0)) return false;
  if (api_.down_since() && (!is_due(api_.probe_at(now), now) || api_probes() > 0)) return false;
  auto const& breaker = this->breaker(group);
  return !breaker.open_since() || (is_due(breaker.probe_at(now), now) && probes(group) == 0);
}

bool Traffic::may_poll(Group group, WallTime now, std::size_t calls_max) const {
  return may_call(group, now, calls_max) && !allowance(group).exhausted({.is_poll = true}, now);
}

std::size_t Traffic::room_for_chunks(WallTime now, std::size_t chunks_max) const {
  auto const in_air = this->in_air(Errand::kPutChunk);
  if (paused_until(Group::kStorage, now) || in_air >= chunks_max) return 0;
  auto const& breaker = this->breaker(Group::kStorage);
  if (breaker.open_since()) return is_due(breaker.probe_at(now), now) && probes(Group::kStorage) == 0 ? 1 : 0;
  return chunks_max - in_air;
}

bool Traffic::may_put(std::string const& host, WallTime now) const {
  auto const link = storage_.find(host);
  if (link == storage_.end() || !link->second.down_since()) return true;
  return is_due(link->second.probe_at(now), now) && !probes_to_.contains(host);
}

std::optional<WallTime> Traffic::next_pause_end(WallTime now) const {
  std::optional<WallTime> next;
  auto const take = [&](WallTime at) {
    if (at > now && (!next || at < *next)) next = at;
  };
  for (auto const& [group, until] : paused_) take(until);
  for (auto const& pace : paces_) take(pace.next(now));
  for (auto const group : kAllGroups) {
    if (auto const reached = exhausted(group, now)) take(reached->until);
    if (auto const polls = allowance(group).exhausted({.is_poll = true}, now)) take(polls->until);
  }
  auto const take_probe = [&](std::optional<WallTime> at) {
    if (at) take(*at);
  };
  take_probe(key_.at(now));
  take_probe(api_.probe_at(now));
  for (auto const& [host, link] : storage_) take_probe(link.probe_at(now));
  for (auto const& breaker : breakers_) take_probe(breaker.probe_at(now));
  for (auto const& [name, breaker] : hooks_) take_probe(breaker.probe_at(now));
  take_probe(away_folders_.next_look(now));
  return next;
}

}  // namespace sluice::budget

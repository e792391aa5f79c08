#include "tests/chaos/line.h"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

namespace sluice::chaos {

namespace {

constexpr int kBacklog = 512;
constexpr std::size_t kConnectionsMax = 1000;  // with a MiB each way 2 GiB at the very worst; others wait in the queue
// A queue of one is full with two in it; with a queue of none, cookies would let connections in.
constexpr int kFullBacklog = 1;
constexpr int kFillers = 2;

}  // namespace

Line::Line(Poll& poll, std::uint64_t seed, std::uint16_t port)
    : street_{.poll = poll, .fates = Fates(seed)}, listener_(bound_socket(port)) {
  start_listening(listener_, kBacklog);
  poll.want(listener_, EPOLLIN);
}

Line::~Line() { street_.poll.forget(listener_); }

void Line::set(Rules rules, Instant now) {
  street_.fates.set(rules.faults);
  street_.rules = std::move(rules);
  street_.paid = {};
  set_at_ = now;
}

void Line::cut() {
  for (auto& connection : connections_) connection.reset();
  connections_.clear();
}

Line::Phase Line::phase(Instant now) const {
  auto const& outage = street_.rules.outage;
  if (!outage) return {};
  if (outage->every == Millis(0)) {
    if (outage->lasts == Millis(0)) return {.out = outage->kind};
    auto const end = set_at_ + outage->lasts;
    return now < end ? Phase{outage->kind, end} : Phase{};
  }
  auto const begun = set_at_ + (now - set_at_) / outage->every * outage->every;
  auto const goes = begun + outage->every - outage->lasts;
  return now < goes ? Phase{std::nullopt, goes} : Phase{outage->kind, begun + outage->every};
}

void Line::follow_outage(Instant now) {
  auto const out = phase(now).out;
  if (out == out_) return;
  if (out_) end_outage();
  if (out) begin_outage(*out);
  out_ = out;
}

void Line::begin_outage(Outage::Kind kind) {
  ++street_.counts.outages;
  street_.poll.forget(listener_);
  if (kind == Outage::Kind::kRefuse) {
    cut();
    stop_listening(listener_);
    return;
  }
  for (auto& connection : connections_) connection.pause();
  start_listening(listener_, kFullBacklog);
  for (int i = 0; i < kFillers; ++i) fillers_.push_back(connect_to(port()));
}

void Line::end_outage() {
  start_listening(listener_, kBacklog);
  street_.poll.want(listener_, EPOLLIN);
  accept_all();
  fillers_.clear();
}

void Line::accept_all() {
  while (connections_.size() < kConnectionsMax) {
    auto client = accept_one(listener_);
    if (!client) break;
    auto const from = peer_port_of(client);
    if (std::ranges::any_of(fillers_, [&](Fd const& filler) { return port_of(filler) == from; })) continue;
    connections_.emplace_back(street_.counts.connections + 1, std::move(client), street_);
  }
  street_.poll.want(listener_, connections_.size() < kConnectionsMax ? EPOLLIN : 0U);
}

void Line::pump(Instant now) {
  follow_outage(now);
  if (out_) return;
  accept_all();
  std::erase_if(connections_, [now](Connection& connection) { return !connection.pump(now); });
}

std::optional<Instant> Line::next(Instant now) const {
  auto soonest = phase(now).until;
  if (out_) return soonest;
  for (auto const& connection : connections_)
    if (auto const at = connection.next(now); at && (!soonest || *at < *soonest)) soonest = at;
  return soonest;
}

}  // namespace sluice::chaos

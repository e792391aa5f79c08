#include "tests/chaos/connection.h"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

namespace sluice::chaos {

namespace {

constexpr int kRounds = 16;              // of one connection before the others have their turn
constexpr Millis kResetPatience{1'000};  // a peer that takes no bytes is reset all the same
constexpr auto kForGood = Instant::max();

std::chrono::nanoseconds time_for(std::size_t bytes, std::uint64_t bytes_per_s) {
  if (bytes_per_s == 0) return {};
  return std::chrono::nanoseconds(static_cast<std::int64_t>(bytes * 1'000'000'000ULL / bytes_per_s));
}

}  // namespace

Connection::Connection(std::uint64_t number, Fd client, Street& street)
    : number_(number),
      street_(street),
      client_(std::move(client)),
      platform_(connect_to(street.to_port)),
      there_{.way = Way::kThere, .from = client_, .to = platform_},
      back_{.way = Way::kBack, .from = platform_, .to = client_},
      blows_(street.fates.of_connection(number)) {
  ++street_.counts.connections;
}

Connection::~Connection() {
  street_.poll.forget(client_);
  street_.poll.forget(platform_);
}

void Connection::reset() {
  street_.poll.forget(client_);
  street_.poll.forget(platform_);
  close_with_reset(client_);
  close_with_reset(platform_);
}

void Connection::pause() {
  street_.poll.forget(client_);
  street_.poll.forget(platform_);
}

Course const& Connection::course(Half const& half) const {
  return half.way == Way::kThere ? street_.rules.there : street_.rules.back;
}

bool Connection::pump(Instant now) {
  if (reset_by_) return finish_reset(now);
  if (still_until_ && *still_until_ > now) return stand_still();
  still_until_.reset();
  bool moved = true;
  for (int i = 0; moved && i < kRounds; ++i) {
    moved = false;
    for (auto* half : {&there_, &back_}) {
      moved = fill(*half, now) || moved;
      moved = drain(*half, now) || moved;
      if (lost_) {
        reset();
        return false;
      }
      if (reset_by_) return finish_reset(now);
      if (still_until_) return stand_still();
    }
  }
  if ((there_.ended && back_.ended) || (black_hole_ && there_.from_ended)) return false;
  want_events();
  return true;
}

std::optional<Instant> Connection::next(Instant now) const {
  if (reset_by_) return now + Millis(1);
  if (still_until_) return *still_until_ == kForGood ? std::nullopt : still_until_;
  std::optional<Instant> soonest;
  for (auto const* half : {&there_, &back_}) {
    auto const due = half->lane.next_due();
    if (!due || half->blocked || half->discards) continue;
    auto const at = std::max(*due, half->free_at);
    if (!soonest || at < *soonest) soonest = at;
  }
  return soonest;
}

void Connection::want_events() {
  auto const wants = [&](Half const& in, Half const& out) {
    bool const reads = !in.from_ended && (in.discards || in.lane.room(course(in)) > 0);
    return (reads ? EPOLLIN : 0U) | (out.blocked ? EPOLLOUT : 0U);
  };
  street_.poll.want(client_, wants(there_, back_));
  street_.poll.want(platform_, wants(back_, there_));
}

// A stall that ends lets nothing be noticed, as a line would; one for good must, or its sockets would pile up.
bool Connection::stand_still() {
  pause();
  if (*still_until_ != kForGood) return true;
  if (has_hung_up(client_)) return false;
  street_.poll.want(client_, EPOLLRDHUP);
  return true;
}

// Bytes that were passed on are let arrive: a reset throws away what the kernel still holds.
bool Connection::finish_reset(Instant now) {
  pause();
  if (now < *reset_by_ && !(all_is_acknowledged(client_) && all_is_acknowledged(platform_))) return true;
  reset();
  return false;
}

double Connection::chance(Half& half) {
  // Apart from the numbers that fates draws for faults: those are small.
  return street_.fates.chance(number_, ++half.pieces, half.way == Way::kThere ? ~0ULL : ~1ULL);
}

bool Connection::fill(Half& half, Instant now) {
  if (half.from_ended) return false;
  std::array<char, Lane::kPieceMax> buffer;  // not initialised: it is about to be written
  auto const room = half.discards ? buffer.size() : half.lane.room(course(half));
  if (room == 0) return false;
  auto const got = receive(half.from, buffer.data(), room);
  switch (got.state) {
    case Moved::State::kWaits: return false;
    case Moved::State::kLost: lost_ = true; return false;
    case Moved::State::kEnded:
      half.from_ended = true;
      if (!half.discards) half.lane.end(now, course(half), chance(half));
      return true;
    case Moved::State::kMoved: break;
  }
  if (half.way == Way::kThere) {
    street_.counts.bytes_there += got.bytes;
    if (answered_ && !black_hole_) begin_turn();
  } else {
    street_.counts.bytes_back += got.bytes;
    answered_ = true;
  }
  if (!half.discards) half.lane.take({buffer.data(), got.bytes}, now, course(half), chance(half));
  return true;
}

void Connection::begin_turn() {
  ++street_.counts.turns;
  answered_ = false;
  answer_from_ = back_.lane.taken();
  std::erase_if(blows_, [](Blow const& blow) { return !blow.fault.of_connection; });
  for (auto& blow : street_.fates.of_turn(number_, ++turn_)) {
    blow.at += blow.fault.way == Way::kThere ? there_.lane.taken() : back_.lane.taken();
    blows_.push_back(std::move(blow));
  }
}

bool Connection::drain(Half& half, Instant now) {
  bool moved = false;
  while (!half.discards && half.free_at <= now && !half.lane.due(now).empty()) {
    if (strike_due(half, now)) return true;
    auto const due = half.lane.due(now).substr(0, bytes_to_next_blow(half));
    auto const sent = transmit(half.to, due);
    half.blocked = sent.state == Moved::State::kWaits;
    lost_ = sent.state == Moved::State::kLost;
    if (half.blocked || lost_) return moved;
    half.lane.give(sent.bytes);
    pay(half, sent.bytes, now);
    moved = true;
  }
  if (half.ended || !half.lane.end_is_due(now)) return moved;
  half.lane.drop_all();
  end_writing(half.to);
  half.ended = true;
  return true;
}

std::size_t Connection::bytes_to_next_blow(Half const& half) const {
  std::uint64_t count = Lane::kPieceMax;
  for (auto const& blow : blows_)
    if (blow.fault.way == half.way) count = std::min(count, blow.at - half.lane.given());
  return static_cast<std::size_t>(count);
}

bool Connection::strike_due(Half const& half, Instant now) {
  bool const answers = half.way == Way::kBack && half.lane.given() >= answer_from_ && turn_ > 0;
  auto const is_due = [&](Blow const& blow) {
    if (blow.fault.way == half.way) return blow.at <= half.lane.given();
    return answers && !blow.fault.of_connection && blow.fault.kind != Fault::Kind::kCorrupt;
  };
  std::vector<Blow> due;
  std::ranges::copy_if(blows_, std::back_inserter(due), is_due);
  std::erase_if(blows_, is_due);
  for (auto const& blow : due) strike(blow.fault, now);
  return std::ranges::any_of(due, [](Blow const& blow) { return blow.fault.kind != Fault::Kind::kCorrupt; });
}

void Connection::strike(Fault const& fault, Instant now) {
  auto& counts = street_.counts;
  auto& half = fault.way == Way::kThere ? there_ : back_;
  switch (fault.kind) {
    case Fault::Kind::kReset:
      ++counts.resets;
      reset_by_ = now + kResetPatience;
      return;
    case Fault::Kind::kStall:
      ++counts.stalls;
      still_until_ = fault.lasts ? now + *fault.lasts : kForGood;
      return;
    case Fault::Kind::kHalfClose:
      ++counts.half_closes;
      half.lane.drop_all();
      half.discards = half.ended = true;
      end_writing(half.to);
      return;
    case Fault::Kind::kCorrupt:
      ++counts.corruptions;
      half.lane.flip_next(fault.flip);
      return;
    case Fault::Kind::kBlackHole:
      ++counts.black_holes;
      black_hole_ = there_.discards = back_.discards = true;
      there_.lane.drop_all();
      back_.lane.drop_all();
      return;
  }
}

// As on a line that serves who came first: a connection goes on when its own and the line's bytes so far are paid for.
void Connection::pay(Half& half, std::size_t bytes, Instant now) {
  auto const& rates = course(half);
  auto& line = street_.paid[static_cast<std::size_t>(half.way)];
  half.free_at = std::max(half.free_at, now) + time_for(bytes, rates.bytes_per_s);
  if (rates.all_bytes_per_s == 0) return;
  line = std::max(line, now) + time_for(bytes, rates.all_bytes_per_s);
  half.free_at = std::max(half.free_at, line);
}

}  // namespace sluice::chaos

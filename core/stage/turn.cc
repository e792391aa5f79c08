#include "core/stage/turn.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/base/text.h"
#include "core/stage/await_asset.h"
#include "core/stage/pauses.h"
#include "core/stage/pipeline.h"
#include "core/stage/recover.h"
#include "core/stage/spent.h"

namespace sluice::stage {
namespace {

// Rows are due but wait for a slot, a twin or what is in the air. What frees them is an outcome, the end of a
// pause or another row's due time, and each of these begins a turn by itself: the tick is only a safety net.
constexpr Millis kBlockedTick{30'000};

constexpr Millis kPutLook{500};

// A header on a success is a hint: a refusal alone may hold a group for longer.
constexpr Millis kUnaskedPauseMax{60'000};

// No byte of it left, or it was answered by somebody who stands between this host and the platform.
bool is_out_of_reach(Error const& error) {
  return error.fault == Fault::kOffline || error.code == platform::kNotThePlatform;
}

// A refusal is an answer too: the service works.
bool is_definite(Fault fault) {
  return fault == Fault::kRejected || fault == Fault::kGone || fault == Fault::kUrlExpired;
}

// Whether nothing but the service itself is known to have failed.
bool is_of_service(Error const& error) {
  if (is_out_of_reach(error) || error.code == platform::kHung) return false;
  return error.fault == Fault::kTransient || error.fault == Fault::kOutcomeUnknown || error.fault == Fault::kProtocol;
}

std::optional<WallTime> down_since(Context& ctx, std::string const& host) {
  if (host.empty()) return ctx.traffic.offline_since();
  auto const link = ctx.traffic.storage().find(host);
  return link == ctx.traffic.storage().end() ? std::nullopt : link->second.down_since();
}

// Whether the host that was called can be reached, as far as this outcome shows it.
void note_link(Context& ctx, Landing const& landing) {
  auto const& host = landing.flight.host;
  auto const what = host.empty() ? std::string("the platform") : "the storage " + printable(host);
  auto const was_down = down_since(ctx, host).has_value();
  if (!landing.reply && is_out_of_reach(landing.reply.error())) {
    ctx.traffic.unreachable(host, ctx.now, landing.reply.error().text);
    if (!was_down && down_since(ctx, host))
      ctx.log.warning("offline: " + what + " cannot be reached: " + landing.reply.error().text);
  } else if (landing.reply || landing.answered) {  // cut or stalled, nobody was heard
    ctx.traffic.reached(host);
    if (was_down) ctx.log.info(what + " can be reached again");
  }
}

// Whether its group works, or fails for everybody (B12).
void note_service(Context& ctx, Landing const& landing) {
  auto const group = landing.flight.group;
  auto const& breaker = ctx.traffic.breaker(group);
  auto const was_open = breaker.open_since().has_value();
  if (landing.reply || is_definite(landing.reply.error().fault)) {
    ctx.traffic.succeeded(group);
    if (was_open) ctx.log.info("calls about " + std::string(budget::name_of(group)) + " work again");
  } else if (is_of_service(landing.reply.error())) {
    ctx.traffic.failed(landing.flight, ctx.now);
    if (!was_open && breaker.open_since())
      ctx.log.warning(
          "calls about " + std::string(budget::name_of(group)) +
          " fail for one after the other; a single one is tried now and then: " + landing.reply.error().text);
  }
}

// What it says about the key. A probe that failed for another reason says nothing, and is not repeated at once.
void note_key(Context& ctx, Landing const& landing) {
  auto const refused = ctx.traffic.key_refused_since().has_value();
  if (landing.reply || is_definite(landing.reply.error().fault)) {
    if (refused) ctx.log.info("the API key works again");
    return ctx.traffic.key_accepted();
  }
  auto const& error = landing.reply.error();
  if (error.fault == Fault::kKeyRefused && !refused) ctx.log.error("the platform refuses the API key: " + error.text);
  if (error.fault == Fault::kKeyRefused || (refused && is_of_service(error)))
    ctx.traffic.key_refused(landing.ticket, ctx.now);
}

// What an outcome says beyond its own row: about the link, the service, the key and the rate.
void note_surroundings(Context& ctx, Landing const& landing) {
  note_link(ctx, landing);
  note_service(ctx, landing);
  auto const group = landing.flight.group;
  if (group != budget::Group::kStorage) {
    note_key(ctx, landing);
    auto const offset = landing.reply ? platform::clock_offset(*landing.reply, ctx.now) : std::nullopt;
    if (offset) ctx.traffic.note_clock_offset(*offset);
    if (auto const wait = landing.reply ? platform::wait_when_spent(*landing.reply, ctx.now) : std::nullopt)
      ctx.traffic.pause(group, ctx.now + std::min(*wait, kUnaskedPauseMax));
  }
  if (landing.reply || landing.reply.error().fault != Fault::kThrottled) return;
  pause_group(ctx, group, landing.reply.error());
  if (group == budget::Group::kStorage) ctx.traffic.concurrency().throttled(ctx.policy.chunks_max, ctx.now);
}

// A call that came to nothing costs nothing, however long an outage is; what was refused has handed in no media.
void note_cost(Context& ctx, Landing const& landing) {
  auto const fault = landing.reply.error().fault;
  if (fault == Fault::kOffline) return ctx.traffic.came_to_nothing(landing.flight);
  if (is_definite(fault) || fault == Fault::kThrottled || fault == Fault::kKeyRefused)
    ctx.traffic.was_refused(landing.flight);
}

// Whom a failure is about, as all that was noted by now shows it.
Spread spread_of(Context& ctx, Landing const& landing) {
  auto const& error = landing.reply.error();
  if (is_out_of_reach(error)) return down_since(ctx, landing.flight.host) ? Spread::kAll : Spread::kOne;
  if (is_of_service(error) && ctx.traffic.breaker(landing.flight.group).is_shared()) return Spread::kSeveral;
  return Spread::kOne;
}

}  // namespace

Turn::Turn(journal::Journal& journal, Ports ports, Policy const& policy)
    : journal_(journal), ports_(ports), policy_(policy), sources_(ports.files), discovery_(ports.files, policy) {
  for (auto const group : budget::kAllGroups)
    traffic_.allow(group, policy.rate_limits[static_cast<std::size_t>(group)]);
}

Context Turn::context() {
  return {.journal = journal_,
          .files = ports_.files,
          .reader = ports_.reader,
          .random = ports_.random,
          .log = ports_.log,
          .policy = policy_,
          .traffic = traffic_,
          .sources = sources_,
          .poll_round = poll_round_,
          .now = ports_.clock.wall()};
}

void Turn::recover() {
  auto ctx = context();
  remember_pauses(ctx);
  remember_spent(ctx);
  journal_.begin();
  auto const rows_before = journal_.rows_written();
  try {
    stage::recover(ctx);
    if (journal_.rows_written() != rows_before)
      commit();
    else
      journal_.rollback();
  } catch (...) {
    journal_.rollback();
    throw;
  }
  discovery_.want_all();
  recovered_ = true;
}

// How the chunks in the air fare: how many of them the line bears (concurrency.h), and which hang alone and are cut
// (stall_watch.h), as if the wire had done it.
void Turn::look_at_puts() {
  auto const now = ports_.clock.wall();
  if (now < next_put_look_ && next_put_look_ <= now + kPutLook) return;
  next_put_look_ = now + kPutLook;
  stalls_.forget_idle(now);
  struct Put {
    std::uint64_t ticket;
    std::string const& host;
    std::optional<Millis> quiet;
    std::uint64_t bytes_sent;
  };
  std::vector<Put> puts;
  traffic_.each_put([&](std::uint64_t ticket, budget::Flight const& flight) {
    puts.push_back({ticket, flight.host, ports_.wire.quiet(ticket), ports_.wire.progress_bytes(ticket)});
  });
  auto sent = landed_bytes_;
  for (auto const& put : puts) sent += put.bytes_sent;
  for (auto i = noted_; i < outcomes_.size(); ++i) {  // they have left the wire, and are not counted as landed yet
    auto const* const flight = traffic_.flight(outcomes_[i].ticket);
    if (flight != nullptr && flight->errand == budget::Errand::kPutChunk) sent += outcomes_[i].body_bytes_sent;
  }
  traffic_.concurrency().look(traffic_.in_air(budget::Errand::kPutChunk), sent, policy_.chunks_max, now);
  for (auto const& put : puts)
    if (put.quiet && put.bytes_sent > 0 && *put.quiet < kPutLook) stalls_.moved(put.host, now - *put.quiet);
  for (auto const& put : puts) {
    if (!put.quiet || !stalls_.cuts(put.host, *put.quiet, put.bytes_sent, now)) continue;
    ports_.wire.cancel(put.ticket);
    ports::WireFailure failure{.text = "no byte was taken for " + to_words(*put.quiet) +
                                       " while other chunks went on: cut, to be sent by another connection",
                               .code = platform::kHung};
    outcomes_.push_back({.ticket = put.ticket,
                         .answer = std::unexpected(std::move(failure)),
                         .body_error = std::nullopt,
                         .body_bytes_sent = put.bytes_sent});
  }
}

// `is_new`: it was not part of a turn that failed; then what it says of the surroundings was noted already.
void Turn::settle(Context& ctx, ports::Outcome const& outcome, bool is_new) {
  auto const* flight = traffic_.flight(outcome.ticket);
  if (flight == nullptr) return;  // cancelled meanwhile
  auto const& row = errand_row(flight->errand);
  Landing landing{*flight, platform::sort_outcome(row.kind, outcome, ctx.now), outcome.body_bytes_sent,
                  outcome.answer.has_value(), outcome.ticket};
  if (is_new) note_surroundings(ctx, landing);
  if (is_new && !landing.reply) note_cost(ctx, landing);
  if (is_new && landing.reply && flight->errand == budget::Errand::kPutChunk) {
    stalls_.moved(flight->host, ctx.now);
    stalls_.arrived(landing.bytes_sent);
  }
  if (!landing.reply) landing.reply.error().spread = spread_of(ctx, landing);
  if (is_new && flight->errand == budget::Errand::kPutChunk) landed_bytes_ += outcome.body_bytes_sent;
  traffic_.landed(outcome.ticket);
  row.settle(ctx, landing);
}

bool Turn::run(std::function<void(Context&)> const& orders) {
  if (!recovered_) recover();
  std::ranges::move(ports_.wire.collect(), std::back_inserter(outcomes_));
  look_at_puts();
  if (!outcomes_.empty()) reached(ports::Moment::kReceived);
  auto ctx = context();
  journal_.begin();
  auto const rows_before = journal_.rows_written();
  try {
    for (std::size_t i = 0; i < outcomes_.size(); ++i) {
      settle(ctx, outcomes_[i], i >= noted_);
      noted_ = std::max(noted_, i + 1);
    }
    traffic_.forget_unused_hosts(ctx.now);
    if (orders) orders(ctx);
    if (!draining_) {
      discovery_.run(ctx);
      for (auto const& stage : stages()) stage.choose(ctx);
      if (journal_.rows_written() == rows_before) pruning_.run(ctx);
    }
    save_spent(ctx, journal_.rows_written() != rows_before);
    if (journal_.rows_written() != rows_before)
      commit();
    else
      journal_.rollback();
  } catch (...) {
    journal_.rollback();
    traffic_.discard();
    discovery_.want_all();  // what its sweep had found is in no row
    throw;
  }
  auto const changed = journal_.rows_written() != rows_before;  // an outcome's freed slot was offered above already
  outcomes_.clear();
  noted_ = 0;
  act();
  return changed;
}

void Turn::commit() {
  reached(ports::Moment::kBeforeCommit);
  auto const begun = ports_.clock.boot();
  journal_.commit();
  spent_is_saved(traffic_);
  commit_took_ = ports_.clock.boot() - begun;
  reached(ports::Moment::kAfterCommit);
}

void Turn::reached(ports::Moment moment) const {
  if (ports_.witness != nullptr) ports_.witness->reached(moment);
}

void Turn::act() {
  auto departure = traffic_.release();
  for (auto const ticket : departure.cancelled) ports_.wire.cancel(ticket);
  for (auto& call : departure.calls) {
    ports_.wire.send(std::move(call));
    reached(ports::Moment::kAfterSend);
  }
}

std::optional<WallTime> Turn::next_due() const {
  auto const now = ports_.clock.wall();
  if (discovery_.at_work()) return now;
  std::optional<WallTime> next;
  auto const take = [&](std::optional<WallTime> at) {
    if (at && (!next || *at < *next)) next = at;
  };
  auto const first = journal_.next_due();
  if (first && *first <= now) {
    take(now + kBlockedTick);
    take(journal_.next_due(now));
  } else {
    take(first);
  }
  if (awaited_items(journal_) > 0) {
    auto const round_at = poll_round_.next_at.value_or(now);
    take(round_at > now ? round_at : now + kBlockedTick);
  }
  take(traffic_.next_pause_end(now));
  if (auto const oldest = traffic_.oldest_put()) {
    auto const looks = std::max(next_put_look_, *oldest + budget::StallWatch::kQuietMin);
    take(std::min(looks, now + kBlockedTick));
  }
  take(discovery_.next_rescan());
  take(pruning_.next_at());
  return next;
}

}  // namespace sluice::stage

#include "core/stage/turn.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/stage/await_asset.h"
#include "core/stage/pipeline.h"
#include "core/stage/recover.h"

namespace sluice::stage {
namespace {

constexpr Millis kThrottlePauseMin{1'000};  // R64: backoff begins at 1 s where no time is named
constexpr Millis kKeyProbe{60'000};         // B18: the refused key is tried again after a minute
// Rows are due but wait for a slot, a twin or what is in the air. What frees them is an outcome, the end of a
// pause or another row's due time, and each of these begins a turn by itself: the tick is only a safety net.
constexpr Millis kBlockedTick{30'000};

// What an outcome says beyond its own row: about the key, the link, the group.
void note_surroundings(Context& ctx, budget::Group group, Landing const& landing) {
  auto const storage = group == budget::Group::kStorage;
  if (landing.reply) {
    if (storage) return;
    if (auto const offset = platform::clock_offset(*landing.reply, ctx.now)) ctx.traffic.set_clock_offset(*offset);
    if (ctx.traffic.key_refused_since()) ctx.log.info("the API key works again");
    return ctx.traffic.key_accepted();
  }
  auto const& error = landing.reply.error();
  switch (error.fault) {
    case Fault::kOffline:
      if (!ctx.traffic.offline_since()) ctx.log.warning("offline: " + error.text);
      return ctx.traffic.offline(ctx.now);
    case Fault::kThrottled:
      return ctx.traffic.throttled(group, ctx.now,
                                   ctx.now + std::max(kThrottlePauseMin, error.retry_after.value_or(Millis(0))));
    case Fault::kKeyRefused:
      if (!ctx.traffic.key_refused_since()) ctx.log.error("the platform refuses the API key: " + error.text);
      return ctx.traffic.key_refused(ctx.now, ctx.now + kKeyProbe);
    default: return;
  }
}

}  // namespace

Turn::Turn(journal::Journal& journal, Ports ports, Policy const& policy)
    : journal_(journal), ports_(ports), policy_(policy), sources_(ports.files), discovery_(ports.files, policy) {}

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

void Turn::settle(Context& ctx, ports::Outcome const& outcome) {
  auto const* flight = traffic_.flight(outcome.ticket);
  if (flight == nullptr) return;  // cancelled meanwhile
  auto const& row = errand_row(flight->errand);
  if (outcome.answer) traffic_.online();
  Landing const landing{*flight, platform::sort_outcome(row.kind, outcome, ctx.now), outcome.body_bytes_sent};
  note_surroundings(ctx, flight->group, landing);
  traffic_.landed(outcome.ticket);
  row.settle(ctx, landing);
}

bool Turn::run(std::function<void(Context&)> const& orders) {
  if (!recovered_) recover();
  std::ranges::move(ports_.wire.collect(), std::back_inserter(outcomes_));
  if (!outcomes_.empty()) reached(ports::Moment::kReceived);
  auto ctx = context();
  journal_.begin();
  auto const rows_before = journal_.rows_written();
  try {
    for (auto const& outcome : outcomes_) settle(ctx, outcome);
    if (orders) orders(ctx);
    if (!draining_) {
      discovery_.run(ctx);
      for (auto const& stage : stages()) stage.choose(ctx);
      if (journal_.rows_written() == rows_before) pruning_.run(ctx);
    }
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
  act();
  return changed;
}

void Turn::commit() {
  reached(ports::Moment::kBeforeCommit);
  auto const begun = ports_.clock.boot();
  journal_.commit();
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
  take(discovery_.next_rescan());
  take(pruning_.next_at());
  return next;
}

}  // namespace sluice::stage

#include "core/stage/turn.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/base/text.h"
#include "core/stage/await_asset.h"
#include "core/stage/moves.h"
#include "core/stage/note_outcome.h"
#include "core/stage/pauses.h"
#include "core/stage/pipeline.h"
#include "core/stage/recover.h"
#include "core/stage/spent.h"

namespace sluice::stage {
namespace {

// Rows are due but wait for a slot, a twin or what is in the air. What frees them is an outcome, the end of a
// pause or another row's due time, and each of these begins a turn by itself: the tick is only a safety net.
constexpr Millis kBlockedTick{30'000};

constexpr Millis kPutLook{250};  // for hanging ones
constexpr Millis kConcurrencyLook{500};

source::Scout::Guards guards_of(Policy const& policy) {
  source::Scout::Guards guards;
  for (auto const& source : policy.sources)
    if (!source.guard_file.empty()) guards.emplace(source.root, source.guard_file);
  return guards;
}

}  // namespace

Turn::Turn(journal::Journal& journal, Ports ports, Policy const& policy)
    : journal_(journal),
      ports_(ports),
      policy_(policy),
      scout_(ports.lanes, ports.files, guards_of(policy)),
      sources_(scout_, policy.spool_folder),
      spooling_(ports.spool),
      discovery_(ports.files, policy),
      manifests_(policy),
      results_(ports.results, policy.results_folder) {
  for (auto const group : budget::kAllGroups)
    traffic_.allow(group, policy.rate_limits[static_cast<std::size_t>(group)]);
}

Context Turn::context() {
  return {.journal = journal_,
          .scout = scout_,
          .reader = ports_.reader,
          .acts = ports_.acts,
          .random = ports_.random,
          .log = ports_.log,
          .policy = policy_,
          .traffic = traffic_,
          .sources = sources_,
          .digests = digests_,
          .poll_round = poll_round_,
          .now = ports_.clock.wall(),
          .spooling = &spooling_,
          .programs = ports_.programs};
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
    std::optional<ports::Quiet> quiet;
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
  if (now >= next_concurrency_look_ || next_concurrency_look_ > now + kConcurrencyLook) {
    next_concurrency_look_ = now + kConcurrencyLook;
    traffic_.concurrency().look(traffic_.in_air(budget::Errand::kPutChunk), sent, policy_.chunks_max, now);
  }
  for (auto const& put : puts)
    if (put.quiet && put.bytes_sent > 0 && put.quiet->lasts < kPutLook) stalls_.moved(put.host, now - put.quiet->lasts);
  for (auto const& put : puts) {
    if (!put.quiet || !stalls_.cuts(put.host, *put.quiet, put.bytes_sent, now)) continue;
    ports_.wire.cancel(put.ticket);
    ports::WireFailure failure{.text = "no byte was taken for " + to_words(put.quiet->lasts) +
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
  if (landing.reply) spooling_.hosts().heard(ctx.now);
  if (budget::is_elsewhere(flight->errand)) {  // it says nothing of the platform
    traffic_.landed(outcome.ticket);
    return row.settle(ctx, landing);
  }
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
  scout_.collect(ports_.clock.wall());
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
    let_writers_in(ctx);
    if (orders) orders(ctx);
    if (!draining_) {
      discovery_.run(ctx);
      manifests_.run(ctx);
      for (auto const& stage : stages()) stage.choose(ctx);
      results_.run(ctx);
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
    scout_.discard();
    discovery_.want_all();  // what its sweep had found is in no row
    manifests_.start_over();
    results_.start_over();
    spooling_.start_over();
    throw;
  }
  auto const changed = journal_.rows_written() != rows_before;  // an outcome's freed slot was offered above already
  spooling_.committed();
  scout_.committed();
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
  if (!draining_ && (discovery_.can_go_on() || manifests_.can_go_on())) return now;
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
  if (!draining_) take(manifests_.next_look());
  if (!draining_) take(results_.next_retry());
  take(scout_.next_stuck());
  take(pruning_.next_at());
  return next;
}

}  // namespace sluice::stage

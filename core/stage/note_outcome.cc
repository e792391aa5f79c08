#include "core/stage/note_outcome.h"

#include <algorithm>
#include <string>

#include "core/base/text.h"
#include "core/platform/faults.h"
#include "core/stage/pauses.h"

namespace sluice::stage {
namespace {

// A header on a success is a hint: a refusal alone may hold a group for longer.
constexpr Millis kUnaskedPauseMax{60'000};

// No byte of it left, or it was answered by somebody who stands between this host and the platform.
bool is_out_of_reach(Error const& error) {
  return error.fault == Fault::kOffline || error.code == platform::kNotThePlatform;
}

// A refusal is an answer too: the service works. So does one about the host that a URL names.
bool is_definite(Error const& error) {
  if (error.fault == Fault::kTransient) return platform::blames_the_url(error);
  return error.fault == Fault::kRejected || error.fault == Fault::kGone || error.fault == Fault::kUrlExpired;
}

// Whether nothing but the service itself is known to have failed.
bool is_of_service(Error const& error) {
  if (is_out_of_reach(error) || error.code == platform::kHung || is_definite(error)) return false;
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
  if (landing.reply || is_definite(landing.reply.error())) {
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
  if (landing.reply || is_definite(landing.reply.error())) {
    if (refused) ctx.log.info("the API key works again");
    return ctx.traffic.key_accepted();
  }
  auto const& error = landing.reply.error();
  if (error.fault == Fault::kKeyRefused && !refused) ctx.log.error("the platform refuses the API key: " + error.text);
  if (error.fault == Fault::kKeyRefused || (refused && is_of_service(error)))
    ctx.traffic.key_refused(landing.ticket, ctx.now);
}

}  // namespace

void note_surroundings(Context& ctx, Landing const& landing) {
  if (landing.flight.group == budget::Group::kHooks) return;  // it says nothing of the platform
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

void note_cost(Context& ctx, Landing const& landing) {
  auto const& error = landing.reply.error();
  auto const fault = error.fault;
  if (fault == Fault::kOffline) return ctx.traffic.came_to_nothing(landing.flight);
  if (is_definite(error) || fault == Fault::kThrottled || fault == Fault::kKeyRefused)
    ctx.traffic.was_refused(landing.flight);
}

Spread spread_of(Context& ctx, Landing const& landing) {
  if (landing.flight.group == budget::Group::kHooks) return Spread::kOne;
  auto const& error = landing.reply.error();
  if (is_out_of_reach(error)) return down_since(ctx, landing.flight.host) ? Spread::kAll : Spread::kOne;
  if (is_of_service(error) && ctx.traffic.breaker(landing.flight.group).is_shared()) return Spread::kSeveral;
  return Spread::kOne;
}

}  // namespace sluice::stage

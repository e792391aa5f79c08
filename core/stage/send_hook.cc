#include "core/stage/send_hook.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/base/hmac.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/stage/effort.h"
#include "core/stage/outbox.h"

namespace sluice::stage {

using journal::ActRow;
using journal::ActState;
using ports::Ended;

namespace {

constexpr int kPerHook = 4;      // events of one hook under way
constexpr int kProgramsMax = 4;  // programs running, of all hooks: each has one of the lanes' threads
constexpr std::size_t kOutputShown = 400;
constexpr int kRowsAtOnce = 1'000;
constexpr char kQuestion[] = "hook";
constexpr char kPath[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

HookPolicy const* find(Policy const& policy, std::string const& name) {
  auto const at = std::ranges::find(policy.hooks, name, [](HookPolicy const& each) { return each.hook.name; });
  return at == policy.hooks.end() ? nullptr : &*at;
}

bool is_program(HookPolicy const& to) { return !to.hook.exec.empty(); }
std::string lane_of(ActRow const& act) { return std::string(source::kActLane) + "hook " + std::to_string(act.id); }

std::string said(ActRow const& act, std::string_view key) {
  auto const payload = parse_json(act.payload);
  auto const text = payload ? payload->text(key) : std::nullopt;
  return text ? text->value_or("") : "";
}

void told(Context& ctx, ActRow act) {
  auto& breaker = ctx.traffic.hook(act.hook);
  if (breaker.open_since()) ctx.log.info("hook " + printable(act.hook) + " works again");
  breaker.succeeded();
  act.state = ActState::kDone;
  act.effort = renewed(std::nullopt);
  act.payload.clear();
  move(ctx, act, ActState::kActing, act.hook);
  next_act(ctx, act.item_id);
}

// Every failure is alike here: whatever is wrong with the hook, the operator may mend it within the day.
void not_told(Context& ctx, ActRow act, Error const& error) {
  auto& breaker = ctx.traffic.hook(act.hook);
  auto const was_open = breaker.open_since().has_value();
  breaker.failed({.item = act.item_id}, ctx.now);
  if (!was_open && breaker.open_since())
    ctx.log.warning("hook " + printable(act.hook) + " fails for one item after the other: " + printable(error.text));
  auto const id = act.id;
  try_act_again(ctx, std::move(act), {.fault = Fault::kTransient, .text = error.text, .retry_after = error.retry_after},
                true);
  if (ctx.journal.act(id)->state != ActState::kRefused) return;
  auto const count = std::stoll(ctx.journal.meta(kHooksGivenUp).value_or("0")) + 1;
  ctx.journal.set_meta(kHooksGivenUp, std::to_string(count));
}

// --- programs

ports::Program program_for(HookPolicy const& to, ActRow const& act) {
  return {.argv = to.hook.exec,
          .environment = {kPath, "SLUICE_EVENT=" + said(act, "event"), "SLUICE_EVENT_ID=" + said(act, "event_id"),
                          "SLUICE_ITEM=" + said(act, "id")},
          .input = act.payload + "\n",
          .timeout = to.hook.timeout};
}

void settle_ended(Context& ctx, HookPolicy const& to, ActRow act, Result<Ended> const& ended) {
  if (!ended) return not_told(ctx, std::move(act), ended.error());
  auto const all = trimmed(ended->output);
  auto const output = printable(all.substr(all.size() - std::min(all.size(), kOutputShown)));
  auto const with_output = output.empty() ? std::string() : ": " + output;
  if (ended->timed_out)
    return not_told(
        ctx, std::move(act),
        {Fault::kTransient, "the program was killed after " + to_words(to.hook.timeout) + with_output, "timeout"});
  if (ended->exit_code != 0)
    return not_told(ctx, std::move(act),
                    {Fault::kTransient, "exit code " + std::to_string(ended->exit_code) + with_output, "exit"});
  if (!output.empty()) ctx.log.debug("hook " + printable(act.hook) + " says: " + output);
  told(ctx, std::move(act));
}

// Its intent is on disk: it is given to a lane, unless it is there already, and its end is fetched. That is kept until
// it is on disk, too: while the disk is full, the program is not started again and again.
void run(Context& ctx, HookPolicy const& to, ActRow act) {
  if (ctx.programs == nullptr) return;
  auto const lane = lane_of(act);
  auto const work = [programs = ctx.programs, program = program_for(to, act)](ports::Files&) {
    return programs->run(program);
  };
  ctx.scout.put<Ended>(lane, kQuestion, work);
  auto const ended = ctx.scout.fetch_until_committed<Ended>(lane, kQuestion);
  if (ended) settle_ended(ctx, to, std::move(act), *ended);
}

// --- both

void go_on(Context& ctx, HookPolicy const& to, ActRow act) {
  if (is_program(to)) return run(ctx, to, std::move(act));
  if (ctx.traffic.busy(budget::Errand::kSendHook, act.id)) return;
  ctx.traffic.send({.errand = budget::Errand::kSendHook, .row = act.id},
                   hook_call(to, said(act, "event_id"), act.payload, ctx.now), ctx.now);
}

// What is told is written before it leaves, and is the same at every try: meanwhile the item may go on.
void begin(Context& ctx, HookPolicy const& to, ActRow act) {
  if (act.payload.empty()) act.payload = event_text(ctx, act, *ctx.journal.item(act.item_id));
  act.state = ActState::kActing;
  act.effort.due_at = ctx.now;
  move(ctx, act, ActState::kWanted);
  if (!is_program(to)) go_on(ctx, to, std::move(act));  // a call leaves after the commit; a lane would not wait for it
}

// How many events of each hook may be under way. One that fails for all is tried by one of them now and then.
int most_of(Context& ctx, HookPolicy const& to, int under_way) {
  auto const& breaker = ctx.traffic.hook(to.hook.name);
  auto const programs = static_cast<int>(std::ranges::count_if(ctx.policy.hooks, is_program));
  auto const share = is_program(to) ? std::max(1, kProgramsMax / programs) : kPerHook;
  if (!breaker.open_since()) return share;
  auto const probe_at = breaker.probe_at(ctx.now);
  return under_way == 0 && probe_at && *probe_at <= ctx.now ? 1 : 0;
}

struct Due {
  HookPolicy const* to;
  ActRow act;
};

}  // namespace

ports::Call hook_call(HookPolicy const& to, std::string const& id, std::string const& payload, WallTime now) {
  auto const time = std::to_string(to_unix_ms(now) / 1000);
  ports::Call call;
  call.method = ports::Method::kPost;
  call.target = SecretUrl(to.hook.url);
  call.headers = {
      {"Content-Type", "application/json"},
      {"Sluice-Event-Id", id},
      {"Sluice-Signature", "t=" + time + ",v1=" + hmac_sha256_hex(to.secret.reveal_for_wire(), time + "." + payload)}};
  call.text_body = payload;
  call.stall_limit = to.hook.timeout;
  call.status_is_all = true;
  return call;
}

void choose_send_hook(Context& ctx) {
  std::vector<Due> due;
  int programs = 0;
  for (auto const& to : ctx.policy.hooks) {
    auto const acting = ctx.journal.due_hooks(to.hook.name, ActState::kActing, ctx.now, kPerHook);
    for (auto const& act : acting) go_on(ctx, to, act);
    auto const under_way = static_cast<int>(acting.size());
    if (is_program(to)) programs += under_way;
    auto const room = most_of(ctx, to, under_way) - under_way;
    if (room <= 0) continue;
    for (auto& act : ctx.journal.due_hooks(to.hook.name, ActState::kWanted, ctx.now, room))
      due.push_back({&to, std::move(act)});
  }
  std::ranges::stable_sort(due, {}, [](Due const& each) { return each.act.effort.due_at; });
  for (auto& [to, act] : due) {
    if (is_program(*to) && ++programs > kProgramsMax) continue;
    begin(ctx, *to, std::move(act));
  }
}

void settle_send_hook(Context& ctx, Landing const& landing) {
  auto act = ctx.journal.act(landing.flight.row);
  if (!act || act->state != ActState::kActing) return;
  if (landing.reply) return told(ctx, *std::move(act));
  not_told(ctx, *std::move(act), landing.reply.error());
}

void refuse_unknown_hooks(Context& ctx) {
  for (auto const& name : ctx.journal.open_hooks()) {
    if (find(ctx.policy, name) != nullptr) continue;
    ctx.log.warning("the configuration has no hook " + printable(name) + " any more: it is not told of " +
                    std::to_string(ctx.journal.count_open(name)) + " ends");
    for (auto acts = ctx.journal.open_of_hook(name, kRowsAtOnce); !acts.empty();
         acts = ctx.journal.open_of_hook(name, kRowsAtOnce))
      for (auto& act : acts) refuse_act(ctx, std::move(act), "not_configured", "the configuration has no such hook");
  }
}

}  // namespace sluice::stage

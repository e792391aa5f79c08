#include "core/stage/amend.h"

#include <algorithm>
#include <initializer_list>
#include <numeric>
#include <utility>
#include <vector>

#include "core/base/text.h"
#include "core/platform/requests.h"
#include "core/stage/effort.h"
#include "core/stage/moves.h"
#include "core/stage/outbox.h"
#include "core/stage/plan.h"
#include "core/stage/take_sidecar.h"

namespace sluice::stage {

using budget::Errand;
using budget::Group;
using journal::ActKind;
using journal::ActRow;
using journal::ActState;
using journal::ItemRow;
using journal::ItemState;

namespace {

constexpr std::int64_t kOpenMax = 1'000;
constexpr std::size_t kInDoubtMax = 1'024, kInDoubtBytesMax = 4 * source::kMetadataBytesMax;

// What is to be told, and how far that is: the act's payload.
struct Telling {
  source::Sidecar sidecar;
  std::size_t part = 0;

  std::string to_text() const { return Json::object({{"sidecar", sidecar.to_json()}, {"part", part}}).dump(); }
};

Telling read_telling(std::string const& text) {
  auto const json = parse_json(text);
  if (!json || json->find("sidecar") == nullptr) return {};  // only what to_text() wrote is in there
  auto const* const part = json->find("part");
  return {source::sidecar_from(*json->find("sidecar")),
          part != nullptr ? static_cast<std::size_t>(part->as_uint().value_or(0)) : 0};
}

// One call of it.
struct Part {
  Group group;
  ports::Call call;
};

Json planned_metadata(std::string const& text) {
  auto json = parse_json(text);
  return json ? *std::move(json) : Json();
}

// What was told or may have been, as far as a patch must know it: the keys.
Json told_of(source::Sidecar const& words) {
  auto told = words.metadata.is_null() ? Json::object() : words.metadata;
  for (auto const& key : words.in_doubt)
    if (told.find(key) == nullptr) told.set(key, Json());
  return told;
}

// From the first call of a telling on it is not known what each target has of these, until all were told: whatever ends
// it before, the next one tells them all to every target. Of more keys than can be kept the oldest are forgotten.
void put_in_doubt(Context& ctx, ItemRow const& item, source::Sidecar& words, Json const& now) {
  auto& keys = words.in_doubt;
  for (auto const* const said : std::initializer_list<Json const*>{&words.metadata, &now})
    for (auto const& [key, value] : said->members())
      if (std::ranges::find(keys, key) == keys.end()) keys.push_back(key);
  auto bytes = std::accumulate(keys.begin(), keys.end(), std::size_t{0},
                               [](std::size_t sum, std::string const& key) { return sum + key.size(); });
  while (keys.size() > kInDoubtMax || bytes > kInDoubtBytesMax) {
    ctx.log.warning("item=" + item.ulid + " the platform may keep the metadata " + printable(keys.front()) +
                    ": too many changes of its sidecar were refused");
    bytes -= keys.front().size();
    keys.erase(keys.begin());
  }
}

// The asset, then its indexed assets, always in the same order.
std::vector<Part> parts_of(Context const& ctx, ItemRow const& item, Json const& now) {
  auto const before = told_of(sidecar_of(item));
  auto const patch = [&](std::string const& planned) {
    return metadata_patch(before, now, planned_metadata(planned)).dump();
  };
  std::vector<Part> parts;
  parts.push_back(
      {Group::kAssets, platform::patch_asset_metadata(item.asset_id, patch(read_plan(item.plan).metadata_json))});
  for (auto const& step : ctx.journal.steps_of(item.id)) {
    auto const named = ctx.journal.named(step.named_id);
    if (step.kind != journal::StepKind::kIndex || step.remote_id.empty() || !named || named->remote_id.empty())
      continue;
    parts.push_back(
        {Group::kIndexing, platform::patch_indexed_asset(named->remote_id, step.remote_id,
                                                         patch(read_planned_step(step.params).metadata_json))});
  }
  return parts;
}

void finish(Context& ctx, ActRow act, ItemRow item, source::Sidecar const& sidecar, std::string_view note) {
  auto const was = act.state;
  item.sidecar = sidecar.files.empty() ? "" : sidecar.to_json().dump();
  ctx.journal.update(item, ItemState::kDone, ctx.now);
  act.state = ActState::kDone;
  act.effort = renewed(std::nullopt);
  act.payload.clear();
  move(ctx, act, was, note);
  next_act(ctx, act.item_id);
}

void wait(Context& ctx, ActRow act, Millis pause, std::string text) {
  if (act.effort.last_error != text)
    ctx.log.warning("act item=" + std::to_string(act.item_id) + " the changed sidecar waits: " + printable(text));
  act.effort.due_at = ctx.now + pause;
  act.effort.last_error = std::move(text);
  ctx.journal.update(act, act.state, ctx.now);
}

void begin(Context& ctx, ActRow act, ItemRow item, source::Sidecar const& fresh) {
  auto words = sidecar_of(item);
  auto told = words;  // what is in effect: its places and its name are, whatever the file says now
  auto const same_metadata = words.in_doubt.empty() && told.metadata.members() == fresh.metadata.members();
  told.in_doubt.clear();
  told.metadata = fresh.metadata;
  told.files = fresh.files;
  auto const late = want_the_same(told, fresh) ? "" : "only its metadata still counts: the file is up";
  if (same_metadata) return finish(ctx, std::move(act), item, told, *late ? late : "its metadata is what it was");
  if (!takes_metadata(ctx))
    return refuse_act(ctx, std::move(act), "not_supported", "the platform takes no user_metadata");
  put_in_doubt(ctx, item, words, fresh.metadata);
  item.sidecar = words.to_json().dump();
  ctx.journal.update(item, ItemState::kDone, ctx.now);
  act.state = ActState::kActing;
  act.payload = Telling{.sidecar = told}.to_text();
  act.effort = renewed(ctx.now);
  move(ctx, act, ActState::kWanted, late);
}

// Such as the deletion of the sidecar with its file, which waits until it is mended.
bool holds_up_another(Context const& ctx, ActRow const& act) {
  return std::ranges::any_of(ctx.journal.acts_of(act.item_id), [&](ActRow const& other) {
    return other.ordinal > act.ordinal && !is_over(other.state) && other.kind != ActKind::kHook;
  });
}

void read(Context& ctx, ActRow act, ItemRow const& item) {
  auto const* const source = ctx.policy.source(item.source);
  if (source == nullptr || !source->sidecars)
    return refuse_act(ctx, std::move(act), "superseded", "its source reads no sidecars");
  auto const look =
      ctx.scout.look(item.root, item.path, item.print.device, {.sidecar = true}, act.effort.due_at.value_or(ctx.now));
  if (!look) return;
  if (!*look && look->error().fault == Fault::kGone) return refuse_act(ctx, std::move(act), "gone", look->error().text);
  if (!*look && look->error().code == kSourceDown) return hold_act(ctx, std::move(act), item.root, look->error().text);
  if (!*look) return try_act_again(ctx, std::move(act), look->error(), false);
  auto const& print = (*look)->print;
  auto const latest = ctx.journal.latest_item(item.root, item.path);
  auto const is_other = latest && latest->id != item.id && latest->duplicate_of != item.ulid;
  if (print.size_bytes != item.print.size_bytes || print.mtime_ns != item.print.mtime_ns || is_other)
    return refuse_act(ctx, std::move(act), "superseded", "another file has its name: the sidecar speaks of that one");
  auto const held = held_by_sidecar(*source, **look, ctx.now);
  if (held.reason == source::kBadSidecar && !holds_up_another(ctx, act))  // it is read again when it changes
    return refuse_act(ctx, std::move(act), held.reason, held.text);
  if (!held.reason.empty()) return wait(ctx, std::move(act), held.again, held.text);
  begin(ctx, std::move(act), item, *(*look)->sidecar.sidecar);
}

// The rest of the list is told, or all of it has been.
void tell(Context& ctx, ActRow act, ItemRow const& item) {
  if (ctx.traffic.busy(Errand::kAmend, act.id)) return;
  auto const may = [&](Group group) { return ctx.traffic.may_call(group, ctx.now, ctx.policy.api_calls_max); };
  if (!may(Group::kAssets) && !may(Group::kIndexing)) return;  // many may wait: none is unpacked for nothing
  auto const telling = read_telling(act.payload);
  auto parts = parts_of(ctx, item, telling.sidecar.metadata);
  if (telling.part >= parts.size())
    return finish(ctx, std::move(act), item, telling.sidecar,
                  "told to the asset and " + std::to_string(parts.size() - 1) + " indexed");
  auto& [group, call] = parts[telling.part];
  if (!may(group)) return;
  ctx.traffic.send({.errand = Errand::kAmend, .group = group, .row = act.id, .item = item.id}, std::move(call),
                   ctx.now);
}

}  // namespace

Json metadata_patch(Json const& before, Json const& now, Json const& planned) {
  auto patch = Json::object();
  auto const add = [&](std::string const& key) {
    auto const* value = now.find(key) != nullptr ? now.find(key) : planned.find(key);
    auto const is_empty = value == nullptr || (value->as_text() != nullptr && value->as_text()->empty());
    patch.set(key, is_empty ? Json() : *value);
  };
  for (auto const& [key, value] : before.members()) add(key);
  for (auto const& [key, value] : now.members()) add(key);
  return patch;
}

void plan_amendment(Context& ctx, ItemRow item, std::int64_t sidecars_print) {
  auto const acts = ctx.journal.acts_of(item.id);
  auto const open =
      std::ranges::find_if(acts, [](ActRow const& act) { return act.kind == ActKind::kAmend && !is_over(act.state); });
  if (open != acts.end() && open->state == ActState::kActing) return;
  auto const waiting = ctx.journal.count_acts(ActState::kWanted) + ctx.journal.count_acts(ActState::kActing);
  if (open == acts.end() && waiting >= kOpenMax) return;
  item.sidecars_print = sidecars_print;
  ctx.journal.update(item, ItemState::kDone, ctx.now);
  if (open != acts.end()) {
    auto again = *open;
    if (again.effort.due_at) again.effort.due_at = ctx.now;
    return ctx.journal.update(again, again.state, ctx.now);
  }
  ActRow act{.item_id = item.id,
             .generation = item.generation,
             .ordinal = acts.empty() ? 1 : acts.back().ordinal + 1,
             .kind = ActKind::kAmend};
  auto const waits = std::ranges::any_of(
      acts, [](ActRow const& before) { return !is_over(before.state) && before.kind != ActKind::kHook; });
  if (!waits) act.effort.due_at = ctx.now;
  ctx.journal.insert(act);
}

void go_on_amending(Context& ctx, ActRow act, ItemRow const& item) {
  act.state == ActState::kWanted ? read(ctx, std::move(act), item) : tell(ctx, std::move(act), item);
}

void settle_amend(Context& ctx, Landing const& landing) {
  auto act = ctx.journal.act(landing.flight.row);
  if (!act || act->state != ActState::kActing) return;
  if (!landing.reply && landing.reply.error().fault == Fault::kRejected)
    return refuse_act(ctx, *std::move(act), landing.reply.error().code.empty() ? "refused" : landing.reply.error().code,
                      landing.reply.error().text);
  if (!landing.reply && landing.reply.error().fault != Fault::kGone) {
    auto const& error = landing.reply.error();
    act->effort = after_failure(act->effort, error, ctx.policy, ctx.now, ctx.jitter());
    if (act->effort.attempts >= kTriesMax) return refuse_act(ctx, *std::move(act), "gave_up", error.text);
    return ctx.journal.update(*act, ActState::kActing, ctx.now);
  }
  auto telling = read_telling(act->payload);  // what the platform does not know any more needs no metadata
  telling.part += 1;
  act->payload = telling.to_text();
  act->effort = renewed(ctx.now);
  ctx.journal.update(*act, ActState::kActing, ctx.now);
}

}  // namespace sluice::stage

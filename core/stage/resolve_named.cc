#include "core/stage/resolve_named.h"

#include <algorithm>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "core/platform/faults.h"
#include "core/platform/requests.h"
#include "core/stage/effort.h"
#include "core/stage/gone.h"
#include "core/stage/moves.h"
#include "core/stage/plan.h"

namespace sluice::stage {

using budget::Errand;
using budget::Group;
using journal::NamedKind;
using journal::NamedRow;
using journal::NamedState;
using journal::StepRow;
using journal::StepState;

namespace {

constexpr int kRowsPerTurn = 50;
constexpr std::size_t kAssetsTogether = 50;  // that an entity is made of: the platform states no limit (U6)
enum MadeOf : int { kOfOne = 0, kOfMany = 1 };
constexpr std::size_t kEntitiesTogether = 50;  // of one call, likewise
constexpr char kByItself[] = "alone";          // params of an entity: it was refused in a call with others,
constexpr char kOneByOne[] = "one";            // ... or with several assets at once
constexpr int kStepsMax = 100'000;             // steps woken by one name at once; a bound, not a limit anyone meets

std::string collection_id_of(Context const& ctx, NamedRow const& entity) {
  auto const parent = ctx.journal.named(entity.parent_id);
  return parent ? parent->remote_id : std::string();
}

// An entity can only be looked for in a collection whose id is known; that one makes it due.
bool waits_for_parent(Context& ctx, NamedRow named) {
  if (named.kind != NamedKind::kEntity) return false;
  auto parent = ctx.journal.named(named.parent_id);
  if (parent->state == NamedState::kPresent) return false;
  if (parent->state == NamedState::kWanted && !parent->effort.due_at) {
    parent->effort.due_at = ctx.now;
    ctx.journal.update(*parent, NamedState::kWanted, ctx.now);
  }
  named.effort.due_at.reset();
  ctx.journal.update(named, named.state, ctx.now);
  return true;
}

void look(Context& ctx, NamedRow const& named, int page) {
  auto call = [&] {
    switch (named.kind) {
      case NamedKind::kIndex: return platform::list_indexes(named.name, page);
      case NamedKind::kCollection: return platform::list_entity_collections(named.name, page);
      case NamedKind::kEntity: break;
    }
    return platform::list_entities(collection_id_of(ctx, named), named.name, page);
  }();
  ctx.traffic.send({.errand = Errand::kLookNamed, .group = group_of(named.kind), .row = named.id, .page = page},
                   std::move(call), ctx.now);
}

// What one page of a look said: the one of that name, if it is there.
struct Found {
  std::optional<platform::Named> match;
  std::vector<std::string> asset_ids;  // of an entity
  bool ours = false;                   // of an entity: it carries our operation tag
  bool last_page = true;
};

// It carries our tag, or holds an asset of ours: then it is ours whichever step made it, which a rebuilt journal does
// not know.
bool is_ours(Context const& ctx, NamedRow const& named, platform::Entity const& entity) {
  return entity.client_op == named.client_op ||
         std::ranges::any_of(entity.asset_ids, [&](std::string const& id) { return ctx.journal.asset_known(id); });
}

// Whether those who want it leave a stranger's entity of that name alone.
bool wants_a_new_one(Context const& ctx, NamedRow const& named) {
  for (auto const state : {StepState::kWaiting, StepState::kCreating, StepState::kCreated})
    for (auto const& step : ctx.journal.steps_on(named.id, state, 1))
      return read_planned_step(step.params).existing == Existing::kNew;
  return false;
}

Result<Found> read_entity_look(Context const& ctx, NamedRow const& named, ports::Reply const& reply) {
  SLUICE_TRY(page, platform::read_entity_page(reply));
  auto const last_page = page.page.last(page.rows.empty());
  std::erase_if(page.rows, [&](platform::Entity const& entity) { return entity.name != named.name; });
  if (!page.rows.empty() && wants_a_new_one(ctx, named))
    std::erase_if(page.rows, [&](platform::Entity const& entity) { return !is_ours(ctx, named, entity); });
  std::vector<platform::Named> names;
  for (auto const& entity : page.rows) names.push_back({entity.id, entity.name, entity.created_at});
  auto const* match = pick_named(names, named.name);
  if (match == nullptr) return Found{.match = std::nullopt, .asset_ids = {}, .last_page = last_page};
  auto const& entity = page.rows[static_cast<std::size_t>(match - names.data())];
  return Found{
      .match = *match, .asset_ids = entity.asset_ids, .ours = is_ours(ctx, named, entity), .last_page = last_page};
}

Result<Found> read_look(Context const& ctx, NamedRow const& named, ports::Reply const& reply) {
  if (named.kind == NamedKind::kEntity) return read_entity_look(ctx, named, reply);
  Found found;
  SLUICE_TRY(
      page, named.kind == NamedKind::kIndex ? platform::read_index_page(reply) : platform::read_collection_page(reply));
  if (auto const* match = pick_named(page.rows, named.name)) found.match = *match;
  found.last_page = page.page.last(page.rows.empty());
  return found;
}

// What was refused there before is not held against the name that was looked up since.
void wake(Context& ctx, StepRow step) {
  step.effort.due_at = ctx.now;
  if (step.remote_status == kRefusedAsGone) step.remote_status.clear();
  ctx.journal.update(step, StepState::kWaiting, ctx.now);
}

// Steps that wait on an entity which already holds their asset are done with attaching.
void settle_waiting_step(Context& ctx, StepRow step, NamedRow const& named, Found const& found) {
  auto const item = ctx.journal.item(step.item_id);
  auto const attached = item && std::ranges::find(found.asset_ids, item->asset_id) != found.asset_ids.end();
  if (named.kind == NamedKind::kEntity && attached) {
    step.state = StepState::kCreated;
    step.remote_id = named.remote_id;
    step.remote_status.clear();
    step.effort = renewed(ctx.now);
    return move(ctx, step, StepState::kWaiting, "its asset is part of the entity");
  }
  if (named.kind == NamedKind::kEntity && !named.created_by_us &&
      read_planned_step(step.params).existing == Existing::kFail)
    return fail_step(ctx, std::move(step), "entity_exists",
                     "an entity of that name exists, and the pipeline says existing: fail");
  wake(ctx, std::move(step));
}

void became_present(Context& ctx, NamedRow named, Found const& found) {
  auto const was = named.state;
  named.state = NamedState::kPresent;
  named.remote_id = found.match->id;
  named.created_by_us = named.created_by_us || found.ours;
  named.intent = {};
  named.effort = renewed(std::nullopt);
  if (named.kind == NamedKind::kEntity) named.params.clear();
  move(ctx, named, was, named.remote_id);
  for (auto const& step : ctx.journal.steps_on(named.id, StepState::kWaiting, kStepsMax))
    settle_waiting_step(ctx, step, named, found);
  for (auto step : ctx.journal.steps_on(named.id, StepState::kCreating, kStepsMax)) {
    if (!step.intent.unknown_at || step.effort.due_at) continue;
    step.effort.due_at = ctx.now;  // it may be in there: a rebuild does not know
    ctx.journal.update(step, StepState::kCreating, ctx.now);
  }
  for (auto child : ctx.journal.named_children(named.id)) {
    if (child.state == NamedState::kPresent) {
      for (auto& step : ctx.journal.steps_on(child.id, StepState::kWaiting, kStepsMax)) wake(ctx, std::move(step));
    } else if (child.state == NamedState::kWanted || child.intent.unknown_at) {
      child.effort.due_at = ctx.now;
      ctx.journal.update(child, child.state, ctx.now);
    }
  }
}

// What a new entity is made of: all that wait and whose asset is ready. The first is its seed, whose description,
// metadata and tag it has.
struct Seeds {
  std::optional<StepRow> first = {};
  std::vector<std::string> asset_ids = {};
};
Seeds seeds_of(Context const& ctx, NamedRow const& named) {
  Seeds seeds;
  auto const most = named.params == kOneByOne ? 1 : kAssetsTogether;
  for (auto& step : ctx.journal.steps_on(named.id, StepState::kWaiting, kStepsMax)) {
    if (seeds.asset_ids.size() == most) break;
    auto const item = ctx.journal.item(step.item_id);
    if (item->state != journal::ItemState::kAssetReady) continue;
    if (std::ranges::find(seeds.asset_ids, item->asset_id) == seeds.asset_ids.end())
      seeds.asset_ids.push_back(item->asset_id);
    if (!seeds.first) seeds.first = std::move(step);
  }
  return seeds;
}

void nobody_wants(Context& ctx, NamedRow named) {
  auto const was = named.state;
  named.state = NamedState::kWanted;
  named.intent = {};
  named.effort = renewed(std::nullopt);
  move(ctx, named, was, "nobody wants it any more");
}

void begin(Context& ctx, NamedRow& named) {
  auto const was = named.state;
  named.state = NamedState::kCreating;
  named.intent = {.at = ctx.now};
  named.effort.due_at.reset();
  move(ctx, named, was);
}

void create(Context& ctx, NamedRow named) {
  auto call = named.kind == NamedKind::kCollection ? platform::create_entity_collection(named.name)
                                                   : platform::create_index(named.name, named.params);
  begin(ctx, named);
  ctx.traffic.send({.errand = Errand::kCreateNamed, .group = group_of(named.kind), .row = named.id}, std::move(call),
                   ctx.now);
}

// An entity is made at the end of the turn, with others that are missing: make_entities().
void to_be_made(Context& ctx, NamedRow named) {
  if (!seeds_of(ctx, named).first) return nobody_wants(ctx, std::move(named));
  begin(ctx, named);
}

struct Missing {
  NamedRow named;
  platform::NewEntity entity;
};

// Nothing when whoever wanted it is gone.
std::optional<Missing> missing_entity(Context const& ctx, NamedRow named) {
  auto seeds = seeds_of(ctx, named);
  if (!seeds.first) return std::nullopt;
  auto const planned = read_planned_step(seeds.first->params);
  named.seed_step_id = seeds.first->id;
  named.client_op = seeds.first->client_op;
  named.intent.at = ctx.now;
  return Missing{.named = named,
                 .entity = {.name = named.name,
                            .asset_ids = std::move(seeds.asset_ids),
                            .description = planned.description,
                            .metadata = with_operation_tag(planned.metadata_json, named.client_op)}};
}

void make_one(Context& ctx, Missing const& missing) {
  auto const& [named, entity] = missing;
  ctx.journal.update(named, NamedState::kCreating, ctx.now);
  ctx.traffic.send({.errand = Errand::kCreateNamed,
                    .group = Group::kEntities,
                    .row = named.id,
                    .mode = entity.asset_ids.size() > 1 ? kOfMany : kOfOne},
                   platform::create_entity(collection_id_of(ctx, named), entity), ctx.now);
}

void make_together(Context& ctx, std::span<Missing const> missing) {
  if (missing.size() == 1) return make_one(ctx, missing.front());
  budget::Flight flight{.errand = Errand::kCreateNamed, .group = Group::kEntities};
  std::vector<platform::NewEntity> entities;
  for (auto const& [named, entity] : missing) {
    ctx.journal.update(named, NamedState::kCreating, ctx.now);
    flight.rows.push_back(named.id);
    entities.push_back(entity);
  }
  ctx.traffic.send(std::move(flight), platform::create_entities(collection_id_of(ctx, missing.front().named), entities),
                   ctx.now);
}

// Those that are missing and have one asset each go together, collection by collection, and wait for those that are
// still being looked for, up to the most that go into one call. One of several assets goes by itself: the answer about
// many does not say which assets each has.
void make_entities(Context& ctx) {
  auto const may_go = [&] { return ctx.traffic.may_call(Group::kEntities, ctx.now, ctx.policy.api_calls_max); };
  std::map<journal::RowId, std::vector<Missing>> together;  // by collection
  for (auto& named : ctx.journal.named_in(NamedState::kCreating)) {
    if (named.kind != NamedKind::kEntity || named.intent.unknown_at || !may_go()) continue;
    if (ctx.traffic.busy(Errand::kCreateNamed, named.id) || collection_id_of(ctx, named).empty()) continue;
    auto missing = missing_entity(ctx, named);
    if (!missing)
      nobody_wants(ctx, std::move(named));
    else if (missing->entity.asset_ids.size() > 1 || named.params == kByItself || named.params == kOneByOne)
      make_one(ctx, *missing);
    else
      together[named.parent_id].push_back(*std::move(missing));
  }
  for (auto const& [collection, missing] : together) {
    auto rest = std::span(missing);
    for (; rest.size() >= kEntitiesTogether && may_go(); rest = rest.subspan(kEntitiesTogether))
      make_together(ctx, rest.first(kEntitiesTogether));
    auto const is_all = rest.size() < kEntitiesTogether && ctx.traffic.in_air(Errand::kLookNamed) == 0;
    if (!rest.empty() && is_all && may_go()) make_together(ctx, rest);
  }
}

// Refused with several assets, or with other entities, which does not say whose fault it is: it is made of one asset,
// and the others are added; or by a call of its own.
void make_again(Context& ctx, NamedRow named, char const* how, std::string const& why) {
  named.params = how;
  named.state = NamedState::kWanted;
  named.intent = {};
  named.effort = renewed(ctx.now);
  move(ctx, named, NamedState::kCreating, "again, by itself: " + why);
}

// The steps that cannot go on without this name: they wait for it, do not know whether they are in it, or
// have a record that cannot be read.
std::vector<StepRow> stuck_on(Context const& ctx, journal::RowId named_id) {
  auto stuck = ctx.journal.steps_on(named_id, StepState::kWaiting, kStepsMax);
  for (auto const state : {StepState::kCreating, StepState::kCreated})
    for (auto& step : ctx.journal.steps_on(named_id, state, kStepsMax))
      if (state == StepState::kCreated || step.intent.unknown_at) stuck.push_back(std::move(step));
  return stuck;
}

// Nobody can go on with this name: those who are stuck on it (or on its children) fail with the reason.
void give_up(Context& ctx, NamedRow named, std::string const& reason, std::string const& text) {
  auto const was = named.state;
  for (auto const& child : ctx.journal.named_children(named.id))
    for (auto const& step : stuck_on(ctx, child.id)) fail_step(ctx, step, reason, text);
  auto stuck = stuck_on(ctx, named.id);
  // An entity that cannot be made speaks against the asset it was to be made of: only that step fails, if it was not
  // cancelled meanwhile, and the next may seed.
  auto const only_seed = named.kind == NamedKind::kEntity && was == NamedState::kCreating && named.seed_step_id != 0;
  std::size_t failed = 0;
  for (auto const& step : stuck) {
    if (only_seed && step.id != named.seed_step_id) continue;
    fail_step(ctx, step, reason, text);
    ++failed;
  }
  named.state = NamedState::kWanted;
  named.intent = {};
  named.effort = renewed(failed < stuck.size() ? std::optional(ctx.now) : std::nullopt);
  named.effort.last_error = text;
  move(ctx, named, was, text);
}

void retry_named(Context& ctx, NamedRow named, Error const& error, NamedState back_to) {
  auto const was = named.state;
  named.effort = after_failure(named.effort, error, ctx.policy, ctx.now, ctx.jitter());
  if (is_exhausted(named.effort, ctx.policy))
    return give_up(ctx, std::move(named), std::string(name_of(error.fault)), error.text);
  named.state = back_to;
  if (was == NamedState::kCreating && back_to == NamedState::kWanted) named.intent = {};
  move(ctx, named, was, error.text);
}

// Refused as gone: the asset it was to be made of, or its collection. The asset's step pays for it, and the
// next may seed.
void entity_refused_as_gone(Context& ctx, NamedRow named, Error const& error) {
  auto const seed = ctx.journal.step(named.seed_step_id);
  if (seed && seed->state == StepState::kWaiting) refused_as_gone(ctx, *seed, error);
  auto const attempts = named.effort.attempts;
  named.effort = after_failure(named.effort, error, ctx.policy, ctx.now, ctx.jitter());
  named.effort.attempts = attempts;
  named.state = NamedState::kWanted;
  named.intent = {};
  move(ctx, named, NamedState::kCreating, error.text);
}

void found_nothing(Context& ctx, NamedRow named) {
  if (named.intent.unknown_at) {  // a create without an answer, or a thing that was called gone
    auto const doubted = named.state == NamedState::kWanted;
    auto const late = doubted ? Millis(0) : ctx.policy.limits.late_effect;
    auto const verdict = after_empty_look(named.intent, ctx.now, late + ctx.policy.limits.list_lag);
    named.intent = verdict.intent;
    if (!verdict.did_not_happen) {
      named.effort.due_at = verdict.next_look;
      return ctx.journal.update(named, named.state, ctx.now);
    }
    if (doubted && !name_lost(ctx, named))
      return give_up(ctx, std::move(named), "gone",
                     "the platform keeps losing it: see who or what deletes it there, then retry");
  }
  if (named.kind == NamedKind::kEntity) return to_be_made(ctx, std::move(named));
  if (named.kind == NamedKind::kIndex && named.params.empty())
    return give_up(ctx, std::move(named), "index_missing",
                   "the platform has no index of that name, and the pipeline does not say how to create it");
  create(ctx, std::move(named));
}

}  // namespace

platform::Named const* pick_named(std::span<platform::Named const> rows, std::string const& name) {
  platform::Named const* oldest = nullptr;
  for (auto const& row : rows) {
    if (row.name != name) continue;
    if (oldest == nullptr || row.created_at < oldest->created_at) oldest = &row;
  }
  return oldest;
}

void choose_resolve_named(Context& ctx) {
  for (auto const state : {NamedState::kCreating, NamedState::kWanted})
    for (auto const& named : ctx.journal.due_named(state, ctx.now, kRowsPerTurn)) {
      if (state == NamedState::kCreating && !named.intent.unknown_at) continue;
      if (ctx.traffic.busy(Errand::kLookNamed, named.id) || waits_for_parent(ctx, named)) continue;
      if (!ctx.traffic.may_call(group_of(named.kind), ctx.now, ctx.policy.api_calls_max)) continue;
      look(ctx, named, 1);
    }
  make_entities(ctx);
}

void settle_look_named(Context& ctx, Landing const& landing) {
  auto named = ctx.journal.named(landing.flight.row);
  if (!named || named->state == NamedState::kPresent || waits_for_parent(ctx, *named)) return;
  auto const state = named->state;
  if (!landing.reply && landing.reply.error().fault == Fault::kGone && named->kind == NamedKind::kEntity) {
    doubt_name(ctx, named->parent_id, landing.reply.error().text);  // the collection is not there any more
    return retry_named(ctx, std::move(*named), landing.reply.error(), state);
  }
  auto const refused = !landing.reply &&
                       (landing.reply.error().fault == Fault::kRejected || landing.reply.error().fault == Fault::kGone);
  if (refused) return give_up(ctx, std::move(*named), landing.reply.error().code, landing.reply.error().text);
  if (!landing.reply) return retry_named(ctx, std::move(*named), landing.reply.error(), state);
  auto found = read_look(ctx, *named, *landing.reply);
  if (!found) return retry_named(ctx, std::move(*named), found.error(), state);
  if (found->match) return became_present(ctx, std::move(*named), *found);
  if (!found->last_page) return look(ctx, *named, landing.flight.page + 1);
  found_nothing(ctx, std::move(*named));
}

namespace {

void now_unknown(Context& ctx, NamedRow named, Error const& error) {
  named.effort = after_failure(named.effort, error, ctx.policy, ctx.now, ctx.jitter());
  named.effort.due_at = ctx.now;
  named.intent = outcome_unknown(named.intent, ctx.now);
  move(ctx, named, NamedState::kCreating, "no answer came (" + error.text + "): looking whether it happened");
}

// No answer about all of them.
void settle_none_made(Context& ctx, NamedRow named, Error const& error) {
  if (error.fault == Fault::kOutcomeUnknown) return now_unknown(ctx, std::move(named), error);
  if (error.fault == Fault::kRejected || error.fault == Fault::kGone)
    return make_again(ctx, std::move(named), kByItself, error.text);
  retry_named(ctx, std::move(named), error, NamedState::kWanted);
}

void settle_made_together(Context& ctx, NamedRow named, std::size_t place, platform::BulkEntities const& bulk) {
  if (auto const refused = bulk.refused.find(place); refused != bulk.refused.end())
    return make_again(ctx, std::move(named), kByItself, refused->second);
  auto const* const made = pick_named(bulk.made, named.name);
  if (made == nullptr)
    return now_unknown(ctx, std::move(named), {Fault::kProtocol, "the answer does not say what became of it"});
  Found found{.match = *made, .asset_ids = {}, .ours = true};
  auto const seed = ctx.journal.step(named.seed_step_id);
  if (auto const item = seed ? ctx.journal.item(seed->item_id) : std::nullopt)
    found.asset_ids.push_back(item->asset_id);
  became_present(ctx, std::move(named), found);
}

void settle_make_together(Context& ctx, Landing const& landing) {
  auto const bulk =
      landing.reply ? platform::read_bulk_entities(*landing.reply) : std::unexpected(landing.reply.error());
  for (std::size_t place = 0; place < landing.flight.rows.size(); ++place) {
    auto named = ctx.journal.named(landing.flight.rows[place]);
    if (!named || named->state != NamedState::kCreating || named->intent.unknown_at) continue;
    if (bulk)
      settle_made_together(ctx, *std::move(named), place, *bulk);
    else if (landing.reply)
      now_unknown(ctx, *std::move(named), bulk.error());
    else
      settle_none_made(ctx, *std::move(named), bulk.error());
  }
}

}  // namespace

void settle_create_named(Context& ctx, Landing const& landing) {
  if (!landing.flight.rows.empty()) return settle_make_together(ctx, landing);
  auto named = ctx.journal.named(landing.flight.row);
  if (!named || named->state != NamedState::kCreating) return;
  auto const unknown = [&](Error const& error) { now_unknown(ctx, *std::move(named), error); };
  if (!landing.reply) {
    auto const& error = landing.reply.error();
    if (error.fault == Fault::kOutcomeUnknown) return unknown(error);
    if (error.code == "index_name_already_exists")
      return retry_named(ctx, std::move(*named), error, NamedState::kWanted);
    auto const is_final = error.fault == Fault::kRejected || error.fault == Fault::kGone;
    if (is_final && landing.flight.mode == kOfMany) return make_again(ctx, *std::move(named), kOneByOne, error.text);
    if (error.fault == Fault::kGone && named->kind == NamedKind::kEntity)
      return entity_refused_as_gone(ctx, std::move(*named), error);
    if (is_final) return give_up(ctx, std::move(*named), error.code.empty() ? "refused" : error.code, error.text);
    return retry_named(ctx, std::move(*named), error, NamedState::kWanted);
  }
  Found found;
  named->created_by_us = true;
  if (named->kind == NamedKind::kEntity) {
    auto const entity = platform::read_entity(*landing.reply);
    if (!entity) return unknown(entity.error());
    found.match = platform::Named{entity->id, entity->name, entity->created_at};
    found.asset_ids = entity->asset_ids;
    return became_present(ctx, std::move(*named), found);
  }
  auto const id = platform::read_id(*landing.reply);
  if (!id) return unknown(id.error());
  found.match = platform::Named{*id, named->name, std::nullopt};
  became_present(ctx, std::move(*named), found);
}

}  // namespace sluice::stage

#include "core/stage/create_step.h"

#include <algorithm>
#include <utility>

#include "core/platform/faults.h"
#include "core/platform/requests.h"
#include "core/stage/effort.h"
#include "core/stage/gone.h"
#include "core/stage/moves.h"
#include "core/stage/plan.h"

namespace sluice::stage {

using budget::Errand;
using budget::Group;
using journal::NamedRow;
using journal::NamedState;
using journal::StepKind;
using journal::StepRow;
using journal::StepState;

namespace {

constexpr int kRowsPerTurn = 64;
constexpr std::size_t kAssetsTogether = 50;              // of one call: the platform states no limit (U6)
constexpr int kLookedThrough = 200;                      // steps on one entity, for those that may go together
constexpr char kRefusedTogether[] = "refused together";  // such a step's remote_status: it goes by itself
constexpr Millis kClockSlack = std::chrono::minutes(5);
enum LookBy : int { kByAsset = 0, kByIndex = 1 };

// What a step's calls need to know of its surroundings.
struct Place {
  journal::ItemRow item;
  NamedRow named;
  std::string collection_id;  // entity only
  Millis media{0};            // what indexing it costs; 0 where nothing limits that
};

// Nothing while its asset or its name is not known.
std::optional<Place> place_of(Context const& ctx, StepRow const& step) {
  auto const item = ctx.journal.item(step.item_id);
  auto const named = ctx.journal.named(step.named_id);
  if (!item || item->asset_id.empty() || !named || named->state != NamedState::kPresent) return std::nullopt;
  Place place{.item = *item, .named = *named, .collection_id = {}};
  if (step.kind == StepKind::kIndex) {
    place.media = Millis(place.item.media_ms);
    return place;
  }
  auto const collection = ctx.journal.named(named->parent_id);
  if (collection->state != NamedState::kPresent) return std::nullopt;
  place.collection_id = collection->remote_id;
  return place;
}

// Only for an asset that is ready; one in doubt is asked for first.
std::optional<Place> place_to_create(Context const& ctx, StepRow const& step) {
  auto const item = ctx.journal.item(step.item_id);
  return item && item->state == journal::ItemState::kAssetReady ? place_of(ctx, step) : std::nullopt;
}

ports::Call call_for(Context const& ctx, StepRow const& step, Place const& place) {
  auto const planned = read_planned_step(step.params);
  auto const metadata = takes_metadata(ctx)
                            ? with_operation_tag(with_own_metadata(planned.metadata_json, place.item), step.client_op)
                            : std::string();
  return platform::create_indexed_asset(place.named.remote_id, place.item.asset_id, planned.enable_video_stream,
                                        metadata);
}

void created(Context& ctx, StepRow step, std::string remote_id, std::string_view note) {
  step.state = StepState::kCreated;
  step.remote_id = std::move(remote_id);
  step.remote_status.clear();
  step.intent = {.at = step.intent.at};  // since when it may be seen there
  step.effort = renewed(ctx.now + ctx.policy.poll_min);
  move(ctx, step, StepState::kCreating, note);
}

void now_unknown(Context& ctx, StepRow step, Error const& error) {
  step.effort = after_failure(step.effort, error, ctx.policy, ctx.now, ctx.jitter());
  step.effort.due_at = ctx.now;
  step.intent = outcome_unknown(step.intent, ctx.now);
  move(ctx, step, StepState::kCreating, "no answer came (" + error.text + "): looking whether it happened");
}

void back_to_waiting(Context& ctx, StepRow step, std::string_view note) {
  step.state = StepState::kWaiting;
  step.intent = {};
  step.effort.due_at = ctx.now;
  move(ctx, step, StepState::kCreating, note);
}

void settle_refused(Context& ctx, StepRow step, Error const& error, bool tagged) {
  if (error.fault == Fault::kGone) return refused_as_gone(ctx, step, error);
  if (error.fault != Fault::kRejected) return retry_step(ctx, std::move(step), error, StepState::kWaiting);
  if (tagged && platform::refuses_metadata(error)) {
    metadata_refused(ctx);
    return back_to_waiting(ctx, std::move(step), "again without user_metadata");
  }
  fail_step(ctx, std::move(step), error.code.empty() ? "refused" : error.code, error.text);
}

void look(Context& ctx, StepRow const& step, Place const& place, int mode, int page) {
  auto call = [&] {
    if (step.kind == StepKind::kEntity) return platform::retrieve_entity(place.collection_id, place.named.remote_id);
    if (mode == kByAsset) return platform::list_indexed_assets_by_asset(place.item.asset_id, page);
    return platform::list_indexed_assets(place.named.remote_id, page);
  }();
  ctx.traffic.send({.errand = Errand::kLookStep,
                    .group = group_of(step.kind),
                    .row = step.id,
                    .item = step.item_id,
                    .page = page,
                    .mode = mode},
                   std::move(call), ctx.now);
}

void found_nothing(Context& ctx, StepRow step) {
  auto const verdict =
      after_empty_look(step.intent, ctx.now, ctx.policy.limits.late_effect + ctx.policy.limits.list_lag);
  step.intent = verdict.intent;
  if (!verdict.did_not_happen) {
    step.effort.due_at = verdict.next_look;
    return ctx.journal.update(step, StepState::kCreating, ctx.now);
  }
  if (is_exhausted(step.effort, ctx.policy)) {
    auto const text = step.effort.last_error;
    step.intent = {};
    return fail_step(ctx, std::move(step), "outcome_unknown", text);
  }
  back_to_waiting(ctx, std::move(step), "looked twice: it did not happen");
}

void settle_entity_look(Context& ctx, StepRow step, Place const& place, ports::Reply const& reply) {
  auto const entity = platform::read_entity(reply);
  if (!entity) return retry_step(ctx, std::move(step), entity.error(), StepState::kCreating);
  if (std::ranges::find(entity->asset_ids, place.item.asset_id) != entity->asset_ids.end())
    return created(ctx, std::move(step), entity->id, "found: it had happened");
  back_to_waiting(ctx, std::move(step), "the entity does not hold it: added again (R49)");
}

void settle_index_look(Context& ctx, StepRow step, Place const& place, Landing const& landing) {
  auto const by_asset = landing.flight.mode == kByAsset;
  auto const page = by_asset ? platform::read_indexed_asset_page_of_asset(*landing.reply)
                             : platform::read_indexed_asset_page(*landing.reply);
  if (!page) return retry_step(ctx, std::move(step), page.error(), StepState::kCreating);
  if (auto const* found = pick_indexed_asset(page->rows, place.named.remote_id, place.item.asset_id))
    return created(ctx, std::move(step), found->id, "found: it had happened");
  auto const not_before = *step.intent.at + ctx.traffic.clock_offset() - kClockSlack;
  auto const passed = !by_asset && std::ranges::any_of(page->rows, [&](auto const& row) {
    return row.created_at && *row.created_at < not_before;
  });
  if (!passed && !page->page.last(page->rows.empty()))
    return look(ctx, step, place, landing.flight.mode, landing.flight.page + 1);
  found_nothing(ctx, std::move(step));
}

void begin(Context& ctx, StepRow& step) {
  step.state = StepState::kCreating;
  step.intent = {.at = ctx.now};
  step.effort.due_at.reset();
  move(ctx, step, StepState::kWaiting);
}

// It is to be made of, and joined by, our own files only.
bool is_kept_out(StepRow const& step, NamedRow const& named) {
  return step.kind == StepKind::kEntity && !named.created_by_us &&
         read_planned_step(step.params).existing == Existing::kFail;
}

// Those that go with this one in one call: they wait for the same entity, and were not refused in such a call.
std::vector<StepRow> together_with(Context const& ctx, StepRow const& first) {
  std::vector<StepRow> all = {first};
  if (first.remote_status == kRefusedTogether) return all;
  for (auto& step : ctx.journal.steps_on(first.named_id, StepState::kWaiting, kLookedThrough)) {
    if (all.size() == kAssetsTogether) break;
    auto const is_due = step.effort.due_at && *step.effort.due_at <= ctx.now;
    auto const place = place_to_create(ctx, step);
    if (!is_due || step.id == first.id || step.remote_status == kRefusedTogether || !place) continue;
    if (is_kept_out(step, place->named)) continue;
    all.push_back(std::move(step));
  }
  return all;
}

void add_to_entity(Context& ctx, std::vector<StepRow> steps, Place const& place) {
  budget::Flight flight{.errand = Errand::kCreateStep, .group = group_of(StepKind::kEntity), .mode = kUntagged};
  std::vector<std::string> asset_ids;
  for (auto& step : steps) {
    asset_ids.push_back(ctx.journal.item(step.item_id)->asset_id);
    flight.rows.push_back(step.id);
    begin(ctx, step);
  }
  if (steps.size() == 1) {  // it goes if its item is cancelled; of several each says for itself what it still wants
    flight.rows.clear();
    flight.row = steps.front().id;
    flight.item = steps.front().item_id;
  }
  ctx.traffic.send(std::move(flight),
                   platform::add_entity_assets(place.collection_id, place.named.remote_id, asset_ids), ctx.now);
}

void begin_steps(Context& ctx, StepKind kind) {
  auto const group = group_of(kind);
  for (auto& step : ctx.journal.due_steps(StepState::kWaiting, kind, ctx.now, kRowsPerTurn)) {
    if (ctx.traffic.busy(Errand::kDeleteStep, step.id)) continue;
    if (ctx.journal.step(step.id)->state != StepState::kWaiting) continue;  // it went with one before it
    if (!ctx.traffic.may_call(group, ctx.now, ctx.policy.api_calls_max)) return;
    auto const place = place_to_create(ctx, step);
    if (!place) {  // its asset or its name is in doubt, or lost: whoever settles that makes it due
      step.effort.due_at.reset();
      ctx.journal.update(step, StepState::kWaiting, ctx.now);
      want_named(ctx, step);
      continue;
    }
    if (!step.remote_id.empty()) {
      ctx.traffic.send({.errand = Errand::kDeleteStep, .group = group, .row = step.id, .item = step.item_id},
                       platform::delete_indexed_asset(place->named.remote_id, step.remote_id), ctx.now);
      continue;
    }
    if (is_kept_out(step, place->named)) {
      fail_step(ctx, std::move(step), "entity_exists",
                "an entity of that name exists, and the pipeline says existing: fail");
      continue;
    }
    if (kind == StepKind::kEntity) {
      add_to_entity(ctx, together_with(ctx, step), *place);
      continue;
    }
    if (!ctx.traffic.may_spend(group, place->media, ctx.now)) return;  // the next in line is not to overtake it
    begin(ctx, step);
    auto const tagged = takes_metadata(ctx);
    ctx.traffic.send({.errand = Errand::kCreateStep,
                      .group = group,
                      .row = step.id,
                      .item = step.item_id,
                      .mode = tagged ? kTagged : kUntagged,
                      .media = place->media},
                     call_for(ctx, step, *place), ctx.now);
  }
}

void look_for_steps(Context& ctx, StepKind kind) {
  for (auto const& step : ctx.journal.due_steps(StepState::kCreating, kind, ctx.now, kRowsPerTurn)) {
    if (!step.intent.unknown_at || ctx.traffic.busy(Errand::kLookStep, step.id)) continue;
    if (!ctx.traffic.may_call(group_of(kind), ctx.now, ctx.policy.api_calls_max)) return;
    auto const place = place_of(ctx, step);
    if (!place) {  // its name was lost meanwhile: looked up anew, and then the step
      auto later = step;
      later.named_id = want_named(ctx, step).id;
      later.effort.due_at = ctx.now + ctx.policy.poll_min;
      ctx.journal.update(later, StepState::kCreating, ctx.now);
      continue;
    }
    look(ctx, step, *place, kByAsset, 1);
  }
}

}  // namespace

platform::IndexedAsset const* pick_indexed_asset(std::span<platform::IndexedAsset const> rows,
                                                 std::string const& index_id, std::string const& asset_id) {
  platform::IndexedAsset const* oldest = nullptr;
  for (auto const& row : rows) {
    if (row.index_id.empty() && row.asset_id.empty()) continue;
    if (!row.index_id.empty() && row.index_id != index_id) continue;
    if (!row.asset_id.empty() && row.asset_id != asset_id) continue;
    if (oldest == nullptr || row.created_at < oldest->created_at) oldest = &row;
  }
  return oldest;
}

void choose_create_step(Context& ctx) {
  for (auto const kind : journal::kStepKinds) begin_steps(ctx, kind);
}

void choose_look_step(Context& ctx) {
  for (auto const kind : journal::kStepKinds) look_for_steps(ctx, kind);
}

namespace {

void settle_creating(Context& ctx, journal::RowId row, Landing const& landing) {
  auto step = ctx.journal.step(row);
  if (!step || step->state != StepState::kCreating || step->intent.unknown_at) return;
  if (!landing.reply) {
    auto const& error = landing.reply.error();
    if (error.fault == Fault::kOutcomeUnknown) return now_unknown(ctx, std::move(*step), error);
    auto const is_final = error.fault == Fault::kRejected || error.fault == Fault::kGone;
    if (is_final && !landing.flight.rows.empty()) {  // which of them is meant, it does not say
      step->remote_status = kRefusedTogether;
      return back_to_waiting(ctx, std::move(*step), "again by itself, since they were refused together: " + error.text);
    }
    return settle_refused(ctx, std::move(*step), error, landing.flight.mode == kTagged);
  }
  if (step->kind == StepKind::kEntity) {
    auto const entity = platform::read_entity(*landing.reply);
    if (!entity) return now_unknown(ctx, std::move(*step), entity.error());
    return created(ctx, std::move(*step), entity->id, {});
  }
  auto const id = platform::read_id(*landing.reply);
  if (!id) return now_unknown(ctx, std::move(*step), id.error());
  created(ctx, std::move(*step), *id, {});
}

}  // namespace

void settle_create_step(Context& ctx, Landing const& landing) {
  if (landing.flight.rows.empty()) return settle_creating(ctx, landing.flight.row, landing);
  for (auto const row : landing.flight.rows) settle_creating(ctx, row, landing);
}

void settle_delete_step(Context& ctx, Landing const& landing) {
  auto step = ctx.journal.step(landing.flight.row);
  if (!step || step->state != StepState::kWaiting) return;
  if (!landing.reply && landing.reply.error().fault != Fault::kGone) {
    auto const& error = landing.reply.error();
    if (error.fault == Fault::kRejected)
      return fail_step(ctx, std::move(*step), error.code.empty() ? "refused" : error.code, error.text);
    return retry_step(ctx, std::move(*step), error, StepState::kWaiting);
  }
  step->remote_id.clear();
  step->remote_status.clear();
  step->effort.due_at = ctx.now;
  move(ctx, *step, StepState::kWaiting, "the failed record is deleted");
}

void settle_look_step(Context& ctx, Landing const& landing) {
  auto step = ctx.journal.step(landing.flight.row);
  if (!step || step->state != StepState::kCreating || !step->intent.unknown_at) return;
  auto const place = place_of(ctx, *step);
  if (!place) return;
  if (landing.reply && step->kind == StepKind::kEntity)
    return settle_entity_look(ctx, std::move(*step), *place, *landing.reply);
  if (landing.reply) return settle_index_look(ctx, std::move(*step), *place, landing);
  auto const& error = landing.reply.error();
  auto const gone = error.fault == Fault::kGone;
  // Either that call is not there (R52) or the asset is gone: the index itself is listed, and knows.
  if (gone && step->kind == StepKind::kIndex && landing.flight.mode == kByAsset)
    return look(ctx, *step, *place, kByIndex, 1);
  if (gone) doubt_name(ctx, step->named_id, error.text);
  retry_step(ctx, std::move(*step), error, StepState::kCreating);
}

}  // namespace sluice::stage

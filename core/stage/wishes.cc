#include "core/stage/wishes.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/base/text.h"
#include "core/stage/plan.h"

namespace sluice::stage {
namespace {

// For an index that no pipeline describes: Marengo 3.0 alone, as R44 advises.
constexpr char kDefaultModels[] = R"([{"model_name":"marengo3.0","model_options":["visual","audio"]}])";

std::string models_for(Policy const& policy, std::string const& index) {
  for (auto const& pipeline : policy.pipelines)
    for (auto const& wish : pipeline.indexes)
      if (wish.name == index && !wish.models_json.empty()) return wish.models_json;
  return kDefaultModels;
}

// The source's pipelines, those that take the kind first.
std::vector<PipelinePolicy const*> pipelines_of(Policy const& policy, SourcePolicy const& source,
                                                std::string const& kind) {
  std::vector<PipelinePolicy const*> all;
  for (auto const& name : source.pipelines)
    if (auto const* const pipeline = policy.pipeline(name)) all.push_back(pipeline);
  std::ranges::stable_partition(all, [&](auto const* pipeline) { return pipeline->kinds.contains(kind); });
  return all;
}

}  // namespace

PipelinePolicy pipeline_of(Policy const& policy, Wishes const& wishes, std::string name) {
  PipelinePolicy pipeline{.name = std::move(name),
                          .kinds = {"video", "audio", "image"},
                          .filename = *parse_template("{name}"),
                          .user_metadata = {},
                          .indexes = {},
                          .entity = {}};
  if (wishes.index)
    pipeline.indexes.push_back(
        {.name = *wishes.index, .models_json = models_for(policy, *wishes.index), .user_metadata = {}});
  if (wishes.collection) {
    Template entity{.text = *wishes.entity, .pieces = {{.literal = *wishes.entity}}};
    pipeline.entity =
        EntityWish{.collection = *wishes.collection, .name = std::move(entity), .description = {}, .metadata = {}};
  }
  return pipeline;
}

PipelinePolicy pipeline_of_sidecar(Policy const& policy, SourcePolicy const& source, std::string const& kind,
                                   Wishes const& wishes) {
  auto made = pipeline_of(policy, wishes, kBySidecar);
  auto const configured = pipelines_of(policy, source, kind);
  for (auto& index : made.indexes)
    for (auto const* const pipeline : configured) {
      auto const same = std::ranges::find(pipeline->indexes, index.name, &IndexWish::name);
      if (same == pipeline->indexes.end()) continue;
      index = *same;
      break;
    }
  auto const same = std::ranges::find_if(configured, [&](auto const* pipeline) {
    return made.entity && pipeline->entity && pipeline->entity->collection == made.entity->collection;
  });
  if (same == configured.end()) return made;
  auto entity = *(*same)->entity;
  entity.name = std::move(made.entity->name);
  made.entity = std::move(entity);
  return made;
}

Result<void> apply_wishes(Context& ctx, journal::ItemRow& item, Wishes const& wishes) {
  if (wishes.entity.has_value() != wishes.collection.has_value())
    return fail(Fault::kRejected, "an entity needs both --collection and --entity", "entity_needs_collection");
  if (!wishes.pipeline.empty() && ctx.policy.pipeline(wishes.pipeline) == nullptr)
    return fail(Fault::kRejected, "there is no pipeline named " + printable(wishes.pipeline), "no_such_pipeline");
  item.pipeline = wishes.pipeline;
  if (!wishes.index && !wishes.collection) return {};
  auto const pipeline = pipeline_of(ctx.policy, wishes, kByHand);
  SLUICE_TRY(plan, make_plan(pipeline, values_of(item, ctx.policy.host, ctx.now)));
  item.pipeline = pipeline.name;
  item.plan = plan.to_json();
  return {};
}

}  // namespace sluice::stage

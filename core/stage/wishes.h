// wishes.h - what a person or a manifest wants done with one item, instead of what its source says.
#pragma once

#include <optional>
#include <string>

#include "core/stage/stage.h"

namespace sluice::stage {

// The pipeline of an item whose places a person named, or a sidecar.
inline constexpr char kByHand[] = "by_hand";
inline constexpr char kBySidecar[] = "by_sidecar";

// Everything empty: as its source says.
struct Wishes {
  std::string pipeline = {};
  std::optional<std::string> index = {};       // instead of a pipeline: the asset goes into this index
  std::optional<std::string> collection = {};  // instead of a pipeline: it becomes `entity` of this collection
  std::optional<std::string> entity = {};
};

// A pipeline made of the wishes alone. Requires  an entity has its collection, and the other way round. Pure.
PipelinePolicy pipeline_of(Policy const& policy, Wishes const& wishes, std::string name);

// The same, of what a sidecar wants: whoever may write one is not who configured the source. What a pipeline of the
// source says of the very index or collection that is named holds (how it is made, its metadata, `existing`), that of
// one which takes the kind before others. Pure.
PipelinePolicy pipeline_of_sidecar(Policy const& policy, SourcePolicy const& source, std::string const& kind,
                                   Wishes const& wishes);

// Writes the pipeline, and for the wishes that are none the plan, into a new item.
// Fails  kRejected: "no_such_pipeline", "entity_needs_collection".
Result<void> apply_wishes(Context& ctx, journal::ItemRow& item, Wishes const& wishes);

}  // namespace sluice::stage

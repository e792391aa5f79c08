// plan.h - what a pipeline asks for one file, with every template expanded.
//
// Made once, when the file is admitted (or when it is added by hand), and kept in the journal as JSON:
// a configuration changed later does not change what is under way.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "core/journal/rows.h"
#include "core/source/sidecar.h"
#include "core/stage/policy.h"

namespace sluice::stage {

struct PlannedStep {
  journal::StepKind kind = journal::StepKind::kIndex;
  std::string name = {};             // the index's, or the entity's
  std::string collection = {};       // entity only
  std::string models_json = {};      // index only; "" if it must exist
  bool enable_video_stream = false;  // index only
  std::string description = {};      // entity only
  std::string metadata_json = "{}";
  Existing existing = Existing::kAttach;  // entity only

  std::string to_json() const;
};

// Requires  text written by PlannedStep::to_json.
PlannedStep read_planned_step(std::string const& text);

struct Plan {
  std::string filename = {};
  bool enable_hls = false;
  bool enable_thumbnail = false;
  std::string metadata_json = "{}";
  std::vector<PlannedStep> steps = {};

  std::string to_json() const;
};

// Requires  text written by Plan::to_json.
Plan read_plan(std::string const& text);

// What its sidecars say, as they were when it was admitted; of a manifest's line, its metadata.
source::Sidecar sidecar_of(journal::ItemRow const& item);

// What the templates' variables stand for, for an item. The path of a URL begins with its host and ends with its name;
// {meta.KEY} is of its sidecar, or of its manifest's line. `match`: the source's, which the path may or may not fit.
TemplateValues values_of(journal::ItemRow const& item, std::string_view host, WallTime at,
                         std::optional<PathMatch> const& match = {});

// The named groups of `match` that the pipeline's templates ask for.
std::set<std::string> groups_in(PipelinePolicy const& pipeline);

// Expands a pipeline for one file. File names are made fit for the platform (D43), other texts valid UTF-8. The item's
// own metadata is not in it: see with_own_metadata().
// Fails  kRejected "no_metadata": a template names a key that the item does not have.
Result<Plan> make_plan(PipelinePolicy const& pipeline, TemplateValues const& values);

// A planned asset's or indexed asset's metadata, with that of the item's sidecar over it. Both are kept apart until a
// call leaves, so that a key that is taken out of a sidecar has its planned value again.
std::string with_own_metadata(std::string const& metadata_json, journal::ItemRow const& item);

// `metadata_json` with the operation tag added as `client_op` (R48, R50).
std::string with_operation_tag(std::string const& metadata_json, std::string const& client_op);

}  // namespace sluice::stage

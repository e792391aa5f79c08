#include "core/stage/policy.h"

#include <algorithm>

namespace sluice::stage {

SourcePolicy const* Policy::source(std::string_view name) const {
  auto const found = std::ranges::find(sources, name, &SourcePolicy::name);
  return found == sources.end() ? nullptr : &*found;
}

PipelinePolicy const* Policy::pipeline(std::string_view name) const {
  auto const found = std::ranges::find(pipelines, name, &PipelinePolicy::name);
  return found == pipelines.end() ? nullptr : &*found;
}

}  // namespace sluice::stage

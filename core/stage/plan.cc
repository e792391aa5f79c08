#include "core/stage/plan.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "core/base/json.h"
#include "core/base/text.h"

namespace sluice::stage {
namespace {

// Text for the platform: names are bytes (D42), JSON is UTF-8.
std::string as_utf8(std::string const& bytes) { return is_utf8(bytes) ? bytes : printable(bytes); }

std::string metadata_json(Metadata const& metadata, TemplateValues const& values) {
  auto object = Json::object();
  for (auto const& [key, value] : metadata) {
    if (auto const* text = std::get_if<Template>(&value))
      object.set(key, as_utf8(expand(*text, values)));
    else if (auto const* flag = std::get_if<bool>(&value))
      object.set(key, *flag);
    else if (auto const* number = std::get_if<std::int64_t>(&value))
      object.set(key, *number);
    else
      object.set(key, std::get<double>(value));
  }
  return object.dump();
}

Json parsed(std::string const& text) {
  auto json = parse_json(text);
  assert(json && "the journal holds only JSON that we wrote");
  return std::move(*json);
}

std::string text_of(Json const& json, std::string_view key) {
  auto const* member = json.find(key);
  return member != nullptr && member->as_text() != nullptr ? *member->as_text() : std::string();
}

bool flag_of(Json const& json, std::string_view key) {
  auto const* member = json.find(key);
  return member != nullptr && member->as_bool().value_or(false);
}

constexpr std::array<std::string_view, 3> kExisting = {"attach", "fail", "new"};

std::string_view word(Existing existing) { return kExisting[static_cast<std::size_t>(existing)]; }

Existing existing_of(std::string_view text) {
  auto const found = std::ranges::find(kExisting, text);
  return found == kExisting.end() ? Existing::kAttach : static_cast<Existing>(found - kExisting.begin());
}

Json step_json(PlannedStep const& step) {
  return Json::object({{"kind", word(step.kind)},
                       {"name", step.name},
                       {"collection", step.collection},
                       {"models", step.models_json},
                       {"stream", step.enable_video_stream},
                       {"description", step.description},
                       {"metadata", step.metadata_json},
                       {"existing", word(step.existing)}});
}

PlannedStep read_step(Json const& json) {
  return {.kind = journal::step_kind(text_of(json, "kind")),
          .name = text_of(json, "name"),
          .collection = text_of(json, "collection"),
          .models_json = text_of(json, "models"),
          .enable_video_stream = flag_of(json, "stream"),
          .description = text_of(json, "description"),
          .metadata_json = text_of(json, "metadata"),
          .existing = existing_of(text_of(json, "existing"))};
}

std::string path_for_templates(journal::ItemRow const& item) {
  if (!is_of_url(item)) return item.path;
  auto const scheme_end = item.path.find("://");
  assert(scheme_end != std::string::npos && "of a URL");
  auto const folder = directory_of(std::string_view(item.path).substr(scheme_end + 3));
  return std::string(folder) + "/" + item.name;
}

std::vector<Template const*> templates_of(PipelinePolicy const& pipeline) {
  std::vector<Template const*> all = {&pipeline.filename};
  auto const add = [&](Metadata const& metadata) {
    for (auto const& [key, value] : metadata)
      if (auto const* text = std::get_if<Template>(&value)) all.push_back(text);
  };
  add(pipeline.user_metadata);
  for (auto const& index : pipeline.indexes) add(index.user_metadata);
  if (!pipeline.entity) return all;
  all.push_back(&pipeline.entity->name);
  if (pipeline.entity->description) all.push_back(&*pipeline.entity->description);
  add(pipeline.entity->metadata);
  return all;
}

}  // namespace

std::string PlannedStep::to_json() const { return step_json(*this).dump(); }

PlannedStep read_planned_step(std::string const& text) { return read_step(parsed(text)); }

std::string Plan::to_json() const {
  auto all = Json::array();
  for (auto const& step : steps) all.push(step_json(step));
  return Json::object({{"filename", filename},
                       {"hls", enable_hls},
                       {"thumbnail", enable_thumbnail},
                       {"metadata", metadata_json},
                       {"steps", std::move(all)}})
      .dump();
}

Plan read_plan(std::string const& text) {
  auto const json = parsed(text);
  Plan plan{.filename = text_of(json, "filename"),
            .enable_hls = flag_of(json, "hls"),
            .enable_thumbnail = flag_of(json, "thumbnail"),
            .metadata_json = text_of(json, "metadata"),
            .steps = {}};
  if (auto const* steps = json.find("steps"))
    for (auto const& step : steps->elements()) plan.steps.push_back(read_step(step));
  return plan;
}

source::Sidecar sidecar_of(journal::ItemRow const& item) {
  return item.sidecar.empty() ? source::Sidecar() : source::sidecar_from(parsed(item.sidecar));
}

std::set<std::string> groups_in(PipelinePolicy const& pipeline) {
  std::set<std::string> groups;
  for (auto const* const text : templates_of(pipeline)) groups.merge(groups_in(*text));
  return groups;
}

TemplateValues values_of(journal::ItemRow const& item, std::string_view host, WallTime at,
                         std::optional<PathMatch> const& match) {
  auto values = template_values(item.source, path_for_templates(item), host, at);
  auto const own = sidecar_of(item).metadata;
  for (auto const& [key, value] : own.members())
    values.meta[key] = value.as_text() != nullptr ? *value.as_text() : value.dump();
  if (match) values.match = match->values_of(values.path);
  return values;
}

Result<Plan> make_plan(PipelinePolicy const& pipeline, TemplateValues const& values) {
  for (auto const* const text : templates_of(pipeline))
    if (auto const* const key = missing_key(*text, values))
      return fail(Fault::kRejected,
                  printable(text->text) + " needs the metadata " + printable(*key) + ", and no sidecar gives it",
                  "no_metadata");
  Plan plan{.filename = platform_filename(expand(pipeline.filename, values)),
            .enable_hls = pipeline.enable_hls,
            .enable_thumbnail = pipeline.enable_thumbnail,
            .metadata_json = metadata_json(pipeline.user_metadata, values),
            .steps = {}};
  for (auto const& index : pipeline.indexes)
    plan.steps.push_back({.kind = journal::StepKind::kIndex,
                          .name = index.name,
                          .collection = {},
                          .models_json = index.models_json,
                          .enable_video_stream = index.enable_video_stream,
                          .description = {},
                          .metadata_json = metadata_json(index.user_metadata, values)});
  if (pipeline.entity)
    plan.steps.push_back(
        {.kind = journal::StepKind::kEntity,
         .name = as_utf8(expand(pipeline.entity->name, values)),
         .collection = pipeline.entity->collection,
         .models_json = {},
         .enable_video_stream = false,
         .description = pipeline.entity->description ? as_utf8(expand(*pipeline.entity->description, values)) : "",
         .metadata_json = metadata_json(pipeline.entity->metadata, values),
         .existing = pipeline.entity->existing});
  return plan;
}

std::string with_own_metadata(std::string const& metadata_json, journal::ItemRow const& item) {
  if (item.sidecar.empty()) return metadata_json;
  auto object = parsed(metadata_json.empty() ? "{}" : metadata_json);
  auto const own = sidecar_of(item).metadata;
  for (auto const& [key, value] : own.members()) object.set(key, value);
  return object.dump();
}

std::string with_operation_tag(std::string const& metadata_json, std::string const& client_op) {
  auto object = parsed(metadata_json.empty() ? "{}" : metadata_json);
  object.set("client_op", client_op);
  return object.dump();
}

}  // namespace sluice::stage

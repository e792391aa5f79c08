// check.cc - what no single value shows: names, references, and bounds between two keys.
#include <algorithm>
#include <map>

#include "config/parts.h"
#include "core/base/text.h"

namespace sluice::config {

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::kVideo: return "video";
    case Kind::kAudio: return "audio";
    case Kind::kImage: return "image";
  }
  std::unreachable();
}

namespace {

std::string placed(Origin const& origin) { return origin.key + " of " + origin.file; }

void check_pipeline_names(Draft const& draft, Report& report) {
  std::map<std::string, Origin> seen;
  for (std::size_t i = 0; i < draft.config.pipelines.size(); ++i) {
    auto const& origin = draft.pipeline_origins[i];
    auto const [first, is_new] = seen.try_emplace(draft.config.pipelines[i].name, origin);
    if (!is_new)
      report.add_at(origin, "a pipeline of this name is there already, as " + placed(first->second) + "; rename one");
  }
}

// The platform looks an index up by name only, so two pipelines cannot want it made in two ways.
void check_indexes(Draft const& draft, Report& report) {
  struct Made {
    std::vector<Model> const* create;
    Origin origin;
  };
  std::map<std::string, Made> made;
  for (std::size_t i = 0; i < draft.config.pipelines.size(); ++i) {
    auto const& pipeline = draft.config.pipelines[i];
    std::set<std::string> here;
    for (std::size_t k = 0; k < pipeline.indexes.size(); ++k) {
      auto const& index = pipeline.indexes[k];
      auto const origin = inside(inside(draft.pipeline_origins[i], "index"), k);
      if (!here.insert(index.name).second) {
        report.add_at(inside(origin, "name"), "this pipeline has an index of this name already; remove one of the two");
      }
      if (index.create.empty()) continue;
      auto const [first, is_new] = made.try_emplace(index.name, Made{&index.create, origin});
      if (!is_new && *first->second.create != index.create) {
        report.add_at(inside(origin, "create"), "differs from " + placed(first->second.origin) +
                                                    ", which creates the index of the same name; make them alike");
      }
    }
  }
}

void check_entities(Draft const& draft, Report& report) {
  for (std::size_t i = 0; i < draft.config.pipelines.size(); ++i) {
    auto const& pipeline = draft.config.pipelines[i];
    if (!pipeline.entity || pipeline.kinds == std::set{Kind::kImage}) continue;
    report.add_at(inside(draft.pipeline_origins[i], "entity"),
                  "entities are made of images only; write kinds: [image] for this pipeline");
  }
}

// One row of the journal stands for all who want that name, and either takes a stranger's entity or does not.
void check_existing(Draft const& draft, Report& report) {
  std::map<std::string, std::pair<bool, Origin>> first;  // by collection: whether it makes new ones
  for (std::size_t i = 0; i < draft.config.pipelines.size(); ++i) {
    auto const& entity = draft.config.pipelines[i].entity;
    if (!entity) continue;
    auto const is_new = entity->existing == EntityStep::Existing::kNew;
    auto const origin = inside(inside(draft.pipeline_origins[i], "entity"), "existing");
    auto const [known, inserted] = first.try_emplace(entity->collection, is_new, origin);
    if (!inserted && known->second.first != is_new)
      report.add_at(origin, "only one of this and " + placed(known->second.second) +
                                " is new, and they are about the same collection; make them alike");
  }
}

void check_references(Draft const& draft, Report& report) {
  std::vector<std::string> known;
  for (auto const& pipeline : draft.config.pipelines) known.push_back(pipeline.name);
  for (std::size_t i = 0; i < draft.config.sources.size(); ++i) {
    auto const list = inside(draft.source_origins[i], "pipelines");
    auto const& names = draft.config.sources[i].pipelines;
    for (std::size_t k = 0; k < names.size(); ++k) {
      if (std::ranges::find(known, names[k]) == known.end()) {
        auto const near = nearest(names[k], known);
        report.add_at(inside(list, k), "there is no pipeline of this name; " +
                                           (near ? "did you mean " + *near + "?" : "define it under `pipelines`"));
      } else if (std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(k), names[k]) !=
                 names.begin() + static_cast<std::ptrdiff_t>(k)) {
        report.add_at(inside(list, k), "this pipeline is in the list already; remove one of the two");
      }
    }
  }
}

void check_sources(Draft const& draft, Report& report) {
  auto const& sources = draft.config.sources;
  std::map<std::string, Origin> names;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    auto const& source = sources[i];
    auto const& origin = draft.source_origins[i];
    if (!source.name.empty()) {
      auto const [first, is_new] = names.try_emplace(source.name, origin);
      if (!is_new) {
        report.add_at(inside(origin, "name"),
                      "a source of this name is there already, as " + placed(first->second) + "; rename one");
      }
    }
    if (source.max_settle < source.settle) {
      report.add_at(inside(origin, "max_settle"),
                    "is shorter than settle (" + to_words(source.settle) + "); make it longer");
    }
  }
}

void check_bounds(Draft const& draft, Report& report) {
  auto const& config = draft.config;
  auto const complain = [&](char const* key, std::string text) {
    report.add_at({draft.root.file, key}, std::move(text));
  };
  if (config.retry.max < config.retry.initial) {
    complain("retry.max", "is shorter than retry.initial (" + to_words(config.retry.initial) + "); make it longer");
  }
  if (config.poll.max < config.poll.min) {
    complain("poll.max", "is shorter than poll.min (" + to_words(config.poll.min) + "); make it longer");
  }
  if (config.transfer.direct_max_bytes > config.platform.limits.direct_video_bytes) {
    complain("transfer.direct_max", "is above platform.limits.direct_video (" +
                                        to_words_bytes(config.platform.limits.direct_video_bytes) +
                                        "), so such files would be refused; make it smaller");
  }
}

Pipeline default_pipeline() {
  Pipeline pipeline;  // every kind, an asset and no more
  pipeline.name = kDefaultPipeline;
  return pipeline;
}

}  // namespace

void check(Draft& draft, LoadOptions const& options, Report& report) {
  auto& config = draft.config;
  check_pipeline_names(draft, report);
  check_indexes(draft, report);
  check_entities(draft, report);
  check_existing(draft, report);
  if (config.pipelines.empty()) {
    config.pipelines.push_back(default_pipeline());
    draft.pipeline_origins.push_back({draft.root.file, "pipelines"});
  }
  check_references(draft, report);
  check_sources(draft, report);
  check_folders(draft, options, report);
  check_bounds(draft, report);
  if (config.sources.empty() && options.needs_source) {
    report.add_at({draft.root.file, "sources"},
                  "there is no source; write at least one: `sources: [{name: drop, folder: /srv/drop}]`");
  }
  for (auto& source : config.sources) {
    if (!source.pipelines.empty()) continue;
    for (auto const& pipeline : config.pipelines) source.pipelines.push_back(pipeline.name);
  }
  check_match(draft, report);
}

}  // namespace sluice::config

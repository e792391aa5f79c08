// check_match.cc - whether the templates that a source's items meet ask for the groups that its `match` has, and for
// all of them.
#include <algorithm>
#include <functional>
#include <set>

#include "config/parts.h"
#include "core/base/text.h"

namespace sluice::config {
namespace {

using Look = std::function<void(Template const&, Origin const&)>;

void each_in(Metadata const& metadata, Origin const& origin, Look const& look) {
  for (auto const& [key, value] : metadata)
    if (auto const* const text = std::get_if<Template>(&value)) look(*text, inside(origin, printable(key)));
}

void each_in(Pipeline const& pipeline, Origin const& origin, Look const& look) {
  look(pipeline.asset.filename, inside(inside(origin, "asset"), "filename"));
  each_in(pipeline.asset.user_metadata, inside(inside(origin, "asset"), "user_metadata"), look);
  for (std::size_t k = 0; k < pipeline.indexes.size(); ++k)
    each_in(pipeline.indexes[k].user_metadata, inside(inside(inside(origin, "index"), k), "user_metadata"), look);
  if (!pipeline.entity) return;
  auto const entity = inside(origin, "entity");
  look(pipeline.entity->name, inside(entity, "name"));
  if (pipeline.entity->description) look(*pipeline.entity->description, inside(entity, "description"));
  each_in(pipeline.entity->metadata, inside(entity, "metadata"), look);
}

void each_of(Draft const& draft, std::size_t i, Look const& look) {
  auto const& source = draft.config.sources[i];
  for (std::size_t k = 0; k < draft.config.pipelines.size(); ++k)
    if (std::ranges::find(source.pipelines, draft.config.pipelines[k].name) != source.pipelines.end())
      each_in(draft.config.pipelines[k], draft.pipeline_origins[k], look);
  for (auto const& [key, after] :
       {std::pair("after_success", &source.after_success), std::pair("after_failure", &source.after_failure)})
    look(after->move_to, inside(inside(draft.source_origins[i], key), "move_to"));
}

std::string complaint_of(std::string const& group, Source const& source) {
  auto const asked = "asks for {match." + group + "}, and source " + printable(source.name);
  if (!source.match) return asked + " has no `match`; give it one, or list only other pipelines under its `pipelines`";
  std::vector<std::string> const known(source.match->names().begin(), source.match->names().end());
  auto const near = nearest(group, known);
  return asked + " has no such group in its `match`; " +
         (near ? "did you mean {match." + *near + "}?" : "write (?P<" + group + ">...) there");
}

}  // namespace

void check_match(Draft const& draft, Report& report) {
  for (std::size_t i = 0; i < draft.config.sources.size(); ++i) {
    auto const& source = draft.config.sources[i];
    auto const origin_of_match = inside(draft.source_origins[i], "match");
    if (report.has(origin_of_match)) continue;  // it is no expression
    auto unused = source.match ? source.match->names() : std::set<std::string>();
    auto const known = unused;
    each_of(draft, i, [&](Template const& text, Origin const& origin) {
      for (auto const& group : groups_in(text)) {
        unused.erase(group);
        if (!known.contains(group)) report.add_at(origin, complaint_of(group, source));
      }
    });
    for (auto const& group : unused)
      report.add_at(origin_of_match, "its group " + group +
                                         " is in no template of the source's pipelines; write {match." + group +
                                         "} in one, or (?:...) for a group without a name");
  }
}

}  // namespace sluice::config

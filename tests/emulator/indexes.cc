// indexes.cc - indexes: their names are unique, their models fixed for life (R44).

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api.h"

namespace sluice::emulator {

using nlohmann::json;

namespace {

Index& find_index(Context& context, std::string const& id) {
  auto* const index = context.world.indexes.find(id);
  if (index == nullptr) refuse_missing("index");
  return *index;
}

void check_name_free(Context& context, std::string const& name, std::string const& own_id) {
  if (name.empty()) throw Refusal{400, "parameter_invalid", "The index_name parameter is empty."};
  for (auto const& [serial, index] : context.world.indexes.rows()) {
    if (index.name == name && index.id != own_id) {
      throw Refusal{400, "index_name_already_exists", "An index of the name '" + name + "' exists already."};
    }
  }
}

void check_models(json const& models) {
  for (auto const& entry : models) {
    Fields fields(entry);
    auto const name = fields.text("model_name");
    auto const options = fields.texts("model_options");
    fields.finish();
    if (name != "marengo3.0" && name != "pegasus1.2" && name != "marengo2.7") {
      throw Refusal{400, "parameter_invalid", "The model_name '" + name + "' is not known."};
    }
    for (auto const& option : options) {
      if (option != "visual" && option != "audio") {
        throw Refusal{400, "parameter_invalid", "The model option '" + option + "' is not known."};
      }
    }
  }
}

json index_json(Context& context, Index const& index) {
  std::uint64_t videos = 0;
  for (auto const& [serial, row] : context.world.indexed_assets.rows()) {
    if (row.index_id == index.id && row.status == "ready") ++videos;
  }
  return {{"_id", index.id},
          {"index_name", index.name},
          {"created_at", rfc3339(index.created_ms)},
          {"updated_at", rfc3339(index.updated_ms)},
          {"expires_at", nullptr},
          {"total_duration", static_cast<double>(videos) * 10.0},
          {"video_count", videos},
          {"models", json::parse(index.models)},
          {"addons", json::parse(index.addons)}};
}

Reply create_index(Context& context, Call const& call) {
  Fields fields(call.body);
  Index index;
  index.name = fields.text("index_name");
  auto const& models = fields.array("models", 1, 2);
  index.models = models.dump();
  index.addons = call.body.contains("addons") ? fields.array("addons", 0, 1).dump() : "[]";
  fields.finish();
  check_models(models);
  check_name_free(context, index.name, {});
  index.id = context.world.new_id();
  index.created_ms = index.updated_ms = call.now_ms;
  context.ledger.write("index_created", {{"index_id", index.id}, {"name", index.name}});
  auto const& kept = context.world.indexes.add(std::move(index));
  return json_reply(201, {{"_id", kept.id}});
}

bool has_model_option(Index const& index, std::vector<std::string> const& wanted) {
  for (auto const& model : json::parse(index.models)) {
    for (auto const& option : model["model_options"]) {
      if (std::ranges::find(wanted, option.get<std::string>()) != wanted.end()) return true;
    }
  }
  return wanted.empty();
}

Reply list_indexes(Context& context, Call const& call) {
  Params params(call.request.query);
  auto const by = params.one_of("sort_by", {"created_at", "updated_at"}).value_or("created_at");
  auto const order = params.one_of("sort_option", {"asc", "desc"}).value_or("desc");
  auto const name = params.one("index_name");
  auto const options = params.many("model_options");
  auto const family = params.one_of("model_family", {"marengo", "pegasus"});
  auto const created = params.time_ms("created_at");
  auto const updated = params.time_ms("updated_at");
  params.finish();

  std::vector<Index const*> found;
  for (auto const& [serial, index] : context.world.indexes.rows()) {
    if (!listed(context, call, index.created_ms)) continue;
    if (name && !contains_no_case(index.name, *name)) continue;
    if (family && index.models.find('"' + *family) == std::string::npos) continue;
    if (!has_model_option(index, options)) continue;
    if (index.created_ms < created.value_or(0) || index.updated_ms < updated.value_or(0)) continue;
    found.push_back(&index);
  }
  if (by == "updated_at") std::ranges::stable_sort(found, {}, &Index::updated_ms);
  if (order == "desc") std::ranges::reverse(found);
  return page_reply(params, found.size(), [&](std::size_t i) { return index_json(context, *found[i]); });
}

Reply get_index(Context& context, Call const& call) {
  return json_reply(200, index_json(context, find_index(context, call.ids[0])));
}

Reply rename_index(Context& context, Call const& call) {
  auto& index = find_index(context, call.ids[0]);
  Fields fields(call.body);
  auto name = fields.text("index_name");
  fields.finish();
  check_name_free(context, name, index.id);
  index.name = std::move(name);
  index.updated_ms = call.now_ms;
  return empty_reply(context);
}

Reply delete_index(Context& context, Call const& call) {
  find_index(context, call.ids[0]);
  std::vector<std::string> videos;
  for (auto const& [serial, row] : context.world.indexed_assets.rows()) {
    if (row.index_id == call.ids[0]) videos.push_back(row.id);
  }
  for (auto const& id : videos) context.world.indexed_assets.erase(id);
  context.world.indexes.erase(call.ids[0]);
  context.ledger.write("index_deleted", {{"index_id", call.ids[0]}});
  return empty_reply(context);
}

}  // namespace

std::vector<Route> index_routes() {
  return {{"GET", "/indexes", list_indexes},
          {"POST", "/indexes", create_index},
          {"GET", "/indexes/{index_id}", get_index},
          {"PUT", "/indexes/{index_id}", rename_index},
          {"DELETE", "/indexes/{index_id}", delete_index}};
}

}  // namespace sluice::emulator

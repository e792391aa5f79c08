// entities.cc - entity collections, entities, their assets, and the list of entities by asset (R53).
// Neither names of collections nor names of entities are unique here (U8): the ledger tells of doubles.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api.h"

namespace sluice::emulator {

using nlohmann::json;

namespace {

constexpr std::size_t kBulkMax = 50;  // U6

Collection& find_collection(Context& context, Call const& call) {
  auto* const collection = context.world.collections.find(call.ids[0]);
  if (collection == nullptr) refuse_missing("entity collection");
  return *collection;
}

Entity& find_entity(Context& context, Call const& call) {
  find_collection(context, call);
  auto* const entity = context.world.entities.find(call.ids[1]);
  if (entity == nullptr || entity->collection_id != call.ids[0]) refuse_missing("entity");
  return *entity;
}

json collection_json(Collection const& collection) {
  return {{"_id", collection.id},
          {"name", collection.name},
          {"description", collection.description},
          {"created_at", rfc3339(collection.created_ms)},
          {"updated_at", rfc3339(collection.updated_ms)}};
}

json entity_json(Entity const& entity) {
  json out{{"_id", entity.id},
           {"entity_collection_id", entity.collection_id},
           {"name", entity.name},
           {"description", entity.description},
           {"asset_ids", entity.asset_ids},
           {"status", entity.status},
           {"created_at", rfc3339(entity.created_ms)},
           {"updated_at", rfc3339(entity.updated_ms)}};
  if (!entity.metadata.empty()) out["metadata"] = json::parse(entity.metadata);
  return out;
}

std::string checked_name(std::string name) {
  if (name.empty()) throw Refusal{400, "parameter_invalid", "The name parameter is empty."};
  return name;
}

// Sorts by creation (which `found` already is), change or name.
template <class T>
void sort_rows(std::vector<T const*>& found, std::string const& by, std::string const& order) {
  if (by == "updated_at") std::ranges::stable_sort(found, {}, &T::updated_ms);
  if (by == "name") std::ranges::stable_sort(found, {}, &T::name);
  if (order == "desc") std::ranges::reverse(found);
}

Reply create_collection(Context& context, Call const& call) {
  Fields fields(call.body);
  Collection collection;
  collection.name = checked_name(fields.text("name"));
  collection.description = fields.optional_text("description").value_or("");
  fields.finish();
  collection.id = context.world.new_id();
  collection.created_ms = collection.updated_ms = call.now_ms;
  context.ledger.write("collection_created", {{"collection_id", collection.id}, {"name", collection.name}});
  return json_reply(201, collection_json(context.world.collections.add(std::move(collection))));
}

Reply list_collections(Context& context, Call const& call) {
  Params params(call.request.query);
  auto const name = params.one("name");
  auto const by = params.one_of("sort_by", {"created_at", "updated_at", "name"}).value_or("created_at");
  auto const order = params.one_of("sort_option", {"asc", "desc"}).value_or("desc");
  params.finish();
  std::vector<Collection const*> found;
  for (auto const& [serial, row] : context.world.collections.rows()) {
    if (!listed(context, call, row.created_ms) || (name && !contains_no_case(row.name, *name))) continue;
    found.push_back(&row);
  }
  sort_rows(found, by, order);
  return page_reply(params, found.size(), [&](std::size_t i) { return collection_json(*found[i]); });
}

Reply get_collection(Context& context, Call const& call) {
  return json_reply(200, collection_json(find_collection(context, call)));
}

Reply patch_collection(Context& context, Call const& call) {
  auto& collection = find_collection(context, call);
  Fields fields(call.body);
  auto name = fields.optional_text("name");
  auto description = fields.optional_text("description");
  fields.finish();
  if (name) collection.name = checked_name(std::move(*name));
  if (description) collection.description = std::move(*description);
  collection.updated_ms = call.now_ms;
  return json_reply(200, collection_json(collection));
}

Reply delete_collection(Context& context, Call const& call) {
  find_collection(context, call);
  std::vector<std::string> members;
  for (auto const& [serial, row] : context.world.entities.rows()) {
    if (row.collection_id == call.ids[0]) members.push_back(row.id);
  }
  for (auto const& id : members) context.world.entities.erase(id);
  context.world.collections.erase(call.ids[0]);
  context.ledger.write("collection_deleted", {{"collection_id", call.ids[0]}});
  return empty_reply(context);
}

void check_assets(Context& context, std::vector<std::string> const& ids) {
  for (auto const& id : ids) {
    auto const* const asset = context.world.assets.find(id);
    if (asset == nullptr) throw Refusal{400, "resource_not_exist", "The asset '" + id + "' does not exist."};
    if (asset->type != "image") throw Refusal{400, "parameter_invalid", "The asset '" + id + "' is not an image."};
    if (asset->status != "ready") throw Refusal{400, "parameter_invalid", "The asset '" + id + "' is not ready."};
  }
}

Entity& add_entity(Context& context, Call const& call, json const& body) {
  Fields fields(body);
  Entity entity;
  entity.name = checked_name(fields.text("name"));
  for (auto& id : fields.texts("asset_ids")) {
    if (std::ranges::find(entity.asset_ids, id) == entity.asset_ids.end()) entity.asset_ids.push_back(std::move(id));
  }
  entity.description = fields.optional_text("description").value_or("");
  entity.metadata = fields.scalar_map("metadata").value_or("");
  fields.finish();
  check_assets(context, entity.asset_ids);
  entity.id = context.world.new_id();
  entity.collection_id = call.ids[0];
  entity.created_ms = entity.updated_ms = call.now_ms;
  entity.ready_ms = call.now_ms + context.options.entity_after_ms;
  context.ledger.write("entity_created", {{"entity_id", entity.id},
                                          {"collection_id", entity.collection_id},
                                          {"name", entity.name},
                                          {"asset_ids", entity.asset_ids}});
  auto& kept = context.world.entities.add(std::move(entity));
  context.world.schedule(kept);
  return kept;
}

Reply create_entity(Context& context, Call const& call) {
  find_collection(context, call);
  return json_reply(201, entity_json(add_entity(context, call, call.body)));
}

Reply create_bulk(Context& context, Call const& call) {
  find_collection(context, call);
  Fields fields(call.body);
  auto const& list = fields.array("entities", 1, kBulkMax);
  fields.finish();
  auto good = json::array();
  auto bad = json::array();
  for (std::size_t i = 0; i < list.size(); ++i) {
    try {
      auto const& entity = add_entity(context, call, list[i]);
      good.push_back({{"_id", entity.id}, {"name", entity.name}, {"status", entity.status}});
    } catch (Refusal const& refusal) {
      auto const name = list[i].is_object() && list[i].contains("name") ? list[i]["name"] : json("");
      bad.push_back({{"entity_index", i}, {"entity_name", name}, {"error_reason", refusal.message}});
    }
  }
  auto const created = good.size();
  auto const failed = bad.size();
  return json_reply(201, {{"success_count", created},
                          {"failed_count", failed},
                          {"entities", std::move(good)},
                          {"errors", std::move(bad)}});
}

Reply list_entities(Context& context, Call const& call) {
  find_collection(context, call);
  Params params(call.request.query);
  auto const name = params.one("name");
  auto const status = params.one_of("status", {"processing", "ready"});
  auto const by = params.one_of("sort_by", {"created_at", "updated_at", "name"}).value_or("created_at");
  auto const order = params.one_of("sort_option", {"asc", "desc"}).value_or("desc");
  params.finish();
  std::vector<Entity const*> found;
  for (auto const& [serial, row] : context.world.entities.rows()) {
    if (row.collection_id != call.ids[0] || !listed(context, call, row.created_ms)) continue;
    if ((name && !contains_no_case(row.name, *name)) || (status && row.status != *status)) continue;
    found.push_back(&row);
  }
  sort_rows(found, by, order);
  return page_reply(params, found.size(), [&](std::size_t i) { return entity_json(*found[i]); });
}

Reply get_entity(Context& context, Call const& call) {
  return json_reply(200, entity_json(find_entity(context, call)));
}

Reply patch_entity(Context& context, Call const& call) {
  auto& entity = find_entity(context, call);
  Fields fields(call.body);
  auto name = fields.optional_text("name");
  auto description = fields.optional_text("description");
  auto metadata = fields.scalar_map("metadata");
  fields.finish();
  if (name) entity.name = checked_name(std::move(*name));
  if (description) entity.description = std::move(*description);
  if (metadata) entity.metadata = std::move(*metadata);  // replaces all (R45)
  entity.updated_ms = call.now_ms;
  return json_reply(200, entity_json(entity));
}

Reply delete_entity(Context& context, Call const& call) {
  auto const id = find_entity(context, call).id;
  context.world.entities.erase(id);
  context.ledger.write("entity_deleted", {{"entity_id", id}});
  return empty_reply(context);
}

std::vector<std::string> asset_ids_of_body(Call const& call) {
  Fields fields(call.body);
  auto ids = fields.texts("asset_ids");
  fields.finish();
  return ids;
}

// Its assets have changed: the entity is worked on anew (R14a).
void rework(Context& context, Call const& call, Entity& entity) {
  entity.status = "processing";
  entity.updated_ms = call.now_ms;
  entity.ready_ms = call.now_ms + context.options.entity_after_ms;
  context.world.schedule(entity);
}

Reply add_assets(Context& context, Call const& call) {
  auto& entity = find_entity(context, call);
  auto const ids = asset_ids_of_body(call);
  check_assets(context, ids);
  auto const before = entity.asset_ids.size();
  for (auto const& id : ids) {
    if (std::ranges::find(entity.asset_ids, id) == entity.asset_ids.end()) entity.asset_ids.push_back(id);
  }
  if (entity.asset_ids.size() != before) rework(context, call, entity);
  context.ledger.write("entity_assets_added", {{"entity_id", entity.id}, {"asset_ids", ids}});
  return json_reply(200, entity_json(entity));
}

Reply remove_assets(Context& context, Call const& call) {
  auto& entity = find_entity(context, call);
  auto left = entity.asset_ids;
  for (auto const& id : asset_ids_of_body(call)) std::erase(left, id);
  if (left.empty()) throw Refusal{400, "parameter_invalid", "The last asset of an entity cannot be removed."};
  if (left.size() != entity.asset_ids.size()) {
    entity.asset_ids = std::move(left);
    rework(context, call, entity);
  }
  return json_reply(200, entity_json(entity));
}

Reply list_by_asset(Context& context, Call const& call) {
  if (!context.options.lookup) refuse_missing("resource");
  if (context.world.assets.find(call.ids[0]) == nullptr) refuse_missing("asset");
  Params params(call.request.query);
  params.finish();
  std::vector<Entity const*> found;
  auto& rows = context.world.entities.rows();
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
    auto const& entity = row->second;
    if (!listed(context, call, entity.created_ms)) continue;
    if (std::ranges::find(entity.asset_ids, call.ids[0]) != entity.asset_ids.end()) found.push_back(&entity);
  }
  return page_reply(params, found.size(), [&](std::size_t i) { return entity_json(*found[i]); });
}

}  // namespace

std::vector<Route> entity_routes() {
  std::string const one = "/entity-collections/{entity_collection_id}";
  std::string const entity = one + "/entities/{entity_id}";
  return {{"GET", "/entity-collections", list_collections},
          {"POST", "/entity-collections", create_collection},
          {"GET", one, get_collection},
          {"PATCH", one, patch_collection},
          {"DELETE", one, delete_collection},
          {"GET", one + "/entities", list_entities},
          {"POST", one + "/entities", create_entity},
          {"POST", one + "/entities/bulk", create_bulk},
          {"GET", entity, get_entity},
          {"PATCH", entity, patch_entity},
          {"DELETE", entity, delete_entity},
          {"POST", entity + "/assets", add_assets},
          {"DELETE", entity + "/assets", remove_assets},
          {"GET", "/assets/{asset_id}/entities", list_by_asset}};
}

}  // namespace sluice::emulator

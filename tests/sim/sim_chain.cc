// The simulated platform's indexes, indexed assets, entity collections and entities.
#include <algorithm>

#include "tests/sim/sim_answer.h"

namespace sluice::sim {

using ports::Reply;

namespace {

template <class Thing>
bool stands(std::vector<Thing> const& all, std::string const& id) {
  auto const found = std::ranges::find(all, id, &Thing::id);
  return found != all.end() && !found->gone_at;
}

}  // namespace

bool SimPlatform::gone_asset(std::string const& id) const {
  auto const found = std::ranges::find(assets_, id, &SimAsset::id);
  return found != assets_.end() && found->gone_at;
}

bool SimPlatform::usable_asset(std::string const& id, WallTime now) const {
  auto const found = std::ranges::find(assets_, id, &SimAsset::id);
  return found != assets_.end() && !found->gone_at && found->completed && found->ready_at <= now && !found->fails;
}

Reply SimPlatform::list_named(std::vector<SimNamed> const& all, std::string const& key, Request const& request,
                              WallTime now) {
  auto const wanted = request.query_value(key);
  if (request.query_value("sort_by") != "created_at" || request.query_value("sort_option") != "desc")
    return complain("list by name without both sort parameters: " + request.path, now);
  std::vector<Json> rows;
  for (auto at = all.rbegin(); at != all.rend(); ++at) {
    if (at->visible_at > now) count("platform.list_lagged");
    if (!at->shown(now) || !holds_ignoring_case(at->name, wanted)) continue;
    if (traits_.blind_looks && key == "name") continue;
    rows.push_back({{"_id", at->id}, {key, at->name}, {"created_at", shown_time(at->created_at)}});
  }
  auto const page = page_of(request, rows);
  return page ? answer(200, *page) : complain("list by name: page or page_limit", now);
}

Reply SimPlatform::create_index(Request const& request, WallTime now) {
  auto const body = object_in(request.body);
  auto const name = text_at(body, "index_name");
  auto const models = body.find("models");
  auto const sound = models != body.end() && models->is_array() && !models->empty() &&
                     !text_at(models->front(), "model_name").empty() && models->front().contains("model_options");
  if (name.empty() || !sound) return complain("POST /indexes: " + request.body, now);
  if (std::ranges::any_of(indexes_, [&](SimNamed const& index) { return index.name == name && !index.gone_at; })) {
    count("platform.name_taken");
    return refuse(400, "index_name_already_exists", now);
  }
  indexes_.push_back({{.created_at = now, .visible_at = visible_from(now)}, fresh_id(), name});
  return answer(201, {{"_id", indexes_.back().id}});
}

Reply SimPlatform::create_collection(Request const& request, WallTime now) {
  auto const name = text_at(object_in(request.body), "name");
  if (name.empty()) return complain("POST /entity-collections: " + request.body, now);
  collections_.push_back({{.created_at = now, .visible_at = visible_from(now)}, fresh_id(), name});
  return answer(201, {{"_id", collections_.back().id}, {"name", name}, {"created_at", shown_time(now)}});
}

Reply SimPlatform::create_indexed_asset(Request const& request, WallTime now) {
  if (now < kBeginning + traits_.indexing_begins) {
    auto reply = refuse(429, "usage_limit_exceeded", now);
    auto const left = std::min(kBeginning + traits_.indexing_begins - now, Millis(std::chrono::hours(12)));
    reply.headers.emplace_back("retry-after", std::to_string(left.count() / 1'000 + 1));
    return reply;
  }
  if (!stands(indexes_, request.segments[1])) return refuse(404, "resource_not_exist", now);
  auto const body = object_in(request.body);
  auto const asset_id = text_at(body, "asset_id");
  auto const stream = body.find("enable_video_stream");
  if (stream == body.end() || !stream->is_boolean())
    return complain("indexed asset without enable_video_stream (R43)", now);
  if (gone_asset(asset_id)) return refuse(400, "resource_not_exist", now);
  if (!usable_asset(asset_id, now))
    return complain("indexed asset of an asset that is not ready (R13a): " + asset_id, now);
  if (body.contains("user_metadata") && traits_.refuses_metadata) return refuse_metadata(now);
  indexed_.push_back({{.created_at = now, .visible_at = visible_from(now)},
                      fresh_id(),
                      request.segments[1],
                      asset_id,
                      body.contains("user_metadata") ? body["user_metadata"].dump() : "{}",
                      ready_from(now)});
  return answer(202, {{"_id", indexed_.back().id}, {"asset_id", asset_id}});
}

Reply SimPlatform::list_indexed_assets(Request const& request, WallTime now) {
  if (!stands(indexes_, request.segments[1])) return refuse(404, "resource_not_exist", now);
  std::vector<Json> rows;
  for (auto at = indexed_.rbegin(); at != indexed_.rend(); ++at) {
    if (at->index_id != request.segments[1] || !at->shown(now) || traits_.blind_looks) continue;
    rows.push_back({{"_id", at->id},
                    {"asset_id", at->asset_id},
                    {"status", at->ready_at <= now ? "ready" : "indexing"},
                    {"created_at", shown_time(at->created_at)}});
  }
  auto const page = page_of(request, rows);
  return page ? answer(200, *page) : complain("list of indexed assets: page or page_limit", now);
}

Reply SimPlatform::list_by_asset(Request const& request, WallTime now) {
  if (traits_.hides_lookup) {
    count("platform.lookup_hidden");
    return refuse(404, "not_found", now);
  }
  if (gone_asset(request.segments[1])) return refuse(404, "not_found", now);
  std::vector<Json> rows;
  for (auto const& indexed : indexed_) {
    if (indexed.asset_id != request.segments[1] || !indexed.shown(now) || traits_.blind_looks) continue;
    rows.push_back({{"_id", indexed.id}, {"index", {{"_id", indexed.index_id}, {"name", "?"}}}});
  }
  auto const page = page_of(request, rows);
  return page ? answer(200, *page) : complain("list by asset: page or page_limit", now);
}

Reply SimPlatform::read_indexed_asset(Request const& request, WallTime now) {
  auto const found = std::ranges::find(indexed_, request.segments[3], &SimIndexed::id);
  if (found == indexed_.end() || found->index_id != request.segments[1] || found->gone_at)
    return refuse(404, "resource_not_exist", now);
  auto const left = found->ready_at - now;
  auto const* const status = left <= Millis(0) ? "ready" : left < Millis(2'000) ? "indexing" : "pending";
  return answer(200, {{"_id", found->id},
                      {"asset_id", found->asset_id},
                      {"status", status},
                      {"created_at", shown_time(found->created_at)}});
}

// Keys that are left out stay; null takes one away, and an empty text says nothing (R42, R43).
Reply SimPlatform::patch(Request const& request, WallTime now) {
  auto const body = object_in(request.body);
  if (!body.contains("user_metadata") || !body["user_metadata"].is_object())
    return complain("PATCH without an object of user_metadata: " + request.body, now);
  if (traits_.refuses_metadata) return refuse_metadata(now);
  auto const merge = [&](auto& things, std::string const& id) {
    auto const found = std::ranges::find(things, id, &std::remove_reference_t<decltype(things.front())>::id);
    if (found == things.end() || found->gone_at) return refuse(404, "resource_not_exist", now);
    auto merged = object_in(found->metadata_json.empty() ? "{}" : found->metadata_json);
    for (auto const& [key, value] : body["user_metadata"].items()) {
      if (value.is_null()) merged.erase(key);
      if (value.is_structured()) return complain("PATCH with what is no scalar: " + request.body, now);
      if (!value.is_null() && value != "") merged[key] = value;
    }
    found->metadata_json = merged.dump();
    return Reply{.status = 204, .headers = {}, .body = {}};
  };
  return request.ask == Ask::kPatchAsset ? merge(assets_, request.segments[1]) : merge(indexed_, request.segments[3]);
}

namespace {

Json entity_json(SimEntity const& entity, WallTime now, std::string const& created_at) {
  Json json{{"_id", entity.id},
            {"name", entity.name},
            {"asset_ids", entity.asset_ids},
            {"created_at", created_at},
            {"status", entity.ready_at <= now ? "ready" : "processing"}};
  add_object(json, "metadata", entity.metadata_json);
  return json;
}

}  // namespace

std::optional<Reply> SimPlatform::make_entity(std::string const& collection_id, std::string const& text, WallTime now) {
  auto const body = object_in(text);
  auto const ids = body.find("asset_ids");
  if (text_at(body, "name").empty() || ids == body.end() || !ids->is_array() || ids->empty())
    return complain("entity: " + text, now);
  SimEntity entity{
      {.created_at = now, .visible_at = visible_from(now)}, fresh_id(), collection_id, text_at(body, "name")};
  entity.ready_at = ready_from(now);
  if (body.contains("metadata")) entity.metadata_json = body["metadata"].dump();
  for (auto const& id : *ids) {
    if (gone_asset(id.get<std::string>())) return refuse(400, "resource_not_exist", now);
    if (!usable_asset(id.get<std::string>(), now)) return complain("entity of an asset that is not ready", now);
    entity.asset_ids.push_back(id.get<std::string>());
  }
  entities_.push_back(std::move(entity));
  return std::nullopt;
}

Reply SimPlatform::create_entity(Request const& request, WallTime now) {
  if (!stands(collections_, request.segments[1])) return refuse(404, "resource_not_exist", now);
  if (auto refused = make_entity(request.segments[1], request.body, now)) return *std::move(refused);
  return answer(201, entity_json(entities_.back(), now, shown_time(now)));
}

Reply SimPlatform::create_entities(Request const& request, WallTime now) {
  if (!stands(collections_, request.segments[1])) return refuse(404, "resource_not_exist", now);
  auto const body = object_in(request.body);
  auto const list = body.find("entities");
  if (list == body.end() || !list->is_array() || list->empty()) return complain("entities: " + request.body, now);
  auto made = Json::array(), errors = Json::array();
  for (auto const& wanted : *list) {
    auto const place = made.size() + errors.size();
    if (make_entity(request.segments[1], wanted.dump(), now))
      errors.push_back({{"entity_index", place}, {"entity_name", text_at(wanted, "name")}, {"error_reason", "no"}});
    else
      made.push_back({{"_id", entities_.back().id}, {"name", entities_.back().name}, {"status", "processing"}});
  }
  return answer(201, {{"success_count", made.size()},
                      {"failed_count", errors.size()},
                      {"entities", std::move(made)},
                      {"errors", std::move(errors)}});
}

Reply SimPlatform::list_entities(Request const& request, WallTime now) {
  if (!stands(collections_, request.segments[1])) return refuse(404, "resource_not_exist", now);
  auto const wanted = request.query_value("name");
  std::vector<Json> rows;
  for (auto at = entities_.rbegin(); at != entities_.rend(); ++at) {
    if (at->collection_id != request.segments[1] || !at->shown(now) || traits_.blind_looks) continue;
    if (holds_ignoring_case(at->name, wanted)) rows.push_back(entity_json(*at, now, shown_time(at->created_at)));
  }
  auto const page = page_of(request, rows);
  return page ? answer(200, *page) : complain("list of entities: page or page_limit", now);
}

SimEntity* SimPlatform::entity_of(Request const& request) {
  auto const found = std::ranges::find(entities_, request.segments[3], &SimEntity::id);
  return found == entities_.end() || found->gone_at || found->collection_id != request.segments[1] ? nullptr : &*found;
}

Reply SimPlatform::read_entity(Request const& request, WallTime now) {
  auto const* entity = entity_of(request);
  if (entity == nullptr) return refuse(404, "resource_not_exist", now);
  return answer(200, entity_json(*entity, now, shown_time(entity->created_at)));
}

Reply SimPlatform::add_entity_assets(Request const& request, WallTime now) {
  auto* entity = entity_of(request);
  if (entity == nullptr) return refuse(404, "resource_not_exist", now);
  auto const body = object_in(request.body);
  auto const ids = body.find("asset_ids");
  if (ids == body.end() || !ids->is_array() || ids->empty()) return complain("entity assets: " + request.body, now);
  for (auto const& id : *ids) {
    if (gone_asset(id.get<std::string>())) return refuse(400, "resource_not_exist", now);
    if (!usable_asset(id.get<std::string>(), now))
      return complain("an asset that is not ready is added to an entity", now);
    if (std::ranges::find(entity->asset_ids, id.get<std::string>()) == entity->asset_ids.end())
      entity->asset_ids.push_back(id.get<std::string>());
  }
  entity->ready_at = ready_from(now);
  return answer(200, entity_json(*entity, now, shown_time(entity->created_at)));
}

}  // namespace sluice::sim

// assets.cc - reading, listing and deleting assets, their user metadata, and the two lists by asset.
// The upload of a direct asset is in direct_upload.cc.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api.h"

namespace sluice::emulator {

using nlohmann::json;

namespace {

Asset& find_asset(Context& context, std::string const& id) {
  auto* const asset = context.world.assets.find(id);
  if (asset == nullptr) refuse_missing("asset");
  return *asset;
}

Reply list_assets(Context& context, Call const& call) {
  Params params(call.request.query);
  auto const ids = params.many("asset_ids");
  auto const types = params.many("asset_types");
  auto const filename = params.one("filename");
  params.finish();
  if (ids.size() > 50) throw Refusal{400, "parameter_invalid", "At most 50 asset_ids."};  // U5

  std::vector<Asset const*> found;
  auto const consider = [&](Asset const& asset) {
    if (!listed(context, call, asset.created_ms)) return;
    if (!types.empty() && std::ranges::find(types, asset.type) == types.end()) return;
    if (filename && !contains_no_case(asset.filename, *filename)) return;
    found.push_back(&asset);
  };
  auto& rows = context.world.assets.rows();
  if (ids.empty()) {
    for (auto row = rows.rbegin(); row != rows.rend(); ++row) consider(row->second);
  } else {
    std::set<std::string> const wanted(ids.begin(), ids.end());
    for (auto const& id : wanted) {
      if (auto const* const asset = context.world.assets.find(id)) consider(*asset);
    }
    std::ranges::stable_sort(found, std::greater<>{}, &Asset::created_ms);
  }
  return page_reply(params, found.size(), [&](std::size_t i) { return asset_json(*found[i]); });
}

Reply get_asset(Context& context, Call const& call) {
  return json_reply(200, asset_json(find_asset(context, call.ids[0])));
}

Reply delete_asset(Context& context, Call const& call) {
  Params params(call.request.query);
  auto const force = params.one_of("force", {"true", "false"});
  params.finish();
  auto const& id = find_asset(context, call.ids[0]).id;
  auto& indexed = context.world.indexed_assets;
  std::vector<std::string> references;
  for (auto const& [serial, row] : indexed.rows()) {
    if (row.asset_id == id) references.push_back(row.id);
  }
  if (force != "true" && !references.empty()) {
    throw Refusal{409, "resource_in_use", "Indexed assets refer to this asset."};
  }
  for (auto const& reference : references) indexed.erase(reference);
  for (auto& [serial, entity] : context.world.entities.rows()) std::erase(entity.asset_ids, id);
  context.ledger.write("asset_deleted", {{"asset_id", id}});
  context.world.assets.erase(call.ids[0]);
  return empty_reply(context);
}

std::string metadata_of_body(Context const& context, Call const& call) {
  check_metadata_allowed(context, true);
  Fields fields(call.body);
  auto const patch = fields.scalar_map("user_metadata", true);
  fields.finish();
  if (!patch) throw Refusal{400, "parameter_not_provided", "The user_metadata parameter is required."};
  return *patch;
}

Reply put_metadata(Context& context, Call const& call) {
  auto& asset = find_asset(context, call.ids[0]);
  asset.user_metadata = merged_metadata(asset.user_metadata, metadata_of_body(context, call), true);
  return empty_reply(context);
}

Reply patch_metadata(Context& context, Call const& call) {
  auto& asset = find_asset(context, call.ids[0]);
  asset.user_metadata = merged_metadata(asset.user_metadata, metadata_of_body(context, call), false);
  return empty_reply(context);
}

Reply delete_metadata(Context& context, Call const& call) {
  find_asset(context, call.ids[0]).user_metadata.clear();
  return empty_reply(context);
}

// Derivatives are said to be ready as soon as the asset is.
json derivative(Asset const& asset, char const* url_name, char const* file) {
  json out{{"status", asset.status == "ready" ? "ready" : asset.status == "failed" ? "error" : "processing"}};
  if (asset.status == "ready") out[url_name] = "http://media.invalid/" + asset.id + '/' + file;
  return out;
}

}  // namespace

json asset_json(Asset const& asset) {
  json out{{"_id", asset.id},
           {"method", asset.method},
           {"status", asset.status},
           {"filename", asset.filename},
           {"file_type", asset.file_type},
           {"created_at", rfc3339(asset.created_ms)}};
  if (!asset.user_metadata.empty()) out["user_metadata"] = json::parse(asset.user_metadata);
  if (asset.status == "ready") {
    if (asset.size > 0) out["size"] = asset.size;
    if (asset.type == "video" || asset.type == "audio") out["duration"] = 10.0;
    out["technical_metadata"] = {{"file_size_bytes", asset.size}, {"file_mime_type", asset.file_type}};
  }
  if (asset.status == "failed") out["error"] = {{"message", asset.error}};
  if (asset.hls) out["hls"] = derivative(asset, "manifest_url", "hls.m3u8");
  if (asset.thumbnail) out["thumbnail"] = derivative(asset, "representative_url", "thumb.jpg");
  return out;
}

std::vector<Route> asset_routes() {
  return {{"GET", "/assets", list_assets},
          {"GET", "/assets/{asset_id}", get_asset},
          {"DELETE", "/assets/{asset_id}", delete_asset},
          {"PUT", "/assets/{asset_id}/user-metadata", put_metadata},
          {"PATCH", "/assets/{asset_id}/user-metadata", patch_metadata},
          {"DELETE", "/assets/{asset_id}/user-metadata", delete_metadata}};
}

}  // namespace sluice::emulator

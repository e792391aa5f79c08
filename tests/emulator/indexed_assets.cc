// indexed_assets.cc - assets placed in indexes, and the list of them by asset (R52).
// Nothing keeps a client from indexing one asset twice in one index (U7): the ledger tells of it.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api.h"

namespace sluice::emulator {

using nlohmann::json;

namespace {

constexpr double kSeconds = 10.0;  // every medium pretends to be this long, at 25 fps and 1280 by 720
constexpr double kFps = 25.0;
constexpr int kWidth = 1280;
constexpr int kHeight = 720;

IndexedAsset& find_row(Context& context, Call const& call) {
  if (context.world.indexes.find(call.ids[0]) == nullptr) refuse_missing("index");
  auto* const row = context.world.indexed_assets.find(call.ids[1]);
  if (row == nullptr || row->index_id != call.ids[0]) refuse_missing("indexed asset");
  return *row;
}

json row_json(Context& context, IndexedAsset const& row) {
  json out{{"_id", row.id},
           {"asset_id", row.asset_id},
           {"status", row.status},
           {"created_at", rfc3339(row.created_ms)},
           {"updated_at", rfc3339(row.updated_ms)}};
  if (row.indexed_ms > 0) out["indexed_at"] = rfc3339(row.indexed_ms);
  if (auto const* const asset = context.world.assets.find(row.asset_id)) {
    out["system_metadata"] = {{"filename", asset->filename}, {"duration", kSeconds}, {"fps", kFps}, {"width", kWidth},
                              {"height", kHeight},           {"size", asset->size}};
  }
  return out;
}

Reply create(Context& context, Call const& call) {
  if (context.world.indexes.find(call.ids[0]) == nullptr) refuse_missing("index");
  Fields fields(call.body);
  IndexedAsset row;
  row.asset_id = fields.text("asset_id");
  row.stream = fields.flag("enable_video_stream");
  auto const metadata = fields.scalar_map("user_metadata");
  check_metadata_allowed(context, metadata.has_value());
  fields.finish();
  auto const* const asset = context.world.assets.find(row.asset_id);
  if (asset == nullptr) throw Refusal{400, "resource_not_exist", "The asset does not exist."};
  if (asset->status != "ready") throw Refusal{400, "parameter_invalid", "The asset is not ready."};

  row.id = context.world.new_id();
  row.index_id = call.ids[0];
  row.user_metadata = metadata ? merged_metadata({}, *metadata, true) : std::string{};
  row.created_ms = row.updated_ms = call.now_ms;
  row.doomed = call.verdict.action == Action::kFailAsset;
  context.ledger.write("indexed_asset_created",
                       {{"indexed_asset_id", row.id}, {"asset_id", row.asset_id}, {"index_id", row.index_id}});
  auto const& kept = context.world.indexed_assets.add(std::move(row));
  context.world.schedule(kept);
  auto reply = json_reply(202, {{"_id", kept.id}, {"asset_id", kept.asset_id}});
  reply.headers.emplace_back("Location",
                             context.options.base_path + "/indexes/" + kept.index_id + "/indexed-assets/" + kept.id);
  return reply;
}

Reply list(Context& context, Call const& call) {
  if (context.world.indexes.find(call.ids[0]) == nullptr) refuse_missing("index");
  Params params(call.request.query);
  auto const by = params.one_of("sort_by", {"created_at", "updated_at"}).value_or("created_at");
  auto const order = params.one_of("sort_option", {"asc", "desc"}).value_or("desc");
  auto const statuses = params.many("status");
  auto const filename = params.one("filename");
  auto const duration = params.range("duration");
  auto const fps = params.range("fps");
  auto const width = params.range("width");
  auto const height = params.range("height");
  auto const size = params.range("size");
  auto const created = params.time_ms("created_at");
  auto const updated = params.time_ms("updated_at");
  params.finish();

  std::vector<IndexedAsset const*> found;
  for (auto const& [serial, row] : context.world.indexed_assets.rows()) {
    if (row.index_id != call.ids[0] || !listed(context, call, row.created_ms)) continue;
    if (!statuses.empty() && std::ranges::find(statuses, row.status) == statuses.end()) continue;
    if (row.created_ms < created.value_or(0) || row.updated_ms < updated.value_or(0)) continue;
    auto const* const asset = context.world.assets.find(row.asset_id);
    if (filename && (asset == nullptr || !contains_no_case(asset->filename, *filename))) continue;
    if (!duration.holds(kSeconds) || !fps.holds(kFps) || !width.holds(kWidth) || !height.holds(kHeight)) continue;
    if (!size.holds(asset == nullptr ? 0.0 : static_cast<double>(asset->size))) continue;
    found.push_back(&row);
  }
  if (by == "updated_at") std::ranges::stable_sort(found, {}, &IndexedAsset::updated_ms);
  if (order == "desc") std::ranges::reverse(found);
  return page_reply(params, found.size(), [&](std::size_t i) { return row_json(context, *found[i]); });
}

Reply get(Context& context, Call const& call) {
  Params params(call.request.query);
  params.many("embedding_option");  // known, but the emulator has no embeddings and no transcription
  params.one_of("transcription", {"true", "false"});
  params.finish();
  auto const& row = find_row(context, call);
  auto out = row_json(context, row);
  if (!row.user_metadata.empty()) out["user_metadata"] = json::parse(row.user_metadata);
  if (row.stream) {
    out["hls"] = {{"status", row.status == "ready" ? "COMPLETE" : "PROCESSING"},
                  {"updated_at", rfc3339(row.updated_ms)}};
    if (row.status == "ready") out["hls"]["video_url"] = "http://media.invalid/" + row.id + "/stream.m3u8";
  }
  return json_reply(200, out);
}

Reply patch(Context& context, Call const& call) {
  auto& row = find_row(context, call);
  Fields fields(call.body);
  auto const metadata = fields.scalar_map("user_metadata", true);
  fields.finish();
  if (metadata) row.user_metadata = merged_metadata(row.user_metadata, *metadata, false);
  row.updated_ms = call.now_ms;
  return empty_reply(context);
}

Reply remove(Context& context, Call const& call) {
  auto const id = find_row(context, call).id;
  context.world.indexed_assets.erase(id);
  context.ledger.write("indexed_asset_deleted", {{"indexed_asset_id", id}});
  return empty_reply(context);
}

Reply list_by_asset(Context& context, Call const& call) {
  if (!context.options.lookup) refuse_missing("resource");
  if (context.world.assets.find(call.ids[0]) == nullptr) refuse_missing("asset");
  Params params(call.request.query);
  params.finish();
  std::vector<IndexedAsset const*> found;
  auto& rows = context.world.indexed_assets.rows();
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
    if (row->second.asset_id == call.ids[0] && listed(context, call, row->second.created_ms))
      found.push_back(&row->second);
  }
  return page_reply(params, found.size(), [&](std::size_t i) -> json {
    auto const* const index = context.world.indexes.find(found[i]->index_id);
    return {{"_id", found[i]->id},
            {"index", {{"_id", found[i]->index_id}, {"name", index == nullptr ? std::string{} : index->name}}}};
  });
}

}  // namespace

std::vector<Route> indexed_asset_routes() {
  return {{"GET", "/indexes/{index_id}/indexed-assets", list},
          {"POST", "/indexes/{index_id}/indexed-assets", create},
          {"GET", "/indexes/{index_id}/indexed-assets/{indexed_asset_id}", get},
          {"PATCH", "/indexes/{index_id}/indexed-assets/{indexed_asset_id}", patch},
          {"DELETE", "/indexes/{index_id}/indexed-assets/{indexed_asset_id}", remove},
          {"GET", "/assets/{asset_id}/indexed-assets", list_by_asset}};
}

}  // namespace sluice::emulator

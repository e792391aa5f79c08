// The answers about what follows an asset: indexes, indexed assets, entities.
#include "core/base/text.h"
#include "core/platform/replies.h"
#include "core/platform/reply_reader.h"

namespace sluice::platform {
namespace {

using ports::Reply;

Result<NamedPage> read_named_page(Reply const& reply, std::string_view name_key) {
  SLUICE_TRY(page, read_rows<Named>(reply, [&](Json const& row) -> Result<Named> {
               SLUICE_TRY(id, need_id(row, "_id"));
               SLUICE_TRY(name, text_or_empty(row, name_key));
               SLUICE_TRY(created_at, time_if_any(row, "created_at"));
               return Named{std::move(id), std::move(name), created_at};
             }));
  return NamedPage{std::move(page.first), page.second};
}

Result<IndexedAsset> read_indexed_asset_object(Json const& object) {
  IndexedAsset record;
  SLUICE_TRY(id, need_id(object, "_id"));
  SLUICE_TRY(word, need_text(object, "status"));
  SLUICE_TRY(asset_id, text_or_empty(object, "asset_id"));
  SLUICE_TRY(created_at, time_if_any(object, "created_at"));
  record.id = std::move(id);
  record.asset_id = std::move(asset_id);
  record.state = word == "ready"    ? IndexedAsset::State::kReady
                 : word == "failed" ? IndexedAsset::State::kFailed
                                    : IndexedAsset::State::kInProgress;
  record.status_word = printable(cut_to(word, 80));
  record.created_at = created_at;
  return record;
}

// A row of the list by asset says where the asset is indexed, and nothing about how far that is.
Result<IndexedAsset> read_indexed_asset_summary(Json const& object) {
  IndexedAsset record;
  SLUICE_TRY(id, need_id(object, "_id"));
  SLUICE_TRY(index, object.object_at("index"));
  if (index == nullptr) return fail(Fault::kProtocol, "a row has no `index`");
  SLUICE_TRY(index_id, need_id(*index, "_id"));
  SLUICE_TRY(created_at, time_if_any(object, "created_at"));
  record.id = std::move(id);
  record.index_id = std::move(index_id);
  record.created_at = created_at;
  return record;
}

Result<std::vector<std::string>> read_asset_ids(Json const& object) {
  SLUICE_TRY(rows, object.array_at("asset_ids"));
  std::vector<std::string> ids;
  if (rows == nullptr) return ids;
  for (auto const& row : rows->elements()) {
    auto const* id = row.as_text();
    if (id == nullptr) return fail(Fault::kProtocol, "`asset_ids` holds what is no text");
    ids.push_back(*id);
  }
  return ids;
}

Result<Entity> read_entity_object(Json const& object) {
  Entity entity;
  SLUICE_TRY(id, need_id(object, "_id"));
  SLUICE_TRY(word, need_text(object, "status"));
  SLUICE_TRY(name, text_or_empty(object, "name"));
  SLUICE_TRY(asset_ids, read_asset_ids(object));
  SLUICE_TRY(client_op, client_op_of(object, "metadata"));
  SLUICE_TRY(created_at, time_if_any(object, "created_at"));
  entity.id = std::move(id);
  entity.name = std::move(name);
  entity.ready = word == "ready";
  auto const* told = object.find("asset_ids");
  entity.tells_assets = told != nullptr && !told->is_null();
  entity.asset_ids = std::move(asset_ids);
  entity.client_op = std::move(client_op);
  entity.created_at = created_at;
  return entity;
}

}  // namespace

Result<NamedPage> read_index_page(Reply const& reply) { return read_named_page(reply, "index_name"); }
Result<NamedPage> read_collection_page(Reply const& reply) { return read_named_page(reply, "name"); }

Result<std::string> read_id(Reply const& reply) {
  SLUICE_TRY(root, read_object(reply));
  return need_id(root, "_id");
}

Result<IndexedAsset> read_indexed_asset(Reply const& reply) {
  SLUICE_TRY(root, read_object(reply));
  return read_indexed_asset_object(root);
}

Result<IndexedAssetPage> read_indexed_asset_page(Reply const& reply) {
  SLUICE_TRY(page, read_rows<IndexedAsset>(reply, read_indexed_asset_object));
  return IndexedAssetPage{std::move(page.first), page.second};
}

Result<IndexedAssetPage> read_indexed_asset_page_of_asset(Reply const& reply) {
  SLUICE_TRY(page, read_rows<IndexedAsset>(reply, read_indexed_asset_summary));
  return IndexedAssetPage{std::move(page.first), page.second};
}

Result<Entity> read_entity(Reply const& reply) {
  SLUICE_TRY(root, read_object(reply));
  return read_entity_object(root);
}

Result<EntityPage> read_entity_page(Reply const& reply) {
  SLUICE_TRY(page, read_rows<Entity>(reply, read_entity_object));
  return EntityPage{std::move(page.first), page.second};
}

Result<BulkEntities> read_bulk_entities(Reply const& reply) {
  constexpr std::uint64_t kPlacesMax = 1'000'000;
  BulkEntities bulk;
  SLUICE_TRY(root, read_object(reply));
  SLUICE_TRY(made, root.array_at("entities"));
  SLUICE_TRY(errors, root.array_at("errors"));
  if (made == nullptr || errors == nullptr) return fail(Fault::kProtocol, "the answer lacks `entities` or `errors`");
  for (auto const& element : made->elements()) {
    SLUICE_TRY(id, need_id(element, "_id"));
    SLUICE_TRY(name, need_text(element, "name"));
    bulk.made.push_back({std::move(id), std::move(name), std::nullopt});
  }
  for (auto const& element : errors->elements()) {
    SLUICE_TRY(place, need_size(element, "entity_index", 0, kPlacesMax));
    SLUICE_TRY(why, text_or_empty(element, "error_reason"));
    bulk.refused.emplace(place, std::move(why));
  }
  return bulk;
}

}  // namespace sluice::platform

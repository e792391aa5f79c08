#include "ledger_view.h"

#include <map>
#include <nlohmann/json.hpp>

namespace sluice::emulator {

using nlohmann::json;

namespace {

json null_if_empty(std::string const& text) { return text.empty() ? json(nullptr) : json(text); }

std::string client_op(Asset const& asset) {
  if (asset.user_metadata.empty()) return {};
  auto const metadata = json::parse(asset.user_metadata);
  auto const at = metadata.find("client_op");
  return at != metadata.end() && at->is_string() ? at->get<std::string>() : std::string{};
}

json objects(World& world) {
  auto out = json::array();
  for (auto const& [serial, asset] : world.assets.rows()) {
    if (!asset.arrived || asset.sha256.empty()) continue;
    auto const* const session = world.sessions.find(asset.upload_id);
    out.push_back({{"asset_id", asset.id},
                   {"upload_id", null_if_empty(asset.upload_id)},
                   {"filename", asset.filename},
                   {"sha256", asset.sha256},
                   {"size", asset.size},
                   {"bytes_received", session == nullptr ? asset.bytes_received : session->bytes_received}});
  }
  return out;
}

// Reserved assets of unfinished sessions are no assets yet: they stand beside their sessions.
json assets(World& world) {
  auto out = json::array();
  for (auto const& [serial, asset] : world.assets.rows()) {
    if (!asset.arrived) continue;
    out.push_back({{"id", asset.id},
                   {"filename", asset.filename},
                   {"method", asset.method},
                   {"status", asset.status},
                   {"size", asset.size},
                   {"url", null_if_empty(asset.url)},
                   {"sha256", null_if_empty(asset.sha256)},
                   {"client_op", null_if_empty(client_op(asset))},
                   {"created_at", rfc3339(asset.created_ms)}});
  }
  return out;
}

// Collects ids under a key, and tells of each key that has two or more.
class Doubles {
 public:
  void add(std::string const& kind, std::string const& what, std::string const& id) {
    ids_[{kind, what}].push_back(id);
  }
  json found() const {
    auto out = json::array();
    for (auto const& [key, ids] : ids_) {
      if (ids.size() > 1) out.push_back({{"kind", key.first}, {"what", key.second}, {"ids", ids}});
    }
    return out;
  }

 private:
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> ids_;
};

// What failed is no double of what was made in its place (U11).
json duplicates(World& world) {
  Doubles doubles;
  for (auto const& [serial, asset] : world.assets.rows()) {
    if (!asset.arrived || asset.status == "failed") continue;
    if (auto const op = client_op(asset); !op.empty()) doubles.add("asset_client_op", op, asset.id);
    if (!asset.url.empty()) doubles.add("asset_url", asset.filename + ' ' + asset.url, asset.id);
    if (!asset.sha256.empty()) doubles.add("asset_content", asset.filename + ' ' + asset.sha256, asset.id);
  }
  for (auto const& [serial, row] : world.indexed_assets.rows()) {
    if (row.status != "failed") doubles.add("indexed_asset", row.asset_id + " in " + row.index_id, row.id);
  }
  for (auto const& [serial, row] : world.collections.rows()) doubles.add("entity_collection", row.name, row.id);
  for (auto const& [serial, row] : world.entities.rows()) {
    doubles.add("entity", row.name + " in " + row.collection_id, row.id);
  }
  return doubles.found();
}

json indexed_assets(World& world) {
  auto out = json::array();
  for (auto const& [serial, row] : world.indexed_assets.rows()) {
    out.push_back({{"id", row.id}, {"asset_id", row.asset_id}, {"index_id", row.index_id}, {"status", row.status}});
  }
  return out;
}

json entities(World& world) {
  auto out = json::array();
  for (auto const& [serial, row] : world.entities.rows()) {
    out.push_back({{"id", row.id},
                   {"collection_id", row.collection_id},
                   {"name", row.name},
                   {"asset_ids", row.asset_ids},
                   {"status", row.status}});
  }
  return out;
}

template <class T>
json names(Table<T>& table) {
  auto out = json::array();
  for (auto const& [serial, row] : table.rows()) out.push_back({{"id", row.id}, {"name", row.name}});
  return out;
}

void add_sessions(World& world, std::int64_t now_ms, json& ledger) {
  auto sessions = json::array();
  auto orphans = json::array();
  auto puts = json::array();
  for (auto const& [serial, session] : world.sessions.rows()) {
    auto const status = session.status(now_ms);
    sessions.push_back({{"upload_id", session.id},
                        {"asset_id", session.asset_id},
                        {"status", status},
                        {"total_size", session.total_bytes},
                        {"bytes_received", session.bytes_received}});
    // An orphan: expired unfinished, or open with nobody ever having sent it a chunk (R51).
    if (status == "expired" || (status == "active" && session.puts_begun == 0)) {
      orphans.push_back(
          {{"upload_id", session.id}, {"total_size", session.total_bytes}, {"asset_id", session.asset_id}});
    }
    for (auto const& [index, chunk] : session.chunks) {
      puts.push_back({{"upload_id", session.id},
                      {"chunk_index", index},
                      {"times_stored", chunk.times_stored},
                      {"bytes", chunk.bytes_stored}});
    }
  }
  ledger["sessions"] = std::move(sessions);
  ledger["orphan_sessions"] = std::move(orphans);
  ledger["chunk_puts"] = std::move(puts);
}

}  // namespace

std::string ledger_json_text(Context& context) {
  context.hasher.wait_for_earlier();
  auto& world = context.world;
  std::lock_guard const lock(world.mutex);
  auto const now_ms = context.clock();
  world.advance(now_ms);
  json ledger{{"objects", objects(world)},
              {"assets", assets(world)},
              {"indexes", names(world.indexes)},
              {"indexed_assets", indexed_assets(world)},
              {"entity_collections", names(world.collections)},
              {"entities", entities(world)},
              {"requests", context.ledger.requests()},
              {"duplicates", duplicates(world)},
              {"key_leaks", context.ledger.key_leaks.load()}};
  add_sessions(world, now_ms, ledger);
  ledger["totals"] = {{"bytes_received", context.ledger.bytes_received.load()},
                      {"puts_stored", context.ledger.puts_stored.load()},
                      {"puts_open", context.ledger.puts_open.load()},
                      {"assets_completed", ledger["assets"].size()}};
  return ledger.dump(1, ' ', false, json::error_handler_t::replace) + '\n';
}

}  // namespace sluice::emulator

#include "world.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace sluice::emulator {

namespace {

// splitmix64 maps the 64-bit numbers one to one: ids look random, and can never collide.
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27U)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31U);
}

}  // namespace

std::string Session::status(std::int64_t now_ms) const {
  if (completed) return "completed";
  return now_ms >= expires_ms ? "expired" : "active";
}

std::uint64_t Session::length_of(std::uint32_t chunk_index) const {
  auto const begin = (chunk_index - 1) * chunk_bytes;
  return std::min(chunk_bytes, total_bytes - begin);
}

std::string World::new_id() {
  std::array<char, 25> text{};
  auto const number = mixed(options_.seed * 0x100000000ULL + ++ids_);
  std::snprintf(text.data(), text.size(), "%08x%016llx", static_cast<unsigned>(mixed(options_.seed) >> 32U),
                static_cast<unsigned long long>(number));
  return text.data();
}

void World::advance(std::int64_t now_ms) {
  while (!due_.empty() && due_.top().at_ms <= now_ms) {
    auto const due = due_.top();
    due_.pop();
    carry_out(due, now_ms);
  }
}

void World::carry_out(Due const& due, std::int64_t now_ms) {
  switch (due.kind) {
    case Kind::kAsset:
      if (auto* const asset = assets.find(due.id); asset != nullptr && !asset->hashing) settle(*asset, now_ms);
      return;
    case Kind::kIndexedAsset:
      if (auto* const row = indexed_assets.find(due.id); row != nullptr) {
        row->status = due.status == "ready" && row->doomed ? "failed" : due.status;
        row->updated_ms = due.at_ms;
        if (row->status == "ready") row->indexed_ms = due.at_ms;
      }
      return;
    case Kind::kEntity:
      // An older transition of an entity that went back to `processing` meanwhile is void.
      if (auto* const row = entities.find(due.id); row != nullptr && row->ready_ms <= due.at_ms) {
        row->status = "ready";
        row->updated_ms = due.at_ms;
      }
      return;
  }
}

void World::arrived(Asset& asset, std::int64_t now_ms, bool at_once) {
  asset.arrived = true;
  asset.settle_ms = now_ms + (at_once ? 0 : options_.ready_after_ms);
  if (at_once && !asset.hashing) {
    settle(asset, now_ms);
  } else {
    plan({asset.settle_ms, Kind::kAsset, asset.id, {}});
  }
}

void World::hashed(std::string const& asset_id, std::string const& sha256, std::string const& head,
                   std::int64_t now_ms) {
  auto* const asset = assets.find(asset_id);
  if (asset == nullptr) return;
  asset->sha256 = sha256;
  asset->hashing = false;
  if (content_dooms(head)) asset->doomed = true;
  if (asset->arrived && asset->settle_ms <= now_ms) settle(*asset, now_ms);
}

void World::settle(Asset& asset, std::int64_t /*now_ms*/) {
  if (asset.status != "processing") return;
  asset.status = asset.doomed ? "failed" : "ready";
  if (asset.doomed && asset.error.empty()) asset.error = "The file could not be read.";
  ledger_.write(asset.doomed ? "asset_failed" : "asset_ready", {{"asset_id", asset.id}, {"sha256", asset.sha256}});
}

void World::plan(Due due) {
  due.order = ++planned_;  // what is due at the same instant happens in the order in which it was planned
  due_.push(std::move(due));
}

void World::schedule(IndexedAsset const& row) {
  auto const whole = options_.index_after_ms;
  plan({row.created_ms + whole / 3, Kind::kIndexedAsset, row.id, "queued"});
  plan({row.created_ms + whole * 2 / 3, Kind::kIndexedAsset, row.id, "indexing"});
  plan({row.created_ms + whole, Kind::kIndexedAsset, row.id, "ready"});
}

void World::schedule(Entity const& row) { plan({row.ready_ms, Kind::kEntity, row.id, {}}); }

}  // namespace sluice::emulator

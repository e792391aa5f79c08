// What the simulated platform deletes under its clients: by its 72 hours, or by a person's hand (R41).
#include <algorithm>

#include "tests/sim/sim_platform.h"

namespace sluice::sim {
namespace {

using After = Deletion::After;
using What = Deletion::What;

template <class Thing>
Thing const* nth_of(std::vector<Thing> const& all, std::uint32_t nth) {
  return nth >= 1 && nth <= all.size() ? &all[nth - 1] : nullptr;
}

template <class Thing, class Inside>
std::optional<WallTime> first_inside(std::vector<Thing> const& all, Inside const& inside) {
  std::optional<WallTime> first;
  for (auto const& thing : all)
    if (inside(thing) && (!first || thing.created_at < *first)) first = thing.created_at;
  return first;
}

}  // namespace

std::optional<WallTime> SimPlatform::first_use_of(std::string const& asset_id) const {
  auto const indexed = first_inside(indexed_, [&](SimIndexed const& row) { return row.asset_id == asset_id; });
  auto const placed = first_inside(entities_, [&](SimEntity const& row) {
    return std::ranges::find(row.asset_ids, asset_id) != row.asset_ids.end();
  });
  return indexed && placed ? std::min(indexed, placed) : indexed ? indexed : placed;
}

// When its moment comes; nothing as long as what it is about is not so far, or is gone already.
std::optional<WallTime> SimPlatform::time_of(Deletion const& deletion) const {
  auto const of_simple = [&](auto const* thing, auto const& use) -> std::optional<WallTime> {
    if (thing == nullptr || thing->gone_at) return std::nullopt;
    return deletion.after == After::kUsed ? use(*thing) : std::optional(thing->created_at);
  };
  switch (deletion.what) {
    case What::kAsset: {
      auto const* asset = nth_of(assets_, deletion.nth);
      if (asset == nullptr || asset->gone_at || !asset->completed) return std::nullopt;
      if (deletion.after == After::kUsed) return first_use_of(asset->id);
      return deletion.after == After::kReady ? asset->ready_at : asset->completed_at;
    }
    case What::kIndexed: {
      auto const* row = nth_of(indexed_, deletion.nth);
      if (row == nullptr || row->gone_at) return std::nullopt;
      return deletion.after == After::kReady ? row->ready_at : row->created_at;
    }
    case What::kEntity: {
      auto const* row = nth_of(entities_, deletion.nth);
      if (row == nullptr || row->gone_at) return std::nullopt;
      return deletion.after == After::kReady ? row->ready_at : row->created_at;
    }
    case What::kIndex:
      return of_simple(nth_of(indexes_, deletion.nth), [&](SimNamed const& index) {
        return first_inside(indexed_, [&](SimIndexed const& row) { return row.index_id == index.id; });
      });
    case What::kCollection:
      return of_simple(nth_of(collections_, deletion.nth), [&](SimNamed const& collection) {
        return first_inside(entities_, [&](SimEntity const& row) { return row.collection_id == collection.id; });
      });
  }
  return std::nullopt;
}

void SimPlatform::mark_gone(SimThing& thing, WallTime at) {
  if (thing.gone_at) return;
  count("platform.deleted");
  thing.gone_at = at;
  thing.hidden_at = visible_from(at);
}

void SimPlatform::forget_asset(SimAsset& asset, WallTime at) {
  mark_gone(asset, at);
  for (auto& row : indexed_)
    if (row.asset_id == asset.id) mark_gone(row, at);
  for (auto& entity : entities_) std::erase(entity.asset_ids, asset.id);
}

void SimPlatform::forget(Deletion const& deletion, WallTime at) {
  auto const i = deletion.nth - 1;
  switch (deletion.what) {
    case What::kAsset: return forget_asset(assets_[i], at);
    case What::kIndexed: return mark_gone(indexed_[i], at);
    case What::kEntity: return mark_gone(entities_[i], at);
    case What::kIndex:
      mark_gone(indexes_[i], at);
      for (auto& row : indexed_)
        if (row.index_id == indexes_[i].id) mark_gone(row, at);
      return;
    case What::kCollection:
      mark_gone(collections_[i], at);
      for (auto& row : entities_)
        if (row.collection_id == collections_[i].id) mark_gone(row, at);
      return;
  }
}

bool SimPlatform::forget_one(WallTime now) {
  std::optional<WallTime> first;
  std::size_t which = 0;
  for (std::size_t i = 0; i < traits_.deletions.size(); ++i) {
    auto const at = deletions_done_.contains(i) ? std::nullopt : time_of(traits_.deletions[i]);
    if (!at || *at + traits_.deletions[i].delay > now) continue;
    if (first && *first <= *at + traits_.deletions[i].delay) continue;
    first = *at + traits_.deletions[i].delay;
    which = i;
  }
  if (!first) return false;
  deletions_done_.insert(which);
  forget(traits_.deletions[which], *first);
  return true;
}

// Asked before every request: what nobody asks for in between makes no difference.
void SimPlatform::forget_due(WallTime now) {
  while (forget_one(now)) continue;
  for (auto& asset : assets_)
    if (asset.filename == traits_.vanishing_name && asset.completed && !asset.gone_at && asset.completed_at <= now)
      forget_asset(asset, asset.completed_at);
  if (traits_.asset_life <= Millis(0)) return;
  for (auto& asset : assets_) {
    auto const ends = asset.created_at + traits_.asset_life;
    if (!asset.completed || asset.gone_at || ends > now) continue;
    auto const tied = std::ranges::any_of(entities_, [&](SimEntity const& entity) {
      return !entity.gone_at && std::ranges::find(entity.asset_ids, asset.id) != entity.asset_ids.end();
    });
    if (!tied) forget_asset(asset, ends);
  }
}

}  // namespace sluice::sim

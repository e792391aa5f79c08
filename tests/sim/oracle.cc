#include "tests/sim/oracle.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace sluice::sim {

using journal::ItemRow;
using journal::ItemState;
using journal::Journal;

namespace {

class Judgement {
 public:
  Judgement(Scenario const& scenario, SimFiles const& files, SimPlatform const& platform, Journal const& journal)
      : scenario_(scenario), files_(files), platform_(platform), journal_(journal) {}

  std::vector<std::string> all() {
    read_contents();
    count_assets();
    count_names();
    for (auto const& expected : scenario_.expected) look_at(expected);
    count_reservations();
    return std::move(broken_);
  }

 private:
  void say(std::string what) { broken_.push_back(std::move(what)); }

  // Which file a completed asset's bytes may come from: every content that ever stood in one.
  void read_contents() {
    for (auto const& path : files_.paths())
      for (auto const& content : files_.history(path))
        if (content.size_bytes <= scenario_.policy.limits.multipart_video_bytes) path_of_[content.sha256_hex()] = path;
  }

  void count_assets() {
    std::map<std::string, int> copies;
    for (auto const& asset : platform_.assets()) {
      if (!asset.completed) continue;
      auto const from = path_of_.find(asset.sha256);
      if (from == path_of_.end())
        say("torn: asset " + asset.id + " (" + asset.filename + ") holds bytes that no file ever held");
      else if (!asset.fails && ++copies[asset.sha256] == 2)  // one that the platform failed is no asset to anybody
        say("duplicate asset: the bytes of " + from->second + " are on the platform twice");
    }
  }

  void count_names() {
    std::map<std::string, int> seen;
    auto const once = [&](std::string const& what) {
      if (++seen[what] == 2) say("duplicate " + what);
    };
    for (auto const& index : platform_.indexes()) once("index " + index.name);
    for (auto const& collection : platform_.collections()) once("collection " + collection.name);
    for (auto const& entity : platform_.entities()) once("entity " + entity.name + " of " + entity.collection_id);
    for (auto const& indexed : platform_.indexed())
      once("indexed asset of " + indexed.asset_id + " in " + indexed.index_id);
  }

  void look_at(Expected const& expected) {
    auto const item = journal_.latest_item(scenario_.policy.sources.front().root, expected.path);
    if (!item) {
      if (expected.state.find("unknown") == std::string::npos) say("lost: nobody knows " + expected.path);
      return;
    }
    auto const state = std::string(word(item->state));
    auto const allowed = "|" + expected.state + "|";
    if (allowed.find("|" + state + "|") == std::string::npos)
      return say(expected.path + " is " + state + " (" + item->reason + ": " + item->effort.last_error + "), not " +
                 expected.state);
    if (!expected.reason.empty() && item->state != ItemState::kDone && item->reason != expected.reason)
      say(expected.path + " is " + state + " for " + item->reason + ", not for " + expected.reason);
    if (item->state == ItemState::kDone) look_at_done(*item, expected);
  }

  void look_at_done(ItemRow const& item, Expected const& expected) {
    auto const asset = std::ranges::find(platform_.assets(), item.asset_id, &SimAsset::id);
    if (asset == platform_.assets().end() || !asset->completed) return say(item.path + " is done without an asset");
    if (asset->sha256 != files_.history(item.path).back().sha256_hex())
      say(item.path + " is done, and its asset holds other bytes than the file");
    if (item.bytes_acked != item.print.size_bytes)
      say(item.path + " is done, and not all of its bytes are acknowledged");
    std::set<std::string> ready;
    for (auto const& step : journal_.steps_of(item.id))
      if (step.state == journal::StepState::kReady) ready.insert(step.remote_id);
    if (!expected.index.empty()) look_at_index(item, expected.index, ready);
    if (!expected.entity.empty()) look_at_entity(item, expected, ready);
  }

  void look_at_index(ItemRow const& item, std::string const& name, std::set<std::string> const& ready) {
    auto const index = std::ranges::find(platform_.indexes(), name, &SimNamed::name);
    if (index == platform_.indexes().end()) return say("the index " + name + " was never made");
    auto const found = std::ranges::find_if(platform_.indexed(), [&](SimIndexed const& indexed) {
      return indexed.index_id == index->id && indexed.asset_id == item.asset_id;
    });
    if (found == platform_.indexed().end()) return say(item.path + " is done and not in the index " + name);
    if (!ready.contains(found->id))
      say(item.path + " is done, and its indexed asset is not the one that the journal names");
  }

  void look_at_entity(ItemRow const& item, Expected const& expected, std::set<std::string> const& ready) {
    auto const found = std::ranges::find(platform_.entities(), expected.entity, &SimEntity::name);
    if (found == platform_.entities().end()) return say("the entity " + expected.entity + " was never made");
    if (std::ranges::find(found->asset_ids, item.asset_id) == found->asset_ids.end())
      say(item.path + " is done and not part of the entity " + expected.entity);
    if (!ready.contains(found->id)) say(item.path + " is done, and its entity is not the one that the journal names");
    auto const collection = std::ranges::find(platform_.collections(), found->collection_id, &SimNamed::id);
    if (collection == platform_.collections().end() || collection->name != expected.collection)
      say("the entity " + expected.entity + " is in another collection than " + expected.collection);
  }

  // R51: what was reserved and forgotten must have been counted.
  void count_reservations() {
    std::set<std::string> known;
    for (auto const& item : journal_.list_items({.limit = 1'000}))
      for (auto const& session : journal_.sessions_of(item.id)) known.insert(session.upload_id);
    auto const unknown = std::ranges::count_if(platform_.sessions(),
                                               [&](auto const& session) { return !known.contains(session.first); });
    auto const counted = std::stoll(journal_.meta("orphan_reservations").value_or("0"));
    if (unknown > counted)
      say(std::to_string(unknown) + " reservations are unknown to the journal, which counted " +
          std::to_string(counted));
  }

  Scenario const& scenario_;
  SimFiles const& files_;
  SimPlatform const& platform_;
  Journal const& journal_;
  std::map<std::string, std::string> path_of_ = {};  // by SHA-256
  std::vector<std::string> broken_ = {};
};

}  // namespace

std::vector<std::string> judge(Scenario const& scenario, SimFiles const& files, SimPlatform const& platform,
                               Journal const& journal) {
  return Judgement(scenario, files, platform, journal).all();
}

}  // namespace sluice::sim

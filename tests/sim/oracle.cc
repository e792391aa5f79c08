#include "tests/sim/oracle.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "core/base/json.h"
#include "core/base/url_text.h"
#include "core/source/entry_key.h"
#include "tests/sim/digests.h"

namespace sluice::sim {

using journal::ItemRow;
using journal::ItemState;
using journal::Journal;

namespace {

// The answer that made an item done may have left the platform so long before the journal says so.
constexpr Millis kOnItsWay{5'000};

// Things of one kind that must be there once. A second is sound only when every earlier one was gone before.
class Once {
 public:
  // In the order of creation. Returns whether it is the first that stands beside another.
  bool doubled(std::string const& what, SimThing const& thing) {
    auto const [found, first] = last_.try_emplace(what, &thing);
    auto const before = std::exchange(found->second, &thing);
    if (first || (before->gone_at && *before->gone_at <= thing.created_at)) return false;
    return told_.insert(what).second;
  }

 private:
  std::map<std::string, SimThing const*> last_ = {};
  std::set<std::string> told_ = {};
};

class Judgement {
 public:
  Judgement(Scenario const& scenario, Seen seen, Journal const& journal, Millis held_back)
      : scenario_(scenario),
        files_(seen.files),
        hosts_(seen.hosts),
        platform_(seen.platform),
        journal_(journal),
        held_back_(held_back) {}

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

  // Whether it stood when the item was done; what is deleted afterwards is nobody's fault.
  bool stood(SimThing const& thing, ItemRow const& item) const {
    return !thing.gone_at || *thing.gone_at + kOnItsWay + held_back_ > *item.finished_at;
  }

  // Which file a completed asset's bytes may come from: every content that ever stood in one.
  void read_contents() {
    for (auto const& path : files_.paths())
      for (auto const& content : files_.history(path))
        if (content.size_bytes <= scenario_.policy.limits.multipart_video_bytes) path_of_[content.sha256_hex()] = path;
    for (auto const& order : scenario_.orders)
      if (looks_like_url(order.path)) path_of_[sha256_hex_of(order.path)] = order.path;
    for (auto const& expected : scenario_.expected)
      if (looks_like_url(expected.path)) path_of_[sha256_hex_of(expected.path)] = expected.path;
    for (auto const& [url, contents] : hosts_.media())
      for (auto const& content : contents) path_of_[content.sha256_hex()] = url;
  }

  void count_assets() {
    Once copies;
    for (auto const& asset : platform_.assets()) {
      if (!asset.completed) continue;
      auto const from = path_of_.find(asset.sha256);
      if (from == path_of_.end())
        say("torn: asset " + asset.id + " (" + asset.filename + ") holds bytes that no file ever held");
      else if (!asset.fails && copies.doubled(asset.sha256, asset))  // one that failed is no asset to anybody
        say("duplicate asset: the bytes of " + from->second + " are on the platform twice");
    }
  }

  void count_names() {
    Once seen;
    auto const once = [&](std::string const& what, SimThing const& thing) {
      if (seen.doubled(what, thing)) say("duplicate " + what);
    };
    for (auto const& index : platform_.indexes()) once("index " + index.name, index);
    for (auto const& collection : platform_.collections()) once("collection " + collection.name, collection);
    for (auto const& entity : platform_.entities())
      once("entity " + entity.name + " of " + entity.collection_id, entity);
    for (auto const& indexed : platform_.indexed())
      once("indexed asset of " + indexed.asset_id + " in " + indexed.index_id, indexed);
  }

  void look_at(Expected const& expected) {
    auto const& named = expected.key.empty() ? expected.path : "k:" + expected.key;
    auto const item = item_of(journal_, scenario_.first_source().root, named);
    if (!item) {
      if (expected.state.find("unknown") == std::string::npos) say("lost: nobody knows " + expected.path);
      return;
    }
    auto const state = std::string(word(item->state));
    if (!is_among(state, expected.state))
      return say(expected.path + " is " + state + " (" + item->reason + ": " + item->effort.last_error + "), not " +
                 expected.state);
    if (!expected.reason.empty() && item->state != ItemState::kDone && !is_among(item->reason, expected.reason))
      say(expected.path + " is " + state + " for " + item->reason + ", not for " + expected.reason);
    if (item->state == ItemState::kDone) look_at_done(*item, expected);
  }

  // Of a download: any content that was once behind the URL, or where it has moved; read_contents() saw that it is
  // whole.
  bool holds(std::string const& sha256, ItemRow const& item, Expected const& expected) const {
    if (!is_of_url(item)) return sha256 == files_.history(item.path).back().sha256_hex();
    if (!is_relayed(item)) return sha256 == sha256_hex_of(expected.path);
    auto url = without_query(expected.path);
    for (auto const& medium : scenario_.media)
      if (medium.url == url && !medium.moved_to.empty()) url = medium.moved_to;
    return path_of_.at(sha256) == url;
  }

  void look_at_done(ItemRow const& item, Expected const& expected) {
    auto const asset = std::ranges::find(platform_.assets(), item.asset_id, &SimAsset::id);
    if (asset == platform_.assets().end() || !asset->completed) return say(item.path + " is done without an asset");
    if (!stood(*asset, item)) say(item.path + " is done, and its asset was gone before");
    if (!holds(asset->sha256, item, expected))
      say(item.path + " is done, and its asset holds other bytes than the file");
    if (item.bytes_acked != (item.method == "url" ? 0 : item.print.size_bytes))
      say(item.path + " is done, and not all of its bytes are acknowledged");
    std::set<std::string> ready;
    for (auto const& step : journal_.steps_of(item.id))
      if (step.state == journal::StepState::kReady) ready.insert(step.remote_id);
    if (!expected.metadata.empty()) look_at_metadata(item, expected, asset->metadata_json);
    if (!expected.index.empty()) look_at_index(item, expected.index, ready);
    if (!expected.entity.empty()) look_at_entity(item, expected, ready);
  }

  void look_at_metadata(ItemRow const& item, Expected const& expected, std::string const& told) {
    auto const differs = [&](std::string const& text) {
      auto const has = parse_json(text.empty() ? "{}" : text), wants = parse_json(expected.metadata);
      return std::ranges::any_of(wants->members(), [&](Json::Member const& wanted) {
        auto const* const value = has->find(wanted.name);
        return wanted.value.is_null() ? value != nullptr : value == nullptr || *value != wanted.value;
      });
    };
    if (differs(told)) say(item.path + " is done, and the metadata of its asset is " + told);
    for (auto const& indexed : platform_.indexed())
      if (indexed.asset_id == item.asset_id && !indexed.gone_at && differs(indexed.metadata_json))
        say(item.path + " is done, and the metadata of its indexed asset is " + indexed.metadata_json);
  }

  void look_at_index(ItemRow const& item, std::string const& name, std::set<std::string> const& ready) {
    auto const found = std::ranges::find_if(platform_.indexed(), [&](SimIndexed const& indexed) {
      auto const index = std::ranges::find(platform_.indexes(), indexed.index_id, &SimNamed::id);
      return is_among(index->name, name) && indexed.asset_id == item.asset_id && ready.contains(indexed.id);
    });
    if (found == platform_.indexed().end())
      return say(item.path + " is done, and its indexed asset in " + name + " is not the one that the journal names");
    if (!stood(*found, item)) say(item.path + " is done, and its place in the index " + name + " was gone before");
  }

  void look_at_entity(ItemRow const& item, Expected const& expected, std::set<std::string> const& ready) {
    auto const found = std::ranges::find_if(platform_.entities(), [&](SimEntity const& entity) {
      return entity.name == expected.entity && ready.contains(entity.id);
    });
    if (found == platform_.entities().end())
      return say(item.path + " is done, and its entity " + expected.entity + " is not the one that the journal names");
    if (!stood(*found, item)) say(item.path + " is done, and its entity was gone before");
    auto const asset = std::ranges::find(platform_.assets(), item.asset_id, &SimAsset::id);
    if (!asset->gone_at && std::ranges::find(found->asset_ids, item.asset_id) == found->asset_ids.end())
      say(item.path + " is done and not part of the entity " + expected.entity);
    auto const collection = std::ranges::find(platform_.collections(), found->collection_id, &SimNamed::id);
    if (collection == platform_.collections().end() || collection->name != expected.collection)
      say("the entity " + expected.entity + " is in another collection than " + expected.collection);
  }

  // R51: what was reserved and forgotten must have been counted.
  void count_reservations() {
    std::set<std::string> known;
    for (auto const& item : journal_.list_items({.limit = 1'000'000}))
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
  SimHosts const& hosts_;
  SimPlatform const& platform_;
  Journal const& journal_;
  Millis held_back_;
  std::map<std::string, std::string> path_of_ = {};  // by SHA-256
  std::vector<std::string> broken_ = {};
};

}  // namespace

std::optional<ItemRow> item_of(Journal const& journal, std::string const& root, std::string const& path_or_url) {
  if (path_or_url.starts_with("k:")) return journal.item_by_key(path_or_url);
  if (!looks_like_url(path_or_url)) return journal.latest_item(root, path_or_url);
  auto const url = parse_url(path_or_url);
  if (auto item = journal.item_by_key(source::entry_key(*url, {}))) return item;
  auto items = journal.items_by_url(url->shown, 1);  // its key was given, or is another's now
  return items.empty() ? std::nullopt : std::optional(std::move(items.front()));
}

std::vector<std::string> judge(Scenario const& scenario, Seen seen, Journal const& journal, Millis held_back) {
  return Judgement(scenario, seen, journal, held_back).all();
}

}  // namespace sluice::sim

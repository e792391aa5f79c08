#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "core/base/json.h"
#include "core/base/text.h"
#include "core/base/url_text.h"
#include "core/source/entry_key.h"
#include "core/source/url_name.h"
#include "core/stage/entry_row.h"
#include "tests/sim/digests.h"
#include "tests/sim/oracle.h"

namespace sluice::sim {

using journal::EntryRow;
using journal::EntryState;
using journal::ItemRow;
using journal::ItemState;
using journal::Journal;
using journal::ManifestRow;

namespace {

// A line as the product page has it, read in a way of its own.
struct Line {
  std::uint64_t number = 0;
  std::string key = {};  // of an item; "" of a line that asks for nothing
  std::string url = {};
};

Line read_line(std::string_view text, bool is_json, std::uint64_t number) {
  Line line{.number = number, .url = std::string(text)};
  std::string key;
  if (is_json) {
    auto const json = parse_json(text);
    if (!json || !json->is_object()) return {.number = number};
    line.url = json->text("url")->value_or("");
    key = json->text("key")->value_or("");
  }
  auto const url = parse_url(line.url);
  if (!url || !line.url.starts_with("https://")) return {.number = number};
  line.key = source::entry_key(*url, {.key = key});
  return line;
}

// All whole ones; what is behind the last end of a line is one where it is a whole object.
std::vector<Line> lines_of(std::string_view text, bool is_json) {
  std::vector<Line> lines;
  for (std::uint64_t number = 1; !text.empty(); ++number) {
    auto const end = text.find('\n');
    auto const line = text.substr(0, end);
    if (end != std::string_view::npos || !is_json || parse_json(line))
      lines.push_back(read_line(line, is_json, number));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

// What a results file says.
struct Told {
  std::map<std::string, Json> last = {};                       // by key, else by name
  std::set<std::pair<std::uint64_t, std::string>> lines = {};  // number and result
};

std::string_view outcome_of(ItemRow const& item) {
  if (item.state == ItemState::kDone) return "ok";
  if (item.state == ItemState::kFailed) return "failed";
  return item.reason == "duplicate" ? "duplicate" : "skipped";
}

class Judgement {
 public:
  Judgement(Scenario const& scenario, Seen seen, Journal const& journal)
      : scenario_(scenario), seen_(seen), journal_(journal) {}

  std::vector<std::string> all() {
    for (auto const& source : scenario_.policy.sources) {
      if (source.manifest.empty()) continue;
      for (auto const& [path, texts] : seen_.files.texts())
        if (path.starts_with(source.root + "/") && glob_match(source.manifest, basename_of(path)) &&
            path.find(".results.") == std::string::npos)
          look_at(source, std::string(basename_of(path)), texts);
    }
    for (auto const& [key, urls] : urls_of_) count_assets(key, urls);
    return std::move(broken_);
  }

 private:
  void say(std::string what) { broken_.push_back(std::move(what)); }

  void look_at(stage::SourcePolicy const& source, std::string const& name, std::vector<std::string> const& texts) {
    auto const row = journal_.manifest(source.root, name);
    if (!row) return say("lost: nobody knows the manifest " + name);
    std::set<std::string> keys, names;
    std::uint64_t lines_max = 0;
    for (auto const& text : texts)
      for (auto const& line : lines_of(text, name.ends_with(".jsonl"))) {
        lines_max = std::max(lines_max, line.number);
        if (line.key.empty()) continue;
        keys.insert(line.key);
        names.insert(told_as(line));
        urls_of_[line.key].insert(line.url);
      }
    auto const told = read_results(*row, names, lines_max);
    look_at_lines(*row, lines_of(texts.back(), name.ends_with(".jsonl")), told);
    count(*row, keys);
  }

  static std::string told_as(Line const& line) {
    return line.key.starts_with("k:") ? line.key.substr(2) : source::name_from_url(parse_url(line.url)->shown);
  }

  // Whole lines, each once, and all of them this manifest's.
  Told read_results(ManifestRow const& row, std::set<std::string> const& names, std::uint64_t lines_max) {
    Told told;
    auto const text = row.results.empty() ? std::string() : seen_.files.text_at(row.results);
    if (row.results_bytes != text.size()) say(row.path + ": its results are longer or shorter than the journal says");
    std::set<std::string_view> once;
    for (auto rest = std::string_view(text); !rest.empty();) {
      auto const end = rest.find('\n');
      auto const line = rest.substr(0, end);
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
      auto json = parse_json(line);
      if (end == std::string_view::npos || !json || !json->is_object()) {
        say("torn: a line of the results of " + row.path + ": " + std::string(line));
        continue;
      }
      if (!once.insert(line).second) say("told twice: " + row.path + ": " + std::string(line));
      auto const number = json->size("line")->value_or(0);
      auto const as = json->text("key")->value_or(json->text("name")->value_or(""));
      if (number == 0 || number > lines_max || (!as.empty() && !names.contains(as)))
        say("foreign: the results of " + row.path + " tell of another's line: " + std::string(line));
      told.lines.emplace(number, json->text("result")->value_or(""));
      if (!as.empty()) told.last.insert_or_assign(as, *std::move(json));
    }
    return told;
  }

  // Each whole line that stands there now.
  void look_at_lines(ManifestRow const& row, std::vector<Line> const& lines, Told const& told) {
    std::set<std::string> before;
    for (auto const& line : lines) {
      auto const which = "line " + std::to_string(line.number) + " of " + row.path;
      if (line.key.empty()) {
        if (!told.lines.contains({line.number, "error"})) say("lost: " + which + " is wrong, and nobody is told");
        continue;
      }
      auto const entry = journal_.entry_of_key(stage::packed_key(line.key));
      if (!entry) {
        say("lost: " + which + " is no entry");
        continue;
      }
      auto const repeats = !before.insert(line.key).second || entry->manifest_id != row.id;
      // In a second pass over the manifest a line that was not there in the first is not told from one that was.
      if (repeats && row.pass == 1 && !told.lines.contains({line.number, "duplicate"}))
        say("lost: " + which + " repeats another, and nobody is told");
      if (entry->manifest_id == row.id) answered(row, *entry, line, told);
    }
  }

  // What is told last of an entry is how its item ended.
  void answered(ManifestRow const& row, EntryRow const& entry, Line const& line, Told const& told) {
    auto const which = row.path + ": " + told_as(line);
    if (entry.state != EntryState::kEnded) return say("waits for ever: " + which);
    auto const said = told.last.find(told_as(line));
    if (said == told.last.end()) return say("no answer for " + which);
    auto const item = entry.item_id == 0 ? std::nullopt : journal_.item(entry.item_id);
    auto const refused = !item || !entry.reason.empty();
    auto const ended =
        refused ? std::string_view(entry.reason == "duplicate" ? "duplicate" : "failed") : outcome_of(*item);
    auto const result = said->second.text("result")->value_or("");
    if (result != ended)
      say("wrongly told: " + which + " is told as " + result + ", and ended as " + std::string(ended));
    if (entry.outcome != ended)
      say("wrongly kept: " + which + " stands as " + entry.outcome + ", and ended as " + std::string(ended));
    if (ended == "ok" && said->second.text("asset_id")->value_or("") != item->asset_id)
      say("wrongly told: " + which + " is told with another asset");
    if (auto const owner = journal_.item_by_key(line.key); !refused && (!owner || owner->id != item->id))
      say("wrongly kept: " + which + " is another item than the one that has its key");
  }

  void count(ManifestRow const& row, std::set<std::string> const& keys) {
    std::int64_t entries = 0, failed = 0;
    for (auto const& key : keys) {
      auto const entry = journal_.entry_of_key(stage::packed_key(key));
      if (!entry || entry->manifest_id != row.id) continue;
      ++entries;
      failed += entry->outcome == "failed" ? 1 : 0;
      if (entry->state != EntryState::kEnded)
        say("waits for ever: " + row.path + ": an entry in " + std::string(word(entry->state)));
    }
    auto const compare = [&](char const* what, std::int64_t counted, std::int64_t is) {
      if (counted != is)
        say("miscounted: " + row.path + " has " + std::to_string(is) + " " + what + ", and counts " +
            std::to_string(counted));
    };
    compare("entries", row.entries, entries);
    compare("failed entries", row.failed, failed);
    compare("waiting entries", row.waiting, 0);
    compare("open entries", row.open, 0);
    compare("open notes", row.notes_open, 0);
  }

  // All contents that a line of this key may have meant.
  std::set<std::string> sums_of(std::set<std::string> const& urls) const {
    std::set<std::string> sums;
    for (auto const& url : urls) {
      sums.insert(sha256_hex_of(url));
      auto at = without_query(url);
      for (auto const& medium : scenario_.media)
        if (medium.url == at && !medium.moved_to.empty()) at = medium.moved_to;
      if (auto const found = seen_.hosts.media().find(at); found != seen_.hosts.media().end())
        for (auto const& content : found->second) sums.insert(content.sha256_hex());
    }
    return sums;
  }

  // A second one is sound only where the first was gone before, or had failed.
  void count_assets(std::string const& key, std::set<std::string> const& urls) {
    auto const sums = sums_of(urls);
    SimAsset const* last = nullptr;
    for (auto const& asset : seen_.platform.assets()) {
      if (!asset.completed || asset.fails || !sums.contains(asset.sha256)) continue;
      if (last != nullptr && !(last->gone_at && *last->gone_at <= asset.created_at))
        say("two assets of one key: " + key + ": " + last->id + " and " + asset.id);
      last = &asset;
    }
  }

  Scenario const& scenario_;
  Seen seen_;
  Journal const& journal_;
  std::map<std::string, std::set<std::string>> urls_of_ = {};  // by key, over all manifests
  std::vector<std::string> broken_ = {};
};

}  // namespace

std::vector<std::string> judge_manifests(Scenario const& scenario, Seen seen, Journal const& journal) {
  return Judgement(scenario, seen, journal).all();
}

}  // namespace sluice::sim

#include <algorithm>
#include <optional>
#include <ranges>
#include <set>
#include <utility>

#include "core/base/text.h"
#include "core/stage/outbox.h"
#include "tests/sim/oracle.h"

namespace sluice::sim {
namespace {

using FolderAndPath = std::pair<std::string, std::string>;

FolderAndPath split(std::string const& absolute, std::vector<std::string> const& folders) {
  for (auto const& folder : folders)
    if (absolute.starts_with(folder + "/")) return {folder, absolute.substr(folder.size() + 1)};
  return {};
}

// The first of "one|or|another" at which there is a file.
std::optional<FolderAndPath> first_there(SimActs const& acts, std::vector<std::string> const& folders,
                                         std::string const& places) {
  for (auto const part : std::views::split(places, '|')) {
    auto at = split(std::string(part.begin(), part.end()), folders);
    if (!at.second.empty() && acts.names_in(at.first).contains(at.second)) return at;
  }
  return std::nullopt;
}

// Where files and notes may be: the first source's folder, and where that puts them.
std::vector<std::string> folders_of(Scenario const& scenario) {
  auto const& source = scenario.first_source();
  std::set<std::string> folders = {"/srv/done", "/srv/far"};
  if (!source.receipt.folder.empty()) folders.insert(source.receipt.folder);
  std::vector<std::string> all = {source.root};
  all.insert(all.end(), folders.begin(), folders.end());
  return all;
}

// A sidecar, say.
bool is_written_by_others(Scenario const& scenario, std::string const& path) {
  return std::ranges::any_of(scenario.changes, [&](Change const& change) {
    return change.what == Change::What::kText && change.path == path;
  });
}

// Why it may be as it is although nothing will happen by itself; "" if it may.
std::string wrong_with_waiting(journal::ActRow const& act, std::vector<journal::ActRow> const& acts,
                               journal::ItemRow const& item, SimFiles const& files) {
  if (act.state == journal::ActState::kActing) return "is under way for ever";
  if (act.effort.due_at) return "is due, and not done";
  auto const is_before = [&](journal::ActRow const& other) {
    return other.ordinal < act.ordinal && !is_over(other.state) && other.kind != journal::ActKind::kHook;
  };
  if (!act.is_held()) return std::ranges::any_of(acts, is_before) ? "" : "waits for no act before it";
  for (auto const& folder : {item.root, act.target_folder, stage::place_of_file(acts, item).folder})
    if (files.is_away(folder)) return {};
  return "waits for a folder that is there: " + act.effort.last_error;
}

}  // namespace

std::vector<std::string> judge_waiting(SimFiles const& files, journal::Journal const& journal) {
  std::vector<std::string> broken;
  for (auto const& item : journal.list_items({.limit = 1'000'000})) {
    auto const acts = journal.acts_of(item.id);
    for (auto const& act : acts) {
      auto const wrong = is_over(act.state) ? std::string() : wrong_with_waiting(act, acts, item, files);
      if (!wrong.empty())
        broken.push_back("left waiting: act " + std::to_string(act.ordinal) + " (" + std::string(word(act.kind)) +
                         ") of " + item.path + " " + wrong);
    }
  }
  return broken;
}

std::vector<std::string> judge_acts(Scenario const& scenario, SimFiles const& files, SimActs const& acts,
                                    journal::Journal const& journal) {
  if (scenario.follows_files) return judge_files(scenario, files, acts, journal);
  std::vector<std::string> broken;
  auto const& root = scenario.first_source().root;
  auto const folders = folders_of(scenario);
  std::size_t notes = 0, notes_wanted = 0;
  for (auto const& folder : folders) {
    for (auto const& [path, text] : acts.texts_in(folder)) notes += is_written_by_others(scenario, path) ? 0 : 1;
    for (auto const& path : acts.names_in(folder))
      if (basename_of(path).starts_with(".sluice-")) broken.push_back("left lying about: " + folder + "/" + path);
  }
  for (auto const& expected : scenario.expected) {
    if (expected.file_at.empty()) continue;
    auto const copies = acts.copies_of(files.history(expected.path).back());
    if (copies != (expected.file_at == "-" ? 0U : 1U))
      broken.push_back(expected.path + " is there " + std::to_string(copies) + " times");
    if (expected.file_at != "-" && !first_there(acts, folders, expected.file_at))
      broken.push_back(expected.path + " is not at " + expected.file_at);
    if (expected.note_at.empty()) continue;
    auto const at = first_there(acts, folders, expected.note_at);
    if (!at && expected.note_at.ends_with('|')) continue;
    ++notes_wanted;
    auto const item = journal.latest_item(root, expected.path);
    auto const wrong = !at || !item ? "is not there" : wrong_with_note(acts.texts_in(at->first).at(at->second), *item);
    if (!wrong.empty()) broken.push_back(expected.note_at + " " + wrong);
  }
  if (notes != notes_wanted) broken.push_back(std::to_string(notes) + " notes, not " + std::to_string(notes_wanted));
  return broken;
}

}  // namespace sluice::sim

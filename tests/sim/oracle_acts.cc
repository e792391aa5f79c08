#include <algorithm>

#include "core/base/json.h"
#include "core/base/text.h"
#include "tests/sim/oracle.h"

namespace sluice::sim {
namespace {

std::pair<std::string, std::string> split(std::string const& absolute, std::vector<std::string> const& folders) {
  for (auto const& folder : folders)
    if (absolute.starts_with(folder + "/")) return {folder, absolute.substr(folder.size() + 1)};
  return {};
}

// What is wrong with a note; "" if nothing is.
std::string wrong_with_note(std::string const& text, journal::ItemRow const& item) {
  auto const json = parse_json(text);
  if (!json) return "is no JSON";
  if (json->text("id")->value_or("") != item.ulid) return "is about another item";
  if (item.state == journal::ItemState::kDone && json->text("asset_id")->value_or("") != item.asset_id)
    return "names another asset";
  if (item.state == journal::ItemState::kFailed && json->text("code")->value_or("") != item.reason)
    return "names another reason";
  return {};
}

// A sidecar, say.
bool is_written_by_others(Scenario const& scenario, std::string const& path) {
  return std::ranges::any_of(scenario.changes, [&](Change const& change) {
    return change.what == Change::What::kText && change.path == path;
  });
}

}  // namespace

std::vector<std::string> judge_acts(Scenario const& scenario, SimFiles const& files, SimActs const& acts,
                                    journal::Journal const& journal) {
  std::vector<std::string> broken;
  auto const& root = scenario.policy.sources.front().root;
  std::vector<std::string> const folders = {root, "/srv/done", "/srv/far"};
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
    auto const [folder, path] = split(expected.file_at, folders);
    if (expected.file_at != "-" && !acts.names_in(folder).contains(path))
      broken.push_back(expected.path + " is not at " + expected.file_at);
    if (expected.note_at.empty()) continue;
    ++notes_wanted;
    auto const [note_folder, note_path] = split(expected.note_at, folders);
    auto const texts = acts.texts_in(note_folder);
    auto const note = texts.find(note_path);
    auto const item = journal.latest_item(root, expected.path);
    auto const wrong = note == texts.end() || !item ? "is not there" : wrong_with_note(note->second, *item);
    if (!wrong.empty()) broken.push_back(expected.note_at + " " + wrong);
  }
  if (notes != notes_wanted) broken.push_back(std::to_string(notes) + " notes, not " + std::to_string(notes_wanted));
  return broken;
}

}  // namespace sluice::sim

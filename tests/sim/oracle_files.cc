#include <algorithm>
#include <utility>

#include "core/base/json.h"
#include "core/base/text.h"
#include "core/base/url_text.h"
#include "core/stage/outbox.h"
#include "tests/sim/oracle.h"

namespace sluice::sim {

using journal::ActKind;
using journal::ActRow;
using journal::ActState;
using journal::ItemRow;
using journal::ItemState;

namespace {

// One file of a day, with what became of it.
struct Fate {
  ItemRow item;
  std::vector<ActRow> acts;

  // Of this end: done, or refused since another file stands there.
  ActRow const* last(std::initializer_list<ActKind> kinds) const {
    ActRow const* found = nullptr;
    for (auto const& act : acts)
      if (std::ranges::find(kinds, act.kind) != kinds.end() && act.generation == item.generation) found = &act;
    return found;
  }
  bool was_deleted() const {
    auto const* const away = stage::put_away(acts, item);
    return away != nullptr && away->kind == ActKind::kDelete;
  }
};

bool is_another_file(ActRow const& act) {
  return act.state == ActState::kRefused && is_among(act.reason, "changed|gone|superseded");
}

std::string wrong_with_end(stage::SourcePolicy const& source, Fate const& fate) {
  auto const& after = fate.item.state == ItemState::kDone ? source.after_success : source.after_failure;
  auto const is_end = fate.item.state == ItemState::kDone || fate.item.state == ItemState::kFailed;
  if (!is_end || after.what == AfterEnd::What::kKeep || fate.item.reason == "source_gone") return {};
  if (stage::put_away(fate.acts, fate.item) != nullptr) return {};
  auto const* const act = fate.last({ActKind::kMove, ActKind::kDelete});
  if (act == nullptr) return "was not to be put away";
  return is_another_file(*act) ? "" : "is not put away: " + act->reason;
}

std::string wrong_with_notes(stage::SourcePolicy const& source, SimActs const& acts, Fate const& fate) {
  auto const is_done = fate.item.state == ItemState::kDone;
  auto const is_wanted = is_done ? source.receipt.where != ReceiptWish::Where::kNone
                                 : fate.item.state == ItemState::kFailed && fate.item.reason != "source_gone" &&
                                       source.after_failure.what == AfterEnd::What::kMove;
  if (!is_wanted) return {};
  auto const* const act = fate.last({is_done ? ActKind::kReceipt : ActKind::kErrorNote});
  if (act == nullptr) return "has no note";
  if (act->state != ActState::kDone) return is_another_file(*act) ? "" : "has no note: " + act->reason;
  auto const texts = acts.texts_in(act->target_folder);
  auto const note = texts.find(act->target_path);
  auto const wrong = note == texts.end() ? "is not there" : wrong_with_note(note->second, fate.item);
  return wrong.empty() ? "" : "has a note at " + act->target_folder + "/" + act->target_path + " that " + wrong;
}

// Of a companion, whose own trouble is only told, something may be left.
bool is_left_over(std::string const& path) {
  auto const name = basename_of(path);
  return name.starts_with(".sluice-") && name.find(".c") == std::string::npos;
}

bool is_removed(Scenario const& scenario, std::string const& path) {
  return std::ranges::any_of(scenario.changes, [&](Change const& change) {
    return change.what == Change::What::kRemove && change.path == path;
  });
}

}  // namespace

std::string wrong_with_note(std::string const& text, ItemRow const& item) {
  auto const json = parse_json(text);
  if (!json) return "is no JSON";
  if (json->text("id")->value_or("") != item.ulid) return "is about another item";
  if (item.state == ItemState::kDone && json->text("asset_id")->value_or("") != item.asset_id)
    return "names another asset";
  if (item.state == ItemState::kFailed && json->text("code")->value_or("") != item.reason)
    return "names another reason";
  return {};
}

std::vector<std::string> judge_files(Scenario const& scenario, SimFiles const& files, SimActs const& acts,
                                     journal::Journal const& journal) {
  std::vector<std::string> broken;
  auto const& source = scenario.first_source();
  for (auto const* const folder : {"/srv/drop", "/srv/done", "/srv/far", "/srv/bad", "/srv/notes"})
    for (auto const& path : acts.names_in(folder))
      if (is_left_over(path)) broken.push_back("left lying about: " + std::string(folder) + "/" + path);
  for (auto const& drop : scenario.drops) {
    auto const& history = files.history(drop.path);
    for (auto const& content : history)
      if (auto const copies = acts.copies_of(content); copies > 1)
        broken.push_back(drop.path + " is there " + std::to_string(copies) + " times");
    auto const item = journal.latest_item(source.root, drop.path);
    if (!item || is_removed(scenario, drop.path)) continue;
    Fate const fate{.item = *item, .acts = journal.acts_of(item->id)};
    auto const is_there = acts.copies_of(history.back()) > 0;
    if (is_there == fate.was_deleted())
      broken.push_back(drop.path + (is_there ? " was deleted, and is there" : " was not deleted, and is not there"));
    if (auto const wrong = wrong_with_end(source, fate); !wrong.empty()) broken.push_back(drop.path + " " + wrong);
    if (auto const wrong = wrong_with_notes(source, acts, fate); !wrong.empty())
      broken.push_back(drop.path + " " + wrong);
  }
  return broken;
}

}  // namespace sluice::sim

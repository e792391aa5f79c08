// act_fixture.h - items at their end, their files in memory, and a platform that still has the assets.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/stage/act.h"
#include "core/stage/finish.h"
#include "core/stage/moves.h"
#include "core/stage/outbox.h"
#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {

using journal::ActKind;
using journal::ActRow;
using journal::ActState;
using journal::ItemRow;
using journal::ItemState;

inline constexpr char kReady[] = R"({"_id":"asset1","status":"ready"})";

class Act : public StageTest {
 protected:
  std::int64_t number_ = 0;
  Act() { policy.sources = {{.name = "drop", .root = "/srv/drop", .pipelines = {}}}; }

  SourcePolicy& source() { return policy.sources.front(); }
  static AfterEnd move_to(char const* text) {
    return {.what = AfterEnd::What::kMove, .move_to = *parse_template(text)};
  }

  // An item whose asset is ready, and its file.
  ItemRow put_ready() {
    auto row = put_item(ItemState::kAssetReady);
    acts.files["/srv/drop/" + row.path] = {.print = row.print, .text = "film"};
    return row;
  }
  ItemRow put_done() {
    auto const row = put_ready();
    choose(choose_finish);
    return item(row.id);
  }
  ItemRow put_failed() {
    auto const row = put_ready();
    within([&](Context& ctx) { fail_item(ctx, row, "asset_failed", "it cannot be decoded", ItemState::kStable); });
    return item(row.id);
  }
  // Turns until nothing changes, with a platform that still has the asset.
  void settle() {
    for (int turn = 0; turn < 12; ++turn) {
      choose(choose_act);
      for (auto const& act : journal.due_acts(ActState::kWanted, now, 9))
        if (traffic.busy(budget::Errand::kVerifyAsset, act.id)) answer(act.id, reply(kReady));
    }
  }
  void answer(journal::RowId act, Result<ports::Reply> with) {
    for (auto const& [ticket, flight] : traffic.flights(budget::Errand::kVerifyAsset))
      if (flight.row == act) {
        traffic.landed(ticket);
        return land({.errand = budget::Errand::kVerifyAsset, .row = act}, std::move(with));
      }
    FAIL() << "no GET of the asset left for act " << act;
  }
  ActRow act(std::size_t n) const { return journal.acts_of(1).at(n); }
  std::vector<std::string> outbox() const {
    std::vector<std::string> all;
    for (auto const& row : journal.acts_of(1))
      all.push_back(std::string(word(row.kind)) + " " + std::string(word(row.state)));
    return all;
  }
  Json json_at(std::string const& path) { return *parse_json(acts.files.at(path).text); }
};

}  // namespace sluice::stage

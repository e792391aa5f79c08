// The oracle of acts and hooks on trial: an act is left waiting for nothing, or a program is started twice, and it must
// be seen.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/trial.h"

namespace sluice::sim {
namespace {

using journal::ActKind;
using journal::ActRow;
using journal::ActState;
using journal::ItemState;
using journal::Journal;

constexpr char kGone[] = "/srv/gone", kThere[] = "/srv/there";

// The end of a sound run, and behind the acts of its first done item another one.
std::vector<std::string> with_one_more(ActRow act) {
  auto scenario = scenario_named("files_put_away");
  scenario.away = {{.folder = kGone}};
  RunOptions options{.seed = seed_or(5)};
  options.before_judgement = [&](Journal& journal, SimFiles&) {
    auto const done = journal.list_items({.stage = std::nullopt, .state = ItemState::kDone}).front();
    act.item_id = done.id;
    act.generation = done.generation;
    act.ordinal = journal.acts_of(done.id).back().ordinal + 1;
    journal.begin();
    journal.insert(act);
    journal.commit();
  };
  return World(std::move(scenario), std::move(options)).run();
}

bool is_told(std::vector<std::string> const& broken, std::string const& what) {
  return std::ranges::any_of(broken, [&](std::string const& sentence) {
    return sentence.starts_with("left waiting") && sentence.find(what) != std::string::npos;
  });
}

ActRow held_for(char const* folder) {
  return {.kind = ActKind::kMove, .target_folder = folder, .target_path = "x", .effort = {.tries = 1}};
}

TEST(AnActLeftWaiting, IsSeenWhereItsFolderIsThere) {
  EXPECT_TRUE(is_told(with_one_more(held_for(kThere)), "waits for a folder that is there"));
}

TEST(AnActLeftWaiting, IsSoundWhereItsFolderIsAway) {
  EXPECT_EQ(with_one_more(held_for(kGone)), std::vector<std::string>());
}

TEST(AnActLeftWaiting, IsSeenWhereNoActIsBeforeIt) {
  EXPECT_TRUE(is_told(with_one_more({.kind = ActKind::kReceipt}), "waits for no act before it"));
  EXPECT_TRUE(is_told(with_one_more({.kind = ActKind::kHook, .hook = "clerk"}), "waits for no act before it"));
}

TEST(AnActLeftWaiting, IsSeenWhereItIsDueOrUnderWay) {
  EXPECT_TRUE(is_told(with_one_more({.kind = ActKind::kReceipt, .effort = {.due_at = kBeginning}}), "is due"));
  EXPECT_TRUE(is_told(with_one_more({.kind = ActKind::kReceipt, .state = ActState::kActing}), "is under way for ever"));
}

class AProgramThatEndedWell : public testing::Test {
 protected:
  Result<ports::Ended> start(std::string const& event) {
    return listeners.run({.argv = {"/bin/tell", "clerk"},
                          .environment = {"SLUICE_EVENT_ID=" + event},
                          .input = R"({"event_id":")" + event + "\"}\n",
                          .timeout = Millis(1'000)});
  }
  SimListeners listeners{1};
};

TEST_F(AProgramThatEndedWell, MayNotBeStartedAgainForTheSameEvent) {
  EXPECT_TRUE(start("a.1") && start("a.2"));
  EXPECT_TRUE(listeners.complaints().empty());
  EXPECT_TRUE(start("a.1"));
  EXPECT_EQ(listeners.complaints().size(), 1u);
}

TEST_F(AProgramThatEndedWell, MayBeStartedAgainByTheNextLife) {
  EXPECT_TRUE(start("a.1"));
  listeners.new_life();
  EXPECT_TRUE(start("a.1"));
  EXPECT_TRUE(listeners.complaints().empty());
}

TEST_F(AProgramThatEndedWell, IsNoneThatFailed) {
  listeners.fail_by_dice(1, 1);
  EXPECT_TRUE(start("a.1") && start("a.1"));
  EXPECT_TRUE(listeners.complaints().empty());
}

}  // namespace
}  // namespace sluice::sim

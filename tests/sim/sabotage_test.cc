// The oracle and the rules of section 7 on trial: one look is taken away, or one intent, and the oracle
// must see a second thing on the platform. A simulation that stayed silent here would prove nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/trial.h"

namespace sluice::sim {
namespace {

using journal::ItemState;
using journal::Journal;
using journal::NamedState;
using journal::StepState;

bool tells_of(std::vector<std::string> const& broken, std::string const& what) {
  return std::ranges::any_of(broken, [&](std::string const& sentence) { return sentence.starts_with(what); });
}

struct LostLook {
  char const* name;
  char const* scenario;
  Ask ask;
  std::uint64_t nth;  // call of that kind
  char const* seen;   // how the oracle's sentence begins
};

class ALookTakenAway : public testing::TestWithParam<LostLook> {};

std::vector<std::string> lose_an_answer(LostLook const& lost, bool blind) {
  auto scenario = scenario_named(lost.scenario);
  scenario.traits.blind_looks = blind;
  RunOptions options{.seed = seed_or(5)};
  options.mishaps.at(lost.ask, lost.nth, Mishap::kLostAfter);
  return World(std::move(scenario), std::move(options)).run();
}

TEST_P(ALookTakenAway, MakesADuplicateThatTheOracleSees) {
  EXPECT_EQ(lose_an_answer(GetParam(), false), std::vector<std::string>());
  EXPECT_TRUE(tells_of(lose_an_answer(GetParam(), true), GetParam().seen));
}

INSTANTIATE_TEST_SUITE_P(
    Sim, ALookTakenAway,
    testing::Values(LostLook{"asset", "direct_uploads", Ask::kCreateAsset, 1, "duplicate asset"},
                    LostLook{"url", "urls", Ask::kCreateAsset, 1, "duplicate asset"},
                    LostLook{"asset_without_tags", "direct_uploads_on_an_old_platform", Ask::kCreateAsset, 4,
                             "duplicate asset"},
                    LostLook{"indexed_asset", "main_job", Ask::kCreateIndexedAsset, 1, "duplicate indexed asset"},
                    LostLook{"indexed_asset_by_index", "main_job_on_an_old_platform", Ask::kCreateIndexedAsset, 2,
                             "duplicate indexed asset"},
                    LostLook{"entity", "ten_photos", Ask::kCreateEntity, 1, "duplicate entity"},
                    LostLook{"collection", "ten_photos", Ask::kCreateCollection, 1, "duplicate collection"}),
    [](auto const& param) { return std::string(param.param.name); });

// The bound of exactly-once (docs/adr/0004): one of its two times is shorter than the platform's own.
struct ShortTime {
  char const* name;
  Millis list_lag, late_effect;  // the daemon's
  Millis platform_lag;
  Mishap mishap;
};

class ATimeCutShort : public testing::TestWithParam<ShortTime> {};

std::vector<std::string> lose_an_answer_in(ShortTime const& times, Millis list_lag, Millis late_effect) {
  auto scenario = scenario_named("main_job");
  scenario.policy.limits.list_lag = list_lag;
  scenario.policy.limits.late_effect = late_effect;
  scenario.traits.list_lag_max = times.platform_lag;
  RunOptions options{.seed = seed_or(5)};
  options.mishaps.at(Ask::kCreateIndexedAsset, 1, times.mishap);
  return World(std::move(scenario), std::move(options)).run();
}

TEST_P(ATimeCutShort, MakesADuplicateThatTheOracleSees) {
  auto const& times = GetParam();
  EXPECT_EQ(lose_an_answer_in(times, times.platform_lag, Millis(10'000)), std::vector<std::string>());
  EXPECT_TRUE(tells_of(lose_an_answer_in(times, times.list_lag, times.late_effect), "duplicate indexed asset"));
}

INSTANTIATE_TEST_SUITE_P(
    Sim, ATimeCutShort,
    testing::Values(ShortTime{"list_lag", Millis(0), Millis(0), Millis(120'000), Mishap::kLostAfter},
                    ShortTime{"late_effect", Millis(0), Millis(0), Millis(0), Mishap::kLateEffect}),
    [](auto const& param) { return std::string(param.param.name); });

// What a daemon would find that had let its call leave before the intent was on disk.
bool forget_sending(Journal& journal, WallTime now) {
  auto const rows = journal.items_in(ItemState::kSending, 100);
  for (auto row : rows) {
    row.state = ItemState::kStable;
    row.intent = {};
    row.effort.due_at = now;
    journal.update(row, ItemState::kSending, now);
  }
  return !rows.empty();
}

bool forget_step(Journal& journal, WallTime now) {
  auto const rows = journal.steps_in(StepState::kCreating, 100);
  for (auto row : rows) {
    row.state = StepState::kWaiting;
    row.intent = {};
    row.effort.due_at = now;
    journal.update(row, StepState::kCreating, now);
  }
  return !rows.empty();
}

bool forget_named(Journal& journal, WallTime now) {
  auto const rows = journal.named_in(NamedState::kCreating);
  for (auto row : rows) {
    row.state = NamedState::kWanted;
    row.intent = {};
    row.effort.due_at = now;
    journal.update(row, NamedState::kCreating, now);
  }
  return !rows.empty();
}

// An ETag that was journaled is forgotten: its chunk must not go up again, and the platform sees that it does.
bool forget_stored(Journal& journal, WallTime now) {
  bool did = false;
  for (auto const& session : journal.open_sessions(100))
    for (auto row : journal.chunks_in(session.id, journal::ChunkState::kStored)) {
      row.state = journal::ChunkState::kNeedsUrl;
      row.etag.clear();
      row.due_at = now;
      journal.update(row, journal::ChunkState::kStored, session.item_id, now);
      did = true;
    }
  return did;
}

struct LostFact {
  char const* name;
  char const* scenario;
  bool (*forget)(Journal&, WallTime);
  std::uint64_t first_moment;  // to save time: before it no such call leaves
  char const* seen;
};

class AnIntentTakenAway : public testing::TestWithParam<LostFact> {};

TEST_P(AnIntentTakenAway, DoesDamageThatTheOracleSees) {
  auto const& lost = GetParam();
  int forgotten = 0;
  for (std::uint64_t k = lost.first_moment;; ++k) {
    bool did = false;
    RunOptions options{
        .seed = seed_or(5), .crash_at = k, .aftermath = Aftermath::kAllArrive, .downtime_max = Millis(1'000)};
    options.while_dead = [&](Journal& journal) {
      journal.begin();
      did = lost.forget(journal, kBeginning) || did;
      journal.commit();
    };
    World world(scenario_named(lost.scenario), std::move(options));
    auto const broken = world.run();
    if (world.crashes() == 0) break;
    forgotten += did ? 1 : 0;
    EXPECT_TRUE(did || broken.empty()) << "crash point " << k << ": " << broken.front();
    if (did && tells_of(broken, lost.seen)) return;  // as it must be
  }
  ADD_FAILURE() << "no " << lost.seen << " although it was forgotten " << forgotten << " times";
}

INSTANTIATE_TEST_SUITE_P(
    Sim, AnIntentTakenAway,
    testing::Values(LostFact{"asset", "direct_uploads", forget_sending, 1, "duplicate asset"},
                    LostFact{"indexed_asset", "main_job", forget_step, 60, "duplicate indexed asset"},
                    LostFact{"entity", "ten_photos", forget_named, 40, "duplicate entity"},
                    LostFact{"stored_chunk", "main_job", forget_stored, 1, "the platform complains: chunk"},
                    LostFact{"collection", "ten_photos", forget_named, 40, "duplicate collection"}),
    [](auto const& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace sluice::sim

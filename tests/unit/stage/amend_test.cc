// AMEND: a sidecar that changes after its file is up changes what the platform is told of it, and no byte goes again.
#include "core/stage/amend.h"

#include <gmock/gmock.h>

#include "core/stage/act.h"
#include "core/stage/discover.h"
#include "core/stage/outbox.h"
#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using budget::Errand;
using journal::ActState;
using journal::ItemState;
using testing::ElementsAre;
using testing::HasSubstr;

class Amend : public StageTest {
 protected:
  Amend() {
    policy.sources.push_back({.name = "drop", .root = "/srv/drop", .settle = 5s, .sidecars = true, .rescan = 60s});
    row = put_item(ItemState::kDone);
    change(row, [](auto& it) {
      it.plan = Plan{.filename = it.path, .metadata_json = R"({"reel":"none","site":"north"})"}.to_json();
      it.asset_id = "asset1";
      it.sidecar = R"({"files":["old.json"],"metadata":{"reel":"A7","take":3}})";
    });
    auto const index = put_named(journal::NamedKind::kIndex, "films", journal::NamedState::kPresent);
    put_step(row.id, index.id, journal::StepState::kReady);
  }
  void write(std::string const& text, WallTime at = from_unix_ms(1)) {
    auto const ns = to_unix_ms(at) * 1'000'000;
    files.files[row.path + ".json"] = {
        .print = {.size_bytes = text.size(), .mtime_ns = ns, .ctime_ns = ns, .inode = ++inode_}, .bytes = text};
  }
  void sweep() {
    Discovery discovery(files, policy);
    do within([&](Context& ctx) { discovery.run(ctx); });
    while (discovery.at_work());
  }
  journal::ActRow act() const { return journal.acts_of(row.id).back(); }
  void answer(Result<ports::Reply> with) {
    for (auto const& [ticket, flight] : traffic.flights(Errand::kAmend)) {
      traffic.landed(ticket);
      break;
    }
    land({.errand = Errand::kAmend, .row = act().id}, std::move(with));
  }
  std::string body() const { return left.empty() ? "(nothing left)" : left[0].text_body; }

  journal::ItemRow row;
  std::uint64_t inode_ = 100;
};

TEST_F(Amend, TellsTheAssetAndEachIndexedAssetAndThenKnowsItself) {
  write(R"({"metadata": {"take": 4, "crew": "B"}})");
  sweep();
  ASSERT_EQ(act().state, ActState::kWanted);
  choose(choose_act);
  EXPECT_EQ(act().state, ActState::kActing) << "what is told is on disk before it leaves";
  EXPECT_TRUE(left.empty());
  choose(choose_act);
  EXPECT_EQ(target(), "/assets/asset1/user-metadata");
  EXPECT_EQ(body(), R"({"user_metadata":{"reel":"none","take":4,"crew":"B"}})");
  answer(reply("", 204));
  choose(choose_act);
  EXPECT_EQ(target(), "/indexes/remote_films/indexed-assets/remote1");
  EXPECT_EQ(body(), R"({"user_metadata":{"reel":null,"take":4,"crew":"B"}})");
  answer(reply("", 204));
  choose(choose_act);
  EXPECT_EQ(act().state, ActState::kDone);
  EXPECT_EQ(sidecar_of(item(row.id)).metadata.find("take")->as_int(), 4);
  EXPECT_EQ(item(row.id).state, ItemState::kDone);
  sweep();
  EXPECT_EQ(journal.acts_of(row.id).size(), 1u) << "once";
}

TEST_F(Amend, TellsThePartAgainWhoseAnswerWasLost) {
  write(R"({"metadata": {"take": 4}})");
  sweep();
  choose(choose_act);
  choose(choose_act);
  answer(fail(Fault::kTransient, "timeout"));
  EXPECT_EQ(act().state, ActState::kActing);
  choose(choose_act);
  EXPECT_TRUE(left.empty()) << "not before its pause is over";
  now += 1min;
  choose(choose_act);
  EXPECT_EQ(target(), "/assets/asset1/user-metadata");
}

TEST_F(Amend, SaysWhatThePlatformRefuses) {
  write(R"({"metadata": {"take": 4}})");
  sweep();
  choose(choose_act);
  choose(choose_act);
  answer(fail(Fault::kRejected, "HTTP 400 parameter_invalid", "parameter_invalid"));
  EXPECT_EQ(act().state, ActState::kRefused);
  EXPECT_EQ(act().reason, "parameter_invalid");
  EXPECT_EQ(sidecar_of(item(row.id)).metadata.find("take")->as_int(), 3);
}

// The asset has what the indexed asset refused.
TEST_F(Amend, TakesBackFromEveryTargetWhatARefusedTellingLeftThere) {
  auto const tell = [&](std::string const& text, std::vector<int> const& answers) {
    write(text);
    sweep();
    choose(choose_act);
    std::vector<std::string> bodies;
    for (auto const status : answers) {
      choose(choose_act);
      bodies.push_back(body());
      answer(status < 300 ? Result<ports::Reply>(reply("", status)) : fail(Fault::kRejected, "HTTP 400", "invalid"));
    }
    choose(choose_act);
    return bodies;
  };
  tell(R"({"metadata": {"take": 4, "crew": "B"}})", {204, 400});
  ASSERT_EQ(act().state, ActState::kRefused);
  EXPECT_THAT(tell(R"({"metadata": {"reel": "A7", "take": 3, "day": 1}})", {204, 400}),
              ElementsAre(R"({"user_metadata":{"reel":"A7","take":3,"crew":null,"day":1}})",
                          R"({"user_metadata":{"reel":"A7","take":3,"crew":null,"day":1}})"));
  EXPECT_THAT(tell(R"({"metadata": {"reel": "A7", "take": 3}})", {204, 204}),
              ElementsAre(R"({"user_metadata":{"reel":"A7","take":3,"crew":null,"day":null}})",
                          R"({"user_metadata":{"reel":"A7","take":3,"crew":null,"day":null}})"))
      << "it says what the item knows, and not what the platform has";
  EXPECT_EQ(act().state, ActState::kDone);
  EXPECT_THAT(sidecar_of(item(row.id)).in_doubt, ElementsAre());
  EXPECT_THAT(tell(R"({"metadata": {"reel": "A7", "take": 3}, "priority": 1})", {}), ElementsAre());
  EXPECT_EQ(act().state, ActState::kDone);
}

TEST_F(Amend, KeepsABoundedNumberOfKeysInDoubt) {
  for (int round = 0; round < 6; ++round) {
    auto metadata = Json::object();
    for (int n = 0; n < 250; ++n) metadata.set("key" + std::to_string(round) + "." + std::to_string(n), round);
    write(Json::object({{"metadata", std::move(metadata)}}).dump());
    sweep();
    choose(choose_act);
    choose(choose_act);
    answer(fail(Fault::kRejected, "HTTP 400", "invalid"));
  }
  auto const in_doubt = sidecar_of(item(row.id)).in_doubt;
  EXPECT_EQ(in_doubt.size(), 1'024u);
  EXPECT_EQ(in_doubt.back(), "key5.249");
  EXPECT_TRUE(log.tells("the platform may keep the metadata"));
}

TEST_F(Amend, PassesOverWhatIsGone) {
  write(R"({"metadata": {"take": 4}})");
  sweep();
  choose(choose_act);
  choose(choose_act);
  answer(fail(Fault::kGone, "HTTP 404", "resource_not_exist"));
  choose(choose_act);
  EXPECT_EQ(target(), "/indexes/remote_films/indexed-assets/remote1");
}

TEST_F(Amend, RefusesABrokenSidecarAndTakesItOnceItIsMended) {
  write("{");
  sweep();
  choose(choose_act);
  EXPECT_EQ(act().state, ActState::kRefused) << "a thousand that wait would hold up all others";
  EXPECT_EQ(act().reason, "bad_sidecar");
  EXPECT_THAT(act().effort.last_error, HasSubstr(row.path + ".json"));
  sweep();
  EXPECT_EQ(journal.acts_of(row.id).size(), 1u) << "it has not changed";
  write(R"({"metadata": {"take": 5}})");
  sweep();
  choose(choose_act);
  EXPECT_EQ(act().state, ActState::kActing);
  write("{}", now - 1s);
  sweep();
  EXPECT_EQ(journal.acts_of(row.id).size(), 2u);
  for (int part = 0; part < 2; ++part) choose(choose_act), answer(reply("", 204));
  choose(choose_act);
  EXPECT_EQ(act().state, ActState::kDone);
  sweep();
  ASSERT_EQ(journal.acts_of(row.id).size(), 3u) << "what changed meanwhile comes after it";
  choose(choose_act);
  EXPECT_EQ(act().effort.due_at, now + 4s) << "once it is quiet";
}

// A deletion would take the sidecar with it.
TEST_F(Amend, HoldsUpTheDeletionOfABrokenSidecarUntilItIsMended) {
  write("{");
  sweep();
  within([&](Context& ctx) {
    ctx.journal.insert(journal::ActRow{.item_id = row.id, .ordinal = 9, .kind = journal::ActKind::kDelete});
  });
  choose(choose_act);
  EXPECT_EQ(journal.acts_of(row.id).front().state, ActState::kWanted);
  EXPECT_THAT(journal.acts_of(row.id).front().effort.last_error, HasSubstr(row.path + ".json"));
  EXPECT_TRUE(log.tells(row.path + ".json"));
}

TEST_F(Amend, TellsNothingOfAFileThatHasTakenItsName) {
  write(R"({"metadata": {"take": 4}})");
  sweep();
  files.files[row.path].print.mtime_ns += 1;
  choose(choose_act);
  EXPECT_EQ(act().reason, "superseded");
  EXPECT_EQ(sidecar_of(item(row.id)).metadata.find("take")->as_int(), 3);
}

TEST_F(Amend, TellsNothingWhereOnlyPlacesOrNamesChanged) {
  write(R"({"index": "other", "metadata": {"reel": "A7", "take": 3}})");
  sweep();
  choose(choose_act);
  EXPECT_EQ(act().state, ActState::kDone);
  EXPECT_THAT(journal.events_of(row.id, 1).back().note, HasSubstr("only its metadata still counts"));
  EXPECT_TRUE(left.empty());
}

TEST_F(Amend, WaitsForALaterSweepWhileAThousandActsAreOpen) {
  within([&](Context& ctx) {
    for (std::int64_t n = 1; n <= 1'000; ++n) {
      auto open = journal::act_of(row.id, n);
      open.effort.due_at = now + 1h;
      ctx.journal.insert(open);
    }
  });
  write(R"({"metadata": {"take": 4}})");
  sweep();
  EXPECT_EQ(journal.acts_of(row.id).size(), 1'000u);
  EXPECT_EQ(item(row.id).sidecars_print, 0) << "it is not forgotten";
}

TEST_F(Amend, TakesAwayWhatThePipelineNeverGave) {
  Json const before = Json::object({{"a", 1}, {"b", 2}}), now_said = Json::object({{"b", ""}, {"c", 3}});
  EXPECT_EQ(metadata_patch(before, now_said, Json::object({{"a", 9}, {"b", 8}})).dump(), R"({"a":9,"b":null,"c":3})");
  EXPECT_EQ(metadata_patch(before, Json(), Json()).dump(), R"({"a":null,"b":null})");
}

// A copy is not the file, and a file of that name in another folder is another one.
TEST_F(Amend, SpeaksOfTheAssetOfTheFileInWhosePlaceACopyWasPutAndOfNoOther) {
  struct Case {
    std::string root, reason;
    bool amends;
  };
  std::int64_t number = 10;
  for (auto const& [root, reason, amends] :
       {Case{"/srv/other", "duplicate", false}, Case{"/srv/drop", "no_sense", false},
        Case{"/srv/drop", "duplicate", true}}) {
    policy.sources[0].root = root;
    auto copy = journal::item_in(ItemState::kSkipped, ++number);
    copy.root = root;
    copy.path = row.path;
    copy.print = row.print;
    copy.reason = reason;
    copy.duplicate_of = row.ulid;
    put(copy);
    write(R"({"metadata": {"take": )" + std::to_string(number) + "}}");
    sweep();
    EXPECT_EQ(journal.acts_of(row.id).empty(), !amends) << root << " " << reason;
  }
}

TEST_F(Amend, WaitsOnlyForThePauseOfThoseCallsThatItWantsNext) {
  write(R"({"metadata": {"take": 4}})");
  sweep();
  choose(choose_act);
  traffic.pause(budget::Group::kIndexing, now + 10s);
  choose(choose_act);
  EXPECT_EQ(target(), "/assets/asset1/user-metadata");
  answer(reply("", 204));
  choose(choose_act);
  EXPECT_TRUE(left.empty());
  traffic = budget::Traffic();
  traffic.pause(budget::Group::kAssets, now + 10s);
  choose(choose_act);
  EXPECT_EQ(target(), "/indexes/remote_films/indexed-assets/remote1");
}

TEST_F(Amend, IsGivenUpWithTheLastOfItsTries) {
  write(R"({"metadata": {"take": 4}})");
  sweep();
  choose(choose_act);
  choose(choose_act);
  for (auto const tried : {kTriesMax - 2, kTriesMax - 1}) {
    change(act(), [&](auto& it) { it.effort.attempts = tried; });
    EXPECT_EQ(act().state, ActState::kActing);
    answer(fail(Fault::kTransient, "timeout"));
  }
  EXPECT_EQ(act().state, ActState::kRefused);
  EXPECT_EQ(act().reason, "gave_up");
}

TEST_F(Amend, WaitsForTheFolderOfItsFileAndForNoOther) {
  write(R"({"metadata": {"take": 4}})");
  sweep();
  within([&](Context& ctx) { ctx.traffic.away_folders().lost("/srv/drop", "it is away", now); });
  choose(choose_act);
  EXPECT_TRUE(act().is_held());
  traffic = budget::Traffic();
  change(act(), [&](auto& it) { it.effort.due_at = now; });
  within([&](Context& ctx) { ctx.traffic.away_folders().lost("/mnt/nas", "it is away", now); });
  choose(choose_act);
  EXPECT_EQ(act().state, ActState::kActing);
}

}  // namespace
}  // namespace sluice::stage

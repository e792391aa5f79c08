#include "core/stage/send_hook.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/hmac.h"
#include "core/base/json.h"
#include "core/stage/act.h"
#include "core/stage/finish.h"
#include "core/stage/moves.h"
#include "core/stage/orders.h"
#include "core/stage/outbox.h"
#include "core/stage/recover.h"
#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {
namespace {

using journal::ActKind;
using journal::ActRow;
using journal::ActState;
using journal::ItemRow;
using journal::ItemState;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// Programs that do nothing but end as the test says.
class PlayedPrograms final : public ports::Programs {
 public:
  Result<ports::Ended> run(ports::Program const& program) override {
    ran.push_back(program);
    return end;
  }
  Result<ports::Ended> end = ports::Ended{};
  std::vector<ports::Program> ran;
};

class SendHook : public StageTest {
 protected:
  SendHook() {
    programs = &played;
    policy.sources = {{.name = "drop", .root = "/srv/drop", .pipelines = {}}};
  }

  void add_program(std::string name, std::set<std::string> events = {"done", "failed"}) {
    policy.hooks.push_back(
        {.hook = {.name = name, .events = std::move(events), .exec = {"/usr/bin/" + name, "-v"}}, .secret = {}});
  }
  void add_url(std::string name) {
    policy.hooks.push_back({.hook = {.name = std::move(name), .url = "https://example.net/h", .timeout = Millis(7'000)},
                            .secret = HookSecret("s3cret")});
  }
  ItemRow put_done(std::int64_t number = 1) {
    auto row = put_item(ItemState::kAssetReady, number);
    acts.files["/srv/drop/" + row.path] = {.print = row.print, .text = "film"};
    choose(choose_finish);
    return item(row.id);
  }
  ItemRow put_failed() {
    auto const row = put_item(ItemState::kStable);
    within([&](Context& ctx) { fail_item(ctx, row, "unreadable", "it cannot be read", ItemState::kSeen); });
    return item(row.id);
  }
  void settle(int turns = 4) {
    for (int turn = 0; turn < turns; ++turn) choose(choose_send_hook);
  }
  ActRow act(std::size_t n, RowId of = 1) const { return journal.acts_of(of).at(n); }
  std::vector<std::string> outbox(RowId of = 1) const {
    std::vector<std::string> all;
    for (auto const& row : journal.acts_of(of))
      all.push_back(std::string(word(row.kind)) + (row.hook.empty() ? "" : " " + row.hook) + " " +
                    std::string(word(row.state)));
    return all;
  }
  Json told(std::size_t n = 0) const { return *parse_json(played.ran.at(n).input); }
  static std::string text(Json const& json, char const* key) { return json.text(key).value().value_or("(null)"); }
  void answer(ActRow const& row, Result<ports::Reply> with) {
    for (auto const& [ticket, flight] : traffic.flights(budget::Errand::kSendHook))
      if (flight.row == row.id) traffic.landed(ticket);
    land({.errand = budget::Errand::kSendHook, .row = row.id}, std::move(with));
  }

  PlayedPrograms played;
};

TEST_F(SendHook, IsWrittenWithTheEndAndNotBegunBeforeTheNextCommit) {
  add_program("notify");
  put_done();
  EXPECT_THAT(outbox(), ElementsAre("hook notify wanted"));
  choose(choose_send_hook);
  EXPECT_THAT(outbox(), ElementsAre("hook notify acting"));
  EXPECT_TRUE(played.ran.empty());
  EXPECT_FALSE(act(0).payload.empty()) << "what is told is written before it leaves";
  settle();
  EXPECT_THAT(outbox(), ElementsAre("hook notify done"));
  EXPECT_EQ(played.ran.size(), 1u);
  EXPECT_EQ(act(0).payload, "") << "not kept";
}

// Its items keep their ids, and count their acts from the beginning.
TEST_F(SendHook, NamesNoEventOfARebuiltJournalLikeOneOfBefore) {
  add_program("notify");
  within([](Context& ctx) { ctx.journal.set_meta(kEventsFrom, "1795262400"); });
  auto const row = put_done();
  settle();
  EXPECT_EQ(text(told(), "event_id"), row.ulid + ".1795262401");
}

TEST_F(SendHook, TellsWhatTheItemCameTo) {
  add_program("notify");
  auto const row = put_done();
  settle();
  ASSERT_EQ(played.ran.size(), 1u);
  auto const& program = played.ran.front();
  EXPECT_THAT(program.argv, ElementsAre("/usr/bin/notify", "-v"));
  EXPECT_THAT(program.environment, ElementsAre(HasSubstr("PATH=/"), "SLUICE_EVENT=done",
                                               "SLUICE_EVENT_ID=" + row.ulid + ".1", "SLUICE_ITEM=" + row.ulid));
  EXPECT_EQ(text(told(), "schema"), "sluice.event/1");
  EXPECT_EQ(text(told(), "event_id"), row.ulid + ".1");
  EXPECT_EQ(text(told(), "event"), "done");
  EXPECT_EQ(text(told(), "id"), row.ulid);
  EXPECT_EQ(text(told(), "asset_id"), row.asset_id);
  EXPECT_EQ(text(told(), "file"), "/srv/drop/" + row.path);
  EXPECT_EQ(text(told(), "at"), to_rfc3339(*row.finished_at));
}

TEST_F(SendHook, TellsWhyAnItemFailed) {
  add_program("notify");
  put_failed();
  settle();
  EXPECT_EQ(text(told(), "event"), "failed");
  EXPECT_EQ(text(told(), "code"), "unreadable");
  EXPECT_EQ(text(told(), "text"), "it cannot be read");
}

TEST_F(SendHook, HearsOfTheEndsThatItAsksFor) {
  add_program("all", {"done", "failed", "skipped", "cancelled"});
  add_program("cancelled", {"cancelled"});
  auto const row = put_item(ItemState::kStable);
  within([&](Context& ctx) { EXPECT_TRUE(cancel_order(ctx, row.id)); });
  put_done(2);
  EXPECT_THAT(outbox(1), ElementsAre("hook all wanted", "hook cancelled wanted"));
  EXPECT_THAT(outbox(2), ElementsAre("hook all wanted"));
  settle();
  EXPECT_EQ(text(told(), "event"), "cancelled");
}

TEST_F(SendHook, ComesAfterTheFilesOwnActsAndNamesItsNewPlace) {
  add_program("notify");
  policy.sources.front().after_failure = {.what = AfterEnd::What::kMove,
                                          .move_to = *parse_template("/srv/failed/{path}")};
  auto const row = put_item(ItemState::kStable);
  acts.files["/srv/drop/" + row.path] = {.print = row.print, .text = "film"};
  within([&](Context& ctx) { fail_item(ctx, row, "unreadable", "no", ItemState::kSeen); });
  EXPECT_THAT(outbox(), ElementsAre("move wanted", "error_note wanted", "hook notify wanted"));
  settle();
  EXPECT_TRUE(played.ran.empty());
  for (int turn = 0; turn < 8; ++turn) choose(choose_act);
  settle();
  EXPECT_THAT(outbox(), ElementsAre("move done", "error_note done", "hook notify done"));
  EXPECT_EQ(text(told(), "file"), "/srv/failed/" + row.path);
}

TEST_F(SendHook, ThatFailsIsTriedAgainLaterWithTheSameIdAndText) {
  add_program("notify");
  put_done();
  played.end = ports::Ended{.exit_code = 4, .output = "no disk\n"};
  settle();
  EXPECT_THAT(outbox(), ElementsAre("hook notify wanted"));
  EXPECT_EQ(act(0).effort.last_error, "exit code 4: no disk");
  EXPECT_GT(*act(0).effort.due_at, now);
  played.end = ports::Ended{};
  now = *act(0).effort.due_at;
  settle();
  EXPECT_THAT(outbox(), ElementsAre("hook notify done"));
  ASSERT_EQ(played.ran.size(), 2u);
  EXPECT_EQ(played.ran[0].input, played.ran[1].input);
}

TEST_F(SendHook, IsGivenUpAfterADayOfTriesAndCounted) {
  add_program("notify");
  put_done();
  change(act(0), [](ActRow& row) { row.effort.attempts = kTriesMax; });
  played.end = fail(Fault::kLocal, "/usr/bin/notify cannot be started");
  settle();
  EXPECT_THAT(outbox(), ElementsAre("hook notify wanted")) << "the day is not over, however often it was tried";
  now += kTriedFor;
  played.end = fail(Fault::kLocal, "/usr/bin/notify cannot be started");
  settle();
  EXPECT_THAT(outbox(), ElementsAre("hook notify refused"));
  EXPECT_EQ(act(0).reason, "gave_up");
  EXPECT_EQ(journal.meta(kHooksGivenUp), "1");
  EXPECT_TRUE(log.tells("cannot be started"));
}

TEST_F(SendHook, HoldsUpNoOtherHookAndNoAct) {
  add_program("bad");
  add_program("good");
  put_done();
  played.end = ports::Ended{.exit_code = 1};
  choose(choose_send_hook);
  choose(choose_send_hook);
  EXPECT_THAT(outbox(), ElementsAre("hook bad wanted", "hook good wanted"));
  policy.sources.front().after_success = {.what = AfterEnd::What::kDelete};
  put_done(2);
  EXPECT_EQ(act(0, 2).kind, ActKind::kDelete);
  EXPECT_EQ(act(0, 2).effort.due_at, now) << "no hook is before it";
}

TEST_F(SendHook, ByAProgramThatEndedIsNotRunAgainWhileTheDiskIsFull) {
  add_program("notify");
  put_done();
  settle(1);
  disk_is_full = true;
  settle(5);
  disk_is_full = false;
  settle();
  EXPECT_EQ(played.ran.size(), 1u);
  EXPECT_THAT(outbox(), ElementsAre("hook notify done"));
}

TEST_F(SendHook, RunsAFewProgramsAtATimeAndLetsNoHookTakeAllOfThem) {
  lanes.at_once = false;
  add_program("a");
  add_program("b");
  for (int n = 1; n <= 9; ++n) put_done(n);
  settle();
  EXPECT_EQ(lanes.started(), 4u);
  EXPECT_EQ(journal.due_hooks("a", ActState::kActing, now, 9).size(), 2u);
  EXPECT_EQ(journal.due_hooks("b", ActState::kActing, now, 9).size(), 2u);
}

TEST_F(SendHook, ThatFailsForAllIsTriedByOneNowAndThen) {
  add_program("notify");
  played.end = ports::Ended{.exit_code = 1};
  for (int n = 1; n <= 30; ++n) put_done(n);
  settle(40);
  auto const tried = played.ran.size();
  EXPECT_LT(tried, 30u);
  EXPECT_TRUE(traffic.hook("notify").open_since());
  EXPECT_TRUE(log.tells("hook notify fails for one item after the other"));
  ASSERT_TRUE(traffic.next_pause_end(now)) << "the loop knows when to try again";
  played.end = ports::Ended{};
  for (int n = 0; n < 200 && journal.count_open("notify") > 0; ++n) {
    now += Millis(10'000);
    settle();
  }
  EXPECT_EQ(journal.count_open("notify"), 0);
}

TEST_F(SendHook, IsToldOfAnEndThatARetryHasTakenBackAsItWas) {
  add_program("notify");
  auto const row = put_failed();
  within([&](Context& ctx) { EXPECT_TRUE(retry_order(ctx, row.id)); });
  EXPECT_FALSE(is_end(item(row.id).state));
  EXPECT_THAT(outbox(), ElementsAre("hook notify wanted"));
  settle();
  EXPECT_THAT(outbox(), ElementsAre("hook notify done"));
  EXPECT_EQ(text(told(), "event"), "failed");
  EXPECT_EQ(text(told(), "code"), "unreadable");
}

TEST_F(SendHook, IsToldOnceMoreByTheSameIdAfterADeathInTheMiddle) {
  lanes.at_once = false;
  add_program("notify");
  put_done();
  settle(2);
  ASSERT_EQ(lanes.started(), 1u);
  auto const payload = act(0).payload;
  source::HandLanes after;
  after.at_once = true;
  source::Scout fresh(after, files);
  within([&](Context& ctx) {
    Context next{.journal = ctx.journal,
                 .scout = fresh,
                 .reader = ctx.reader,
                 .acts = ctx.acts,
                 .random = ctx.random,
                 .log = ctx.log,
                 .policy = ctx.policy,
                 .traffic = ctx.traffic,
                 .sources = ctx.sources,
                 .digests = ctx.digests,
                 .poll_round = ctx.poll_round,
                 .now = ctx.now,
                 .programs = ctx.programs};
    recover(next);
    choose_send_hook(next);
    choose_send_hook(next);
  });
  EXPECT_THAT(outbox(), ElementsAre("hook notify done"));
  EXPECT_EQ(played.ran.at(0).input, payload + "\n");
}

TEST_F(SendHook, ThatTheConfigurationHasNoMoreIsNotTold) {
  add_program("old");
  put_done();
  policy.hooks.clear();
  add_program("new");
  within([&](Context& ctx) { recover(ctx); });
  EXPECT_THAT(outbox(), ElementsAre("hook old refused"));
  EXPECT_EQ(act(0).reason, "not_configured");
  EXPECT_TRUE(log.tells("has no hook old any more"));
}

TEST_F(SendHook, ByUrlIsAPostThatIsSignedAndHasNoKeyOfThePlatform) {
  add_url("example.net");
  auto const row = put_done();
  choose(choose_send_hook);
  EXPECT_THAT(outbox(), ElementsAre("hook example.net acting"));
  ASSERT_EQ(left.size(), 1u);
  auto const& call = left.front();
  EXPECT_EQ(call.method, ports::Method::kPost);
  EXPECT_EQ(std::get<SecretUrl>(call.target).reveal_for_wire(), "https://example.net/h") << "whole: without the key";
  EXPECT_EQ(call.stall_limit, Millis(7'000));
  std::map<std::string, std::string> const headers(call.headers.begin(), call.headers.end());
  EXPECT_EQ(headers.at("Sluice-Event-Id"), row.ulid + ".1");
  auto const time = std::to_string(to_unix_ms(now) / 1000);
  EXPECT_EQ(headers.at("Sluice-Signature"),
            "t=" + time + ",v1=" + hmac_sha256_hex("s3cret", time + "." + call.text_body));
  EXPECT_EQ(text(*parse_json(call.text_body), "event"), "done");
  answer(act(0), reply("", 204));
  EXPECT_THAT(outbox(), ElementsAre("hook example.net done"));
}

TEST_F(SendHook, ByUrlIsRepeatedAfterWhateverIsNoSuccessAndSaysNothingOfThePlatform) {
  add_url("example.net");
  put_done();
  for (auto const fault : {Fault::kUrlExpired, Fault::kOffline, Fault::kThrottled, Fault::kRejected, Fault::kGone}) {
    choose(choose_send_hook);
    answer(act(0), fail(fault, "HTTP 4xx"));
    EXPECT_THAT(outbox(), ElementsAre("hook example.net wanted"));
    now = *act(0).effort.due_at;
  }
  EXPECT_EQ(act(0).effort.attempts, 5u);
  EXPECT_FALSE(traffic.offline_since());
  EXPECT_FALSE(traffic.key_refused_since());
}

TEST_F(SendHook, ByUrlGoesOnWhileThePlatformIsAwayOrRefusesTheKey) {
  add_url("example.net");
  within([&](Context& ctx) {
    for (int n = 0; n < 3; ++n) ctx.traffic.unreachable("", now, "no route");
    ctx.traffic.key_refused(100, now);
  });
  put_done();
  choose(choose_send_hook);
  EXPECT_EQ(left.size(), 1u);
  EXPECT_EQ(traffic.api_calls(), 0u) << "it takes no place of the platform's calls";
}

TEST_F(SendHook, OfAnEndThatWasTakenBackIsGivenUpWithoutADayOfTries) {
  add_program("notify");
  auto const row = put_failed();
  within([&](Context& ctx) { EXPECT_TRUE(retry_order(ctx, row.id)); });
  change(act(0), [](ActRow& it) { it.effort.attempts = kTriesMax; });
  played.end = fail(Fault::kLocal, "/usr/bin/notify cannot be started");
  settle();
  EXPECT_EQ(act(0).reason, "gave_up") << "nobody knows when that end was";
}

}  // namespace
}  // namespace sluice::stage

// Where what is done after an end draws its lines: core/stage/act.h, outbox.h, carry_out.h.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/stage/finish.h"
#include "tests/unit/stage/act_fixture.h"

namespace sluice::stage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

class ActBounds : public Act {
 protected:
  std::string line_that_tells(std::string const& part) const {
    for (auto const& [level, line] : log.lines)
      if (line.find(part) != std::string::npos) return line;
    return "(none)";
  }
};

TEST_F(ActBounds, AMoveSaysWhereTheFileIsAndADeletionNothing) {
  source().after_success = move_to("/srv/done/{path}");
  acts.files["/srv/done/clip1.mp4"] = {};
  put_done();
  settle();
  EXPECT_EQ(act(0).target_folder + "/" + act(0).target_path, "/srv/done/clip1~1.mp4");
  EXPECT_THAT(line_that_tells("kind=move acting→done"), HasSubstr("note=\"/srv/done/clip1~1.mp4\""));
}

TEST_F(ActBounds, ADeletedFileIsNowhere) {
  source().after_success = {.what = AfterEnd::What::kDelete};
  source().receipt = {.where = ReceiptWish::Where::kFolder, .folder = "/srv/receipts"};
  auto const row = put_done();
  settle();
  EXPECT_EQ(act(0).target_folder, "");
  EXPECT_THAT(line_that_tells("kind=delete acting→done"), Not(HasSubstr("note")));
  EXPECT_THAT(line_that_tells("kind=receipt acting→done"), HasSubstr("note=\"/srv/receipts/" + row.path));
  EXPECT_EQ(json_at("/srv/receipts/" + row.path + ".sluice.json").find("file"), nullptr);
}

// Its time is that of this very moment: it has rested for nothing.
TEST_F(ActBounds, AFileThatWasChangedJustNowRestsForTenMinutes) {
  source().after_success = {.what = AfterEnd::What::kDelete};
  auto row = put_ready();
  now += 5min;
  row.print.mtime_ns = std::chrono::nanoseconds(now.time_since_epoch()).count();
  change(row, [&](auto& it) { it.print = row.print; });
  acts.files["/srv/drop/" + row.path].print = row.print;
  files.files[row.path].print = row.print;
  files.files[row.path].writer = ports::Writer::kUnknown;
  choose(choose_finish);
  settle();
  EXPECT_EQ(act(0).effort.due_at, now + 10min);
}

TEST_F(ActBounds, WhatWaitsForItsNextTryOrForAFolderIsNotHurried) {
  source().after_success = move_to("/srv/done/{path}");
  source().receipt = {.where = ReceiptWish::Where::kBeside};
  put_done();
  auto const next = [&](auto change_it) {
    change(act(0), change_it);
    within([](Context& ctx) { next_act(ctx, 1); });
    return act(0).effort.due_at;
  };
  EXPECT_EQ(next([&](ActRow& row) { row.effort.due_at = now + 1h; }), now + 1h);
  EXPECT_EQ(next([](ActRow& row) { row.effort.due_at.reset(), row.effort.tries = 1; }), std::nullopt) << "held";
  EXPECT_EQ(next([](ActRow& row) { row.effort.due_at.reset(), row.effort.tries = 0; }), now) << "it is its turn";
  EXPECT_EQ(act(1).effort.due_at, std::nullopt) << "the next one waits for it";
}

TEST_F(ActBounds, OnlyARefusalThatIsSomebodysTroubleIsAWarning) {
  source().after_success = {.what = AfterEnd::What::kDelete};
  put_done();
  for (auto const& [reason, is_trouble] :
       {std::pair("changed", true), std::pair("gave_up", true), std::pair("withdrawn", false),
        std::pair("superseded", false), std::pair("not_configured", false)}) {
    auto const before = act(0);
    auto row = before;
    row.state = ActState::kRefused;
    row.reason = reason;
    row.effort.due_at.reset();
    within([&](Context& ctx) { move(ctx, row, before.state); });
    EXPECT_EQ(log.lines.back().first == ports::Level::kWarning, is_trouble) << reason;
    auto again = row;
    again.state = ActState::kWanted;
    again.reason.clear();
    again.effort.due_at = now;
    within([&](Context& ctx) { move(ctx, again, ActState::kRefused); });
    EXPECT_EQ(log.lines.back().first, ports::Level::kInfo) << "no refusal";
  }
}

// A receipt elsewhere needs neither the file nor its folder; a deletion does.
TEST_F(ActBounds, AFolderThatIsAwayHoldsUpOnlyWhatIsDoneThere) {
  source().receipt = {.where = ReceiptWish::Where::kFolder, .folder = "/srv/receipts"};
  put_done();
  within([&](Context& ctx) { ctx.traffic.away_folders().lost("/srv/drop", "it is away", now); });
  choose(choose_act);
  EXPECT_THAT(outbox(), ElementsAre("receipt acting"));
}

TEST_F(ActBounds, ADeletionWaitsForTheFolderOfItsFileBeforeThePlatformIsAsked) {
  source().after_success = {.what = AfterEnd::What::kDelete};
  auto const row = put_done();
  files.files.clear();
  files.list_error = Error{Fault::kGone, "no such folder"};
  within([&](Context& ctx) { ctx.traffic.away_folders().lost("/srv/drop", "it is away", now); });
  choose(choose_act);
  EXPECT_TRUE(left.empty()) << "the asset of a file that cannot be deleted is not looked at";
  EXPECT_TRUE(act(0).is_held());
  EXPECT_EQ(act(0).effort.last_error, "it is away");
  EXPECT_EQ(act(0).target_folder + act(0).target_path, "") << "it goes nowhere";
}

TEST_F(ActBounds, ADeletionDoesNotWaitForAnotherFolder) {
  source().after_success = {.what = AfterEnd::What::kDelete};
  put_done();
  within([&](Context& ctx) { ctx.traffic.away_folders().lost("/mnt/nas", "it is away", now); });
  choose(choose_act);
  EXPECT_THAT(target(), HasSubstr("/assets/"));
}

TEST_F(ActBounds, ADeletionOfWhatIsGoneSaysSo) {
  source().after_success = {.what = AfterEnd::What::kDelete};
  put_done();
  acts.files.clear();
  settle();
  EXPECT_THAT(line_that_tells("kind=delete acting→done"), HasSubstr("note=\"it was gone already\""));
}

TEST_F(ActBounds, NoReceiptIsWrittenBesideAFileThatIsAnother) {
  source().receipt = {.where = ReceiptWish::Where::kBeside};
  auto const row = put_done();
  files.files[row.path].print.mtime_ns += 1;
  settle();
  EXPECT_EQ(act(0).reason, "changed");
  EXPECT_EQ(acts.files.size(), 1u);
}

// One that has no descriptor left cannot see whether the file is there, or an empty mount point.
TEST_F(ActBounds, NoReceiptIsWrittenBesideAFileThatIsNotThereAndCannotBeOpened) {
  source().guard_file = ".mounted";
  source().receipt = {.where = ReceiptWish::Where::kBeside};
  auto const row = put_done();
  files.files[row.path].open_error = Error{Fault::kLocal, "too many open files", "descriptors"};
  acts.files.clear();
  settle();
  EXPECT_EQ(acts.changes, 0u);
  EXPECT_EQ(act(0).state, ActState::kWanted);
}

// An I/O error of the moment hides that the folder is an empty mount point: nothing is deleted there, and nothing is
// gone.
TEST_F(ActBounds, ADeletionInAnEmptyMountPointIsNotDoneBecauseItsFileIsNotThere) {
  source().guard_file = ".mounted";
  source().after_success = {.what = AfterEnd::What::kDelete};
  auto const row = put_done();
  files.files[row.path].open_error = Error{Fault::kSourceIo, "Input/output error", "io"};
  acts.files.clear();
  settle();
  EXPECT_TRUE(act(0).is_held());
  EXPECT_EQ(act(0).state, ActState::kWanted);
}

TEST_F(ActBounds, AFileThatNobodyMayReadHasItsReceiptBesideIt) {
  source().receipt = {.where = ReceiptWish::Where::kBeside};
  auto const row = put_done();
  files.files[row.path].open_error = Error{Fault::kSourceIo, "permission denied", "permission"};
  settle();
  EXPECT_EQ(act(0).state, ActState::kDone);
}

TEST_F(ActBounds, NoReceiptIsWrittenBesideAnotherFileThatNobodyMayRead) {
  source().receipt = {.where = ReceiptWish::Where::kBeside};
  auto const row = put_done();
  files.files[row.path].open_error = Error{Fault::kSourceIo, "permission denied", "permission"};
  acts.files["/srv/drop/" + row.path].print.mtime_ns += 1;
  settle();
  EXPECT_EQ(act(0).reason, "changed");
}

TEST_F(ActBounds, TheReceiptOfADeletedFileWaitsForItsFolder) {
  source().guard_file = ".mounted";
  source().after_success = {.what = AfterEnd::What::kDelete};
  source().receipt = {.where = ReceiptWish::Where::kBeside};
  files.files[".mounted"] = {};
  auto const row = put_done();
  choose(choose_act);
  answer(act(0).id, reply(kReady));
  choose(choose_act);
  ASSERT_THAT(outbox(), ElementsAre("delete done", "receipt acting"));
  files.files.clear();
  auto const before = acts.changes;
  settle();
  EXPECT_EQ(acts.changes, before) << "an empty mount point";
  EXPECT_TRUE(act(1).is_held());
}

TEST_F(ActBounds, AFileThatCannotBeLookedAtForTheMomentIsNotMoved) {
  source().after_success = move_to("/srv/done/{path}");
  auto const row = put_done();
  files.files[row.path].open_error = Error{Fault::kLocal, "too many open files", "descriptors"};
  settle();
  EXPECT_EQ(acts.changes, 0u) << "a program may be writing to it";
  EXPECT_EQ(act(0).state, ActState::kWanted);
}

TEST_F(ActBounds, TheMarkerOfTheSourceGoesWithItsFile) {
  source().ready_marker = *parse_template("{name}.ok");
  source().after_success = {.what = AfterEnd::What::kDelete};
  auto const row = put_ready();
  acts.files["/srv/drop/" + row.path + ".ok"] = {};
  choose(choose_finish);
  settle();
  EXPECT_TRUE(acts.files.empty());
}

TEST_F(ActBounds, AFileThatIsMissingBesideItsGuardIsGoneAndWithoutItItsFolderIsAway) {
  source().guard_file = ".mounted";
  source().receipt = {.where = ReceiptWish::Where::kBeside};
  auto const row = put_done();
  files.files.erase(row.path);
  files.files["other.mp4"] = {};
  settle();
  EXPECT_THAT(act(0).effort.last_error, HasSubstr("has no .mounted"));
  EXPECT_EQ(act(0).state, ActState::kWanted);
  files.files[".mounted"] = {};
  for (int turns = 0; turns < 20; ++turns) {
    settle();
    now += 1min;
  }
  EXPECT_EQ(act(0).reason, "gone");
}

TEST_F(ActBounds, AnAnswerAboutAnAssetComesTooLateForAnActThatWasWithdrawn) {
  source().after_success = {.what = AfterEnd::What::kDelete};
  put_done();
  choose(choose_act);
  within([&](Context& ctx) { refuse_act(ctx, act(0), "withdrawn", "a person said so"); });
  answer(act(0).id, reply(kReady));
  EXPECT_THAT(outbox(), ElementsAre("delete refused"));
}

TEST_F(ActBounds, AFileStaysWhoseSourceIsNoMoreOrHasAnotherFolderAndThatIsSaid) {
  source().after_success = {.what = AfterEnd::What::kDelete};
  auto const row = put_ready();
  source().root = "/srv/elsewhere";
  choose(choose_finish);
  EXPECT_EQ(item(row.id).state, ItemState::kDone);
  EXPECT_THAT(outbox(), ElementsAre());
  EXPECT_THAT(line_that_tells("clip1.mp4\" stays where it is"),
              HasSubstr("its source drop is not configured any more"));
}

TEST_F(ActBounds, WhatARefusedActHadTroubleWithIsNobodysOnceItsItemGoesOn) {
  source().after_failure = move_to("/srv/failed/{path}");
  auto const row = put_failed();
  within([&](Context& ctx) { refuse_act(ctx, act(0), "occupied", "a thousand names are taken"); });
  within([&](Context& ctx) { withdraw_acts(ctx, row.id, "it is tried again"); });
  EXPECT_EQ(act(0).reason, "withdrawn");
  EXPECT_EQ(act(0).effort.last_error, "a thousand names are taken");
}

// What a hook was to be told is kept only where it may be told yet.
TEST_F(ActBounds, ARefusedActForgetsItsPayloadUnlessItIsAnEventThatWasGivenUp) {
  policy.hooks.push_back({.hook = {.name = "notify", .events = {"done"}, .exec = {"/bin/true"}}, .secret = {}});
  source().receipt = {.where = ReceiptWish::Where::kBeside};
  put_done();
  ASSERT_THAT(outbox(), ElementsAre("receipt wanted", "hook wanted"));
  struct Case {
    std::size_t act;
    char const* reason;
    bool keeps;
  };
  for (auto const& [n, reason, keeps] :
       {Case{1, "gave_up", true}, Case{1, "withdrawn", false}, Case{0, "gave_up", false}, Case{0, "changed", false}}) {
    auto wanted = act(n);
    auto const was = wanted.state;
    wanted.state = ActState::kWanted;
    wanted.reason.clear();
    wanted.effort.due_at = now;
    wanted.payload = "{}";
    within([&](Context& ctx) {
      ctx.journal.update(wanted, was, now);
      refuse_act(ctx, wanted, reason, "no");
    });
    EXPECT_EQ(act(n).payload, keeps ? "{}" : "") << n << reason;
  }
}

TEST_F(ActBounds, AFolderThatIsAwayIsToldOnce) {
  source().after_success = {.what = AfterEnd::What::kDelete};
  put_done();
  for (int times = 0; times < 3; ++times)
    within([&](Context& ctx) { hold_act(ctx, act(0), "/srv/drop", "no such folder"); });
  EXPECT_EQ(std::ranges::count_if(log.lines,
                                  [](auto const& line) { return line.second.starts_with("folder /srv/drop is away"); }),
            1);
}

// Its end is told at once when the item goes on, since the acts that it waited for are not done any more.
TEST_F(ActBounds, AHookThatWaitedForWithdrawnActsIsDueAndOneThatWaitsForItsNextTryIsNotHurried) {
  policy.hooks.push_back({.hook = {.name = "notify", .events = {"done"}, .exec = {"/bin/true"}}, .secret = {}});
  source().receipt = {.where = ReceiptWish::Where::kBeside};
  auto const row = put_done();
  auto const withdrawn = [&] {
    within([&](Context& ctx) { withdraw_acts(ctx, row.id, "it is tried again"); });
    return act(1).effort.due_at;
  };
  ASSERT_EQ(act(1).effort.due_at, std::nullopt);
  EXPECT_EQ(withdrawn(), now);
  change(act(1), [&](ActRow& hook) { hook.effort.due_at = now + 1h; });
  EXPECT_EQ(withdrawn(), now + 1h);
}

TEST_F(ActBounds, AnEventNamesTheFileOnlyWhereItIsThereYet) {
  policy.hooks.push_back({.hook = {.name = "notify", .events = {"done"}, .exec = {"/bin/true"}}, .secret = {}});
  source().receipt = {.where = ReceiptWish::Where::kFolder, .folder = "/srv/receipts"};
  for (bool const deletes : {false, true}) {
    if (deletes) source().after_success = {.what = AfterEnd::What::kDelete};
    auto const row = put_item(ItemState::kAssetReady, ++number_);
    acts.files["/srv/drop/" + row.path] = {.print = row.print, .text = "film"};
    choose(choose_finish);
    settle();
    auto const last = journal.acts_of(row.id).back();
    ASSERT_EQ(last.kind, ActKind::kHook);
    within([&](Context& ctx) {
      auto const text = event_text(ctx, last, item(row.id));
      EXPECT_THAT(text, HasSubstr(deletes ? R"("file":null)" : R"("file":"/srv/drop/)" + row.path));
    });
  }
}

// Of an error note that another end left, and that nobody has removed.
TEST_F(ActBounds, ASuccessTakesAwayTheNoteThatStandsAndNoneElse) {
  struct Case {
    std::vector<std::pair<ActKind, ActState>> before;
    bool clears;
  };
  auto const note = std::pair(ActKind::kErrorNote, ActState::kDone);
  for (auto const& [before, clears] : {Case{{note}, true}, Case{{{ActKind::kErrorNote, ActState::kRefused}}, false},
                                       Case{{{ActKind::kReceipt, ActState::kDone}}, false},
                                       Case{{note, {ActKind::kClearNote, ActState::kDone}}, false},
                                       Case{{note, {ActKind::kClearNote, ActState::kRefused}}, true},
                                       Case{{note, {ActKind::kReceipt, ActState::kDone}}, true}}) {
    auto const row = put_item(ItemState::kAssetReady, ++number_);
    std::int64_t ordinal = 0;
    for (auto const& [kind, state] : before) {
      auto old = journal::act_of(row.id, ++ordinal, kind);
      old.state = state;
      old.reason = state == ActState::kRefused ? "gave_up" : "";
      old.effort.due_at.reset();
      put(old);
    }
    choose(choose_finish);
    auto const all = journal.acts_of(row.id);
    EXPECT_EQ(all.size() > before.size() && all.back().kind == ActKind::kClearNote, clears) << number_;
  }
}

TEST_F(ActBounds, AFullFolderHoldsUpNoneThatCameBehindAllOfIts) {
  policy.sources.push_back({.name = "other", .root = "/srv/other", .pipelines = {}});
  for (auto& source : policy.sources) source.after_failure = move_to("/srv/failed/{path}");
  lanes.at_once = false;
  auto const fail_one = [&](std::int64_t number, std::string const& source) {
    auto row = journal::item_in(ItemState::kStable, number);
    row.source = source;
    row.root = "/srv/" + source;
    row.id = put(row);
    within([&](Context& ctx) { fail_item(ctx, row, "refused", "x", ItemState::kStable); });
  };
  for (std::int64_t n = 1; n <= 100; ++n) fail_one(n, "drop");
  choose(choose_act);
  choose(choose_act);
  ASSERT_EQ(journal.count_acts(ActState::kActing), 16);
  now += 1s;
  fail_one(101, "other");
  choose(choose_act);
  EXPECT_EQ(journal.count_acts(ActState::kActing), 17);
}

}  // namespace
}  // namespace sluice::stage

// When manifests are looked at and read, and when not: core/stage/read_manifests.h, one turn at a time.
#include <gtest/gtest.h>

#include "core/stage/read_manifests.h"
#include "tests/unit/stage/manifests_fixture.h"

namespace sluice::stage {
namespace {

using journal::ManifestRow;
using journal::ManifestState;
using namespace std::chrono_literals;

class ReadManifests : public StageTest {
 protected:
  ReadManifests() {
    SourcePolicy source{.name = "partner", .root = "/feeds", .pipelines = {}};
    source.manifest = "*.csv";
    source.swept = false;
    policy.sources = {source};
    policy.manifest_lines_per_turn = 100;
  }
  void turn(Manifests& manifests, Millis later = 0ms) {
    now += later;
    feeds.collect(now);
    Context ctx{.journal = journal,
                .scout = feeds,
                .reader = reader,
                .acts = acts,
                .random = dice,
                .log = log,
                .policy = policy,
                .traffic = traffic,
                .sources = sources,
                .digests = digests,
                .poll_round = poll_round,
                .now = now};
    journal.begin();
    manifests.run(ctx);
    journal.commit();
    feeds.committed();
  }
  // A look at the folder, and what it brings.
  void look(Manifests& manifests, Millis later = 0ms) {
    manifests.look_now("/feeds");
    turn(manifests, later);
    for (int turns = 0; turns < 20; ++turns) turn(manifests);
  }
  ManifestRow row(std::string const& name = "a.csv") { return journal.manifest("/feeds", name).value(); }
  bool knows(std::string const& name) { return journal.manifest("/feeds", name).has_value(); }
  std::uint64_t lines_of_a_step_during(budget::Errand errand) {
    policy.manifest_lines_per_turn = 1;
    traffic.send({.errand = errand, .row = 1, .item = 1}, ports::Call(), now);
    traffic.release();
    feed.write("a.csv", "url\n" + rows(0, 100));
    Manifests manifests(policy);
    turn(manifests);
    return row().line - 1;
  }
  int warnings() const {
    return static_cast<int>(
        std::ranges::count_if(log.lines, [](auto const& line) { return line.first == ports::Level::kWarning; }));
  }

  source::manifest::MemoryFiles feed;
  source::Scout feeds{lanes, feed};
};

TEST_F(ReadManifests, LookEveryFiveSecondsOrAsTheSourceSays) {
  Manifests manifests(policy);
  EXPECT_EQ(manifests.next_look(), WallTime{});
  turn(manifests);
  EXPECT_EQ(manifests.next_look(), now + 5s);
  EXPECT_EQ(manifests.views()[0].last_look, now);
  feed.write("a.csv", "url\n" + rows(0, 1));
  turn(manifests, 5s - 1ms);
  EXPECT_FALSE(knows("a.csv"));
  turn(manifests, 1ms);
  EXPECT_TRUE(knows("a.csv"));
  policy.sources[0].rescan = 1min;
  Manifests slow(policy);
  turn(slow);
  EXPECT_EQ(slow.next_look(), now + 1min);
}

TEST_F(ReadManifests, LookNowAtTheFolderInWhichSomethingHappenedAndAtNoOther) {
  auto other = policy.sources[0];
  other.name = "other";
  other.root = "/other";
  policy.sources.push_back(other);
  Manifests manifests(policy);
  turn(manifests);
  manifests.look_now("/nobodys");
  EXPECT_EQ(manifests.next_look(), now + 5s);
  manifests.look_now("/other");
  EXPECT_EQ(manifests.next_look(), WallTime{});
  feed.write("a.csv", "url\n");
  turn(manifests);
  EXPECT_FALSE(knows("a.csv"));
  EXPECT_TRUE(journal.manifest("/other", "a.csv"));
}

TEST_F(ReadManifests, LookNoEarlierAndNoLaterWhileTheyRead) {
  feed.write("a.csv", "url\n" + rows(0, 30'000));
  Manifests manifests(policy);
  turn(manifests);
  auto const due = now + 5s;
  turn(manifests, 2s);
  EXPECT_EQ(manifests.next_look(), due) << "it is being read";
  feed.write("b.csv", "url\n");
  turn(manifests, 3s);
  EXPECT_EQ(row().state, ManifestState::kReading);
  EXPECT_FALSE(knows("b.csv"));
  EXPECT_EQ(manifests.next_look(), due + 5s) << "put off while it is";
}

TEST_F(ReadManifests, TakeFilesOfTheirPatternAndAFormatOnly) {
  policy.sources[0].manifest = "*";
  for (auto const* name : {"a.csv", "a.csv.results.jsonl", "b.mp4", "c.results-2.jsonl", "d.jsonl", "folder.csv"})
    feed.write(name, "");
  feed.folders = {"folder.csv"};
  Manifests manifests(policy);
  look(manifests);
  std::vector<std::string> names;
  for (auto const& each : journal.manifests("")) names.push_back(each.path);
  EXPECT_EQ(names, (std::vector<std::string>{"a.csv", "d.jsonl"}));
}

TEST_F(ReadManifests, LookAtEachFileWhereTheFolderIsTooLongToTellAllAboutThem) {
  feed.lists_prints = false;
  feed.vanishing = {"gone.csv"};
  feed.write("a.csv", "url\n" + rows(0, 2));
  Manifests manifests(policy);
  look(manifests);
  EXPECT_EQ(row().state, ManifestState::kFollowed);
  EXPECT_EQ(row().entries, 2);
  EXPECT_FALSE(knows("gone.csv"));
  auto const opens = feed.opens;
  look(manifests);
  EXPECT_EQ(feed.opens, opens) << "it is as it was read";
}

TEST_F(ReadManifests, SayOnceThatTheirFolderIsAwayAndOnceThatItIsBack) {
  Manifests manifests(policy);
  feed.list_error = Error{Fault::kGone, "no such folder"};
  for (int looks = 0; looks < 3; ++looks) look(manifests);
  EXPECT_EQ(manifests.views()[0].why_down, "no such folder");
  EXPECT_EQ(warnings(), 1);
  EXPECT_FALSE(log.tells("is back"));
  feed.list_error.reset();
  look(manifests);
  EXPECT_FALSE(manifests.views()[0].why_down);
  EXPECT_TRUE(log.tells("source partner is back"));
}

TEST_F(ReadManifests, AreReadAgainOnlyWhereSomethingAboutTheFileChanged) {
  feed.write("a.csv", "url\n" + rows(0, 3));
  Manifests manifests(policy);
  look(manifests);
  auto const after = [&](auto change) {
    auto const opens = feed.opens;
    change();
    look(manifests);
    return feed.opens > opens;
  };
  auto const text = "url\n" + rows(0, 3);
  EXPECT_FALSE(after([] {}));
  EXPECT_TRUE(after([&] { feed.append("a.csv", rows(3, 4)); }));
  EXPECT_TRUE(after([&] { feed.write("a.csv", text + rows(3, 4)); })) << "its mtime";
  EXPECT_TRUE(after([&] { feed.replace("a.csv", text + rows(3, 4)); })) << "its inode";
  EXPECT_FALSE(after([] {}));
  EXPECT_EQ(row().entries, 4);
}

TEST_F(ReadManifests, ThatWereTouchedAreReadFromTheirBeginningUnlessNothingWasReadOrTheyGrew) {
  feed.write("a.csv", "");
  Manifests manifests(policy);
  look(manifests);
  EXPECT_EQ(row().state, ManifestState::kFollowed);
  feed.write("a.csv", "");
  look(manifests);
  EXPECT_EQ(row().pass, 1) << "an empty one has no beginning";
  feed.write("a.csv", "url\n" + rows(0, 3));
  look(manifests);
  feed.append("a.csv", rows(3, 4));
  look(manifests);
  EXPECT_EQ(row().pass, 1) << "it grew";
  feed.append("a.csv", "");
  look(manifests);
  EXPECT_EQ(row().pass, 2) << "where it was changed, nobody knows";
}

TEST_F(ReadManifests, ThatEndInHalfALineGoOnAtThatLineWhereItChanges) {
  feed.write("a.csv", "url\n" + rows(0, 3) + "https://h.example/9");
  Manifests manifests(policy);
  look(manifests);
  ASSERT_EQ(row().state, ManifestState::kReading);
  feed.write("a.csv", "url\n" + rows(0, 3) + "https://h.example/8");
  look(manifests);
  EXPECT_EQ(row().pass, 1);
}

TEST_F(ReadManifests, WriteNothingWhileHalfALineGrows) {
  feed.write("a.csv", "url\n" + rows(0, 1) + "https://h.exam");
  Manifests manifests(policy);
  look(manifests);
  auto const before = journal.rows_written();
  for (auto const* more : {"p", "l", "e/"}) {
    feed.append("a.csv", more);
    look(manifests);
  }
  EXPECT_EQ(journal.rows_written(), before);
  feed.append("a.csv", "1\n");
  look(manifests);
  EXPECT_EQ(row().state, ManifestState::kFollowed);
}

// A line that is longer than what a step reads.
TEST_F(ReadManifests, WriteNothingOfAStepThatFoundNoEndOfALine) {
  feed.write("a.csv", "url\n" + rows(0, 1));
  Manifests manifests(policy);
  look(manifests);
  feed.append("a.csv", std::string(9'000'000, 'x'));
  manifests.look_now("/feeds");
  turn(manifests);
  auto const before = journal.rows_written();
  turn(manifests);
  EXPECT_EQ(journal.rows_written(), before);
  for (int turns = 0; turns < 5; ++turns) turn(manifests);
  EXPECT_EQ(row().state, ManifestState::kReading);
}

TEST_F(ReadManifests, TakeTheLastLineOnceItHasBeenQuietForLongEnough) {
  policy.sources[0].settle = 60s;
  feed.write("a.csv", "url\n" + rows(0, 1) + "https://h.example/late");
  Manifests manifests(policy);
  look(manifests);
  EXPECT_EQ(row().entries, 1);
  look(manifests, 60s - 1ms);
  EXPECT_EQ(row().entries, 1);
  look(manifests, 1ms);
  EXPECT_EQ(row().entries, 2);
  EXPECT_EQ(row().state, ManifestState::kFollowed);
}

TEST_F(ReadManifests, SayOnceOfARestThatItCannotBeTaken) {
  policy.sources[0].manifest = "*.jsonl";
  feed.write("a.jsonl", R"({"url":"https://h.exam)");
  Manifests manifests(policy);
  look(manifests);
  EXPECT_EQ(row("a.jsonl").reason, "");
  look(manifests, 6s);
  EXPECT_TRUE(row("a.jsonl").reason.starts_with("its last line, 1, has no end yet"));
  auto const before = journal.rows_written();
  auto const opens = feed.opens;
  for (int looks = 0; looks < 3; ++looks) look(manifests, 6s);
  EXPECT_EQ(journal.rows_written(), before);
  EXPECT_EQ(feed.opens, opens) << "it was tried, and is as it was";
}

TEST_F(ReadManifests, SayOnceWhyAFileCannotBeRead) {
  feed.write("a.csv", "url\n" + rows(0, 1));
  feed.open_error = Error{Fault::kSourceIo, "Permission denied", "permission"};
  Manifests manifests(policy);
  look(manifests);
  auto const before = journal.rows_written();
  for (int looks = 0; looks < 3; ++looks) look(manifests);
  EXPECT_EQ(warnings(), 1);
  EXPECT_EQ(journal.rows_written(), before);
  feed.open_error->text = "I/O error";
  look(manifests);
  EXPECT_EQ(warnings(), 2) << "for another reason";
  EXPECT_EQ(row().reason, "I/O error");
  EXPECT_EQ(row().state, ManifestState::kReading);
}

TEST_F(ReadManifests, SayOnceThatAFileIsGone) {
  feed.write("a.csv", "url\n");
  feed.write("b.csv", "url\n");
  Manifests manifests(policy);
  look(manifests);
  feed.remove("a.csv");
  for (int looks = 0; looks < 3; ++looks) look(manifests);
  EXPECT_EQ(warnings(), 1);
  EXPECT_EQ(row("a.csv").state, ManifestState::kGone);
  EXPECT_EQ(row("b.csv").state, ManifestState::kFollowed);
}

TEST_F(ReadManifests, SayNothingOfTheFilesOfTheirFormerFolder) {
  feed.write("a.csv", "url\n");
  Manifests before(policy);
  look(before);
  policy.sources[0].root = "/elsewhere";
  Manifests manifests(policy);
  feed.remove("a.csv");
  turn(manifests);
  turn(manifests);
  EXPECT_EQ(row().state, ManifestState::kFollowed) << "nobody looked there";
}

TEST_F(ReadManifests, GoOnAtOnceBehindAFileThatCannotBeRead) {
  policy.sources[0].manifest = "*";
  feed.write("a.csv.gz", "no gzip");
  feed.write("b.csv", "url\n" + rows(0, 1));
  lanes.at_once = false;
  Manifests manifests(policy);
  auto const answered = [&] {
    lanes.finish("/feeds");
    turn(manifests);
  };
  turn(manifests);
  EXPECT_FALSE(manifests.can_go_on()) << "only an answer brings it on";
  EXPECT_EQ(manifests.next_look(), std::nullopt) << "it is under way";
  answered();
  EXPECT_FALSE(manifests.can_go_on());
  answered();
  EXPECT_TRUE(manifests.can_go_on()) << "the next one";
  turn(manifests);
  EXPECT_FALSE(manifests.can_go_on());
  answered();
  EXPECT_FALSE(manifests.can_go_on());
  EXPECT_EQ(row("b.csv").state, ManifestState::kFollowed);
}

TEST_F(ReadManifests, ReadNoMoreOfOneThatHasTooMuchToBeAnsweredFor) {
  for (auto const open : {Manifests::kNotesOpenMax, Manifests::kNotesOpenMax - 1}) {
    feed.replace("a.csv", "url\n" + rows(0, 1));
    Manifests manifests(policy);
    look(manifests);
    feed.append("a.csv", rows(1, 2));
    auto full = row();
    full.notes_open = open;
    within([&](Context& ctx) { ctx.journal.update(full, full.state, now); });
    auto const line = row().line;
    look(manifests);
    EXPECT_EQ(row().line > line, open < Manifests::kNotesOpenMax);
    EXPECT_FALSE(manifests.can_go_on()) << "it waits for its results";
  }
}

TEST_F(ReadManifests, ReadALongOneSixteenStepsAtATimeWhileOthersWait) {
  policy.manifest_lines_per_turn = 1;  // eight in a step, since no byte moves
  feed.write("a.csv", "url\n" + rows(0, 1'000));
  feed.write("b.csv", "url\n" + rows(0, 2));
  Manifests manifests(policy);
  for (int turns = 0; turns < 400 && (!knows("b.csv") || row("b.csv").read_at == std::nullopt); ++turns)
    turn(manifests);
  EXPECT_EQ(row("a.csv").line, 16u * 8 + 1);
  EXPECT_EQ(row("b.csv").state, ManifestState::kFollowed);
}

TEST_F(ReadManifests, ReadEightTimesAsMuchAStepWhereNoByteMoves) {
  EXPECT_EQ(lines_of_a_step_during(budget::Errand::kOpenSession), 8u);
}
TEST_F(ReadManifests, ReadLessAStepWhileChunksGoUp) {
  EXPECT_EQ(lines_of_a_step_during(budget::Errand::kPutChunk), 1u);
}
TEST_F(ReadManifests, ReadLessAStepWhileAFileGoesUpWhole) {
  EXPECT_EQ(lines_of_a_step_during(budget::Errand::kSendDirect), 1u);
}

TEST_F(ReadManifests, OfTooManyFilesTheFirstByTheirNamesAreRead) {
  for (int const more : {0, 1}) {
    for (int n = 0; n < journal::Journal::kManifestsMax + more; ++n) {
      auto const digits = std::to_string(n);
      auto const name = std::string(6 - digits.size(), '0') + digits + ".csv";
      if (more == 0 || n >= journal::Journal::kManifestsMax) feed.write(name, "");
    }
    Manifests manifests(policy);
    turn(manifests);
    EXPECT_EQ(manifests.views()[0].too_many, more == 1);
    EXPECT_EQ(knows("009999.csv"), true);
    EXPECT_FALSE(knows("010000.csv"));
  }
}

// On a file system whose times are coarse.
TEST_F(ReadManifests, AreReadAgainWhereTheirSizeOrTheirInodeAloneIsAnother) {
  feed.write("a.csv", "url\n" + rows(0, 3));
  Manifests manifests(policy);
  look(manifests);
  auto const print = *feed.stat("", "a.csv");
  feed.put("a.csv", {"url\n" + rows(0, 5), print.inode, print.mtime_ns});
  look(manifests);
  EXPECT_EQ(row().entries, 5);
  feed.put("a.csv", {"url\n" + rows(4, 9), print.inode + 1, print.mtime_ns});
  look(manifests);
  EXPECT_EQ(row().entries, 9);
}

TEST_F(ReadManifests, ThatWereReadToTheirEndAreNotReadOnceMoreWhenTheyHaveSettled) {
  feed.write("a.csv", "url\n" + rows(0, 3));
  Manifests manifests(policy);
  look(manifests);
  auto const opens = feed.opens;
  for (int looks = 0; looks < 3; ++looks) look(manifests, 1h);
  EXPECT_EQ(feed.opens, opens);
}

TEST_F(ReadManifests, ThatAreRefusedAreReadOnceForEachContent) {
  feed.write("a.csv", "https://h.example/1\n" + rows(2, 9));
  Manifests manifests(policy);
  look(manifests);
  ASSERT_EQ(row().state, ManifestState::kRefused);
  auto const opens = feed.opens;
  for (int looks = 0; looks < 3; ++looks) look(manifests);
  EXPECT_EQ(feed.opens, opens);
}

TEST_F(ReadManifests, GoOnWhereTheyWereOnceTheirResultsAreWritten) {
  feed.write("a.csv", "url\n" + rows(0, 1));
  Manifests manifests(policy);
  look(manifests);
  auto const answered_for = [&](std::int64_t open) {
    auto changed = row();
    changed.notes_open = open;
    within([&](Context& ctx) { ctx.journal.update(changed, changed.state, now); });
  };
  answered_for(Manifests::kNotesOpenMax);
  feed.append("a.csv", rows(1, 2));
  look(manifests);
  ASSERT_EQ(row().entries, 1);
  answered_for(0);
  turn(manifests);
  EXPECT_EQ(row().entries, 2) << "without another look at their folder";
}

}  // namespace
}  // namespace sluice::stage

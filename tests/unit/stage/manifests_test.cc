// Manifests from their lines to their results: core/stage/read_manifests.h, take_entries.h, report_results.h.
#include "core/stage/take_entries.h"
#include "tests/unit/stage/manifests_fixture.h"

namespace sluice::stage {
namespace {

using journal::ManifestState;

TEST_F(ManifestsTest, LoseAndDoubleNoLineWhereverTheDaemonDies) {
  auto const text = "url\n" + rows(0, 20) + "ftp://no\n" + rows(0, 2) + rows(20, 40) + "\"open\n" + rows(40, 50);
  int deaths = 0;
  for (int n = 1;; ++n) {
    turn.reset();
    journal.reset();
    std::filesystem::remove_all(scratch.folder());
    std::filesystem::create_directory(scratch.folder());
    results.files.clear();
    open();
    files.replace("a.csv", text);
    auto const died = run_and_die_at(n);
    SCOPED_TRACE(n);
    auto const row = manifest();
    EXPECT_EQ(row.entries, 50);
    EXPECT_EQ(row.errors, 2);
    EXPECT_EQ(row.duplicates, 2);
    EXPECT_EQ(row.waiting, 0);
    EXPECT_EQ(row.open, 0);
    auto const lines = reported();
    for (int line = 2; line <= 55; ++line) EXPECT_EQ(lines.count(line), 1u) << line;
    if (!died || HasFailure()) break;
    ++deaths;
  }
  EXPECT_GE(deaths, 10) << "the import took too few commits to be interrupted";
}

TEST_F(ManifestsTest, LoseNoLineWhoseCommitFailsAgainAndAgain) {
  bool failed = true;
  for (int first = 1; failed; ++first) {
    auto const name = std::to_string(first) + ".csv";
    auto const base = first * 10;
    files.write(name, "url\n" + rows(base, base + 2));
    run();
    files.append(name, rows(base + 2, base + 4) + "\"a quote that is open");
    moments.commits = 0;
    moments.fails_from = first;
    moments.fails = 2;
    failed = false;
    for (bool again = true; again;) {
      again = false;
      try {
        run();
      } catch (Death const&) {  // the daemon waits a while and goes on, as with a full disk
        failed = again = true;
      }
    }
    moments.fails = 0;
    EXPECT_EQ(manifest(name).entries, 4) << "commits " << first << " and " << first + 1 << " failed";
    EXPECT_EQ(manifest(name).waiting, 0);
  }
  EXPECT_GT(moments.commits, 2);
}

TEST_F(ManifestsTest, RepeatNothingWhenTheyAreReadAgain) {
  files.write("a.csv", "url\n" + rows(0, 30));
  run();
  auto const before = results.files["/feeds/a.csv.results.jsonl"].text;
  open();
  run();
  files.replace("a.csv", "url\n" + rows(0, 30));  // the same in another file
  run();
  EXPECT_EQ(manifest().entries, 30);
  EXPECT_EQ(manifest().duplicates, 0);
  EXPECT_EQ(results.files["/feeds/a.csv.results.jsonl"].text, before);
}

TEST_F(ManifestsTest, TakeWhatIsAddedAndKeepWhatIsKnownWhenRewritten) {
  files.write("a.csv", "url\n" + rows(0, 30));
  run();
  files.append("a.csv", rows(30, 35));
  run();
  EXPECT_EQ(manifest().entries, 35);
  EXPECT_EQ(manifest().pass, 1);
  files.replace("a.csv", "url\n" + rows(100, 102) + rows(10, 20));
  run();
  EXPECT_EQ(manifest().entries, 37);
  EXPECT_EQ(manifest().pass, 2);
  EXPECT_EQ(manifest().duplicates, 0);
}

TEST_F(ManifestsTest, AreOneItemForAKeyOverAllOfThem) {
  files.write("a.csv", "url\n" + clips(0, 3));
  files.write("b.csv", "url\n" + clips(1, 5));
  run();
  EXPECT_EQ(manifest("a.csv").entries + manifest("b.csv").entries, 5);
  EXPECT_EQ(manifest("b.csv").duplicates, 2);
  EXPECT_EQ(reported("/feeds/b.csv.results.jsonl"), std::multiset<std::int64_t>({2, 3}));
}

TEST_F(ManifestsTest, TellOfTheSecondEndOfAnItemThatIsRetriedWhileTheFirstIsWritten) {
  files.write("a.csv", "url\nhttps://h.example/clip.mp4\n");
  run();
  auto const put = [&](journal::ItemState state) {
    auto row = journal->list_items({}).at(0);
    auto const was = std::exchange(row.state, state);
    row.reason = "refused";
    row.finished_at = is_end(state) ? std::optional(clock.now) : std::nullopt;
    journal->begin();
    journal->update(row, was, clock.now);
    journal->commit();
  };
  put(journal::ItemState::kFailed);
  lanes.at_once = false;
  turn->run();
  ASSERT_TRUE(reported().empty()) << "the line is being written";
  put(journal::ItemState::kStable);
  clock.now += Millis(1);
  put(journal::ItemState::kFailed);
  lanes.finish("/feeds");
  lanes.at_once = true;
  run();
  EXPECT_EQ(reported(), std::multiset<std::int64_t>({2, 2}));
}

TEST_F(ManifestsTest, LetALineThatFailedGoOnWithTheSignatureOfAnother) {
  auto const signed_until = [](int day) {
    return "https://h.example/clip.mp4?Signature=x&Expires=" + std::to_string(1'760'000'000 + day * 86'400) + "\n";
  };
  clock.now = WallTime(std::chrono::seconds(1'760'000'000 + 86'400 / 2));
  files.write("a.csv", "url\n" + signed_until(0));
  run();
  ASSERT_EQ(reported(), std::multiset<std::int64_t>({2}));
  ASSERT_EQ(manifest().open, 0);
  files.write("b.csv", "url\n" + signed_until(0) + signed_until(1));
  run();
  EXPECT_EQ(manifest("b.csv").duplicates, 1) << "its second line repeats its first";
  EXPECT_EQ(manifest("b.csv").open, 1) << "nothing was made of it before: it is this manifest's now";
  auto const items = journal->list_items({});
  ASSERT_EQ(items.size(), 1u);
  EXPECT_EQ(items[0].state, journal::ItemState::kStable) << "its URL is being tried";
}

TEST_F(ManifestsTest, MakeNoMoreItemsThanThereIsRoomFor) {
  policy.manifest_lines_per_turn = 100;
  open();
  std::string text = "url\n";
  for (int n = 0; n < 600; ++n) text += "https://h.example/" + std::to_string(n) + ".mp4\n";
  files.write("a.csv", text);
  run();
  EXPECT_EQ(manifest().open, kRoom);
  EXPECT_EQ(manifest().waiting, 600 - kRoom);
}

TEST_F(ManifestsTest, LoseNothingWhenTheFileVanishes) {
  files.write("a.csv", "url\n" + rows(0, 3) + "https://h.example/late.mp4\n");
  run();
  files.remove("a.csv");
  run();
  EXPECT_EQ(manifest().state, ManifestState::kGone);
  EXPECT_TRUE(log.tells("is not there any more"));
  EXPECT_EQ(manifest().entries, 4);
  files.replace("a.csv", "url\n" + rows(0, 4));
  run();
  EXPECT_EQ(manifest().state, ManifestState::kFollowed);
  EXPECT_EQ(manifest().entries, 5);
}

TEST_F(ManifestsTest, SayOfARefusedFileWhyAndReadItOnceItIsAnother) {
  files.write("a.csv", "https://h.example/1\n");
  run();
  EXPECT_EQ(manifest().state, ManifestState::kRefused);
  EXPECT_NE(manifest().reason.find("must name the columns"), std::string::npos);
  files.write("a.csv", "url\n" + rows(0, 2));
  run();
  EXPECT_EQ(manifest().state, ManifestState::kFollowed);
  EXPECT_EQ(manifest().entries, 2);
}

TEST_F(ManifestsTest, SayWhyAFileCannotBeReadAndReadItOnceItCan) {
  files.write("a.csv", "url\n" + rows(0, 2));
  files.open_error = Error{Fault::kSourceIo, "open /feeds/a.csv: Permission denied", "permission"};
  run();
  EXPECT_EQ(manifest().reason, files.open_error->text);
  EXPECT_TRUE(log.tells("Permission denied"));
  files.open_error.reset();
  run();
  EXPECT_EQ(manifest().state, ManifestState::kFollowed);
  EXPECT_EQ(manifest().reason, "");
}

TEST_F(ManifestsTest, ReadABrokenFileOnceForEachContent) {
  policy.sources[0].manifest = "*.gz";
  open();
  files.write("a.csv.gz", "no gzip at all");
  run();
  EXPECT_EQ(manifest("a.csv.gz").state, ManifestState::kRefused);
  files.write("a.csv.gz", "and this is none either");
  run();
  auto const before = files.opens;
  run();
  EXPECT_EQ(files.opens, before);
}

TEST_F(ManifestsTest, WriteResultsElsewhereWhereTheFolderIsReadOnly) {
  results.is_read_only = true;
  files.write("a.csv", "url\n" + rows(0, 2));
  run();
  EXPECT_EQ(manifest().results, "/state/results/1-a.csv.results.jsonl");
  EXPECT_EQ(reported(manifest().results).size(), 2u);
}

TEST_F(ManifestsTest, WriteToNoFileOfSomebodyElse) {
  results.files["/feeds/a.csv.results.jsonl"] = {.inode = 77, .text = "mine\n"};
  files.write("a.csv", "url\n" + rows(0, 2));
  run();
  EXPECT_EQ(results.files["/feeds/a.csv.results.jsonl"].text, "mine\n");
  EXPECT_EQ(reported("/feeds/a.csv.results-2.jsonl").size(), 2u);
}

TEST_F(ManifestsTest, GoOnWhenTheirSourceHasAnotherName) {
  files.write("a.csv", "url\n" + rows(0, 3));
  for (int turns = 0; turns < 3; ++turns) turn->run();
  policy.sources[0].name = "renamed";
  open();
  run();
  EXPECT_EQ(manifest().source, "renamed");
  EXPECT_EQ(manifest().waiting, 0);
  EXPECT_EQ(reported().size(), 3u);
}

TEST_F(ManifestsTest, BelongToTheFirstSourceWhosePatternFits) {
  auto second = policy.sources[0];
  second.name = "second";
  second.manifest = "a*.csv";
  policy.sources.push_back(second);
  open();
  files.write("a.csv", "url\n" + rows(0, 40));
  run();
  EXPECT_EQ(manifest().duplicates, 0);
  EXPECT_EQ(manifest().source, "partner");
}

TEST_F(ManifestsTest, GiveNoLineOfAFileThatIsRefused) {
  policy.sources[0].manifest = "*.txt";
  policy.manifest_lines_per_turn = 100;
  open();
  files.write("a.txt", rows(0, 2) + "#EXT-X-VERSION:3\n");
  run();
  EXPECT_EQ(manifest("a.txt").state, journal::ManifestState::kRefused);
  EXPECT_EQ(manifest("a.txt").entries, 0);
}

// What is written into the folder of a mount that is away vanishes beneath it.
TEST_F(ManifestsTest, WriteResultsElsewhereWhileTheirFileIsNotThere) {
  policy.results_folder.clear();
  results.is_read_only = true;
  open();
  files.write("a.csv", "url\n" + rows(0, 2));
  run();
  ASSERT_TRUE(results.files.empty());
  files.remove("a.csv");
  results.is_read_only = false;
  policy.results_folder = "/state/results";
  open();
  run();
  EXPECT_FALSE(results.files.contains("/feeds/a.csv.results.jsonl"));
  EXPECT_EQ(results.files.size(), 1u);
}

}  // namespace
}  // namespace sluice::stage

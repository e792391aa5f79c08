// What results say of a line that ended, which notes are kept, and what `sluice explain` says of a manifest.
#include <gmock/gmock.h>

#include <algorithm>

#include "core/stage/explain_manifest.h"
#include "core/stage/report_results.h"
#include "core/stage/take_url.h"
#include "tests/unit/stage/manifests_fixture.h"

namespace sluice::stage {
namespace {

using journal::ItemState;
using journal::NamedKind;
using journal::NamedState;
using journal::StepKind;
using journal::StepState;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class ResultsBounds : public ManifestsTest {
 protected:
  ResultsBounds() {
    policy.manifest_lines_per_turn = 5'000;
    open();
  }
  std::string const& text_of_results() { return results.files["/feeds/a.csv.results.jsonl"].text; }
  journal::ItemRow item(std::size_t n = 0) {
    for (auto const& row : journal->list_items({}))
      if (row.path == "https://h.example/" + std::to_string(n) + ".mp4") return row;
    ADD_FAILURE() << "no item of line " << n;
    return {};
  }
  void become(journal::ItemRow row, ItemState state, std::string reason = "refused") {
    auto const was = std::exchange(row.state, state);
    row.reason = is_end(state) && state != ItemState::kDone ? reason : "";
    row.failed_from = state == ItemState::kFailed ? "stable" : "";
    row.finished_at = is_end(state) ? std::optional(clock.now) : std::nullopt;
    row.effort.due_at = is_end(state) ? std::nullopt : std::optional(clock.now);
    if (state == ItemState::kDone) row.asset_id = "asset" + std::to_string(row.id), row.url = {};
    journal->begin();
    journal->update(row, was, clock.now);
    journal->commit();
  }
  void add_step(journal::ItemRow const& row, StepKind kind, std::string const& remote_id) {
    journal->begin();
    auto const is_index = kind == StepKind::kIndex;
    auto parent = journal::named_called("cast", NamedKind::kCollection);
    auto const parent_id = is_index ? 0 : journal->ensure_named(parent).id;
    auto named =
        journal->ensure_named(journal::named_called("n", is_index ? NamedKind::kIndex : NamedKind::kEntity, parent_id));
    auto step = journal::step_of(row.id, 1, kind);
    step.named_id = named.id;
    step.state = remote_id.empty() ? StepState::kFailed : StepState::kReady;
    step.reason = remote_id.empty() ? "refused" : "";
    step.remote_id = remote_id;
    journal->insert(step);
    journal->commit();
  }
  // What is said of the name, and of the rest: "rule: text".
  std::vector<std::string> explained(std::string const& path = "a.csv") {
    std::vector<std::string> all;
    for (auto const& finding : explain_manifest(*journal, policy.sources[0], path).findings)
      all.push_back(finding.rule + ": " + finding.text);
    return all;
  }
};

TEST_F(ResultsBounds, TellTheIdsThatThePlatformGaveAndNoOthers) {
  files.write("a.csv", "url\n" + clips(0, 3));
  run();
  add_step(item(0), StepKind::kIndex, "indexed7");
  add_step(item(1), StepKind::kEntity, "entity7");
  add_step(item(2), StepKind::kIndex, "");
  std::vector<std::string> lines;
  for (std::size_t n : {0u, 1u, 2u}) {
    auto const before = text_of_results().size();
    become(item(n), ItemState::kDone);
    run();
    lines.push_back(text_of_results().substr(before));
  }
  EXPECT_THAT(lines[0], HasSubstr(R"("indexed_assets":[{"index":"n","id":"indexed7"}])"));
  EXPECT_THAT(lines[0], Not(HasSubstr("entities")));
  EXPECT_THAT(lines[1], HasSubstr(R"("entities":[{"entity":"n","id":"entity7"}])"));
  EXPECT_THAT(lines[1], Not(HasSubstr("indexed_assets")));
  EXPECT_THAT(lines[2], HasSubstr(R"("asset_id":"asset)"));
  EXPECT_THAT(lines[2], Not(HasSubstr("indexed_assets")));
  for (auto const& line : lines) {
    EXPECT_THAT(line, HasSubstr(R"("result":"ok")"));
    EXPECT_THAT(line, Not(HasSubstr("code")));
  }
}

TEST_F(ResultsBounds, TellAnAssetOnlyWhereThereIsOne) {
  files.write("a.csv", "url\n" + clips(0, 1));
  run();
  become(item(), ItemState::kFailed);
  run();
  EXPECT_THAT(text_of_results(), HasSubstr(R"("result":"failed")"));
  EXPECT_THAT(text_of_results(), HasSubstr(R"("code":"refused")"));
  EXPECT_THAT(text_of_results(), Not(HasSubstr("asset_id")));
  EXPECT_THAT(text_of_results(), Not(HasSubstr("\"key\""))) << "none was given";
}

TEST_F(ResultsBounds, TellADuplicateFromWhatWasSkippedForAnotherReason) {
  files.write("a.csv",
              "key,url\n"
              "k0,https://h.example/0.mp4\nk1,https://h.example/1.mp4\n");
  run();
  become(item(0), ItemState::kSkipped, "duplicate");
  run();
  EXPECT_THAT(text_of_results(), HasSubstr(R"("result":"duplicate","key":"k0")"));
  become(item(1), ItemState::kSkipped, "no_pipeline");
  run();
  EXPECT_THAT(text_of_results(), HasSubstr(R"("result":"skipped","key":"k1")"));
}

TEST_F(ResultsBounds, OnlyAFailureThatIsTriedAgainIsNoFailureAnyMore) {
  files.write("a.csv", "url\n" + clips(0, 2));
  run();
  become(item(0), ItemState::kFailed);
  become(item(1), ItemState::kSkipped, "no_pipeline");
  run();
  ASSERT_EQ(manifest().failed, 1);
  become(item(1), ItemState::kStable);
  EXPECT_EQ(manifest().failed, 1);
  EXPECT_EQ(manifest().open, 1);
  become(item(0), ItemState::kStable);
  EXPECT_EQ(manifest().failed, 0);
  EXPECT_EQ(manifest().open, 2);
}

TEST_F(ResultsBounds, KeepTheFirstThousandNotes) {
  for (int const lines : {3, 1'000, 1'001}) {
    std::string text = "url\n";
    for (int n = 0; n < lines; ++n) text += "ftp://" + std::to_string(n) + "\n";
    files.replace("a.csv", text);
    run();
    EXPECT_EQ(static_cast<int>(journal->kept_notes(manifest().id, 5'000).size()), std::min(lines, 1'000));
    EXPECT_EQ(manifest().notes_kept, std::min(lines, 1'000));
    EXPECT_EQ(manifest().noted_line, lines > 1'000 ? 1'002u : 0u);
    EXPECT_EQ(manifest().notes_open, 0);
  }
}

TEST_F(ResultsBounds, ALineWhoseTimeIsOverAtThisVeryMomentIsTooLate) {
  auto const seconds = std::to_string(to_unix_ms(clock.now) / 1'000),
             later = std::to_string(to_unix_ms(clock.now) / 1'000 + 1);
  files.write("a.csv",
              "url,not_after\nhttps://h.example/0.mp4," + seconds + "\nhttps://h.example/1.mp4," + later + "\n");
  run();
  EXPECT_EQ(journal->list_items({}).size(), 1u);
  EXPECT_EQ(item(1).state, ItemState::kStable);
  EXPECT_THAT(text_of_results(), HasSubstr(R"("code":"too_late")"));
}

TEST_F(ResultsBounds, ManyThatCannotBeWrittenSayItOnceAndAreTriedEveryHalfMinute) {
  policy.results_folder.clear();
  results.is_read_only = true;
  open();
  files.write("a.csv", "url\n" + rows(0, 2));
  for (int turns = 0; turns < 10; ++turns) turn->run();
  EXPECT_EQ(turn->results().why_stuck(manifest().id), "/feeds/a.csv.results.jsonl: is read-only");
  EXPECT_EQ(turn->results().next_retry(), clock.now + ResultsReport::kRetryEvery);
  results.is_read_only = false;
  clock.now += ResultsReport::kRetryEvery - Millis(1);
  for (int turns = 0; turns < 5; ++turns) turn->run();
  EXPECT_TRUE(reported().empty());
  clock.now += Millis(1);
  for (int turns = 0; turns < 5; ++turns) turn->run();
  EXPECT_EQ(reported().size(), 2u);
  EXPECT_EQ(turn->results().why_stuck(manifest().id), std::nullopt);
  EXPECT_EQ(turn->results().next_retry(), std::nullopt);
}

TEST_F(ResultsBounds, SayOfALineExactlyWhatIsToBeSaid) {
  files.write(
      "a.csv",
      "url,size\nhttps://h.example/0.mp4,many\nftp://no,1\nhttps://h.example/1.mp4,\nhttps://h.example/1.mp4,\n");
  run();
  auto const lines = text_of_results();
  EXPECT_THAT(lines, HasSubstr(R"({"line":2,"result":"error","column":25,"message":"`size` is no number of bytes"})"));
  EXPECT_THAT(lines, HasSubstr(R"({"line":3,"result":"error","message":")"));
  EXPECT_THAT(lines, HasSubstr(R"({"line":5,"result":"duplicate","message":"repeats line 4 of this manifest"})"));
  auto row = item(1);
  for (auto const& [state, told] : {std::pair(ItemState::kFailed, R"("code":"refused","message":"it said no","at":)"),
                                    std::pair(ItemState::kDone, R"("asset_id":"asset1","at":)")}) {
    results.files["/feeds/a.csv.results.jsonl"].text.clear();
    auto manifest_row = manifest();
    manifest_row.results_bytes = 0;
    journal->begin();
    journal->update(manifest_row, manifest_row.state, clock.now);
    journal->commit();
    if (is_end(item(1).state)) become(item(1), ItemState::kStable);
    row = item(1);
    row.effort.last_error = "it said no";
    auto const end = clock.now;
    become(row, state);
    clock.now += Millis(1'000);
    run();
    auto const url = std::string(R"("name":"1.mp4","url":"https://h.example/1.mp4","item":")") + row.ulid + "\",";
    EXPECT_THAT(text_of_results(), HasSubstr(url + told + "\"" + to_rfc3339(end) + "\"}\n"));
  }
}

TEST_F(ResultsBounds, TryNineNamesBesideTheManifestAndThenTheFolderOfTheDaemon) {
  for (int const taken : {8, 9}) {
    auto const name = std::to_string(taken) + ".csv";
    for (int number = 1; number <= taken; ++number)
      results.files["/feeds/" + results_name(name, number)] = {.inode = 77, .text = "mine\n"};
    files.write(name, "url\n" + rows(taken * 10, taken * 10 + 1));
    run();
    auto const row = manifest(name);
    EXPECT_EQ(row.results, taken == 8 ? "/feeds/8.csv.results-9.jsonl"
                                      : "/state/results/" + std::to_string(row.id) + "-9.csv.results.jsonl");
  }
}

TEST_F(ResultsBounds, ALongNameIsCutOnlyInTheFolderOfTheDaemon) {
  for (bool const beside : {true, false}) {
    results.is_read_only = !beside;
    auto const name = std::string(220, beside ? 'b' : 'e') + ".csv";
    files.write(name, "url\n" + rows(beside, beside + 1));
    run();
    auto const row = manifest(name);
    EXPECT_EQ(row.results,
              beside ? "/feeds/" + name + ".results.jsonl"
                     : "/state/results/" + std::to_string(row.id) + "-" + name.substr(0, 180) + ".results.jsonl");
    EXPECT_EQ(results.with_folders.at(row.results), !beside) << "a source's folder may be away for a moment";
  }
}

TEST_F(ResultsBounds, OfTwoThatCannotBeWrittenTheEarlierTryIsDueAndEachIsToldOnce) {
  policy.results_folder.clear();
  results.is_read_only = true;
  open();
  for (auto const* name : {"b.csv", "a.csv"}) {
    files.write(name, "url\n" + rows(name[0], name[0] + 1));
    turn->manifests().look_now("/feeds");
    for (int turns = 0; turns < 5; ++turns) turn->run();
    clock.now += Millis(10'000);
  }
  EXPECT_EQ(turn->results().next_retry(), clock.now - Millis(20'000) + ResultsReport::kRetryEvery);
  auto const told = [&] {
    return std::ranges::count_if(log.lines, [](auto const& line) {
      return line.second.find("its results cannot be written") != std::string::npos;
    });
  };
  EXPECT_EQ(told(), 2);
  clock.now += Millis(60'000);
  for (int turns = 0; turns < 5; ++turns) turn->run();
  EXPECT_EQ(told(), 2);
}

// --- explain

TEST_F(ResultsBounds, ExplainSaysWhyAFileIsNoManifest) {
  EXPECT_THAT(explained("a.csv"), ElementsAre("name: fits *.csv", "read: nothing of it yet"));
  EXPECT_EQ(explained("a.csv.results.jsonl")[0], "name: is the name of a file of results");
  EXPECT_EQ(explained("a.mp4")[0], "name: tells no format: .txt .csv .tsv .jsonl, .gz");
  EXPECT_EQ(explained("a.jsonl")[0], "name: does not fit *.csv");
}

TEST_F(ResultsBounds, ExplainNamesLinesAndColumnsOfWhatIsWrong) {
  files.write("a.csv", "url,size\nhttps://h.example/1,many\nftp://no,1\n");
  run();
  auto const all = explained();
  ASSERT_EQ(all.size(), 6u);
  EXPECT_EQ(all[1], "read: to its end, up to line 3; it is followed");
  EXPECT_EQ(
      all[2],
      "entries: 0 entries: 0 wait, 0 are under way, 0 have ended; 0 lines repeat others, 2 are wrong, 0 have failed");
  EXPECT_EQ(all[3], "results: are in /feeds/a.csv.results.jsonl");
  EXPECT_EQ(all[4], "line: line 2, column 21 `size` is no number of bytes");
  EXPECT_THAT(all[5], testing::StartsWith("line: line 3 ")) << "the whole of it is meant";
}

TEST_F(ResultsBounds, ExplainSaysHowFarAFileWasRead) {
  files.write("a.csv", "url\n" + rows(0, 1) + "half");
  turn->run();
  EXPECT_THAT(explained()[1], HasSubstr("up to line 2; the rest is to be read, or is half of a line"));
  files.remove("a.csv");
  run();
  EXPECT_THAT(explained()[1], HasSubstr("is not there any more"));
  files.replace("a.csv", "no header\n");
  run();
  EXPECT_THAT(explained()[1], HasSubstr("must name the columns"));
}

TEST_F(ResultsBounds, ATryThatIsUnderWayIsNotDueAnotherTime) {
  policy.results_folder.clear();
  results.is_read_only = true;
  open();
  files.write("a.csv", "url\n" + rows(0, 2));
  for (int turns = 0; turns < 10; ++turns) turn->run();
  clock.now += ResultsReport::kRetryEvery;
  lanes.at_once = false;
  for (int turns = 0; turns < 2; ++turns) turn->run();
  EXPECT_EQ(turn->results().next_retry(), clock.now + ResultsReport::kRetryEvery);
}

TEST_F(ResultsBounds, GoOnInAnotherFileWhereTheirsIsGoneAndLoseNoLine) {
  files.write("a.csv", "url\n" + rows(0, 2));
  run();
  ASSERT_EQ(reported(), std::multiset<std::int64_t>({2, 3}));
  results.files.clear();
  files.append("a.csv", rows(2, 4));
  run();
  EXPECT_EQ(reported(), std::multiset<std::int64_t>({4, 5}));
  EXPECT_EQ(manifest().open, 0);
}

TEST_F(ResultsBounds, AreAskedForOnceHoweverManyTurnsTheirWritingTakes) {
  files.write("a.csv", "url\n" + clips(0, 1));
  run();
  become(item(), ItemState::kFailed);
  lanes.at_once = false;
  for (int turns = 0; turns < 2; ++turns) turn->run();
  auto const asked = lanes.started();
  for (int turns = 0; turns < 5; ++turns) turn->run();
  EXPECT_EQ(lanes.started(), asked);
}

TEST_F(ResultsBounds, SayOfALineWhoseKeyAnItemOfAPersonHasThatItRepeatsThatItem) {
  turn->run([&](Context& ctx) {
    ASSERT_TRUE(add_url(ctx, policy.sources[0], {.url = *parse_url("https://h.example/0.mp4")}, {}, false));
  });
  files.write("a.csv", "url\n" + clips(0, 1));
  run();
  auto const row = item();
  EXPECT_THAT(text_of_results(), HasSubstr(R"("result":"duplicate","name":"0.mp4","url":"https://h.example/0.mp4")"));
  EXPECT_THAT(text_of_results(), HasSubstr(R"("code":"duplicate","message":"item )" + row.ulid + " has this key"));
  EXPECT_EQ(manifest().open, 0);
}

}  // namespace
}  // namespace sluice::stage

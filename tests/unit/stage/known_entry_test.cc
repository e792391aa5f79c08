// Lines whose key is known: what they may change, and whose answer they are (core/stage/known_entry.h).
#include <gmock/gmock.h>

#include "core/base/url_text.h"
#include "core/source/entry_key.h"
#include "core/source/identity.h"
#include "core/stage/adopt.h"
#include "tests/unit/stage/manifests_fixture.h"

namespace sluice::stage {
namespace {

using journal::ItemState;
using testing::HasSubstr;
using testing::Not;

class KnownEntry : public ManifestsTest {
 protected:
  std::string const& results_of(std::string const& name) {
    return results.files["/feeds/" + name + ".results.jsonl"].text;
  }
  std::string last_result_of(std::string const& name) {
    auto const& text = results_of(name);
    auto const before = text.rfind('\n', text.size() - 2);
    return before == std::string::npos ? text : text.substr(before + 1);
  }
  void begin_anew() {
    turn.reset();
    journal.reset();
    std::filesystem::remove_all(scratch.folder());
    std::filesystem::create_directory(scratch.folder());
    results.files.clear();
    open();
  }
  // The only item, as a person's retry leaves it.
  void retried() {
    auto row = journal->list_items({}).at(0);
    auto const was = std::exchange(row.state, ItemState::kStable);
    row.reason.clear();
    row.failed_from.clear();
    row.finished_at.reset();
    row.effort.due_at = clock.now;
    journal->begin();
    journal->update(row, was, clock.now);
    journal->commit();
  }
  // The only item, as it has become.
  void end_as(ItemState state) {
    auto row = journal->list_items({}).at(0);
    auto const was = std::exchange(row.state, state);
    row.reason = "refused";
    row.failed_from = "stable";
    row.finished_at = clock.now;
    row.effort.due_at.reset();
    if (state == ItemState::kDone) row.asset_id = "asset1", row.url = {};
    journal->begin();
    journal->update(row, was, clock.now);
    journal->commit();
  }
  static std::string ends(int day) { return "Signature=x&Expires=" + std::to_string(1'760'000'000 + day * 86'400); }
  void at_day(int day) { clock.now = WallTime(std::chrono::seconds(1'760'000'000 + day * 86'400)); }
};

TEST_F(KnownEntry, KeepsItsUrlWhoeverRepeatsItsKeyWithAnother) {
  at_day(0);
  files.write("a.csv", "key,url\n7,https://a.example/alpha.mp4?" + ends(2) + "\n");
  run();
  end_as(ItemState::kFailed);
  run();
  ASSERT_EQ(manifest().failed, 1);
  files.write("b.csv", "key,url\n7,https://evil.example/beta.mp4?" + ends(3) + "\n");
  run();
  EXPECT_EQ(manifest("b.csv").duplicates, 1);
  auto const item = journal->list_items({}).at(0);
  EXPECT_EQ(item.state, ItemState::kFailed);
  EXPECT_THAT(item.url.reveal_for_journal(), HasSubstr("a.example"));
}

TEST_F(KnownEntry, OfALineThatWaitsKeepsItsUrlToo) {
  at_day(0);
  files.write("a.csv", "key,url,not_before\n7,https://a.example/alpha.mp4?" + ends(5) + ",2100-01-01T00:00:00Z\n" +
                           "7,https://a.example/beta.mp4?" + ends(9) + ",\n");
  run();
  EXPECT_EQ(manifest().duplicates, 1);
  EXPECT_THAT(journal->entry_of_key("k:7")->url.reveal_for_journal(), HasSubstr("alpha"));
}

TEST_F(KnownEntry, TakesAFreshSignatureOfItsUrlFromItsOwnSourceOnly) {
  at_day(0);
  auto other = policy.sources[0];
  other.name = "other", other.manifest = "*.tsv";
  policy.sources.push_back(other);
  open();
  files.write("a.csv", "url,not_before\nhttps://a.example/alpha.mp4?" + ends(5) + ",2100-01-01T00:00:00Z\n");
  run();
  auto const end = [&] {
    auto const found = journal->waiting_entries(manifest().id, WallTime::max(), 1);
    return found.empty() ? std::string() : found[0].url.reveal_for_journal();
  };
  files.write("b.tsv", "url\nhttps://a.example/alpha.mp4?" + ends(8) + "\n");
  run();
  EXPECT_THAT(end(), HasSubstr(ends(5)));
  files.write("c.csv", "url\nhttps://a.example/alpha.mp4?" + ends(7) + "\n");
  run();
  EXPECT_THAT(end(), HasSubstr(ends(7)));
}

TEST_F(KnownEntry, IsTakenOnceItsRefusedLineIsMended) {
  files.write("a.csv", "key,url\n7,https://h.example/film\n");
  run();
  ASSERT_THAT(results_of("a.csv"), HasSubstr("unknown_kind"));
  EXPECT_EQ(manifest().failed, 1);
  files.replace("a.csv", "key,url\n7,https://h.example/film.mp4\n");
  run();
  EXPECT_EQ(manifest().failed, 0);
  EXPECT_EQ(manifest().open, 1);
  EXPECT_EQ(journal->list_items({}).size(), 1u);
}

TEST_F(KnownEntry, IsTakenOnceTheConfigurationIsMendedAndItsManifestReadAgain) {
  policy.pipelines[0].kinds = {"audio"};
  open();
  files.write("a.csv", "url\n" + clips(0, 1));
  run();
  ASSERT_THAT(results_of("a.csv"), HasSubstr("no_pipeline"));
  auto const told = results_of("a.csv");
  files.replace("a.csv", "url\n" + clips(0, 1));
  run();
  EXPECT_EQ(results_of("a.csv"), told) << "nothing new is to be said";
  EXPECT_EQ(manifest().failed, 1);
  policy.pipelines[0].kinds = {"video"};
  open();
  files.replace("a.csv", "url\n" + clips(0, 1));
  run();
  EXPECT_EQ(journal->list_items({}).size(), 1u);
  EXPECT_EQ(manifest().failed, 0);
}

TEST_F(KnownEntry, IsAnsweredForByWhicheverManifestAsksForARefusedOneAgain) {
  files.write("a.csv", "url\n" + rows(1, 2));
  run();
  files.write("b.csv", "url\n" + rows(1, 2));
  run();
  EXPECT_THAT(results_of("b.csv"), HasSubstr("unknown_kind"));
  EXPECT_THAT(results_of("b.csv"), Not(HasSubstr("repeats")));
  EXPECT_EQ(manifest("a.csv").failed + manifest("b.csv").failed, 1);
}

TEST_F(KnownEntry, SaysWhichManifestItRepeats) {
  files.write("a.csv", "url\n" + clips(1, 2));
  run();
  files.write("b.csv", "url\n" + clips(1, 2));
  run();
  EXPECT_THAT(results_of("b.csv"), HasSubstr("repeats line 2 of /feeds/a.csv"));
}

TEST_F(KnownEntry, MakesANewItemWhereTheUrlOfAFailedOneIsCorrected) {
  files.write("a.csv", "key,url\n7,https://h.example/typo.mp4\n");
  run();
  end_as(ItemState::kFailed);
  run();
  files.replace("a.csv", "key,url\n7,https://h.example/right.mp4\n");
  run();
  auto const items = journal->list_items({});
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(journal->item_by_key("k:7")->path, "https://h.example/right.mp4");
  EXPECT_EQ(manifest().open, 1);
}

// Two items of one URL would be two assets.
TEST_F(KnownEntry, IsItsFirstItemsAgainWhereTheUrlIsPutBack) {
  auto const says = [&](std::string const& url) {
    files.replace("a.csv", "key,url\n7,https://h.example/" + url + "\n");
    run();
  };
  auto const fails = [&] {
    auto row = journal->item_by_key("k:7").value();
    auto const was = std::exchange(row.state, ItemState::kFailed);
    row.reason = "refused";
    row.failed_from = "sent";
    row.asset_id = "asset of " + row.path;
    row.finished_at = clock.now;
    row.effort.due_at.reset();
    journal->begin();
    journal->update(row, was, clock.now);
    journal->commit();
    run();
  };
  files.write("a.csv", "");
  says("a.mp4?id=1");
  auto const first = journal->item_by_key("k:7").value();
  fails();
  says("b.mp4");
  ASSERT_NE(journal->item_by_key("k:7")->id, first.id);
  fails();
  says("a.mp4?id=2");
  ASSERT_EQ(journal->list_items({}).size(), 3u) << "that is another one";
  fails();
  says("a.mp4?id=1");
  EXPECT_EQ(journal->list_items({}).size(), 3u);
  auto const again = journal->item_by_key("k:7").value();
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(again.asset_id, "asset of https://h.example/a.mp4") << "nothing of it is sent again";
  EXPECT_FALSE(is_end(again.state));
  EXPECT_EQ(journal->entry_of_key("k:7")->item_id, first.id);
  EXPECT_EQ(manifest().open, 1);
  says("b.mp4");
  EXPECT_EQ(journal->item_by_key("k:7")->id, first.id) << "it is under way";
}

TEST_F(KnownEntry, OfACancelledItemIsTakenWhereItsUrlIsAnotherOne) {
  files.write("a.csv", "key,url\n7,https://h.example/wrong.mp4\n");
  run();
  end_as(ItemState::kCancelled);
  run();
  files.replace("a.csv", "key,url\n7,https://h.example/wrong.mp4\n\n");
  run();
  EXPECT_EQ(journal->list_items({}).size(), 1u) << "what was cancelled stays so";
  EXPECT_EQ(manifest().open, 0);
  files.replace("a.csv", "key,url\n7,https://h.example/right.mp4\n");
  run();
  EXPECT_EQ(journal->item_by_key("k:7")->path, "https://h.example/right.mp4");
  EXPECT_EQ(manifest().open, 1);
}

TEST_F(KnownEntry, ThatIsUnderWayIsToldThatItsUrlIsNotChangedAnyMore) {
  files.write("a.csv", "key,url\n7,https://h.example/wrong.mp4\n");
  run();
  for (int times = 0; times < 2; ++times) {
    files.replace("a.csv", "key,url\n7,https://h.example/right.mp4\n" + std::string(times, '\n'));
    run();
  }
  auto const item = journal->item_by_key("k:7").value();
  EXPECT_THAT(item.path, HasSubstr("wrong.mp4"));
  EXPECT_THAT(last_result_of("a.csv"), HasSubstr("sluice cancel " + item.ulid + ", then touch this manifest"));
  EXPECT_EQ(reported().size(), 1u) << "told once";
  files.replace("a.csv", "key,url\n7,https://h.example/wrong.mp4\n");
  run();
  EXPECT_EQ(reported().size(), 1u);
}

TEST_F(KnownEntry, IsItsItemsStillWhereTheCorrectedLineIsRefused) {
  files.write("a.csv", "key,url\n7,https://h.example/film.mp4\n");
  run();
  end_as(ItemState::kFailed);
  run();
  files.replace("a.csv", "key,url\n7,https://h.example/film.xyz\n");
  run();
  ASSERT_THAT(last_result_of("a.csv"), HasSubstr("unknown_kind"));
  EXPECT_THAT(last_result_of("a.csv"), Not(HasSubstr("film.mp4"))) << "it is not what was refused";
  files.replace("a.csv", "key,url\n7,https://h.example/film.mp4\n");
  run();
  EXPECT_EQ(journal->list_items({}).size(), 1u) << "of one key and URL";
  EXPECT_EQ(manifest().failed, 1);
  EXPECT_THAT(last_result_of("a.csv"), HasSubstr(R"("code":"refused")")) << "its item's own end counts again";
}

TEST_F(KnownEntry, IsAnsweredForByTheEndThatItsItemCameToMeanwhile) {
  std::string const begin = "key,url,not_before\n7,https://h.example/film.mp4,";
  for (auto const& [end, told] :
       {std::pair(ItemState::kDone, "ok"), std::pair(ItemState::kSkipped, "skipped"),
        std::pair(ItemState::kCancelled, "skipped"), std::pair(ItemState::kFailed, "failed")}) {
    SCOPED_TRACE(told);
    begin_anew();
    files.write("a.csv", begin + "\n");
    run();
    end_as(ItemState::kFailed);
    run();
    files.replace("a.csv", begin + "2096-01-01T00:00:00Z\n");
    run();
    ASSERT_EQ(manifest().waiting, 1);
    retried();
    end_as(end);
    files.replace("a.csv", begin + "2016-01-01T00:00:00Z\n");
    run();
    EXPECT_THAT(last_result_of("a.csv"), HasSubstr(std::string(R"("result":")") + told));
    EXPECT_EQ(reported().size(), 2u) << "each end is told";
    EXPECT_EQ(manifest().failed, end == ItemState::kFailed ? 1 : 0);
    EXPECT_EQ(manifest().open, 0);
  }
}

TEST_F(KnownEntry, WaitsAsItsLineHasItNow) {
  files.write("a.csv", "url,not_before\nhttps://h.example/1.mp4,2096-01-01T00:00:00Z\n");
  run();
  EXPECT_EQ(manifest().waiting, 1);
  files.replace("a.csv", "url,not_before\nhttps://h.example/1.mp4,2016-01-01T00:00:00Z\n");
  run();
  EXPECT_EQ(manifest().waiting, 0);
  EXPECT_EQ(journal->list_items({}).size(), 1u);
}

TEST_F(KnownEntry, SaysOfABadLineOnceThatItIsBad) {
  policy.manifest_lines_per_turn = 5'000;
  open();
  std::string text = "url\n";
  for (int n = 0; n < 3'000; ++n) text += "ftp://" + std::to_string(n) + "\n";
  for (int pass = 1; pass <= 3; ++pass) {
    files.replace("a.csv", text);
    run();
    EXPECT_EQ(manifest().errors, 3'000);
    EXPECT_EQ(reported().size(), 3'000u);
  }
}

TEST_F(KnownEntry, IsReadAgainWhereItsFileWasWrittenToInPlace) {
  policy.manifest_lines_per_turn = 5'000;
  open();
  std::string text = "url\n" + clips(1'000, 1'400);
  files.write("a.csv", text);
  run();
  ASSERT_EQ(manifest().entries, 400);
  text.replace(text.find("1200.mp4"), 8, "5200.mp4");
  files.write("a.csv", text);
  run();
  EXPECT_EQ(manifest().entries, 401);
  EXPECT_EQ(manifest().duplicates, 0);
}

// Its key is a hash whose first bytes look like a key that was given.
TEST_F(KnownEntry, OfAnyHashIsTheKeyOfItsItem) {
  int found = 0;
  for (int n = 0; found == 0 && n < 1'000'000; ++n)
    if (source::entry_key(*parse_url("https://h.example/" + std::to_string(n) + ".mp4"), {}).starts_with("u:6b3a"))
      found = n;
  files.write("a.csv", "url\n" + clips(found, found + 1));
  run();
  auto const items = journal->list_items({});
  ASSERT_EQ(items.size(), 1u);
  EXPECT_EQ(items[0].key, source::entry_key(*parse_url("https://h.example/" + std::to_string(found) + ".mp4"), {}));
}

TEST_F(KnownEntry, HoldsUpNoOtherManifestWhileItsOwnAnswersCannotBeWritten) {
  policy.manifest_lines_per_turn = 20'000;
  policy.results_folder.clear();
  results.is_read_only = true;
  open();
  std::string text = "url\n";
  for (int n = 0; n < 400'000; ++n) text += "ftp://" + std::to_string(n) + "\n";
  files.write("a.csv", text);
  files.write("b.csv", "url\n" + clips(1, 2));
  run();
  EXPECT_GE(manifest("a.csv").notes_open, Manifests::kNotesOpenMax);
  EXPECT_LT(manifest("a.csv").line, 400'000u) << "it was to be held up";
  EXPECT_EQ(journal->list_items({}).size(), 1u);
}

TEST_F(KnownEntry, ThatFailedIsNotToldAnotherTimeWhereItsLineIsReadAgain) {
  files.write("a.csv", "url\n" + clips(0, 1));
  run();
  end_as(ItemState::kFailed);
  run();
  ASSERT_EQ(reported().size(), 1u);
  files.replace("a.csv", "url\n" + clips(0, 1));
  run();
  EXPECT_EQ(reported().size(), 1u);
  EXPECT_EQ(manifest().failed, 1);
  EXPECT_EQ(manifest().open, 0);
}

// Its item is new, and has failed as soon as it was made.
TEST_F(KnownEntry, ThatIsLeftToAPersonAfterARebuildIsTold) {
  platform::Asset kept;
  kept.id = "asset9";
  kept.state = platform::Asset::State::kReady;
  kept.method = "url";
  kept.client_op = to_text(source::OperationTag{"01JZ8Q7KXV3N5T9A2B4C6D8E0F", 1,
                                                source::identity_of_url("k:7", "https://h.example/other.mp4")});
  journal->begin();
  journal->insert(unclaimed_row(kept));
  journal->commit();
  files.write("a.csv", "key,url\n7,https://h.example/film.mp4\n");
  run();
  EXPECT_THAT(results_of("a.csv"), HasSubstr(R"("code":"rebuild_ambiguous")"));
  EXPECT_EQ(manifest().failed, 1);
}

TEST_F(KnownEntry, WaitsOnWhileNoSourceOfTheConfigurationHasItsManifest) {
  auto const source = policy.sources[0];
  clock.now = from_unix_ms(1'760'000'000'000);
  files.write("a.csv", "url,not_before\nhttps://h.example/1.mp4," + std::to_string(1'760'003'600) + "\n");
  run();
  ASSERT_EQ(manifest().waiting, 1);
  clock.now += std::chrono::hours(2);
  auto folder = source;
  folder.manifest.clear();
  for (auto const& sources : {std::vector<SourcePolicy>{}, std::vector<SourcePolicy>{folder}}) {
    policy.sources = sources;
    open();
    run();
    EXPECT_EQ(manifest().waiting, 1);
    EXPECT_TRUE(journal->list_items({}).empty());
  }
  policy.sources = {source};
  open();
  run();
  EXPECT_EQ(journal->list_items({}).size(), 1u);
}

}  // namespace
}  // namespace sluice::stage

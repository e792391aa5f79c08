// DISCOVER and ADMIT: what becomes of a known file that is replaced, comes back, is mended, or is another source's.

#include <gmock/gmock.h>

#include "core/stage/act.h"
#include "core/stage/admit.h"
#include "core/stage/discover.h"
#include "core/stage/mended.h"
#include "core/stage/moves.h"
#include "core/stage/orders.h"
#include "core/upload/file_digest.h"
#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using journal::ItemState;
using testing::HasSubstr;

class OnOneFolder : public StageTest {
 protected:
  OnOneFolder() {
    policy.pipelines.push_back({.name = "footage", .kinds = {"video"}, .filename = *parse_template("{name}")});
    policy.pipelines.push_back({.name = "cast", .kinds = {"image"}, .filename = *parse_template("{name}")});
    policy.sources.push_back({.name = "videos", .root = "/srv/drop", .pipelines = {"footage"}, .rescan = 60s});
  }
  void add_stills() {
    policy.sources.push_back({.name = "stills", .root = "/srv/drop", .pipelines = {"cast"}, .priority = 70});
  }
  void add_file(std::string const& name, std::string const& bytes, std::uint64_t inode = 3) {
    files.files[name] = {
        .print = {.size_bytes = bytes.size(), .mtime_ns = 1, .ctime_ns = std::int64_t(inode), .inode = inode},
        .bytes = bytes};
  }
  // Sweeps of all sources, and a look at what is due then.
  void rescan(Discovery& discovery, Millis later = 61s) {
    now += later;
    discovery.want_all();
    do within([&](Context& ctx) { discovery.run(ctx); });
    while (discovery.at_work());
    now += 10s;
    choose(choose_admit);
  }
  journal::ItemRow latest(std::string const& path) const { return *journal.latest_item("/srv/drop", path); }
  // As its upload leaves it.
  void done(std::string const& path) {
    auto const file = files.open("", path).value();
    change(latest(path), [&](auto& it) {
      it.state = ItemState::kDone;
      it.asset_id = "asset" + std::to_string(it.id);
      it.content_key = upload::content_key_of(file, it.print).value();
      it.effort.due_at.reset();
      it.finished_at = now;
    });
  }
  // A failed item whose file is as it was.
  journal::ItemRow failed(std::string const& reason, std::string const& text, std::int64_t number = 1) {
    auto row = put_item(ItemState::kFailed, number);
    change(row, [&](auto& it) {
      it.reason = reason;
      it.effort.last_error = text;
      it.failed_from = "seen";
    });
    return item(row.id);
  }
};

class Revive : public OnOneFolder {
 protected:
  void make_done(std::string const& bytes) {
    add_file("a.mp4", bytes);
    rescan(discovery_);
    ASSERT_EQ(latest("a.mp4").state, ItemState::kStable);
    done("a.mp4");
  }

  Discovery discovery_{files, policy};
};

class TwoSourcesOnOneFolder : public OnOneFolder {
 protected:
  TwoSourcesOnOneFolder() { add_stills(); }
};

TEST_F(TwoSourcesOnOneFolder, AFileGoesToTheOneThatTakesItsKindAndStaysThere) {
  Discovery discovery(files, policy);
  add_file("a.jpg", "a picture");
  rescan(discovery);
  ASSERT_EQ(latest("a.jpg").source, "videos");
  ASSERT_EQ(latest("a.jpg").reason, "no_pipeline");
  for (int i = 0; i < 3; ++i) rescan(discovery);
  auto const row = latest("a.jpg");
  EXPECT_EQ(row.state, ItemState::kStable);
  EXPECT_EQ(row.source, "stills");
  EXPECT_EQ(row.priority, 70);
  EXPECT_EQ(row.pipeline, "cast");
  EXPECT_EQ(row.generation, 2) << "it was handed over once";
}

TEST_F(TwoSourcesOnOneFolder, AFileThatNoneTakesIsLeftAlone) {
  Discovery discovery(files, policy);
  add_file("a.wav", "a sound");
  for (int i = 0; i < 4; ++i) rescan(discovery);
  EXPECT_EQ(latest("a.wav").state, ItemState::kSkipped);
  EXPECT_EQ(latest("a.wav").generation, 1);
}

TEST_F(TwoSourcesOnOneFolder, TheOneThatHasAFileHasItsNextContentToo) {
  policy.sources[0].pipelines = policy.sources[1].pipelines = {"footage"};
  auto row = journal::item_in(ItemState::kDone, 1);
  row.source = "stills";
  row.path = "a.mp4";
  add_file("a.mp4", "one thing");
  put(row);
  Discovery discovery(files, policy);
  rescan(discovery);
  EXPECT_NE(latest("a.mp4").id, 1);
  EXPECT_EQ(latest("a.mp4").source, "stills") << "though the other is swept first";
}

// What it was skipped by is not changed by looking at it again.
TEST_F(Revive, AFileWhoseSidecarNamesAPipelineOfOtherKindsIsSkippedOnce) {
  policy.sources[0].sidecars = true;
  Discovery discovery(files, policy);
  add_file("a.mp4", "a film");
  add_file("a.mp4.json", R"({"pipeline":"cast"})");
  for (int i = 0; i < 4; ++i) rescan(discovery);
  EXPECT_EQ(latest("a.mp4").reason, "no_pipeline");
  EXPECT_EQ(latest("a.mp4").generation, 1);
}

TEST_F(Revive, AFileThatStillWaitsGoesOnWithTheSourceThatHasItsFolderNow) {
  for (auto const* former : {"gone", "elsewhere"}) {
    SCOPED_TRACE(former);
    auto const name = std::string(former) + ".mp4";
    auto row = journal::item_in(ItemState::kSeen, 1 + std::int64_t(journal.list_items({}).size()));
    row.source = former;
    row.path = name;
    add_file(name, "a film of " + name);
    row.print = files.files[name].print;
    auto const id = put(row);
    policy.sources.resize(1);
    policy.sources.push_back({.name = "elsewhere", .root = "/srv/other", .pipelines = {"footage"}, .swept = false});
    Discovery discovery(files, policy);
    rescan(discovery);
    EXPECT_EQ(item(id).source, "videos");
    EXPECT_EQ(item(id).state, ItemState::kStable);
    EXPECT_EQ(item(id).pipeline, "footage");
  }
}

TEST_F(Revive, AFileOfASourceThatIsNoMoreGoesOnWithTheOneThatFindsItMended) {
  auto row = put_item(ItemState::kFailed);
  ASSERT_NE(row.source, "videos");
  policy.sources[0].name = "renamed";
  files.files[row.path].print.mtime_ns += 1;
  Discovery discovery(files, policy);
  rescan(discovery);
  EXPECT_EQ(item(row.id).source, "renamed");
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
}

TEST(Compare, AnotherInodeAndAnotherCtimeTogetherAreAnotherFile) {
  journal::ItemRow known{.state = ItemState::kDone,
                         .print = {.size_bytes = 9, .mtime_ns = 1, .ctime_ns = 2, .inode = 3}};
  auto fresh = known.print;
  fresh.ctime_ns = 7;
  EXPECT_EQ(compare(known, fresh), Known::kSame) << "a chmod";
  fresh.inode = 8;
  EXPECT_EQ(compare(known, fresh), Known::kReplaced);
  fresh.ctime_ns = 2;
  EXPECT_EQ(compare(known, fresh), Known::kSame) << "a file system that makes up its inodes";
}

TEST_F(Revive, OtherBytesInTheSamePlaceAreTakenThoughSizeAndMtimeAreTheSame) {
  policy.sources[0].duplicates = DuplicatePolicy::kSkip;
  make_done("one thing");
  auto const first = latest("a.mp4").id;
  add_file("a.mp4", "and other", 4);
  rescan(discovery_);
  EXPECT_NE(latest("a.mp4").id, first);
  EXPECT_EQ(latest("a.mp4").state, ItemState::kStable);
}

TEST_F(Revive, TheSameBytesPutBackInTheSamePlaceAreNotSentAgain) {
  for (auto const duplicates : {DuplicatePolicy::kSkip, DuplicatePolicy::kUpload}) {
    policy.sources[0].duplicates = duplicates;
    if (duplicates == DuplicatePolicy::kSkip) make_done("one thing");
    add_file("a.mp4", "one thing", duplicates == DuplicatePolicy::kSkip ? 4 : 5);
    rescan(discovery_);
    EXPECT_EQ(latest("a.mp4").reason, "duplicate");
    EXPECT_EQ(latest("a.mp4").duplicate_of, item(1).ulid);
  }
}

TEST_F(Revive, ASidecarStillSpeaksOfTheSentFileOnceACopyIsInItsPlace) {
  policy.sources[0].duplicates = DuplicatePolicy::kSkip;
  policy.sources[0].sidecars = true;
  Discovery discovery(files, policy);
  add_file("a.mp4", "one thing");
  rescan(discovery);
  done("a.mp4");
  add_file("a.mp4", "one thing", 4);
  rescan(discovery);
  ASSERT_EQ(latest("a.mp4").duplicate_of, item(1).ulid);
  add_file("a.mp4.json", R"({"metadata":{"reel":"R17"}})", 5);
  rescan(discovery);
  ASSERT_EQ(journal.acts_of(1).size(), 1u);
  EXPECT_EQ(journal.acts_of(1)[0].kind, journal::ActKind::kAmend);
  choose(choose_act);
  EXPECT_EQ(journal.acts_of(1)[0].state, journal::ActState::kActing);
}

TEST_F(Revive, OtherBytesInTheSamePlaceAreTakenWhereDuplicatesGoUpToo) {
  make_done("one thing");
  add_file("a.mp4", "and other", 4);
  rescan(discovery_);
  EXPECT_EQ(latest("a.mp4").state, ItemState::kStable);
  EXPECT_NE(latest("a.mp4").id, 1);
}

// As after `sluice journal rebuild`, and a move to another disk.
TEST_F(Revive, AFileOfUnknownContentThatIsCopiedInItsPlaceIsNotSentAgain) {
  policy.sources[0].duplicates = DuplicatePolicy::kSkip;
  make_done("one thing");
  change(latest("a.mp4"), [](auto& it) { it.content_key.clear(); });
  add_file("a.mp4", "one thing", 4);
  rescan(discovery_);
  EXPECT_EQ(latest("a.mp4").duplicate_of, item(1).ulid);
  EXPECT_THAT(latest("a.mp4").effort.last_error, HasSubstr("put back"));
}

// While it goes up the same file is dropped once more: the first is sent to its end, and the second repeats it.
TEST_F(Revive, AFileThatIsDroppedAgainUnderItsUploadIsADuplicateAfterwards) {
  policy.sources[0].duplicates = DuplicatePolicy::kSkip;
  add_file("a.mp4", "one thing");
  rescan(discovery_);
  add_file("a.mp4", "one thing", 4);
  rescan(discovery_);
  ASSERT_EQ(latest("a.mp4").id, 1) << "the upload itself sees to its file";
  add_file("a.mp4", "one thing", 3);
  done("a.mp4");
  add_file("a.mp4", "one thing", 4);
  rescan(discovery_);
  EXPECT_EQ(latest("a.mp4").duplicate_of, item(1).ulid);
}

TEST_F(Revive, PatienceBeginsAnewWithAFileThatComesBack) {
  policy.sources[0].checksum = ChecksumPolicy::kAuto;
  policy.sources[0].max_settle = 24h;
  add_file("a.mp4", "one thing");
  add_file("a.mp4.md5", "00000000000000000000000000000000");
  rescan(discovery_);
  auto const row = latest("a.mp4");
  ASSERT_EQ(row.reason, "checksum_mismatch");
  now += 24h;
  choose(choose_admit);
  ASSERT_EQ(item(row.id).state, ItemState::kFailed);
  add_file("a.mp4", "two things");
  rescan(discovery_);
  EXPECT_EQ(item(row.id).created_at, now - 10s);
  EXPECT_EQ(item(row.id).state, ItemState::kSeen) << "there is a day to mend it";
  EXPECT_EQ(item(row.id).reason, "checksum_mismatch");
}

TEST_F(Revive, PatienceBeginsAnewWithAFileThatChangedUnderItsUploadOrIsRetried) {
  auto const changed = put_item(ItemState::kOpened, 1), retried = failed("empty_file", "", 2);
  now += 48h;
  within([&](Context& ctx) {
    source_changed(ctx, changed);
    EXPECT_TRUE(retry_order(ctx, retried.id));
  });
  EXPECT_EQ(item(changed.id).created_at, now);
  EXPECT_EQ(item(retried.id).created_at, now);
}

TEST_F(Revive, AChecksumMismatchGoesOnWhenTheChecksumFileSaysSomethingElseOrIsGone) {
  policy.sources[0].checksum = ChecksumPolicy::kAuto;
  policy.sources[0].max_settle = 10s;
  for (auto const* name : {"a.mp4", "b.mp4", "c.mp4"}) {
    add_file(name, "one thing");
    add_file(name + std::string(".md5"), "00000000000000000000000000000000");
  }
  rescan(discovery_);
  now += 60s;
  choose(choose_admit);
  ASSERT_EQ(latest("c.mp4").state, ItemState::kFailed);
  files.files.erase("b.mp4.md5");
  add_file("c.mp4.md5", "11111111111111111111111111111111");
  rescan(discovery_);
  EXPECT_EQ(latest("a.mp4").state, ItemState::kFailed) << "nothing is another";
  EXPECT_EQ(latest("a.mp4").generation, 1);
  EXPECT_EQ(latest("b.mp4").state, ItemState::kStable);
  EXPECT_EQ(latest("c.mp4").generation, 2);
}

TEST_F(Revive, AnUnreadableFileGoesOnOnceItsFolderLetsItThroughAndNotBefore) {
  auto const row = failed(kUnreadable, "EACCES");
  policy.sources[0].root = row.root;
  files.files[row.path].open_error = Error{Fault::kSourceIo, "Permission denied", "permission"};
  Discovery discovery(files, policy);
  rescan(discovery);
  EXPECT_EQ(item(row.id).state, ItemState::kFailed);
  EXPECT_EQ(item(row.id).generation, row.generation);
  files.files[row.path].open_error.reset();
  rescan(discovery);
  EXPECT_EQ(item(row.id).generation, row.generation + 1);
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
}

TEST_F(Revive, ASweepTriesABoundedNumberOfUnreadableFilesAndTheNextOneTheOthers) {
  auto const many = std::int64_t(Mended::kLooksMax) + 1;
  for (std::int64_t n = 1; n <= many; ++n) {
    auto const row = failed(kUnreadable, "EACCES", n);
    if (n < many) files.files[row.path].open_error = Error{Fault::kSourceIo, "Permission denied", "permission"};
  }
  auto const readable = item(many);
  policy.sources[0].root = readable.root;
  Discovery discovery(files, policy);
  auto const last = std::prev(files.files.end())->first;
  if (readable.path != last) {  // the folder is listed by name
    files.files[readable.path].open_error = files.files[last].open_error;
    files.files[last].open_error.reset();
  }
  auto const is_back = [&] { return journal.latest_item(readable.root, last)->state != ItemState::kFailed; };
  rescan(discovery);
  EXPECT_FALSE(is_back());
  rescan(discovery);
  EXPECT_TRUE(is_back());
}

}  // namespace
}  // namespace sluice::stage

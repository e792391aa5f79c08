// What a rebuild kept for the files and URLs that come later: theirs, once, and nothing of it is sent again.
#include "core/stage/adopt.h"

#include <gmock/gmock.h>

#include "core/source/entry_key.h"
#include "core/source/identity.h"
#include "core/source/url_parameters.h"
#include "core/stage/admit.h"
#include "core/stage/await_asset.h"
#include "core/stage/finish.h"
#include "core/stage/moves.h"
#include "core/stage/take_url.h"
#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using journal::ItemState;
using journal::SessionState;
using journal::StepState;
using platform::Asset;
using testing::HasSubstr;

std::string const kUlid = "01JZ8Q7KXV3N5T9A2B4C6D8E0F";
constexpr char kUrl[] = "https://media.example/a.mp4?id=7";

class Adopt : public StageTest {
 protected:
  Adopt() {
    policy.hand = {.name = "hand", .pipelines = {"footage"}};
    policy.sources.push_back({.name = "drop", .root = "/srv/drop", .pipelines = {"footage"}, .settle = 5s});
    policy.pipelines.push_back(
        {.name = "footage", .kinds = {"video"}, .filename = *parse_template("{name}"), .indexes = {{.name = "films"}}});
  }
  Asset asset(std::string const& identity, std::string method, Asset::State state = Asset::State::kReady) const {
    Asset made;
    made.id = "asset1";
    made.state = state;
    made.method = std::move(method);
    made.created_at = now - 30min;
    made.client_op = to_text(source::OperationTag{kUlid, 3, identity});
    return made;
  }
  void keep(Asset const& asset) {
    within([&](Context& ctx) { ctx.journal.insert(unclaimed_row(asset)); });
  }
  Result<Added> add(std::string const& url, bool dry_run = false) {
    Result<Added> added = fail(Fault::kLocal, "not asked");
    within([&](Context& ctx) { added = add_url(ctx, policy.hand, {.url = *parse_url(url)}, {}, dry_run); });
    return added;
  }
  // The platform says that the asset is not there, to whoever reads it alone.
  void lose(RowId id) {
    for (int poll = 0; poll < 3; ++poll) {
      land({.errand = budget::Errand::kAwaitAsset, .rows = {id}, .mode = kReadAlone},
           fail(Fault::kGone, "no such asset"));
      now += 1h;
    }
  }
  static std::string identity_of_url(std::string const& url) {
    return identity_of_line(source::entry_key(*parse_url(url), {}), url);
  }
  static std::string identity_of_line(std::string const& key, std::string const& url) {
    return source::identity_of_url(key, source::identity_text(*parse_url(url)));
  }
  // As a manifest's line says it.
  Added line(std::string const& url, journal::RowId corrects = 0, std::optional<WallTime> not_after = {}) {
    std::optional<Added> added;
    within([&](Context& ctx) {
      UrlWish const wish{.url = *parse_url(url), .key = "k:7", .not_after = not_after, .corrects = corrects};
      added = add_url(ctx, policy.hand, wish, {}, false).value();
    });
    return *added;
  }
  // Seen ten seconds ago, written long before, and due.
  journal::ItemRow seen() {
    auto row = journal::item_in(ItemState::kSeen, ++number_);
    row.path = "a.mp4";
    row.print = {.size_bytes = 100, .mtime_ns = 1, .ctime_ns = 2, .inode = 3, .device = 4};
    row.quiet_since = row.created_at = now - 10s;
    files.files[row.path] = {.print = row.print};
    row.id = put(row);
    return row;
  }
  std::string const identity_of_file_ = source::identity_of("/srv/drop", "a.mp4", 100, 1);
  std::int64_t number_ = 0;
};

TEST_F(Adopt, AUrlIsTheItemThatItWasAndNobodyAsksForIt) {
  keep(asset(identity_of_url(kUrl), "url"));
  auto const added = add(kUrl);
  ASSERT_TRUE(added);
  auto const row = item(added->item.id);
  EXPECT_EQ(row.state, ItemState::kSent);
  EXPECT_EQ(row.asset_id, "asset1");
  EXPECT_EQ(row.method, "url");
  EXPECT_EQ(row.ulid, kUlid);
  EXPECT_EQ(row.generation, 3);
  EXPECT_EQ(row.effort.due_at, now);
  EXPECT_FALSE(journal.download_of(row.id)) << "no probe, no download";
  auto const steps = journal.steps_of(row.id);
  ASSERT_EQ(steps.size(), 1u);
  EXPECT_EQ(steps[0].state, StepState::kCreating) << "looked for, before it is made";
  EXPECT_EQ(steps[0].intent.unknown_at, now);
  EXPECT_THAT(journal.events_of(row.id, 1).at(0).note, HasSubstr("kept when the journal was rebuilt"));
  EXPECT_FALSE(journal.unclaimed(identity_of_url(kUrl))) << "there is one of it";
}

TEST_F(Adopt, ADryRunClaimsNothing) {
  keep(asset(identity_of_url(kUrl), "url"));
  ASSERT_TRUE(add(kUrl, true));
  EXPECT_TRUE(journal.unclaimed(identity_of_url(kUrl)));
}

TEST_F(Adopt, AnotherUrlIsFetched) {
  keep(asset(identity_of_url(kUrl), "url"));
  EXPECT_EQ(add("https://media.example/b.mp4")->item.state, ItemState::kStable);
}

TEST_F(Adopt, AUrlWhoseSignatureHasEndedIsFoundAllTheSame) {
  std::string const old = "https://media.example/a.mp4?Expires=1000000000&Signature=s";
  EXPECT_FALSE(add(old));
  keep(asset(identity_of_url(old), "url"));
  ASSERT_TRUE(add(old));
  EXPECT_EQ(journal.item_by_key(source::entry_key(*parse_url(old), {}))->state, ItemState::kSent);
}

// What was downloaded and sent from here is followed as it was sent.
TEST_F(Adopt, AUrlThatWasRelayedKeepsItsMethod) {
  keep(asset(identity_of_url(kUrl), "multipart", Asset::State::kProcessing));
  auto const row = item(add(kUrl)->item.id);
  EXPECT_EQ(row.method, "multipart");
  EXPECT_EQ(row.state, ItemState::kCompleted) << "or it was never finished";
  ASSERT_EQ(journal.sessions_of(row.id).size(), 1u);
  EXPECT_EQ(journal.sessions_of(row.id)[0].state, SessionState::kExpired);
  EXPECT_FALSE(journal.download_of(row.id));
}

TEST_F(Adopt, AUrlIsCalledTheSameWhateverIsKnownOfItsSize) {
  journal::ItemRow row{.ulid = kUlid,
                       .path = "https://h.example/a.mp4",
                       .key = "k:one",
                       .url = SecretUrl("https://h.example/a.mp4?id=7&Expires=4000000000&Signature=s"),
                       .print = {.size_bytes = 7, .mtime_ns = 5}};
  auto const own = source::identity_of_url("k:one", "https://h.example/a.mp4?id=7");
  EXPECT_EQ(identity_of(row), own);
  row.url = SecretUrl("https://h.example/a.mp4?id=7&Expires=4100000000&Signature=t");
  EXPECT_EQ(identity_of(row), own) << "signed anew";
  row.client_op = operation_tag(row);
  row.url = {};
  EXPECT_EQ(identity_of(row), own) << "as it was called while its URL was known";
}

// A line that was corrected under its key, and the journal that knew it lost.
TEST_F(Adopt, ALineIsGivenTheAssetOfItsUrlAndNotThatOfItsKey) {
  keep(asset(identity_of_line("k:7", "https://h.example/right.mp4?id=1"), "url"));
  auto wrong = asset(identity_of_line("k:7", "https://h.example/wrong.mp4"), "url");
  wrong.id = "asset2";
  keep(wrong);
  auto const row = item(line("https://h.example/right.mp4?id=1&Expires=1000000000&Signature=s").item.id);
  EXPECT_EQ(row.state, ItemState::kSent);
  EXPECT_EQ(row.asset_id, "asset1");
}

TEST_F(Adopt, ALineOfWhoseKeyOnlyAnotherUrlsAssetIsThereIsLeftToAPerson) {
  keep(asset(identity_of_line("k:7", "https://h.example/wrong.mp4"), "url"));
  auto const first = line("https://h.example/right.mp4").item;
  auto const row = item(first.id);
  EXPECT_EQ(row.state, ItemState::kFailed);
  EXPECT_EQ(row.reason, "rebuild_ambiguous");
  EXPECT_EQ(row.asset_id, "");
  EXPECT_THAT(row.effort.last_error, HasSubstr("asset1"));
  auto const other = line("https://h.example/other.mp4", first.id).item;
  EXPECT_EQ(other.state, ItemState::kFailed) << "nobody has decided";
  auto const back = line("https://h.example/right.mp4?Expires=4000000000&Signature=s", other.id).item;
  EXPECT_EQ(back.id, first.id);
  EXPECT_EQ(back.state, ItemState::kFailed) << "nor by that";
  EXPECT_EQ(line("https://h.example/right.mp4?Expires=4100000000&Signature=t", first.id).item.state,
            ItemState::kFailed);
  within([&](Context& ctx) { EXPECT_TRUE(retry_order(ctx, ctx.journal.item_by_key("k:7")->id)); });
  EXPECT_EQ(journal.item_by_key("k:7")->state, ItemState::kStable) << "a person said so: it is sent";
}

TEST_F(Adopt, ALineThatIsCorrectedAfterTheRebuildIsSent) {
  keep(asset(identity_of_line("k:7", "https://h.example/a.mp4"), "url"));
  auto old = asset(identity_of_line("k:7", "https://h.example/older.mp4"), "url");
  old.id = "asset2";
  keep(old);
  auto const first = line("https://h.example/a.mp4").item.id;
  change(item(first), [&](auto& row) {
    row.state = ItemState::kFailed;
    row.reason = "refused";
    row.failed_from = "sent";
    row.finished_at = now;
  });
  EXPECT_EQ(line("https://h.example/b.mp4", first).item.state, ItemState::kStable);
}

TEST_F(Adopt, ALineWhoseNotAfterIsOverIsFoundAllTheSame) {
  keep(asset(identity_of_line("k:7", "https://h.example/a.mp4"), "url"));
  EXPECT_EQ(line("https://h.example/a.mp4", 0, now - 1h).item.state, ItemState::kSent);
}

TEST_F(Adopt, AFileThatComesBackAsItWasIsNotSent) {
  keep(asset(identity_of_file_, "direct"));
  auto const row = seen();
  choose(choose_admit);
  auto const adopted = item(row.id);
  EXPECT_EQ(adopted.state, ItemState::kSent);
  EXPECT_EQ(adopted.asset_id, "asset1");
  EXPECT_EQ(adopted.method, "direct");
  ASSERT_EQ(journal.steps_of(row.id).size(), 1u);
  EXPECT_EQ(journal.steps_of(row.id)[0].state, StepState::kCreating);
  EXPECT_FALSE(journal.unclaimed(identity_of_file_));
}

// Another file of its name, size and time may have come: a camera without a clock writes such.
TEST_F(Adopt, AFileThatComesBackIsNotPutAwaySinceNobodyComparedItsBytes) {
  policy.sources[0].after_success = {.what = AfterEnd::What::kDelete, .move_to = {}};
  policy.pipelines[0].indexes.clear();
  keep(asset(identity_of_file_, "direct"));
  auto const row = seen();
  choose(choose_admit);
  choose(choose_admit);
  ASSERT_EQ(item(row.id).state, ItemState::kSent);
  within([&](Context& ctx) { asset_became_ready(ctx, item(row.id)); });
  choose(choose_finish);
  EXPECT_EQ(item(row.id).state, ItemState::kDone);
  EXPECT_TRUE(journal.acts_of(row.id).empty());
}

TEST_F(Adopt, WhatIsGoneBeforeItsFileCameBackIsSentAgainWithItsSteps) {
  keep(asset(identity_of_file_, "direct"));
  auto const row = seen();
  choose(choose_admit);
  choose(choose_admit);
  ASSERT_EQ(journal.steps_of(row.id).at(0).state, StepState::kCreating);
  lose(row.id);
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
  EXPECT_EQ(item(row.id).generation, 2);
  EXPECT_EQ(journal.steps_of(row.id).at(0).state, StepState::kWaiting);
}

TEST_F(Adopt, ARelayedUrlWhoseAssetIsGoneIsDownloadedAgain) {
  keep(asset(identity_of_url(kUrl), "direct"));
  auto const id = add(kUrl)->item.id;
  ASSERT_EQ(item(id).method, "direct");
  lose(id);
  EXPECT_EQ(item(id).state, ItemState::kStable);
  EXPECT_EQ(item(id).method, "relay");
  EXPECT_EQ(item(id).print, ports::FilePrint());
}

TEST_F(Adopt, AFileOfAnotherSizeThanTheAssetIsSent) {
  auto other = asset(identity_of_file_, "direct");
  other.size_bytes = 99;
  keep(other);
  auto const row = seen();
  choose(choose_admit);
  EXPECT_EQ(item(row.id).state, ItemState::kStable);
}

// It was fetched by the platform then, whoever would fetch it now; and a file was never.
TEST_F(Adopt, IsFollowedByTheMethodOfItsAssetWhereThatIsOneThatItCanHave) {
  policy.hand.fetch = FetchPolicy::kRelay;
  keep(asset(identity_of_url(kUrl), "url"));
  EXPECT_EQ(item(add(kUrl)->item.id).method, "url");
  keep(asset(identity_of_file_, "url"));
  auto const row = seen();
  choose(choose_admit);
  EXPECT_EQ(item(row.id).asset_id, "asset1");
  EXPECT_EQ(item(row.id).method, "direct") << "as it would go up";
}

}  // namespace
}  // namespace sluice::stage

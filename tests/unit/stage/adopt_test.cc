// What a rebuild kept for the files and URLs that come later: theirs, once, and nothing of it is sent again.
#include "core/stage/adopt.h"

#include <gmock/gmock.h>

#include "core/source/entry_key.h"
#include "core/source/identity.h"
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
    return source::identity_of("", source::entry_key(*parse_url(url), {}), 0, 0);
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
  journal::ItemRow row{.key = "k:one", .print = {.size_bytes = 7, .mtime_ns = 5}};
  EXPECT_EQ(identity_of(row), source::identity_of("", "k:one", 0, 0));
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

}  // namespace
}  // namespace sluice::stage

// A download that meets trouble: the spool, its disk, its host and the network are not what they should be.
#include <gmock/gmock.h>

#include "core/stage/entry_row.h"
#include "core/stage/prune.h"
#include "tests/unit/stage/fetch_fixture.h"

namespace sluice::stage {
namespace {

using budget::Errand;
using journal::ItemState;

// Whoever removed it: a new file would hold zeros where the first pieces were.
TEST_F(FetchPiece, BeginsAnewWhereItsFileVanishedBeforeItWasWhole) {
  auto const id = add();
  choose_some();
  answer(id, piece(0, std::string(8 * kMiB, 'x'), 20 * kMiB));
  choose_twice();
  ASSERT_NE(download(id).have, "");
  files.files.erase(item(id).ulid);
  answer(id, piece(8 * kMiB, std::string(8 * kMiB, 'x'), 20 * kMiB));
  choose_twice();
  EXPECT_EQ(item(id).reason, ports::kSpoolLost);
  EXPECT_EQ(download(id).have, "");
  now = *item(id).effort.due_at;
  choose_some();
  EXPECT_EQ(header(left.at(0), "range"), "bytes=0-8388607");
}

// A disk may be slow: what was written of a content that was given up says nothing of the next one.
TEST_F(FetchPiece, TakesNoWriteOfBeforeForOneOfNow) {
  auto const id = add();
  choose_some();
  lanes.at_once = false;
  answer(id, piece(0, std::string(8 * kMiB, 'a'), 20 * kMiB));
  turn([&](Context& ctx) { cancel_order(ctx, id).value(); });
  turn([&](Context& ctx) { retry_order(ctx, id).value(); });
  choose_some();
  answer(id, piece(0, std::string(8 * kMiB, 'b'), 20 * kMiB));
  auto& [lane, ticket, work] = lanes.pieces.front();
  std::exchange(work, nullptr)();
  lanes.done.push_back(ticket);
  scout.collect(now);
  choose_some();
  EXPECT_EQ(download(id).have, "") << "the first write has ended, and the second has not";
}

TEST_F(FetchPiece, RemovesAFileThatCameAgainOnceMore) {
  auto const id = add();
  for (std::size_t time = 1; time <= 3; ++time) {
    choose_some();
    answer(id, piece(0, std::string(8 * kMiB, 'x'), 20 * kMiB));
    choose_twice();
    turn([&](Context& ctx) { cancel_order(ctx, id).value(); });
    choose_twice();
    EXPECT_EQ(spool.removed.size(), time);
    turn([&](Context& ctx) { retry_order(ctx, id).value(); });
    now += Millis(1'000);
  }
}

// Of 20 MiB the first 8 are there when its signature ends.
class ParkedDownload : public FetchPiece {
 protected:
  RowId fail_in_the_middle(std::string const& name = "a.mp4") {
    auto const url = "https://media.example/" + name + "?Signature=old&Expires=";
    auto const id = add(url + std::to_string(to_unix_ms(now + Millis(60'000)) / 1'000));
    choose_some();
    answer(id, piece(0, std::string(8 * kMiB, 'x'), 20 * kMiB));
    choose_twice();
    now += Millis(60'000);
    while (traffic.in_air(Errand::kFetchPiece) > 0 && item(id).state == ItemState::kStable) answer(id, status(403));
    choose_twice();
    EXPECT_EQ(item(id).reason, kNeedsNewUrl);
    return id;
  }
  RowId sign_anew(std::string const& name = "a.mp4") {
    auto const url = "https://media.example/" + name + "?Signature=new&Expires=";
    return add(url + std::to_string(to_unix_ms(now + Millis(60'000)) / 1'000));
  }
};

TEST_F(ParkedDownload, GoesOnByAFreshUrlWhereTheOldOneEnded) {
  auto const id = fail_in_the_middle();
  EXPECT_TRUE(spool.removed.empty());
  EXPECT_EQ(sign_anew(), id);
  choose_some();
  ASSERT_FALSE(left.empty());
  EXPECT_EQ(header(left[0], "range"), "bytes=8388608-16777215");
  EXPECT_EQ(header(left[0], "if-range"), "\"1\"");
  EXPECT_NE(std::get<SecretUrl>(left[0].target).reveal_for_wire().find("Signature=new"), std::string::npos);
}

TEST_F(ParkedDownload, GivesItsRoomToOthersTheOldestFirst) {
  policy.spool_max_bytes = 50 * kMiB;
  auto const first = fail_in_the_middle("1.mp4");
  auto const second = fail_in_the_middle("2.mp4");
  auto const other = add("https://media.example/other.mp4");
  choose_some();
  answer(other, piece(0, std::string(8 * kMiB, 'y'), 30 * kMiB));
  choose_twice();
  EXPECT_EQ(spool.removed, std::vector{item(first).ulid});
  EXPECT_EQ(download(first).have, "");
  EXPECT_NE(download(second).have, "");
  EXPECT_NE(download(other).have, "") << "it did not wait";
}

TEST_F(ParkedDownload, KeepsItsRoomWhereThatWouldNotHelpAnybody) {
  policy.spool_max_bytes = 30 * kMiB;
  auto const id = fail_in_the_middle();
  auto const active = sign_anew("active.mp4");
  choose_some();
  answer(active, piece(0, std::string(8 * kMiB, 'y'), 9 * kMiB));
  auto const large = add("https://media.example/large.mp4");
  choose_some();
  answer(large, piece(0, std::string(8 * kMiB, 'y'), 25 * kMiB));
  EXPECT_EQ(item(large).reason, kSpoolFull);
  EXPECT_NE(download(id).have, "");
}

TEST_F(ParkedDownload, IsGivenUpAfterAWeek) {
  auto const id = fail_in_the_middle();
  Pruning pruning;
  turn([&](Context& ctx) { pruning.run(ctx); });
  now += policy.keep_chunks + Millis(1);
  turn([&](Context& ctx) { pruning.run(ctx); });
  choose_twice();
  EXPECT_EQ(spool.removed, std::vector{item(id).ulid});
  EXPECT_EQ(journal.reserved_bytes(), 0u);
}

TEST_F(FetchPiece, RemovesNothingBeforeItIsCommittedThatNobodyNeedsIt) {
  auto const id = add();
  choose_some();
  answer(id, piece(0, "film", 4));
  choose_twice();
  turn([&](Context& ctx) {
    cancel_order(ctx, id).value();
    choose_fetch_piece(ctx);
    EXPECT_TRUE(spool.removed.empty());
  });
  choose_some();
  EXPECT_EQ(spool.removed.size(), 1u);
}

TEST_F(FetchPiece, TakesNoAnswerForWholeThatMayHaveBrokenOff) {
  auto const id = add();
  choose_some();
  answer(id, whole("fi"));
  EXPECT_EQ(item(id).reason, "no_length");
  auto const chunked = add("https://media.example/chunked.mp4");
  auto const promised = add(UrlWish{.url = *parse_url("https://media.example/promised.mp4"), .size_bytes = 4});
  choose_some();
  answer(chunked, whole("film", {{"transfer-encoding", "chunked"}}));
  answer(promised, whole("film"));
  choose_twice();
  EXPECT_EQ(item(chunked).method, "direct");
  EXPECT_EQ(item(promised).method, "direct");
}

TEST_F(FetchPiece, OfAHostWithoutRangesWaitsForTheDiskHoweverLongItIsFull) {
  auto const id = add();
  spool.trouble = Error{Fault::kLocal, "the spool: No space left on device", ports::kNoSpace};
  for (int i = 0; i < 10; ++i) {
    choose_some();
    answer(id, whole("film", {{"content-length", "4"}}));
    choose_some();
    ASSERT_EQ(item(id).reason, kSpoolFull) << i;
    now += Millis(30'000);
  }
  spool.trouble.reset();
  choose_some();
  answer(id, whole("film!", {{"content-length", "5"}}));
  choose_twice();
  EXPECT_EQ(item(id).method, "direct");
  EXPECT_EQ(item(id).print.size_bytes, 5u);
}

TEST_F(FetchPiece, HoldsASizeAgainstWhatWasPromisedAndNothingElse) {
  auto const sized = add(UrlWish{.url = *parse_url("https://media.example/1.mp4"), .size_bytes = 20 * kMiB});
  choose_some();
  answer(sized, piece(0, std::string(8 * kMiB, 'a'), 20 * kMiB));
  choose_twice();
  answer(sized, piece(8 * kMiB, std::string(8 * kMiB, 'b'), 20 * kMiB, {{"etag", "\"2\""}}));
  now = *item(sized).effort.due_at;
  choose_some();
  answer(sized, piece(0, std::string(8 * kMiB, 'b'), 12 * kMiB, {{"etag", "\"2\""}}));
  EXPECT_EQ(item(sized).reason, "size_mismatch") << "also after the content has changed";
  auto const grew = add("https://media.example/2.mp4");
  choose_some();
  answer(grew, piece(0, std::string(8 * kMiB, 'a'), 20 * kMiB));
  choose_twice();
  turn([&](Context& ctx) { cancel_order(ctx, grew).value(); });
  turn([&](Context& ctx) { retry_order(ctx, grew).value(); });
  choose_some();
  answer(grew, piece(0, "a film", 6));
  choose_twice();
  EXPECT_EQ(item(grew).method, "direct") << "nobody had promised anything";
}

TEST_F(FetchPiece, GivesASlowHostNoMoreThanItsShare) {
  policy.fetch_bytes = 8 * kMiB;  // four pieces of 2 MiB
  auto const slow = add("https://slow.example/1.mp4");
  choose_some();
  answer(slow, piece(0, std::string(2 * kMiB, 'x'), 90 * kMiB));
  choose_twice();
  EXPECT_EQ(traffic.in_air(Errand::kFetchPiece), 4u);
  auto const fast = add("https://fast.example/2.mp4");
  for (int i = 0; i < 2; ++i) {
    choose_some();
    answer(slow, piece(2 * kMiB, std::string(2 * kMiB, 'x'), 90 * kMiB));
  }
  choose_twice();
  std::size_t of_fast = 0;
  for (auto const& [ticket, flight] : traffic.flights(Errand::kFetchPiece)) of_fast += flight.item == fast ? 1 : 0;
  EXPECT_GT(of_fast, 0u);
}

// 20 MiB are on their way into a spool of 40, and 30 from slow.example wait for their room: others wait behind them.
class HeldDoor : public FetchPiece {
 protected:
  HeldDoor() {
    policy.spool_max_bytes = 40 * kMiB;
    first = begun("https://media.example/1.mp4", 20);
    large = begun("https://slow.example/2.mp4", 30);
    EXPECT_EQ(item(large).reason, kSpoolFull);
    next = add("https://other.example/3.mp4");
    choose_some();
    EXPECT_EQ(item(next).reason, kSpoolFull);
  }
  RowId begun(std::string const& url, std::uint64_t mib) {
    auto const id = add(url);
    choose_some();
    answer(id, piece(0, std::string(8 * kMiB, 'x'), mib * kMiB));
    return id;
  }
  bool begins(RowId id) {
    for (int time = 0; time < 2; ++time) {
      now += policy.poll_min;
      choose_some();
    }
    return download(id).state == journal::DownloadState::kFetching;
  }
  RowId first = 0, large = 0, next = 0;
};

TEST_F(HeldDoor, IsGivenUpByAFileThatTheSpoolWasMadeTooSmallFor) {
  policy.spool_max_bytes = 25 * kMiB;
  EXPECT_TRUE(begins(next));
  EXPECT_EQ(item(large).state, ItemState::kFailed);
  EXPECT_EQ(item(large).reason, "spool_too_small");
}

TEST_F(HeldDoor, IsGivenUpWhileItsHostWantsAPause) {
  auto const until = now + Millis(3'600'000);
  spooling.hosts().pause(host_of("https://slow.example/2.mp4"), until);
  EXPECT_TRUE(begins(next));
  EXPECT_EQ(item(large).effort.due_at, until);
}

TEST_F(HeldDoor, IsKeptElse) { EXPECT_FALSE(begins(next)); }

// Its items have the name that the source had when they were made.
TEST_F(FetchPiece, OfALineMayCallWhatTheSourceOfItsManifestMayWhateverItIsNamedNow) {
  SourcePolicy source{.name = "partner", .root = "/feeds", .pipelines = {"footage"}, .fetch = FetchPolicy::kRelay};
  source.manifest = "*.csv";
  auto hosts = std::make_shared<AllowedHosts>();
  ASSERT_EQ(hosts->add("media.example"), "");
  source.allow_hosts = hosts;
  policy.sources = {source};
  RowId id = 0;
  turn([&](Context& ctx) {
    id = add_url(ctx, policy.sources[0], {.url = *parse_url("http://media.example/a.mp4")}, {}, false)->item.id;
    auto const manifest = ctx.journal.insert(
        journal::ManifestRow{.source = "renamed", .root = "/feeds", .path = "a.csv", .created_at = now});
    ASSERT_TRUE(ctx.journal.insert_if_new({.manifest_id = manifest,
                                           .item_key = packed_key(item(id).key),
                                           .state = journal::EntryState::kTaken,
                                           .item_id = id}));
  });
  policy.sources[0].name = "renamed";
  choose_some();
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].stranger->allowed, source.allow_hosts);
}

}  // namespace
}  // namespace sluice::stage

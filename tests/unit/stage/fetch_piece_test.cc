// A URL that Sluice downloads: piece by piece into the spool, of one content, and up from there as a file goes.
#include "core/stage/fetch_piece.h"

#include <gmock/gmock.h>

#include "tests/unit/stage/fetch_fixture.h"

namespace sluice::stage {
namespace {

using budget::Errand;
using journal::DownloadState;
using journal::ItemState;
using testing::HasSubstr;

TEST_F(FetchPiece, BeginsWithOneCallThatTellsTheSize) {
  auto const id = add();
  EXPECT_EQ(item(id).method, "relay");
  choose_some();
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(std::get<SecretUrl>(left[0].target), SecretUrl("https://media.example/a.mp4?token=1"));
  EXPECT_EQ(header(left[0], "range"), "bytes=0-8388607");
  EXPECT_EQ(header(left[0], "if-range"), "");
  EXPECT_EQ(header(left[0], "accept-encoding"), "identity");
  ASSERT_TRUE(left[0].stranger);
  EXPECT_EQ(left[0].stranger->body_bytes_max, 8 * kMiB);
  choose_some();
  EXPECT_TRUE(left.empty()) << "nothing more is asked for before the size is known";
}

TEST_F(FetchPiece, GoesUpAsAFileDoesOnceAllIsSynced) {
  auto const id = add();
  choose_some();
  answer(id, piece(0, "film", 4));
  choose_twice();
  auto const row = item(id);
  EXPECT_EQ(row.state, ItemState::kStable);
  EXPECT_EQ(row.method, "direct");
  EXPECT_EQ(row.print.size_bytes, 4u);
  EXPECT_EQ(row.print.inode, 7u);
  EXPECT_TRUE(is_spooled(row));
  EXPECT_EQ(download(id).state, DownloadState::kFetched);
  EXPECT_EQ(files.files.at(row.ulid).bytes, "film");
  turn([&](Context& ctx) {
    auto const file = ctx.sources.get(row);
    ASSERT_TRUE(file);
    EXPECT_TRUE(*file);
  });
}

TEST_F(FetchPiece, AsksForFourPiecesAtATimeOfTheContentThatWasMet) {
  auto const id = add();
  choose_some();
  answer(id, piece(0, std::string(8 * kMiB, 'x'), 100 * kMiB, {{"etag", "\"1\""}, {"last-modified", "Mon"}}));
  choose_twice();
  ASSERT_EQ(left.size(), 4u);
  EXPECT_EQ(header(left[0], "range"), "bytes=8388608-16777215");
  EXPECT_EQ(header(left[3], "range"), "bytes=33554432-41943039");
  EXPECT_EQ(header(left[0], "if-range"), "\"1\"");
  EXPECT_EQ(download(id).reserved_bytes, 100 * kMiB);
  EXPECT_EQ(item(id).print.size_bytes, 100 * kMiB) << "people see how large it is";
}

TEST_F(FetchPiece, OfALargeFileIsAnUploadSession) {
  auto const id = add();
  fetch_all(id, 50);
  EXPECT_EQ(item(id).method, "multipart");
  EXPECT_EQ(download(id).state, DownloadState::kFetched);
}

TEST_F(FetchPiece, KeepsOfABrokenPieceTheBlocksThatAreWhole) {
  auto const id = add();
  choose_some();
  auto broken = piece(0, std::string(8 * kMiB, 'x'), 20 * kMiB);
  broken.is_cut = true;
  broken.payload = std::make_shared<std::string>(3 * kMiB + 77, 'x');
  answer(id, broken);
  choose_twice();
  EXPECT_EQ(header(left.at(0), "range"), "bytes=3145728-11534335");
  EXPECT_EQ(item(id).effort.attempts, 0u) << "it went on";
}

TEST_F(FetchPiece, HoldsNoMoreInMemoryThanItMay) {
  policy.fetch_bytes = 40 * kMiB;
  EXPECT_EQ(pieces_max(policy), 5u);
  std::vector<RowId> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(add("https://host" + std::to_string(i) + ".example/a.mp4"));
  choose_some();
  for (auto const id : ids) answer(id, piece(0, std::string(8 * kMiB, 'x'), 100 * kMiB));
  choose_twice();
  EXPECT_EQ(traffic.in_air(Errand::kFetchPiece) + spooling.writing(), 5u);
  policy.fetch_bytes = kMiB;
  EXPECT_EQ(pieces_max(policy), 1u);
  EXPECT_EQ(blocks_per_piece(policy), 1u);
}

TEST_F(FetchPiece, BeginsAnewWhereTheContentChangedAndGivesUpTheFourthTime) {
  auto const id = add();
  for (int time = 0; time < 4; ++time) {
    choose_twice();
    answer(id, piece(0, std::string(8 * kMiB, 'a'), 20 * kMiB));
    choose_twice();
    ASSERT_EQ(traffic.in_air(Errand::kFetchPiece), 2u) << time;
    answer(id, time % 2 == 0 ? piece(8 * kMiB, std::string(8 * kMiB, 'b'), 20 * kMiB, {{"etag", "\"2\""}})
                             : ports::Reply(status(200)));
    EXPECT_EQ(download(id).have, "") << "never a mixture";
    EXPECT_EQ(download(id).reserved_bytes, 0u);
    now += Millis(600'000);
  }
  EXPECT_EQ(item(id).state, ItemState::kFailed);
  EXPECT_EQ(item(id).reason, "source_changed");
  EXPECT_EQ(traffic.in_air(Errand::kFetchPiece), 0u);
}

TEST_F(FetchPiece, TakesAHostWithoutRangesWhereOnePieceIsAll) {
  auto const small = add("https://media.example/small.mp4");
  choose_some();
  answer(small, whole("film", {{"content-length", "4"}}));
  choose_twice();
  EXPECT_EQ(item(small).method, "direct");
  auto const large = add("https://media.example/large.mp4");
  choose_some();
  auto cut = status(200);
  cut.payload = std::make_shared<std::string>(8 * kMiB, 'x');
  cut.is_cut = true;
  answer(large, cut);
  EXPECT_EQ(item(large).reason, "no_ranges");
}

TEST_F(FetchPiece, RefusesWhatIsNoFileOrNotTheOneThatWasPromised) {
  struct Row {
    ports::Reply reply;
    char const* reason;
  };
  policy.limits.multipart_video_bytes = 200 * kMB;
  policy.spool_max_bytes = 100 * kMiB;
  auto const html = piece(0, "<html>", 6, {{"content-type", "text/html"}});
  auto const zipped = piece(0, "zip", 3, {{"content-encoding", "gzip"}});
  auto const undated = piece(0, std::string(8 * kMiB, 'x'), 20 * kMiB, {});
  for (auto const& [reply, reason] :
       {Row{html, "not_media"}, Row{zipped, "not_media"}, Row{undated, "no_validator"},
        Row{piece(0, "x", 201 * kMB), "too_large"}, Row{piece(0, "x", 150 * kMiB), "spool_too_small"},
        Row{status(416, {{"content-range", "bytes */0"}}), "empty_file"}, Row{status(206), "no_ranges"},
        Row{status(403), "fetch_refused"}, Row{status(404), "fetch_gone"}, Row{status(410), "fetch_gone"},
        Row{status(400), "fetch_refused"}, Row{status(302), "bad_redirect"},
        Row{status(302, {{"location", "http://other.example/a"}}), "http_denied"},
        Row{status(302, {{"location", "file:///etc/passwd"}}), "bad_redirect"}}) {
    static int number = 0;
    auto const id = add("https://media.example/" + std::to_string(++number) + ".mp4");
    choose_some();
    answer(id, reply);
    EXPECT_EQ(item(id).state, ItemState::kFailed) << reason;
    EXPECT_EQ(item(id).reason, reason);
  }
  auto const id = add(UrlWish{.url = *parse_url("https://media.example/sized.mp4"), .size_bytes = 5});
  choose_some();
  answer(id, piece(0, "film", 4));
  EXPECT_EQ(item(id).reason, "size_mismatch");
}

TEST_F(FetchPiece, TriesAgainWhatMayHealAndWaitsAsLongAsTheHostAsks) {
  auto const id = add();
  choose_some();
  answer(id, status(500));
  EXPECT_EQ(item(id).effort.attempts, 1u);
  now = *item(id).effort.due_at;
  choose_some();
  answer(id, fail(Fault::kOffline, "connect: refused"));
  EXPECT_EQ(item(id).effort.attempts, 1u) << "nobody has answered lately: there may be no network";
  now = *item(id).effort.due_at;
  choose_some();
  spooling.hosts().heard(now);
  answer(id, fail(Fault::kOffline, "connect: refused"));
  EXPECT_EQ(item(id).effort.attempts, 2u) << "the host's affair: others answer";
  now = *item(id).effort.due_at;
  choose_some();
  answer(id, status(429, {{"retry-after", "120"}}));
  EXPECT_EQ(item(id).effort.attempts, 2u);
  EXPECT_EQ(item(id).effort.due_at, now + Millis(120'000));
  EXPECT_EQ(item(id).reason, "throttled");
  auto const other = add("https://media.example/b.mp4");
  choose_some();
  EXPECT_TRUE(left.empty()) << "the same host";
  EXPECT_EQ(item(other).effort.due_at, now + Millis(120'000)) << "it holds no place meanwhile";
  EXPECT_EQ(download(other).state, DownloadState::kWanted);
  add("https://else.example/c.mp4");
  choose_some();
  EXPECT_EQ(left.size(), 1u);
  now += Millis(120'000);
  choose_some();
  EXPECT_EQ(left.size(), 2u);
}

TEST_F(FetchPiece, FailsOnceItsAttemptsAreUsedUp) {
  auto const id = add();
  for (std::uint32_t i = 0; i < policy.retry_attempts; ++i) {
    choose_some();
    answer(id, status(500));
    if (item(id).effort.due_at) now = *item(id).effort.due_at;
  }
  EXPECT_EQ(item(id).state, ItemState::kFailed);
  EXPECT_EQ(item(id).failed_from, "stable");
}

TEST_F(FetchPiece, IsNotConnectedToWhereItMustNotBe) {
  auto const id = add();
  choose_some();
  answer(id, fail(Fault::kOffline, "refused: 10.0.0.1 is a private address", ports::kAddressDenied));
  EXPECT_EQ(item(id).state, ItemState::kFailed);
  EXPECT_EQ(item(id).reason, "address_denied");
}

TEST_F(FetchPiece, FollowsFiveRedirectsAndKeepsWhereTheyLed) {
  auto const id = add();
  choose_some();
  for (int hop = 1; hop <= 5; ++hop) {
    answer(id, status(302, {{"location", "https://cdn" + std::to_string(hop) + ".example/x?sig=S"}}));
    ASSERT_EQ(left.size(), 1u) << hop;
    EXPECT_EQ(std::get<SecretUrl>(left[0].target), SecretUrl("https://cdn" + std::to_string(hop) + ".example/x?sig=S"));
    EXPECT_EQ(header(left[0], "range"), "bytes=0-8388607");
    EXPECT_TRUE(left[0].stranger) << "judged anew at each hop";
  }
  answer(id, piece(0, std::string(8 * kMiB, 'x'), 20 * kMiB));
  choose_twice();
  EXPECT_EQ(std::get<SecretUrl>(left.at(0).target), SecretUrl("https://cdn5.example/x?sig=S"));
  answer(id, status(403));
  EXPECT_EQ(item(id).state, ItemState::kStable) << "its signature ended: asked for again where it came from";
  EXPECT_TRUE(download(id).url.empty());
  auto const round = add("https://media.example/round.mp4");
  choose_some();
  for (int hop = 1; hop <= 6; ++hop) answer(round, status(307, {{"location", "/round.mp4"}}));
  EXPECT_EQ(item(round).reason, "too_many_redirects");
}

TEST_F(FetchPiece, WaitsForRoomInTheSpoolInTheOrderInWhichItWasMissed) {
  policy.spool_max_bytes = 100 * kMiB;
  auto const first = add("https://a.example/1.mp4");
  auto const large = add("https://b.example/2.mp4");
  choose_some();
  answer(first, piece(0, std::string(8 * kMiB, 'x'), 60 * kMiB));
  answer(large, piece(0, std::string(8 * kMiB, 'x'), 70 * kMiB));
  EXPECT_EQ(item(large).reason, kSpoolFull);
  EXPECT_THAT(item(large).effort.last_error, HasSubstr("the spool holds"));
  EXPECT_EQ(item(large).effort.attempts, 0u);
  auto const small = add("https://c.example/3.mp4");
  choose_some();
  for (auto const& [ticket, flight] : traffic.flights(Errand::kFetchPiece))
    EXPECT_EQ(flight.item, first) << "nobody asks for what has no room";
  EXPECT_EQ(item(small).reason, kSpoolFull) << "it might fit, and would keep the larger one out for ever";
  auto const events = journal.events_of(large, 100).size();
  for (int i = 0; i < 10; ++i) {
    now += policy.poll_min;
    choose_some();
  }
  EXPECT_EQ(journal.events_of(large, 100).size(), events) << "to wait is no event";
  EXPECT_EQ(journal.reserved_bytes(), 60 * kMiB);

  turn([&](Context& ctx) { cancel_order(ctx, first).value(); });
  EXPECT_EQ(journal.reserved_bytes(), 0u);
  now += policy.poll_min;
  choose_some();
  EXPECT_EQ(spool.removed, std::vector<std::string>({item(first).ulid}));
  EXPECT_EQ(journal.reserved_bytes(), 70 * kMiB);
  now += policy.poll_min;
  choose_some();
  answer(small, piece(0, std::string(8 * kMiB, 'x'), 9 * kMiB));
  EXPECT_EQ(journal.reserved_bytes(), 79 * kMiB) << "both fit now";
}

TEST_F(FetchPiece, WaitsWhileTheDiskIsFull) {
  auto const id = add();
  choose_some();
  spool.trouble = Error{Fault::kLocal, "the spool: No space left on device", ports::kNoSpace};
  answer(id, piece(0, "film", 4));
  choose_some();
  EXPECT_EQ(item(id).reason, kSpoolFull);
  EXPECT_EQ(download(id).have, "") << "it is not there before it is synced";
  spool.trouble.reset();
  now += Millis(30'000);
  choose_some();
  answer(id, piece(0, "film", 4));
  choose_twice();
  EXPECT_EQ(item(id).method, "direct");
}

TEST_F(FetchPiece, HoldsTheWholeAgainstItsChecksum) {
  UrlWish wish{.url = *parse_url("https://media.example/good.mp4")};
  wish.md5 = "7c37be7260f8cd7c1f5e4dbdd7bc5b23";  // of "test" it is another
  auto const bad = add(wish);
  choose_some();
  answer(bad, piece(0, "test", 4));
  choose_twice();
  EXPECT_EQ(item(bad).reason, "checksum_mismatch");
  wish.url = *parse_url("https://media.example/better.mp4");
  wish.md5 = "098F6BCD4621D373CADE4E832627B4F6";
  auto const good = add(wish);
  choose_some();
  answer(good, piece(0, "test", 4));
  choose_twice();
  EXPECT_EQ(item(good).method, "direct");
}

TEST_F(FetchPiece, LeavesTheSpoolOnceThePlatformHasItOrItFailed) {
  auto const ready = add("https://media.example/1.mp4");
  auto const fails = add("https://media.example/2.mp4");
  choose_some();
  for (auto const id : {ready, fails}) answer(id, piece(0, "film", 4));
  choose_twice();
  EXPECT_EQ(journal.reserved_bytes(), 8u);
  change(item(ready), [](auto& row) {
    row.state = ItemState::kSending;
    row.intent.at = kNoon;
  });
  change(item(ready), [](auto& row) {
    row.state = ItemState::kSent;
    row.asset_id = "asset";
  });
  turn([&](Context& ctx) { asset_became_ready(ctx, item(ready)); });
  turn([&](Context& ctx) { fail_item(ctx, item(fails), "refused", "no", ItemState::kStable); });
  choose_some();
  EXPECT_EQ(journal.reserved_bytes(), 0u);
  EXPECT_EQ(spool.removed.size(), 2u);
  EXPECT_FALSE(files.files.contains(item(ready).ulid));
}

TEST_F(FetchPiece, IsDownloadedAgainWhereItsFileVanishedFromTheSpool) {
  auto const id = add();
  choose_some();
  answer(id, piece(0, "film", 4));
  choose_twice();
  turn([&](Context& ctx) {
    source_trouble(ctx, item(id), {Fault::kSourceChanged, "gone", kSourceGone}, ItemState::kStable);
  });
  EXPECT_EQ(item(id).state, ItemState::kStable);
  EXPECT_EQ(item(id).method, "relay");
  EXPECT_EQ(item(id).generation, 2);
  now = *item(id).effort.due_at;
  choose_some();
  EXPECT_EQ(left.size(), 1u);
}

TEST_F(FetchPiece, RemovesAtTheStartWhatNobodyOwns) {
  auto const id = add();
  choose_some();
  answer(id, piece(0, std::string(8 * kMiB, 'x'), 20 * kMiB));
  choose_some();
  spool.strays = {item(id).ulid, "01ARZ3NDEKTSV4RRFFQ69G5FAV", "something"};
  Spooling next_life(&spool);
  within([&](Context& ctx) {
    ctx.spooling = &next_life;
    choose_fetch_piece(ctx);
  });
  EXPECT_EQ(spool.removed, std::vector<std::string>({"01ARZ3NDEKTSV4RRFFQ69G5FAV", "something"}));
}

TEST_F(FetchPiece, OfASignedUrlThatEndedNeedsAnother) {
  auto const end = to_unix_ms(now) / 1000 + 60;
  auto const id = add("https://media.example/a.mp4?Expires=" + std::to_string(end) + "&Signature=s");
  now += Millis(61'000);
  choose_some();
  EXPECT_TRUE(left.empty());
  EXPECT_EQ(item(id).reason, kNeedsNewUrl);
}

TEST_F(FetchPiece, NeverTouchesThePlatformsQuotasPausesOrKey) {
  traffic.pause(budget::Group::kAssets, now + Millis(60'000));
  add();
  choose_some();
  EXPECT_EQ(left.size(), 1u);
  EXPECT_EQ(traffic.api_calls(), 0u);
}

TEST_F(FetchPiece, ThatIsInTheAirWhileItsHostAsksForAPauseIsWaitedFor) {
  auto const id = add();
  choose_some();
  auto const other = add("https://media.example/b.mp4");
  choose_some();
  answer(other, status(429, {{"retry-after", "120"}}));
  choose_some();
  EXPECT_EQ(download(id).state, DownloadState::kFetching) << "its piece is in the air yet";
  EXPECT_EQ(item(id).effort.due_at, std::nullopt);
}

TEST_F(FetchPiece, LeavesNothingInTheSpoolWhereItHadNoRoomYet) {
  auto const id = add();
  choose_some();
  turn([&](Context& ctx) { fail_item(ctx, item(id), "refused", "no", ItemState::kStable); });
  choose_some();
  EXPECT_TRUE(spool.removed.empty());
}

TEST_F(FetchPiece, LeavesAHostItsShareOfThePiecesWhileAnotherHasFilesToo) {
  std::vector<RowId> ids;
  for (auto const* url : {"https://one.example/a.mp4", "https://one.example/b.mp4", "https://two.example/a.mp4"})
    ids.push_back(add(url));
  choose_some();
  for (auto const id : ids) answer(id, piece(0, std::string(8 * kMiB, 'x'), 100 * kMiB));
  choose_twice();
  std::map<std::string, int> calls;
  for (auto const& [ticket, flight] : traffic.flights(Errand::kFetchPiece)) calls[flight.host] += 1;
  EXPECT_EQ(calls, (std::map<std::string, int>{{"one.example", 4}, {"two.example", 4}})) << "eight in all";
}

}  // namespace
}  // namespace sluice::stage

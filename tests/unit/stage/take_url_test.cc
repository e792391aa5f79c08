// A URL that somebody names becomes an item once, whatever it is signed with.
#include "core/stage/take_url.h"

#include <gmock/gmock.h>

#include "core/source/entry_key.h"
#include "core/stage/moves.h"
#include "core/stage/send_url.h"
#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using journal::ItemState;
using testing::HasSubstr;

class TakeUrl : public StageTest {
 protected:
  TakeUrl() {
    policy.hand = {.name = "hand", .pipelines = {"footage", "sounds"}};
    policy.pipelines.push_back({.name = "footage",
                                .kinds = {"video"},
                                .filename = *parse_template("{dir}-{stem}.{ext}"),
                                .indexes = {{.name = "films"}}});
    policy.pipelines.push_back({.name = "sounds", .kinds = {"audio"}, .filename = *parse_template("{path}")});
  }
  Result<Added> add(UrlWish const& wish, Wishes const& wishes = {}, bool dry_run = false) {
    Result<Added> added = fail(Fault::kLocal, "not asked");
    within([&](Context& ctx) { added = add_url(ctx, policy.hand, wish, wishes, dry_run); });
    return added;
  }
  static UrlWish wish(std::string_view url) { return {.url = *parse_url(url)}; }
  // Signed for so long from now on.
  UrlWish signed_for(Millis life, std::string const& signature = "s") const {
    auto const end = (to_unix_ms(now + life)) / 1000;
    return wish("https://media.example/day1/a.mp4?Expires=" + std::to_string(end) + "&Signature=" + signature);
  }
  void end_as(RowId id, ItemState state, std::string reason) {
    change(item(id), [&](auto& row) {
      row.state = state;
      row.reason = reason;
      row.failed_from = "stable";
      row.finished_at = now;
      if (reason == kNeedsNewUrl) row.url = {};
    });
  }
};

TEST_F(TakeUrl, MakesAnItemThatWaitsForItsTurn) {
  auto const added = add(wish("https://Media.example/day1/My%20Film.MP4?id=7"));
  ASSERT_TRUE(added);
  EXPECT_FALSE(added->was_known);
  auto const row = item(added->item.id);
  EXPECT_EQ(row.state, ItemState::kStable);
  EXPECT_EQ(row.source, "hand");
  EXPECT_EQ(row.path, "https://media.example/day1/My%20Film.MP4");
  EXPECT_EQ(row.url, SecretUrl("https://media.example/day1/My%20Film.MP4?id=7"));
  EXPECT_EQ(row.name, "My Film.MP4");
  EXPECT_EQ(row.kind, "video");
  EXPECT_EQ(row.method, "url");
  EXPECT_EQ(row.pipeline, "footage");
  EXPECT_EQ(read_plan(row.plan).filename, "day1-My Film.mp4");
  EXPECT_EQ(row.effort.due_at, now);
  ASSERT_EQ(journal.steps_of(row.id).size(), 1u);
}

TEST_F(TakeUrl, KeepsItsMetadataApartAndFillsTemplatesWithIt) {
  policy.pipelines[0].filename = *parse_template("{meta.reel}.mp4");
  policy.pipelines[0].user_metadata = {{"reel", *parse_template("none")}, {"site", *parse_template("north")}};
  auto with_reel = wish("https://media.example/a.mp4");
  with_reel.metadata = Json::object({{"reel", "A7"}});
  auto const row = item(add(with_reel)->item.id);
  auto const plan = read_plan(row.plan);
  EXPECT_EQ(plan.filename, "A7.mp4");
  EXPECT_EQ(with_own_metadata(plan.metadata_json, row), R"({"reel":"A7","site":"north"})");
  EXPECT_EQ(add(wish("https://media.example/b.mp4")).error().code, "no_metadata");
}

TEST_F(TakeUrl, RefusesPlainHttpWhereThePlatformWouldBeToldOfIt) {
  for (auto const* url :
       {"http://media.example.net/a.mp4", "http://127.evil.example/a.mp4", "http://localhost.example/a.mp4"}) {
    auto const refused = add(wish(url));
    ASSERT_FALSE(refused) << url;
    EXPECT_EQ(refused.error().code, "http_denied");
    EXPECT_THAT(refused.error().text, HasSubstr("must begin with https://"));
  }
  EXPECT_TRUE(add(wish("http://127.0.0.1/a.mp4")));
}

TEST_F(TakeUrl, FillsTemplatesWithTheHostAsTheFirstFolder) {
  EXPECT_EQ(read_plan(item(add(wish("https://media.example/a.mp4"))->item.id).plan).filename, "media.example-a.mp4");
  auto named = wish("https://media.example/x/y");
  named.name = "b.mp3";
  EXPECT_EQ(read_plan(item(add(named)->item.id).plan).filename, "media.example/x/b.mp3");
}

TEST_F(TakeUrl, HoldsTheMatchOfAManifestAgainstHostFoldersAndName) {
  policy.hand.match = PathMatch::parse(R"(^media\.example/(?P<day>[^/]+)/)").value();
  policy.pipelines[0].filename = *parse_template("{match.day}.mp4");
  auto const added = add(wish("https://media.example/day1/a.mp4?token=/day2/"));
  ASSERT_TRUE(added);
  EXPECT_EQ(read_plan(item(added->item.id).plan).filename, "day1.mp4");
  auto const refused = add(wish("https://other.example/day1/a.mp4"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "no_match");
}

TEST_F(TakeUrl, RefusesAPipelineThatAsksForGroupsOfAMatch) {
  policy.pipelines[0].filename = *parse_template("{match.day}.mp4");
  auto const refused = add(wish("https://media.example/day1/a.mp4"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "bad_template");
}

TEST_F(TakeUrl, KnowsTheSameUrlHoweverItIsSigned) {
  auto const first = add(signed_for(1h, "one"));
  auto const again = add(signed_for(2h, "two"));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->was_known);
  EXPECT_EQ(again->item.id, first->item.id);
  EXPECT_EQ(item(first->item.id).url, signed_for(2h, "two").url.whole) << "the later end counts";
  add(signed_for(30min, "three"));
  EXPECT_EQ(item(first->item.id).url, signed_for(2h, "two").url.whole);
}

TEST_F(TakeUrl, TakesAFailedItemUpAgainWithAFreshUrl) {
  auto const first = add(signed_for(1h));
  end_as(first->item.id, ItemState::kFailed, kNeedsNewUrl);
  EXPECT_EQ(add(signed_for(-1h))->item.state, ItemState::kFailed) << "no better than the old one";
  auto const again = add(signed_for(2h));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->was_known);
  EXPECT_EQ(again->item.state, ItemState::kStable);
  EXPECT_EQ(item(first->item.id).url, signed_for(2h).url.whole);
}

// A line's key has its size, name and checksum in it; a person names the URL alone.
TEST_F(TakeUrl, NamedByHandIsTheItemThatALineMadeOfIt) {
  auto line = signed_for(1h);
  line.size_bytes = 500;
  line.name = "other.mp4";
  line.key = source::entry_key(line.url, {.name = line.name, .size_bytes = line.size_bytes});
  auto const id = add(line)->item.id;
  EXPECT_EQ(add(signed_for(2h))->item.id, id) << "while it waits";
  end_as(id, ItemState::kFailed, kNeedsNewUrl);
  auto const again = add(signed_for(3h, "anew"));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->was_known);
  EXPECT_EQ(item(id).state, ItemState::kStable);
  EXPECT_THAT(item(id).url.reveal_for_journal(), HasSubstr("anew"));
  auto const other = add(wish("https://media.example/day1/a.mp4?id=8"));
  EXPECT_FALSE(other->was_known) << "another query is another file";
}

TEST_F(TakeUrl, NamedByHandIsNoneOfSeveralThatItCouldBe) {
  for (std::uint64_t size : {500, 501}) {
    auto line = signed_for(1h);
    line.size_bytes = size;
    line.key = source::entry_key(line.url, {.size_bytes = size});
    ASSERT_TRUE(add(line));
  }
  auto const refused = add(signed_for(2h));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "several_items");
}

TEST_F(TakeUrl, OfAKnownKeyWithAnotherUrlChangesNothing) {
  auto first = signed_for(1h);
  first.key = "k:7";
  auto const id = add(first)->item.id;
  auto other = wish("https://evil.example/b.mp4?Signature=x&Expires=4000000000");
  other.key = "k:7";
  EXPECT_EQ(add(other)->item.id, id);
  EXPECT_THAT(item(id).url.reveal_for_journal(), HasSubstr("media.example"));
}

TEST_F(TakeUrl, LeavesWhatIsDoneOrCancelledAsItIs) {
  auto const first = add(signed_for(1h));
  end_as(first->item.id, ItemState::kCancelled, "cancelled");
  EXPECT_EQ(add(signed_for(2h))->item.state, ItemState::kCancelled);
  change(item(first->item.id), [](auto& row) {
    row.state = ItemState::kDone;
    row.asset_id = "a";
    row.url = {};
  });
  EXPECT_EQ(add(signed_for(3h))->item.state, ItemState::kDone);
  EXPECT_TRUE(item(first->item.id).url.empty());
}

TEST_F(TakeUrl, TellsWishesApartByNameSizeAndKey) {
  auto const url = "https://media.example/a.mp4";
  auto const plain = add(wish(url))->item.id;
  auto named = wish(url);
  named.name = "b.mp4";
  auto sized = wish(url);
  sized.size_bytes = 5;
  auto keyed = wish(url);
  keyed.key = "k:mine";
  auto const other = add(keyed)->item.id;
  EXPECT_NE(add(named)->item.id, plain);
  EXPECT_NE(add(sized)->item.id, plain);
  EXPECT_NE(other, plain);
  auto same_key = wish("https://elsewhere.example/c.mp4");
  same_key.key = "k:mine";
  EXPECT_EQ(add(same_key)->item.id, other);
}

TEST_F(TakeUrl, RefusesAtOnceWhatCannotGo) {
  auto const refusal = [&](UrlWish const& wished, Wishes const& wishes = {}) {
    auto const added = add(wished, wishes);
    return added ? "(taken)" : added.error().code;
  };
  EXPECT_EQ(refusal(wish("https://media.example/watch?v=7")), "unknown_kind");
  EXPECT_EQ(refusal(wish("https://media.example/a.png")), "no_pipeline");
  EXPECT_EQ(refusal(signed_for(0s)), kNeedsNewUrl);
  auto large = wish("https://media.example/large.mp4");
  large.size_bytes = policy.limits.url_video_bytes + 1;
  EXPECT_EQ(refusal(large), "too_large");
  EXPECT_EQ(refusal(wish("https://media.example/a.mp4"), {.pipeline = "nope"}), "no_such_pipeline");
  EXPECT_EQ(refusal(wish("https://media.example/a.mp4"), {.entity = "x"}), "entity_needs_collection");
  EXPECT_TRUE(journal.list_items({}).empty());
}

TEST_F(TakeUrl, DoesNothingInADryRun) {
  auto const would = add(signed_for(1h), {.index = "other"}, true);
  ASSERT_TRUE(would);
  EXPECT_EQ(would->item.id, 0);
  EXPECT_EQ(would->item.pipeline, "by_hand");
  EXPECT_TRUE(journal.list_items({}).empty());
  auto const first = add(signed_for(1h));
  EXPECT_TRUE(add(signed_for(2h), {}, true)->was_known);
  EXPECT_EQ(item(first->item.id).url, signed_for(1h).url.whole);
}

TEST_F(TakeUrl, WaitsUntilItMayBegin) {
  auto later = wish("https://media.example/a.mp4");
  later.not_before = now + 1h;
  later.priority = 90;
  auto const row = item(add(later)->item.id);
  EXPECT_EQ(row.effort.due_at, now + 1h);
  EXPECT_EQ(row.priority, 90);
  choose(choose_send_url);
  EXPECT_TRUE(left.empty());
}

TEST_F(TakeUrl, SaysNothingOfTheQueryInTheLog) {
  add(wish("https://media.example/a.mp4?token=secret"));
  EXPECT_TRUE(log.tells("https://media.example/a.mp4\""));
  EXPECT_FALSE(log.tells("secret"));
}

// Else one line would come to two assets.
TEST_F(TakeUrl, TheItemOfALineThatWasCorrectedIsNotRetriedBesideTheNewOne) {
  auto line = wish("https://media.example/typo.mp4");
  line.key = "k:7";
  auto const first = add(line)->item.id;
  end_as(first, ItemState::kFailed, "refused");
  auto corrected = wish("https://media.example/right.mp4");
  corrected.key = line.key;
  corrected.corrects = first;
  auto const second = add(corrected)->item;
  ASSERT_NE(second.id, first);
  within([&](Context& ctx) {
    auto const retried = retry_order(ctx, first);
    ASSERT_FALSE(retried);
    EXPECT_EQ(retried.error().code, "superseded");
    EXPECT_THAT(retried.error().text, HasSubstr(second.ulid));
  });
  EXPECT_EQ(item(first).state, ItemState::kFailed);
  EXPECT_FALSE(add(wish("https://media.example/typo.mp4"))->was_known) << "a person may still want that very URL";
}

TEST_F(TakeUrl, PutBackIntoItsLineGoesOnWithItsNewSignatureUnlessThatHasEnded) {
  for (auto const life : {2h, -2h}) {
    auto line = signed_for(1h, "one");
    line.key = life > 0h ? "k:7" : "k:8";
    auto const first = add(line)->item.id;
    end_as(first, ItemState::kFailed, "refused");
    auto corrected = wish("https://media.example/right.mp4");
    corrected.key = line.key;
    corrected.corrects = first;
    auto const second = add(corrected)->item.id;
    ASSERT_NE(second, first);
    end_as(second, ItemState::kFailed, "refused");
    auto back = signed_for(life, "two");
    back.key = line.key;
    back.corrects = second;
    auto const again = add(back);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->item.id, first);
    EXPECT_EQ(item(first).url, life > 0h ? back.url.whole : line.url.whole);
  }
}

}  // namespace
}  // namespace sluice::stage

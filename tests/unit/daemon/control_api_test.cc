// Which path means what, and what is answered.
#include "daemon/control_api.h"

#include <gmock/gmock.h>

#include "core/base/text.h"
#include "tests/unit/daemon/control_fixture.h"

namespace sluice::daemon {
namespace {

using journal::ItemState;
using testing::ElementsAre;
using testing::HasSubstr;

class ControlApi : public ControlTest {
 protected:
  std::vector<std::string> names(Json const& page) {
    std::vector<std::string> found;
    for (auto const& item : page.find("items")->elements()) found.push_back(text(item, "name"));
    return found;
  }
};

TEST_F(ControlApi, ListsItemsByStageStateAndSource) {
  put(item_row("a.mp4", ItemState::kStable, "A1"));
  put(item_row("b.mp4", ItemState::kFailed, "B1"));
  auto other = item_row("c.mp4", ItemState::kStable, "C1");
  other.source = "archive";
  put(other);
  EXPECT_THAT(names(get("/v1/items")), ElementsAre("a.mp4", "b.mp4", "c.mp4"));
  EXPECT_THAT(names(get("/v1/items?stage=failed")), ElementsAre("b.mp4"));
  EXPECT_THAT(names(get("/v1/items?state=stable&source=archive")), ElementsAre("c.mp4"));
  EXPECT_THAT(names(get("/v1/items?stage=&state=&source=&limit=&cursor=")), ElementsAre("a.mp4", "b.mp4", "c.mp4"));
}

TEST_F(ControlApi, LeadsFromPageToPageByItsCursor) {
  for (auto const* name : {"a", "b", "c", "d", "e"})
    put(item_row(name, ItemState::kStable, to_lower_ascii(name) + "1"));
  std::vector<std::string> all;
  std::string cursor;
  int pages = 0;
  do {
    auto const page = get("/v1/items?limit=2&cursor=" + cursor);
    for (auto const& name : names(page)) all.push_back(name);
    cursor = page.text("next")->value_or("");
    ++pages;
  } while (!cursor.empty());
  EXPECT_THAT(all, ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_EQ(pages, 3);
}

TEST_F(ControlApi, EndsAPageThatIsJustFullWithoutACursor) {
  put(item_row("a", ItemState::kStable, "A1"));
  put(item_row("b", ItemState::kStable, "B1"));
  EXPECT_EQ(get("/v1/items?limit=2").find("next"), nullptr);
}

TEST_F(ControlApi, NamesWhatIsWrongWithAQuery) {
  for (auto const* target :
       {"/v1/items?stage=uploading", "/v1/items?state=x", "/v1/items?limit=0", "/v1/items?limit=1001",
        "/v1/items?limit=2x", "/v1/items?cursor=-1", "/v1/items?stagge=done"})
    EXPECT_EQ(error_code(get(target, 400)), "bad_request") << target;
  EXPECT_THAT(ask("GET", "/v1/items?stagge=done").reply.body, HasSubstr("did you mean stage?"));
}

TEST_F(ControlApi, FindsAnItemByIdPrefixOrPath) {
  auto const row = item_row("day 1/a.mp4", ItemState::kStable, "A1");
  put(row);
  put(item_row("b.mp4", ItemState::kStable, "B1"));
  auto const shown = [&](std::string const& word) { return text(get("/v1/items/" + percent_encode(word)), "id"); };
  EXPECT_EQ(shown(row.ulid), row.ulid);
  EXPECT_EQ(shown(to_lower_ascii(row.ulid)), row.ulid);
  EXPECT_EQ(shown("/srv/drop/day 1/a.mp4"), row.ulid);
  EXPECT_EQ(shown("day 1/a.mp4"), row.ulid);
  EXPECT_EQ(shown(row.ulid.substr(0, 25)), row.ulid);
}

TEST_F(ControlApi, RefusesAPrefixOfSeveralIds) {
  put(item_row("a.mp4", ItemState::kStable, "A1"));
  put(item_row("b.mp4", ItemState::kStable, "B1"));
  auto const answer = get("/v1/items/01J9", 409);
  EXPECT_EQ(error_code(answer), "ambiguous_id");
  EXPECT_THAT(answer.dump(), HasSubstr("a.mp4"));
}

TEST_F(ControlApi, TakesTheNewestItemOfAPath) {
  put(item_row("a.mp4", ItemState::kDone, "A1"));
  auto const newest = item_row("a.mp4", ItemState::kStable, "A2");
  put(newest);
  EXPECT_EQ(text(get("/v1/items/%2Fsrv%2Fdrop%2Fa.mp4"), "id"), newest.ulid);
}

TEST_F(ControlApi, SaysThatThereIsNoSuchItem) {
  EXPECT_EQ(error_code(get("/v1/items/01J9ZZ", 404)), "no_such_item");
  EXPECT_EQ(error_code(get("/v1/items/%2Fno%2Fsuch", 404)), "no_such_item");
  EXPECT_EQ(error_code(post("/v1/items/01J9ZZ/retry", "", 404)), "no_such_item");
}

TEST_F(ControlApi, RetriesAndCancelsAfterTheCommitOnly) {
  auto const failed = put(item_row("a.mp4", ItemState::kFailed, "A1"));
  auto const live = put(item_row("b.mp4", ItemState::kStable, "B1"));
  auto const retried = ask("POST", "/v1/items/a.mp4/retry");
  EXPECT_TRUE(retried.after_commit);
  EXPECT_EQ(text(body_of(retried, 200), "name"), "a.mp4");
  EXPECT_TRUE(ask("POST", "/v1/items/b.mp4/cancel").after_commit);
  EXPECT_THAT(daemon_.retried, ElementsAre(failed));
  EXPECT_THAT(daemon_.cancelled, ElementsAre(live));
}

TEST_F(ControlApi, PassesOnWhyAChangeIsRefused) {
  put(item_row("a.mp4", ItemState::kDone, "A1"));
  daemon_.refuse_change = Error{Fault::kRejected, "the item is done", "at_end"};
  auto const served = ask("POST", "/v1/items/a.mp4/cancel");
  EXPECT_FALSE(served.after_commit);
  EXPECT_EQ(error_code(body_of(served, 409)), "at_end");
}

TEST_F(ControlApi, RetriesAllFailedItemsInBatches) {
  journal_.begin();
  for (int i = 0; i < kRetryBatch + 3; ++i)
    journal_.insert(item_row("f" + std::to_string(i), ItemState::kFailed, "F" + std::to_string(1000 + i)));
  journal_.insert(item_row("fine", ItemState::kDone, "D1"));
  journal_.commit();
  auto const first = post("/v1/retry-failed");
  EXPECT_EQ(first.find("retried")->as_int(), kRetryBatch);
  auto const second = post("/v1/retry-failed?cursor=" + text(first, "next"));
  EXPECT_EQ(second.find("retried")->as_int(), 3);
  EXPECT_EQ(second.find("next"), nullptr);
  EXPECT_EQ(daemon_.retried.size(), static_cast<std::size_t>(kRetryBatch + 3));
}

TEST_F(ControlApi, RetriesWhatHasRefusedActsBehindTheFailedItems) {
  journal_.begin();
  journal_.insert(item_row("f", ItemState::kFailed, "F1"));
  auto const done = journal_.insert(item_row("d", ItemState::kDone, "D1"));
  journal_.insert(journal::ActRow{.item_id = done,
                                  .ordinal = 1,
                                  .kind = journal::ActKind::kDelete,
                                  .state = journal::ActState::kRefused,
                                  .reason = "permission"});
  journal_.commit();
  auto const status = get("/v1/status");
  EXPECT_EQ(status.find("acts")->find("refused")->as_int(), 1);
  EXPECT_THAT(get("/v1/items/d").find("acts")->dump(), HasSubstr("sluice retry 01J9"));
  auto const first = post("/v1/retry-failed");
  EXPECT_EQ(first.find("retried")->as_int(), 1);
  auto const second = post("/v1/retry-failed?cursor=" + text(first, "next"));
  EXPECT_EQ(second.find("retried")->as_int(), 1);
  EXPECT_EQ(second.find("next"), nullptr);
  EXPECT_EQ(daemon_.retried.back(), done);
  EXPECT_EQ(error_code(post("/v1/retry-failed?cursor=acts:x", "", 400)), "bad_request");
}

TEST_F(ControlApi, RescansOneSourceOrAll) {
  EXPECT_EQ(post("/v1/rescan").dump(), R"({"sources":["drop","archive"]})");
  EXPECT_EQ(post("/v1/rescan?source=drop").dump(), R"({"sources":["drop"]})");
  EXPECT_THAT(daemon_.rescanned, ElementsAre("", "drop"));
  EXPECT_EQ(error_code(post("/v1/rescan?sauce=drop", "", 400)), "bad_request");
  daemon_.refuse_change = Error{Fault::kGone, "there is no source dorp; did you mean drop?", "no_such_source"};
  auto const refused = post("/v1/rescan?source=dorp", "", 404);
  EXPECT_EQ(error_code(refused), "no_such_source");
  EXPECT_THAT(refused.dump(), HasSubstr("did you mean drop?"));
}

TEST_F(ControlApi, AnswersProbes) {
  EXPECT_EQ(text(get("/livez"), "status"), "ok");
  EXPECT_EQ(text(get("/readyz"), "status"), "ready");
  daemon_.facts.notices = {{.code = "journal_new", .text = "the journal is new"}};
  auto const health = get("/healthz");
  EXPECT_EQ(text(health, "status"), "ok") << "a notice is no trouble";
  EXPECT_EQ(text(health.find("notices")->elements().at(0), "code"), "journal_new");
  daemon_.facts.reasons = {
      {.code = "source_down", .text = "source a is not mounted", .since = kNoon, .hint = "mount it"}};
  EXPECT_EQ(text(get("/healthz"), "status"), "degraded");
  EXPECT_EQ(text(get("/readyz"), "status"), "ready");
  daemon_.facts.reasons[0].stops_all = true;
  EXPECT_EQ(text(get("/healthz", 503), "status"), "down");
  EXPECT_EQ(text(get("/readyz", 503), "status"), "not_ready");
  EXPECT_EQ(text(get("/livez"), "status"), "ok");
}

TEST_F(ControlApi, SaysWhatIsDocumentedAndNotSupportedYet) {
  for (auto const* target : {"/", "/metrics", "/v1/events"})
    EXPECT_EQ(error_code(get(target, 501)), "not_supported_yet");
  for (auto const* target : {"/v1/pause", "/v1/resume", "/v1/reload"})
    EXPECT_EQ(error_code(post(target, "", 501)), "not_supported_yet");
}

TEST_F(ControlApi, DeniesWhateverElseIsAsked) {
  EXPECT_EQ(error_code(get("/v2/status", 404)), "no_such_path");
  EXPECT_EQ(error_code(get("/v1", 404)), "no_such_path");
  EXPECT_EQ(error_code(get("/v1/items/x/y", 404)), "no_such_path");
  EXPECT_EQ(error_code(get("/v1/items/x/retry", 405)), "no_such_method");
  EXPECT_EQ(error_code(get("/v1/retry-failed", 405)), "no_such_method");
  EXPECT_EQ(error_code(get("/v1/rescan", 405)), "no_such_method");
  EXPECT_EQ(error_code(post("/v1/status", "", 405)), "no_such_method");
  EXPECT_EQ(error_code(post("/livez", "", 405)), "no_such_method");
  EXPECT_EQ(error_code(get("/v1/items/%zz", 400)), "bad_request");
  EXPECT_EQ(ask("PUT", "/v1/items").reply.status, 405);
}

TEST_F(ControlApi, SaysThatNothingChangedWhenTheCommitFailed) {
  auto const reply = commit_failed("no space left");
  EXPECT_EQ(reply.status, 503);
  EXPECT_THAT(reply.body, HasSubstr("not_committed"));
}

TEST_F(ControlApi, ExplainsAFileRuleByRule) {
  auto const told = body_of(ask("GET", "/v1/explain?path=%2Fsrv%2Fa%20b.mp4"), 200);
  EXPECT_EQ(text(told, "path"), "/srv/a b.mp4");
  EXPECT_EQ(text(told, "verdict"), "waits");
  EXPECT_EQ(text(told, "text"), "not yet");
  EXPECT_EQ(told.find("rules")->elements().size(), 2u);
  EXPECT_EQ(text(told, "item"), "(none)");
  daemon_.refuse["/x"] = Error{Fault::kRejected, "/x lies beneath no source", "not_beneath_source"};
  EXPECT_EQ(error_code(body_of(ask("GET", "/v1/explain?path=/x"), 409)), "not_beneath_source");
  EXPECT_EQ(error_code(body_of(ask("GET", "/v1/explain?path=a.mp4"), 400)), "not_absolute");
  EXPECT_EQ(error_code(body_of(ask("GET", "/v1/explain"), 400)), "not_absolute");
  daemon_.not_found_yet = {"/srv/b.mp4"};
  EXPECT_TRUE(ask("GET", "/v1/explain?path=/srv/b.mp4").not_yet);
}

}  // namespace
}  // namespace sluice::daemon

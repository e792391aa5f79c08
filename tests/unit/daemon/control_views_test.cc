// What the control socket shows of the journal.
#include <gmock/gmock.h>

#include "daemon/views.h"
#include "tests/unit/daemon/control_fixture.h"

namespace sluice::daemon {
namespace {

using journal::ItemState;
using journal::StepKind;
using journal::StepState;
using testing::HasSubstr;
using testing::Not;

class ControlViews : public ControlTest {
 protected:
  journal::SessionRow session_of(journal::RowId item) {
    journal::SessionRow session;
    session.item_id = item;
    session.upload_id = "upload-1";
    session.asset_id = "asset-1";
    session.file_bytes = 1000;
    session.chunk_size_bytes = 100;
    session.total_chunks = 10;
    session.opened_at = kNoon;
    session.expires_at = kNoon + std::chrono::hours(24);
    session.due_at = kNoon;
    session.id = put(session);
    journal_.begin();
    journal_.insert_chunks(session.id, 10, kNoon);
    journal_.commit();
    return session;
  }

  journal::StepRow step(journal::RowId item, std::int64_t ordinal, StepKind kind) {
    journal::StepRow row;
    row.item_id = item;
    row.ordinal = ordinal;
    row.kind = kind;
    row.params = R"({"name":"planned","collection":"Cast"})";
    row.client_op = "op";
    return row;
  }

  journal::NamedRow present(journal::NamedKind kind, journal::RowId parent, std::string const& name,
                            std::string const& id) {
    journal_.begin();
    auto row =
        journal_.ensure_named({.kind = kind, .parent_id = parent, .name = name, .params = "{}", .client_op = "op"});
    row.state = journal::NamedState::kPresent;
    row.remote_id = id;
    row.effort.due_at.reset();
    journal_.update(row, journal::NamedState::kWanted, kNoon);
    journal_.commit();
    return row;
  }
};

TEST_F(ControlViews, ShowsAllThatAnItemPromises) {
  put(item_row("day1/a.mp4", ItemState::kStable, "A1"));
  auto const item = get("/v1/items/day1%2Fa.mp4");
  for (auto const* key : {"id",         "source",      "path",       "name",           "size",
                          "kind",       "stage",       "state",      "attempts",       "next_attempt_at",
                          "why",        "asset_id",    "upload_id",  "indexed_assets", "entities",
                          "bytes_sent", "bytes_acked", "created_at", "finished_at",    "generation",
                          "pipeline",   "reason",      "last_error"})
    EXPECT_TRUE(std::ranges::any_of(item.members(), [&](auto const& member) { return member.name == key; })) << key;
  EXPECT_EQ(text(item, "path"), "/srv/drop/day1/a.mp4");
  EXPECT_EQ(text(item, "name"), "a.mp4");
  EXPECT_EQ(text(item, "stage"), "upload");
  EXPECT_EQ(text(item, "state"), "stable");
  EXPECT_EQ(text(item, "next_attempt_at"), "2026-11-22T12:00:00Z");
  EXPECT_EQ(text(item, "created_at"), "2026-11-22T11:00:00Z");
  EXPECT_EQ(item.find("finished_at"), nullptr);
  EXPECT_EQ(item.find("size")->as_uint(), 1000u);
}

TEST_F(ControlViews, GivesTheExactBytesOfANameThatIsNoText) {
  put(item_row("\xff.mp4", ItemState::kStable, "A1"));
  auto const item = get("/v1/items/%FF.mp4");
  EXPECT_EQ(text(item, "name"), "\\xff.mp4");
  EXPECT_EQ(text(item, "name_b64"), "/y5tcDQ=");
  EXPECT_EQ(text(item, "path_b64"), "L3Nydi9kcm9wL/8ubXA0");
}

TEST_F(ControlViews, SaysWhyAFailedItemFailedAndWhatToDo) {
  auto const row = item_row("a.mp4", ItemState::kFailed, "A1");
  put(row);
  auto const item = get("/v1/items/a.mp4");
  auto const& why = *item.find("why");
  EXPECT_EQ(text(why, "code"), "empty_file");
  EXPECT_EQ(text(why, "text"), "the file is empty");
  EXPECT_THAT(text(why, "remedy"), HasSubstr("sluice retry " + row.ulid));
  EXPECT_EQ(why.find("heals")->as_bool(), false);
  EXPECT_EQ(item.find("next_attempt_at"), nullptr);
}

TEST_F(ControlViews, TellsOfAnUploadWithItsChunks) {
  auto row = item_row("a.mp4", ItemState::kOpened, "A1");
  row.method = "multipart";
  row.bytes_sent = 500;
  row.bytes_acked = 400;
  auto const id = put(row);
  session_of(id);
  daemon_.facts.uploads[id] = {.bytes_in_air = 200, .calls_in_air = 2, .bytes_per_s = 100};

  auto const item = get("/v1/items/a.mp4");
  EXPECT_EQ(item.find("bytes_sent")->as_uint(), 700u);
  EXPECT_EQ(item.find("bytes_acked")->as_uint(), 400u);
  EXPECT_EQ(text(item, "upload_id"), "upload-1");
  auto const& chunks = *item.find("sessions")->elements().at(0).find("chunks");
  EXPECT_EQ(chunks.find("total")->as_int(), 10);
  EXPECT_EQ(chunks.find("done")->as_int(), 0);

  auto const status = get("/v1/status");
  auto const& upload = status.find("uploads")->elements().at(0);
  EXPECT_EQ(text(upload, "name"), "a.mp4");
  EXPECT_EQ(upload.find("acked")->as_uint(), 400u);
  EXPECT_EQ(upload.find("in_air")->as_uint(), 200u);
  EXPECT_EQ(upload.find("eta_s")->as_uint(), 4u);
}

TEST_F(ControlViews, NeverShowsAPresignedUrl) {
  auto const id = put(item_row("a.mp4", ItemState::kOpened, "A1"));
  auto const session = session_of(id);
  auto chunk = *journal_.chunk(session.id, 1);
  chunk.state = journal::ChunkState::kHasUrl;
  chunk.url = SecretUrl("https://storage.example/bucket?X-Amz-Signature=CANARY");
  chunk.url_renew_at = kNoon + std::chrono::hours(1);
  journal_.begin();
  journal_.update(chunk, journal::ChunkState::kNeedsUrl, id, kNoon);
  journal_.commit();
  for (auto const* target : {"/v1/items", "/v1/items/a.mp4", "/v1/status"}) {
    EXPECT_THAT(ask("GET", target).reply.body, Not(HasSubstr("CANARY")));
    EXPECT_THAT(ask("GET", target).reply.body, Not(HasSubstr("storage.example")));
  }
}

TEST_F(ControlViews, ShowsIndexedAssetsAndEntitiesWithTheIdsTheyWentInto) {
  auto const id = put(item_row("a.jpg", ItemState::kAssetReady, "A1"));
  auto const index = present(journal::NamedKind::kIndex, 0, "footage", "index-1");
  auto const cast = present(journal::NamedKind::kCollection, 0, "Cast", "collection-1");
  auto const ada = present(journal::NamedKind::kEntity, cast.id, "Ada", "entity-1");
  auto indexed = step(id, 1, StepKind::kIndex);
  indexed.state = StepState::kCreated;
  indexed.named_id = index.id;
  indexed.remote_id = "indexed-1";
  indexed.remote_status = "indexing";
  put(indexed);
  auto entity = step(id, 2, StepKind::kEntity);
  entity.named_id = ada.id;
  put(entity);

  auto const item = get("/v1/items/a.jpg");
  EXPECT_EQ(text(item, "stage"), "index");
  auto const& in_index = item.find("indexed_assets")->elements().at(0);
  EXPECT_EQ(text(in_index, "index_id"), "index-1");
  EXPECT_EQ(text(in_index, "id"), "indexed-1");
  EXPECT_EQ(text(in_index, "status"), "indexing");
  auto const& in_cast = item.find("entities")->elements().at(0);
  EXPECT_EQ(text(in_cast, "collection_id"), "collection-1");
  EXPECT_EQ(text(in_cast, "name"), "Ada");
  EXPECT_EQ(text(in_cast, "status"), "waiting");
  EXPECT_EQ(in_cast.find("id"), nullptr);
}

TEST_F(ControlViews, NamesAPlannedStepBeforeAnythingExists) {
  auto const id = put(item_row("a.jpg", ItemState::kStable, "A1"));
  put(step(id, 1, StepKind::kIndex));
  auto const item = get("/v1/items/a.jpg");
  EXPECT_EQ(text(item.find("indexed_assets")->elements().at(0), "index"), "planned");
  EXPECT_EQ(text(item.find("steps")->elements().at(0), "name"), "planned");
}

TEST_F(ControlViews, TellsTheStoryOldestFirst) {
  auto row = item_row("a.mp4", ItemState::kStable, "A1");
  row.id = put(row);
  journal_.begin();
  row.state = ItemState::kOpening;
  row.intent.at = kNoon;
  journal_.update(row, ItemState::kStable, kNoon, "first");
  row.state = ItemState::kStable;
  row.intent = {};
  journal_.update(row, ItemState::kOpening, kNoon + Millis(1500), "second");
  journal_.commit();
  auto const story = get("/v1/items/a.mp4");
  auto const& events = story.find("events")->elements();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(text(events[0], "note"), "first");
  EXPECT_EQ(text(events[0], "became"), "opening");
  EXPECT_EQ(text(events[1], "at"), "2026-11-22T12:00:01.500Z");
  EXPECT_EQ(get("/v1/items").find("items")->elements().at(0).find("events"), nullptr);  // not in lists
}

TEST_F(ControlViews, CountsTotalsAndStages) {
  auto waiting = item_row("w", ItemState::kStable, "W1");
  waiting.effort.due_at = kNoon + std::chrono::minutes(5);
  put(waiting);
  auto opened = item_row("o", ItemState::kOpened, "A1");
  opened.effort.due_at.reset();  // it waits for its chunks, and is at work all the same
  put(opened);
  put(item_row("d", ItemState::kDone, "D1"));
  put(item_row("f", ItemState::kFailed, "F1"));
  put(item_row("s", ItemState::kSkipped, "S1"));
  put(item_row("c", ItemState::kCancelled, "C1"));
  auto const status = get("/v1/status");
  auto const& totals = *status.find("totals");
  for (auto const& [key, count] : std::map<std::string, int>{
           {"items", 6}, {"done", 1}, {"failed", 1}, {"cancelled", 1}, {"skipped", 1}, {"active", 1}, {"waiting", 1}})
    EXPECT_EQ(totals.find(key)->as_int(), count) << key;
  for (auto const& stage : status.find("stages")->elements()) {
    if (text(stage, "name") != "upload") continue;
    EXPECT_EQ(stage.find("waiting")->as_int(), 1);
    EXPECT_EQ(stage.find("active")->as_int(), 1);
  }
  EXPECT_EQ(status.find("stages")->elements().size(), 5u);  // ends are in the totals only
}

TEST_F(ControlViews, ShowsTheDaemonItsHealthAndItsSources) {
  daemon_.facts.reasons = {{.code = "offline", .text = "the platform cannot be reached", .since = kNoon, .hint = ""}};
  daemon_.facts.sources = {{.name = "drop",
                            .up = false,
                            .why_down = "not mounted",
                            .mode = "poll",
                            .watched = 3,
                            .needed = 6,
                            .overflows = 1,
                            .settling = 2,
                            .last_scan = kNoon,
                            .left_out = 4,
                            .left_out_first = {"a.mp4: symbolic links are not followed"},
                            .degraded = {"slow"}}};
  auto const status = get("/v1/status");
  EXPECT_EQ(text(status, "schema"), "sluice.status/1");
  auto const& daemon = *status.find("daemon");
  EXPECT_EQ(text(daemon, "version"), SLUICE_VERSION);
  EXPECT_EQ(daemon.find("pid")->as_int(), ::getpid());
  EXPECT_EQ(text(daemon, "started_at"), "2026-11-22T09:00:00Z");
  EXPECT_EQ(text(*status.find("health"), "status"), "degraded");
  auto const& source = status.find("sources")->elements().at(0);
  EXPECT_EQ(source.find("up")->as_bool(), false);
  EXPECT_EQ(text(source, "why_down"), "not mounted");
  EXPECT_EQ(source.find("settling")->as_int(), 2);
  EXPECT_EQ(source.find("watched")->as_int(), 3);
  EXPECT_EQ(source.find("needed")->as_int(), 6);
  EXPECT_EQ(source.find("overflows")->as_int(), 1);
  EXPECT_EQ(source.find("left_out")->find("count")->as_int(), 4);
  EXPECT_EQ(*source.find("left_out")->find("first")->elements().at(0).as_text(),
            "a.mp4: symbolic links are not followed");
  EXPECT_EQ(status.find("journal")->find("schema")->as_int(), journal_.schema_version());
}

}  // namespace
}  // namespace sluice::daemon

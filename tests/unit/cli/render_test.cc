// Answers as text for people.
#include "daemon/cli/render.h"

#include <gmock/gmock.h>

#include "daemon/cli/story.h"

namespace sluice::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Look const kLook{.color = false, .width = 110, .now = *parse_rfc3339("2026-11-22T03:00:00Z")};

Json read(std::string const& text) {
  auto json = parse_json(text);
  EXPECT_TRUE(json) << text;
  if (!json) return {};
  return std::move(*json);
}

TEST(RenderStatus, SaysHowTheDaemonIsAndWhatToLookAt) {
  auto const text = render_status(read(R"({
    "daemon":{"version":"0.1.0","pid":812,"host":"ingest01","started_at":"2026-11-22T01:00:00Z","state":"running"},
    "health":{"status":"degraded","reasons":[{"code":"source_down","text":"source archive: /mnt/nas is not mounted",
              "since":"2026-11-22T02:38:00Z","hint":"mount it; scanning resumes by itself"}]},
    "totals":{"items":20,"done":10,"active":3,"waiting":5,"failed":2,"cancelled":0,"skipped":0},
    "stages":[{"name":"settle","waiting":0,"active":0},{"name":"upload","waiting":5,"active":3}],
    "uploads":[{"name":"clip.mp4","size":1000,"acked":400,"in_air":100,"bytes_per_s":100,"eta_s":5}],
    "sources":[{"name":"archive","up":false,"why_down":"not mounted","mode":"poll","settling":0,"degraded":["slow"]},
               {"name":"drop","mode":"inotify","watched":3,"needed":3,"overflows":2,"settling":1,
                "left_out":{"count":4,"first":["a: no file","b: too deep"]}}]})"),
                                  kLook);
  EXPECT_EQ(text,
            "sluiced 0.1.0 on ingest01, pid 812, running, started 2 h ago\n"
            "health: degraded\n"
            "  ! source archive: /mnt/nas is not mounted (22 min ago)\n"
            "    next: mount it; scanning resumes by itself\n"
            "20 items: 10 done, 3 active, 5 waiting, 2 failed, 0 cancelled, 0 skipped\n"
            "\n"
            "STAGE   WAITING  ACTIVE\n"
            "upload        5       3\n"
            "\n"
            "UPLOAD    DONE               SIZE     RATE  LEFT\n"
            "clip.mp4  [#####-----] 50 %  1 kB  100 B/s   5 s\n"
            "\n"
            "SOURCE   STATE  MODE     WATCHED  SETTLING  SCANNED  NOTES\n"
            "archive  DOWN   poll                     0           not mounted; slow\n"
            "drop     up     inotify   3 of 3         1           2x scanned whole, since the kernel dropped events\n"
            "\n"
            "drop leaves out 4:\n"
            "  a: no file\n"
            "  b: too deep\n"
            "\n"
            "next: sluice ls --stage failed\n");
}

TEST(RenderStatus, SurvivesAnAnswerThatHoldsNothing) {
  EXPECT_THAT(render_status(read("{}"), kLook), StartsWith("sluiced"));
}

TEST(RenderItems, ShowsWhyEachWaitsAndUntilWhen) {
  auto const text = render_items(
      {read(R"({"id":"01J9ZK3Q0000000000000000AB","stage":"index","size":2000000,"bytes_acked":2000000,"source":"drop",
               "name":"a\u001b[2J.mp4","why":{"text":"the platform limits indexing","until":"2026-11-22T03:04:00Z"}})"),
       read(
           R"({"id":"01J9ZK3Q0000000000000000AC","stage":"done","size":10,"bytes_acked":10,"source":"drop","name":"b.jpg"})")},
      true, kLook);
  EXPECT_THAT(
      text, AllOf(HasSubstr("a\\x1b[2J.mp4"), HasSubstr("4 min (03:04:00Z)"), HasSubstr("more: sluice ls --limit 0")));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_EQ(render_items({}, false, kLook), "no items\n");
}

TEST(RenderAdded, SaysWhatADryRunWouldDo) {
  auto const text = render_added(read(R"({"items":[{"id":null,"path":"/a.mp4","kind":"video","pipeline":"footage",
      "would":["upload 10 B in one request","index it in footage"]}],"errors":[]})"),
                                 kLook);
  EXPECT_EQ(text,
            "would add  /a.mp4  (video, pipeline footage)\n    upload 10 B in one request\n    index it in footage\n");
}

TEST(RenderStory, TellsOfAFailureWhoseFaultItIsAndTheNextCommand) {
  auto const text =
      render_story(read(R"({"id":"01AB","name":"a.mp4","path":"/srv/drop/a.mp4","stage":"failed","state":"failed",
      "size":1000,"bytes_acked":500,"bytes_sent":700,"kind":"video","method":"multipart","source":"drop","pipeline":"footage","attempts":12,
      "why":{"code":"asset_failed","text":"the platform could not process the file","until":null,
             "remedy":"check that the file plays; then sluice retry 01AB","whose":"platform","heals":false},
      "asset_id":"as1","created_at":"2026-11-22T01:00:00Z","finished_at":"2026-11-22T02:00:00Z",
      "indexed_assets":[],"entities":[],
      "steps":[{"ordinal":1,"kind":"index","name":"footage","state":"waiting","last_error":null}],
      "sessions":[{"upload_id":"up1","state":"completed","expires_at":"2026-11-23T01:00:00Z","chunks":{"total":10,"done":10,"in_flight":0}},
                  {"upload_id":"up2","state":"expired","expires_at":"2026-10-23T01:00:00Z","chunks":null}],
      "events":[{"at":"2026-11-22T01:00:00Z","subject":"item","was":"seen","became":"stable","note":""},
                {"at":"2026-11-22T02:00:00Z","subject":"item","was":"completed","became":"failed","note":"it said no"}]})"),
                   kLook);
  EXPECT_EQ(text,
            "a.mp4  01AB  failed (failed)\n"
            "\n"
            "what       the platform could not process the file (asset_failed)\n"
            "cause      the platform\n"
            "heals      no, it waits for a person\n"
            "next       check that the file plays; then sluice retry 01AB\n"
            "\n"
            "file       /srv/drop/a.mp4\n"
            "           1 kB, video, multipart, source drop, pipeline footage\n"
            "sent       500 B of 1 kB acknowledged (50 %), 700 B sent in all\n"
            "attempts   12 failed so far\n"
            "asset      as1\n"
            "created    2026-11-22T01:00:00Z, 2 h ago\n"
            "finished   2026-11-22T02:00:00Z, 1 h ago\n"
            "step 1     index footage: waiting\n"
            "session    up1  completed, 10 of 10 chunks, 0 in flight, expires 2026-11-23T01:00:00Z\n"
            "session    up2  expired, its chunks are no longer kept, expires 2026-10-23T01:00:00Z\n"
            "\n"
            "what happened\n"
            "  2026-11-22T01:00:00Z  item  seen -> stable\n"
            "  2026-11-22T02:00:00Z  item  completed -> failed  it said no\n");
}

TEST(RenderStory, SaysOfAWaitThatItHealsAndWhen) {
  auto const text = render_story(read(R"({"id":"01AB","name":"a.mp4","stage":"upload","state":"stable","size":10,
      "why":{"code":"throttled","text":"the platform limits calls about assets","until":"2026-11-22T03:04:00Z","remedy":null,
             "whose":"platform","heals":true}})"),
                                 kLook);
  EXPECT_THAT(text, AllOf(HasSubstr("heals      yes, by itself: looked at again in 4 min (03:04:00Z)\n"),
                          HasSubstr("next       nothing to do\n")));
}

TEST(RenderStory, GathersTheChunksThatWentUpWithoutTrouble) {
  auto const text = render_story(read(R"({"name":"a","events":[
      {"at":"t1","subject":"chunk 1","was":"putting","became":"stored","note":""},
      {"at":"t2","subject":"chunk 2","was":"putting","became":"stored","note":""},
      {"at":"t3","subject":"chunk 3","was":"putting","became":"needs_url","note":"stalled"},
      {"at":"t4","subject":"chunk 3","was":"putting","became":"stored","note":""}]})"),
                                 kLook);
  EXPECT_THAT(text, HasSubstr("what happened\n"
                              "  t1  2 chunks stored, until t2\n"
                              "  t3  chunk 3  putting -> needs_url  stalled\n"
                              "  t4  chunk 3  putting -> stored\n"));
}

TEST(RenderStory, SaysOfADoneItemWhatWasRefusedAndWhatToDo) {
  auto const text = render_story(read(R"({"id":"01AB","name":"a","stage":"done","state":"done","why":null,"acts":[
      {"kind":"delete","state":"refused","reason":"permission","last_error":"remove a: Permission denied",
       "remedy":"let this user write to that folder; then sluice retry 01AB"}]})"),
                                 kLook);
  EXPECT_THAT(text, HasSubstr("delete was refused (permission): remove a: Permission denied"));
  EXPECT_THAT(text, HasSubstr("sluice retry 01AB"));
  EXPECT_THAT(text, Not(HasSubstr("nothing is wrong")));
}

TEST(RenderStory, SaysOfADoneItemWhatItsFileWaitsFor) {
  auto const text = render_story(read(R"({"id":"01AB","name":"a","stage":"done","state":"done","why":null,"acts":[
      {"kind":"move","state":"wanted","target":"/mnt/nas/a","last_error":"open folder /mnt/nas: No such file"}]})"),
                                 kLook);
  EXPECT_THAT(text, HasSubstr("but        move waits: open folder /mnt/nas: No such file"));
}

TEST(RenderStory, SaysThatNothingIsWrongWithADoneItem) {
  EXPECT_THAT(render_story(read(R"({"id":"01AB","name":"a","stage":"done","state":"done","why":null})"), kLook),
              HasSubstr("done, nothing is wrong"));
}

TEST(RenderTrouble, SaysWhatAndTheNextCommand) {
  EXPECT_EQ(render_trouble("what", "do this", kLook), "sluice: what\n  next: do this\n");
  EXPECT_EQ(render_trouble("what", "", kLook), "sluice: what\n");
}

TEST(RenderTrouble, SortsAnswersIntoExitCodes) {
  auto const code = [](int status, std::string const& word) {
    return trouble_of(Answer{status, R"({"error":{"code":")" + word + R"(","text":"t","remedy":"r"}})"}).exit_code;
  };
  EXPECT_EQ(code(404, "no_such_item"), 12);
  EXPECT_EQ(code(501, "not_supported_yet"), 2);
  EXPECT_EQ(code(409, "at_end"), 2);
  EXPECT_EQ(code(403, "forbidden"), 2);
  EXPECT_EQ(code(503, "not_committed"), 1);
  EXPECT_EQ(trouble_of(Answer{500, "oops"}).exit_code, 1);
  EXPECT_EQ(trouble_of(Error{Fault::kOffline, "x", "denied"}).exit_code, 11);
}

}  // namespace
}  // namespace sluice::cli

// What each verb asks, prints and ends with.
#include "daemon/cli/verbs.h"

#include "core/base/text.h"
#include "tests/unit/cli/played_client.h"

namespace sluice::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Verbs : public VerbTest {};

constexpr char kItem[] = R"({"id":"01AB","name":"a.mp4","stage":"upload","size":10,"bytes_acked":5,"source":"drop"})";

TEST_F(Verbs, PrintTheDaemonsAnswerAsItIsForJson) {
  client_.prepare("/v1/status", R"({"schema":"sluice.status/1","newer":{"than":"us"}})");
  EXPECT_EQ(run_status(line("status", {}, true), stand_), kFine);
  EXPECT_EQ(printed(), *parse_json(R"({"schema":"sluice.status/1","newer":{"than":"us"}})"));
}

TEST_F(Verbs, SayThatTheDaemonIsNotReachable) {
  client_.prepare("/v1/status", nobody_answers());
  EXPECT_EQ(run_status(line("status"), stand_), kNoDaemon);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("not running"), HasSubstr("/s"), HasSubstr("next: systemctl start sluiced")));
  EXPECT_EQ(out_.str(), "");
}

TEST_F(Verbs, TellOfATroubleInJsonToo) {
  client_.prepare("/v1/status", nobody_answers());
  EXPECT_EQ(run_status(line("status", {}, true), stand_), kNoDaemon);
  EXPECT_EQ(printed().find("error")->find("code")->as_text()->substr(), "nobody_listens");
}

TEST_F(Verbs, ListPageAfterPageUpToTheLimit) {
  client_.prepare("/v1/items?limit=500", R"({"items":[)" + std::string(kItem) + R"(],"next":"7"})");
  client_.prepare("/v1/items?limit=500&cursor=7", R"({"items":[)" + std::string(kItem) + R"(],"next":null})");
  auto arguments = line("ls", {}, true);
  arguments.limit = 0;
  EXPECT_EQ(run_ls(arguments, stand_), kFine);
  EXPECT_EQ(printed().find("items")->elements().size(), 2u);
  EXPECT_EQ(printed().find("next"), nullptr);
}

TEST_F(Verbs, EncodeWhatTheyFilterBy) {
  client_.prepare("/v1/items?limit=2&stage=failed&source=a%20b", R"({"items":[],"next":null})");
  auto arguments = line("ls");
  arguments.limit = 2;
  arguments.stage = "failed";
  arguments.source = "a b";
  EXPECT_EQ(run_ls(arguments, stand_), kFine);
  EXPECT_EQ(out_.str(), "no items\n");
}

TEST_F(Verbs, AskForAPathAsOneSegment) {
  EXPECT_EQ(item_target("/srv/drop/../drop/a b.mp4", stand_), "/v1/items/%2Fsrv%2Fdrop%2Fa%20b.mp4");
  EXPECT_EQ(item_target("01AB", stand_), "/v1/items/01AB");
  EXPECT_EQ(item_target("day1/a.mp4", stand_), "/v1/items/day1%2Fa.mp4");  // not here: relative to its source
  stand_.folder = "/etc";
  EXPECT_EQ(item_target("passwd", stand_), "/v1/items/%2Fetc%2Fpasswd");
}

TEST_F(Verbs, EndWithTwelveForAnItemThatIsNotThere) {
  EXPECT_EQ(run_show(line("show", {"01ZZ"}), stand_), kNoSuchItem);
  EXPECT_THAT(err_.str(), HasSubstr("next: sluice ls"));
  EXPECT_EQ(run_retry(line("retry", {"01ZZ"}), stand_), kNoSuchItem);
  EXPECT_EQ(run_cancel(line("cancel", {"01ZZ"}), stand_), kNoSuchItem);
  EXPECT_EQ(run_wait(line("wait", {"01ZZ"}), stand_), kNoSuchItem);
}

TEST_F(Verbs, AddAbsolutePathsAndBytesThatAreNoText) {
  client_.prepare("/v1/items", R"({"items":[{"id":"01AB","path":"/home/ada/a.mp4"}],"errors":[]})");
  auto arguments = line("add", {"a.mp4", "./x/../b.mp4", "/\xff"});
  arguments.index = "footage";
  EXPECT_EQ(run_add(arguments, stand_), kFine);
  auto const body = *parse_json(client_.asked.at(0).body);
  EXPECT_EQ(client_.asked[0].method, "POST");
  EXPECT_EQ(body, *parse_json(R"({"paths":["/home/ada/a.mp4","/home/ada/b.mp4"],"paths_b64":[")" + to_base64("/\xff") +
                              R"("],"index":"footage"})"));
  EXPECT_THAT(out_.str(), HasSubstr("added  /home/ada/a.mp4  01AB"));
}

TEST_F(Verbs, EndWithThreeWhenSomePathsWereRefused) {
  client_.prepare("/v1/items", R"({"items":[{"id":"01AB","path":"/a"}],
      "errors":[{"path":"/b","error":{"code":"not_beneath_source","text":"/b is not beneath a source","remedy":"move it"}}]})");
  EXPECT_EQ(run_add(line("add", {"/a", "/b"}), stand_), kSomeFailed);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("refused  /b"), HasSubstr("next: move it")));
}

TEST_F(Verbs, EndWithTwoWhenTheDaemonRefusesEverything) {
  client_.prepare("/v1/items", Answer{400, R"({"error":{"code":"bad_request","text":"no","remedy":null}})"});
  EXPECT_EQ(run_add(line("add", {"/a"}), stand_), kUsage);
  client_.prepare("/v1/status", Answer{501, R"({"error":{"code":"not_supported_yet","text":"later","remedy":null}})"});
  EXPECT_EQ(run_status(line("status"), stand_), kUsage);
}

TEST_F(Verbs, GoOnWithTheNextItemAfterARefusal) {
  client_.prepare("/v1/items/01AA/retry",
                  Answer{409, R"({"error":{"code":"not_failed","text":"it is done","remedy":"x"}})"});
  client_.prepare("/v1/items/01AB/retry", kItem);
  EXPECT_EQ(run_retry(line("retry", {"01AA", "01AB"}), stand_), kUsage);
  EXPECT_THAT(out_.str(), HasSubstr("retried  a.mp4  01AB  now upload"));
  EXPECT_THAT(err_.str(), HasSubstr("retry 01AA: it is done"));
}

TEST_F(Verbs, RetryAllFailedItemsBatchByBatch) {
  client_.prepare("/v1/retry-failed?cursor=0", R"({"retried":200,"refused":[],"next":"200"})");
  client_.prepare("/v1/retry-failed?cursor=200", R"({"retried":3,"refused":[],"next":null})");
  auto arguments = line("retry");
  arguments.failed = true;
  EXPECT_EQ(run_retry(arguments, stand_), kFine);
  EXPECT_EQ(out_.str(), "retried 203 items\n");
}

TEST_F(Verbs, ExplainAFileRuleByRule) {
  client_.prepare("/v1/explain?path=%2Fsrv%2Fdrop%2Fa.mp4", R"({"path":"/srv/drop/a.mp4","source":"drop",
      "verdict":"left_out","text":"hidden","rules":[{"rule":"name","says":"left_out","text":"hidden"},
      {"rule":"writer","says":"unknown","text":"no lease"}],"item":"01J9","state":"seen"})");
  EXPECT_EQ(run_explain(line("explain", {"/srv/drop/a.mp4"}), stand_), kFine);
  EXPECT_EQ(out_.str(),
            "/srv/drop/a.mp4, source drop\n"
            "it is left out: hidden\n\n"
            "RULE    SAYS      BECAUSE\n"
            "name    left_out  hidden\n"
            "writer  unknown   no lease\n\n"
            "it is an item, seen: sluice show 01J9\n");
}

TEST_F(Verbs, RescanOneSourceOrAll) {
  client_.prepare("/v1/rescan", R"({"sources":["drop","archive"]})");
  client_.prepare("/v1/rescan?source=drop%20in", R"({"sources":["drop in"]})");
  EXPECT_EQ(run_rescan(line("rescan"), stand_), kFine);
  EXPECT_EQ(client_.asked.at(0).method, "POST");
  EXPECT_EQ(out_.str(), "rescanning  drop\nrescanning  archive\n");
  out_.str("");
  auto arguments = line("rescan", {}, true);
  arguments.source = "drop in";
  EXPECT_EQ(run_rescan(arguments, stand_), kFine);
  EXPECT_EQ(printed(), *parse_json(R"({"sources":["drop in"]})"));
}

TEST_F(Verbs, RescanNoSourceThatIsNotThere) {
  client_.prepare("/v1/rescan?source=dorp", Answer{404, R"({"error":{"code":"no_such_source",
      "text":"there is no source dorp; did you mean drop?","remedy":"sluice status"}})"});
  auto arguments = line("rescan");
  arguments.source = "dorp";
  EXPECT_EQ(run_rescan(arguments, stand_), kUsage);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("did you mean drop?"), HasSubstr("next: sluice status")));
}

TEST_F(Verbs, TakeNoNonsenseForAnAnswer) {
  client_.prepare("/v1/status", "<html>");
  EXPECT_EQ(run_status(line("status"), stand_), kNoDaemon);
  EXPECT_THAT(err_.str(), HasSubstr("no JSON"));
}

std::string staged(std::string const& id, std::string const& stage) {
  return R"({"id":")" + id + R"(","name":")" + id + R"(.mp4","stage":")" + stage +
         R"(","why":{"code":"x","text":"because"}})";
}

class Wait : public VerbTest {};

TEST_F(Wait, EndsWhenEveryNamedItemIsAtAnEnd) {
  client_.prepare("/v1/items/01AA", staged("01AA", "upload"));
  client_.prepare("/v1/items/01AA", staged("01AA", "done"));
  client_.prepare("/v1/items/01AB", staged("01AB", "skipped"));
  EXPECT_EQ(run_wait(line("wait", {"01AA", "01AB"}), stand_), kFine);
  EXPECT_EQ(out_.str(), "upload  01AA.mp4: because\nskipped  01AB.mp4: because\ndone  01AA.mp4: because\n");
  EXPECT_EQ(client_.asked.size(), 3u);  // what is at its end is not asked again
}

TEST_F(Wait, EndsWithThreeWhenOneFailed) {
  client_.prepare("/v1/items/01AA", staged("01AA", "failed"));
  EXPECT_EQ(run_wait(line("wait", {"01AA"}), stand_), kSomeFailed);
  EXPECT_THAT(err_.str(), HasSubstr("next: sluice ls --stage failed"));
}

TEST_F(Wait, EndsWithFiveWhenTheTimeIsUp) {
  client_.prepare("/v1/items/01AA", staged("01AA", "upload"));
  auto arguments = line("wait", {"01AA"});
  arguments.timeout = Millis(30'000);
  EXPECT_EQ(run_wait(arguments, stand_), kTimedOut);
  EXPECT_GE(elapsed_, Millis(30'000));
  EXPECT_EQ(out_.str(), "upload  01AA.mp4: because\n");  // a line per change, not per look
}

TEST_F(Wait, ForAllLooksAtTheTotals) {
  client_.prepare("/v1/status", R"({"totals":{"done":1,"active":1,"waiting":1,"failed":0}})");
  client_.prepare("/v1/status",
                  R"({"totals":{"done":3,"active":0,"waiting":0,"failed":0},"sources":[{"settling":1}]})");
  client_.prepare("/v1/status",
                  R"({"totals":{"done":4,"active":0,"waiting":0,"failed":0},"sources":[{"settling":0}]})");
  EXPECT_EQ(run_wait(line("wait"), stand_), kFine);
  EXPECT_EQ(out_.str(), "1 done, 2 to go, 0 failed\n3 done, 0 to go, 0 failed\n4 done, 0 to go, 0 failed\n");
}

TEST_F(Wait, ForAllEndsWithThreeWhenAnyItemIsFailed) {
  client_.prepare("/v1/status", R"({"totals":{"done":1,"active":0,"waiting":0,"failed":2}})");
  EXPECT_EQ(run_wait(line("wait", {}, true), stand_), kSomeFailed);
  EXPECT_EQ(printed().find("totals")->find("failed")->as_int(), 2);
}

TEST_F(Wait, OutlivesARestartOfTheDaemon) {
  client_.prepare("/v1/items/01AA", staged("01AA", "upload"));
  for (int i = 0; i < 20; ++i) client_.prepare("/v1/items/01AA", nobody_answers());
  client_.prepare("/v1/items/01AA", staged("01AA", "done"));
  EXPECT_EQ(run_wait(line("wait", {"01AA"}), stand_), kFine);
}

TEST_F(Wait, GivesUpOnADaemonThatStaysAway) {
  client_.prepare("/v1/items/01AA", staged("01AA", "upload"));
  client_.prepare("/v1/items/01AA", nobody_answers());
  EXPECT_EQ(run_wait(line("wait", {"01AA"}), stand_), kNoDaemon);
  EXPECT_GE(elapsed_, Millis(60'000));
}

TEST_F(Wait, DoesNotWaitForADaemonThatWasNeverThere) {
  client_.prepare("/v1/status", nobody_answers());
  EXPECT_EQ(run_wait(line("wait"), stand_), kNoDaemon);
  EXPECT_EQ(elapsed_, Millis(0));
}

}  // namespace
}  // namespace sluice::cli

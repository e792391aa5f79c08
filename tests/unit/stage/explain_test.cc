// EXPLAIN: every rule with its evidence, and which one holds a file back.
#include "core/stage/explain.h"

#include <gmock/gmock.h>

#include "core/stage/admit.h"
#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using journal::ItemState;
using testing::HasSubstr;
using Says = Finding::Says;

class Explain : public StageTest {
 protected:
  Explain() {
    policy.sources.push_back({.name = "drop",
                              .root = "/srv/drop",
                              .pipelines = {"footage"},
                              .exclude = {"*/proxy/*", "*.mxf"},
                              .settle = 5s});
    policy.pipelines.push_back({.name = "footage", .kinds = {"video"}});
    look.print = {.size_bytes = 100, .mtime_ns = 1, .ctime_ns = 2};
    look.writer = ports::Writer::kNone;
  }
  Explanation told(std::string const& path, std::optional<journal::ItemRow> item = {}) {
    if (item) item->path = path;
    return explain(policy, policy.sources[0], path, error ? Result<source::Look>(std::unexpected(*error)) : look,
                   std::move(item), now);
  }
  // "rule: text" of what holds it back; "taken" when nothing does.
  std::string held(std::string const& path, std::optional<journal::ItemRow> item = {}) {
    auto const all = told(path, std::move(item));
    auto const* const by = all.held_by();
    return by == nullptr ? "taken" : by->rule + ": " + by->text;
  }
  journal::ItemRow seen(Millis ago) {
    auto row = journal::item_in(ItemState::kSeen, 1);
    row.print = look.print;
    row.quiet_since = row.created_at = now - ago;
    row.plan.clear();
    return row;
  }

  source::Look look;
  std::optional<Error> error;
};

TEST_F(Explain, FindsNothingThatHoldsAQuietFileBack) {
  EXPECT_EQ(held("a.mp4", seen(6s)), "taken");
  auto const all = told("a.mp4", seen(6s));
  std::vector<std::string> rules;
  for (auto const& finding : all.findings) rules.push_back(finding.rule);
  EXPECT_THAT(rules, testing::ElementsAre("name", "file", "quiet", "writer", "kind", "pipeline"));
  EXPECT_EQ(all.findings.back().text, "footage");
}

TEST_F(Explain, NamesTheRuleAndThePatternThatLeaveANameOut) {
  EXPECT_EQ(held("day1/proxy/a.mp4"), "name: it is excluded by the pattern */proxy/*");
  EXPECT_EQ(held("a.mxf"), "name: it is excluded by the pattern *.mxf");
  EXPECT_THAT(held(".hidden/a.mp4"), HasSubstr("name: the folder .hidden: hidden and temporary names"));
  EXPECT_THAT(held("a.mp4.part"), HasSubstr("hidden and temporary names"));
  EXPECT_THAT(held("a.mp4.md5"), HasSubstr("of other files"));
  EXPECT_THAT(held("a.json"), HasSubstr("a sidecar"));
  policy.sources[0].recursive = false;
  EXPECT_THAT(held("day1/a.mp4"), HasSubstr("recursive: false"));
  policy.sources[0].include = {"*.mov"};
  EXPECT_EQ(held("a.mp4"), "name: no pattern of include takes it");
}

TEST_F(Explain, SaysWhatTheFileSystemSaid) {
  error = Error{Fault::kSourceIo, "open /srv/drop/a.mp4: Permission denied; uid 1", "permission"};
  EXPECT_EQ(held("a.mp4"), "file: open /srv/drop/a.mp4: Permission denied; uid 1");
  EXPECT_EQ(told("a.mp4").held_by()->says, Says::kLeftOut);
  error = Error{Fault::kLocal, "/srv/drop does not answer", source::kSourceDown};
  EXPECT_EQ(told("a.mp4").held_by()->says, Says::kWaits);
}

TEST_F(Explain, SaysHowLongAFileMustStayQuiet) {
  EXPECT_EQ(held("a.mp4", seen(2s)), "quiet: it is quiet enough in 3 s, if nothing changes; settle is 5 s");
  auto changed = seen(1min);
  changed.print.mtime_ns = 0;
  EXPECT_EQ(held("a.mp4", changed), "quiet: it changed just now; settle is 5 s");
  EXPECT_EQ(held("a.mp4", journal::item_in(ItemState::kOpened, 1)), "taken");
}

TEST_F(Explain, SaysWhetherAProgramWritesToItOrThatThisCannotBeKnown) {
  look.writer = ports::Writer::kPresent;
  EXPECT_EQ(held("a.mp4", seen(6s)), "writer: a program has it open for writing");
  look.writer = ports::Writer::kUnknown;
  EXPECT_EQ(held("a.mp4", seen(6s)), "taken");
  EXPECT_EQ(told("a.mp4", seen(6s)).findings[3].says, Says::kUnknown);
}

TEST_F(Explain, NamesTheMarkerThatIsMissing) {
  policy.sources[0].ready_marker = *parse_template("{name}.done");
  look.marker = source::Marker::kMissing;
  EXPECT_THAT(held("a.mp4", seen(1h)), HasSubstr("marker: there is no a.mp4.done"));
  look.marker = source::Marker::kThere;
  EXPECT_EQ(held("a.mp4", seen(0s)), "taken");
}

TEST_F(Explain, NamesTheSidecarAndWhatItSays) {
  policy.sources[0].sidecars = true;
  EXPECT_EQ(held("a.mp3", seen(6s)), "pipeline: no pipeline of source drop takes audio files");
  look.sidecar.sidecar = source::Sidecar{.files = {"a.mp3.json", "_defaults.yaml"}, .index = "songs"};
  look.sidecar.unknown = {"`prio`"};
  look.sidecar.links = {"a.json"};
  EXPECT_EQ(held("a.mp3", seen(6s)), "taken");
  auto const all = told("a.mp3", seen(6s)).findings;
  auto const found = std::ranges::find(all, "sidecar", &Finding::rule);
  ASSERT_NE(found, all.end());
  EXPECT_EQ(found->text,
            "a.mp3.json, _defaults.yaml says its index; unknown and left out: `prio`; a.json is a link, and "
            "links are not followed");
  look.sidecar.sidecar = fail(Fault::kRejected, "a.mp3.json: line 2: `priority` is no number", source::kBadSidecar);
  EXPECT_EQ(held("a.mp3", seen(6s)), "sidecar: a.mp3.json: line 2: `priority` is no number");
}

TEST_F(Explain, NamesKindPipelineAndLimits) {
  EXPECT_THAT(held("a.mp3", seen(6s)), HasSubstr("pipeline: no pipeline of source drop takes audio files"));
  EXPECT_THAT(held("a.bin", seen(6s)), HasSubstr("kind: neither its name nor its content"));
  look.type = "video/mp4";
  EXPECT_EQ(held("a.bin", seen(6s)), "taken");
  look.print.size_bytes = 1'000 * kGB;
  EXPECT_THAT(held("a.mp4", journal::item_in(ItemState::kFailed, 1)), HasSubstr("pipeline: the file has 1"));
  look.print.size_bytes = 0;
  EXPECT_EQ(held("a.mp4", seen(6s)), "file: it is empty");
}

TEST_F(Explain, ShowsWhatTheGroupsOfThePathSayOrThatItDoesNotFit) {
  policy.sources[0].match = PathMatch::parse(R"(^(?P<site>[^/]+)/(?P<reel>R\d+))").value();
  auto const all = told("north/R17.mp4", seen(6s));
  EXPECT_EQ(all.held_by(), nullptr);
  auto const match = std::ranges::find(all.findings, "match", &Finding::rule);
  ASSERT_NE(match, all.findings.end());
  EXPECT_EQ(match->text, R"(its path fits `match`, reel is "R17", site is "north")");
  EXPECT_EQ(held("north/a.mp4", seen(6s)), "match: its path does not fit the `match` of source drop");
  auto done = journal::item_in(ItemState::kDone, 1);
  done.plan = Plan{.filename = "a.mp4"}.to_json();
  EXPECT_EQ(held("north/a.mp4", done), "taken") << "it was planned before";
}

TEST(ExplainUrl, SaysWhatIsKnownWithoutAskingItsHost) {
  Policy policy;
  policy.pipelines.push_back({.name = "footage", .kinds = {"video"}, .filename = *parse_template("{name}")});
  policy.hand = {.name = "hand", .pipelines = {"footage"}};
  auto const now = from_unix_ms(1'795'262'400'000);
  auto const told = [&](std::string_view url) {
    auto const explained = explain(policy, policy.hand, *parse_url(url), std::nullopt, now);
    return explained.held_by() == nullptr ? "taken" : explained.held_by()->rule;
  };
  EXPECT_EQ(told("https://h.example/a.mp4"), "taken");
  EXPECT_EQ(told("https://h.example/a.mp4?Signature=s&Expires=4000000000"), "taken");
  EXPECT_EQ(told("https://h.example/a.mp4?Signature=s&Expires=1000000000"), "end");
  EXPECT_EQ(told("https://h.example/a.mp3"), "pipeline");
  EXPECT_EQ(told("https://h.example/watch"), "kind");
}

TEST_F(Explain, NamesTheControlFileOfADownload) {
  look.control_file = "a.mp4.aria2";
  EXPECT_EQ(held("a.mp4", seen(6s)), "writer: a.mp4.aria2 is beside it: its download is not finished");
}

TEST_F(Explain, SaysWhatTheChecksumFileWantsAndWhetherTheBytesAreThoseYet) {
  policy.sources[0].checksum = ChecksumPolicy::kRequire;
  EXPECT_THAT(held("a.mp4", seen(6s)), HasSubstr("checksum: require wants one"));
  policy.sources[0].checksum = ChecksumPolicy::kAuto;
  EXPECT_EQ(held("a.mp4", seen(6s)), "taken");
  policy.sources[0].checksum = ChecksumPolicy::kRequire;
  look.checksum = source::Look::Checksum{.file = "a.mp4.md5", .digits = std::string(32, '0')};
  EXPECT_EQ(held("a.mp4", seen(6s)), "taken");
  auto waiting = seen(6s);
  waiting.effort.last_error = "not yet";
  for (auto const* reason : {"checksum_mismatch", "verifying_checksum"}) {
    waiting.reason = reason;
    EXPECT_EQ(held("a.mp4", waiting), "checksum: not yet") << reason;
  }
  waiting.reason = "changing";
  EXPECT_EQ(held("a.mp4", waiting), "taken") << "of another trouble";
  auto later = journal::item_in(ItemState::kStable, 1);
  later.reason = "checksum_mismatch";
  EXPECT_EQ(held("a.mp4", later), "taken") << "that is over";
  look.checksum->digits = fail(Fault::kRejected, "names another file");
  EXPECT_EQ(held("a.mp4", seen(6s)), "checksum: a.mp4.md5: names another file");
}

TEST_F(Explain, SaysOfAnEmptyFileOnlyThatItIsEmpty) {
  look.print.size_bytes = 0;
  for (auto const* path : {"a.mp4", "a.bin", "a.mp3"})
    for (auto const& finding : told(path, seen(6s)).findings)
      EXPECT_FALSE(finding.rule == "pipeline" || (finding.rule == "kind" && finding.says == Says::kLeftOut)) << path;
}

TEST_F(Explain, SaysByWhatTheKindIsKnown) {
  look.type = "video/mp4";
  auto const kind = [&](std::string const& path) {
    for (auto const& finding : told(path, seen(6s)).findings)
      if (finding.rule == "kind") return finding.text;
    return std::string("(none)");
  };
  EXPECT_EQ(kind("a.mp4"), "video, by its name");
  EXPECT_EQ(kind("a.bin"), "video, by its content");
}

TEST(ExplainUrl, SaysWhoFetchesIt) {
  Policy policy;
  policy.pipelines.push_back({.name = "footage", .kinds = {"video"}, .filename = *parse_template("{name}")});
  for (auto const& [fetch, said] : {std::pair(FetchPolicy::kRelay, "this host downloads it"),
                                    std::pair(FetchPolicy::kPlatform, "the platform fetches it")}) {
    policy.hand = {.name = "hand", .pipelines = {"footage"}, .fetch = fetch};
    auto const all = explain(policy, policy.hand, *parse_url("https://h.example/a.mp4"), std::nullopt, WallTime{});
    EXPECT_THAT(all.findings.at(0).text, HasSubstr(said));
  }
}

TEST(ExplainUrl, TakesASignatureThatEndsThisVerySecondForEnded) {
  Policy policy;
  policy.pipelines.push_back({.name = "footage", .kinds = {"video"}, .filename = *parse_template("{name}")});
  policy.hand = {.name = "hand", .pipelines = {"footage"}};
  auto const url = *parse_url("https://h.example/a.mp4?Signature=s&Expires=1795262400");
  auto const end = from_unix_ms(1'795'262'400'000);
  EXPECT_EQ(explain(policy, policy.hand, url, std::nullopt, end - 1ms).held_by(), nullptr);
  ASSERT_NE(explain(policy, policy.hand, url, std::nullopt, end).held_by(), nullptr);
}

// What its sidecar says now changes nothing of an item that was planned before; and nobody asks it where none counts.
TEST_F(Explain, HeedsASidecarOnlyWhereOneCountsAndTheFileIsNotTakenYet) {
  auto const pipeline = [&](std::optional<journal::ItemRow> item) {
    for (auto const& finding : told("a.mp4", std::move(item)).findings)
      if (finding.rule == "pipeline") return finding.text;
    return std::string("(none)");
  };
  auto taken = journal::item_in(ItemState::kStable, 1);
  taken.plan = Plan{.filename = "a.mp4"}.to_json();
  taken.pipeline = "footage";
  look.sidecar.sidecar = source::Sidecar{.files = {"a.mp4.json"}, .index = "songs"};
  EXPECT_EQ(pipeline(seen(6s)), "footage");
  policy.sources[0].sidecars = true;
  EXPECT_EQ(pipeline(taken), "footage");
  EXPECT_NE(pipeline(seen(6s)), "footage");
}

}  // namespace
}  // namespace sluice::stage

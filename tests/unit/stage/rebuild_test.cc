// A lost journal made anew: what is sought of a file, and which rows stand for what the platform has.
#include "core/stage/rebuild.h"

#include <gmock/gmock.h>

#include "core/base/ids.h"
#include "core/source/identity.h"
#include "core/upload/file_digest.h"
#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using journal::ItemState;
using journal::SessionState;
using journal::StepState;
using platform::Asset;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string const kUlid = "01JZ8Q7KXV3N5T9A2B4C6D8E0F";

class Rebuild : public StageTest {
 protected:
  Rebuild() {
    policy.sources.push_back({.name = "drop", .root = "/srv/drop", .pipelines = {"footage"}, .settle = 5s});
    policy.pipelines.push_back({.name = "footage",
                                .kinds = {"video"},
                                .filename = *parse_template("{name}"),
                                .indexes = {{.name = "films"}, {.name = "all"}}});
  }
  // A file of the source, written an hour ago.
  source::Candidate there(std::string path = "a.mp4") {
    ports::FilePrint const print{.size_bytes = 100, .mtime_ns = to_unix_ms(now - 1h) * 1'000'000};
    files.files[path] = {.print = print};
    return {.path = std::move(path), .print = print};
  }
  std::optional<SourceFile> sought(source::Candidate const& candidate) {
    return sought_file(files, policy, policy.sources[0], candidate, now);
  }
  // The asset that the platform has of it.
  Asset asset(std::string method = "direct", Asset::State state = Asset::State::kReady) const {
    Asset made;
    made.id = "asset1";
    made.state = state;
    made.method = std::move(method);
    made.created_at = now - 30min;
    return made;
  }
  Asset tagged(SourceFile const& file, std::int64_t generation = 3) const {
    auto made = asset();
    made.client_op = to_text(source::OperationTag{kUlid, generation, file.sought.identity});
    return made;
  }
  journal::ItemRow adopted(SourceFile const& file, Asset const& of) {
    within([&](Context& ctx) { adopt(ctx, file, of); });
    return *journal.latest_item("/srv/drop", file.path);
  }
  std::string left_to_a_person(std::size_t assets) {
    std::vector<Asset> all(assets);
    std::vector<Asset const*> fitting;
    for (auto& one : all) {
      one.id = "x" + std::to_string(fitting.size() + 1);
      fitting.push_back(&one);
    }
    auto const file = *sought(there("f" + std::to_string(assets) + ".mp4"));
    within([&](Context& ctx) { leave_to_a_person(ctx, file, fitting); });
    return journal.latest_item("/srv/drop", file.path)->effort.last_error;
  }
};

TEST_F(Rebuild, SeeksWhatTheDaemonWouldHaveSent) {
  auto const file = sought(there());
  ASSERT_TRUE(file);
  EXPECT_EQ(file->sought.filename, "a.mp4");
  EXPECT_EQ(file->sought.size_bytes, 100u);
  EXPECT_EQ(file->sought.not_before, now - 1h);
  EXPECT_EQ(file->sought.identity, source::identity_of("/srv/drop", "a.mp4", 100, to_unix_ms(now - 1h) * 1'000'000));
}

TEST_F(Rebuild, SeeksNothingThatNoPipelineTakes) {
  EXPECT_FALSE(sought(there("a.mp3")));
  auto const sidecar = there("a.json");
  files.files["a.json"].mime = "video/mp4";
  EXPECT_FALSE(sought(sidecar)) << "whatever is in it";
}

TEST_F(Rebuild, TakesTheSidecarIntoAccount) {
  policy.sources[0].sidecars = true;
  auto candidate = there();
  candidate.sidecars_print = 7;
  files.files["a.mp4.json"].bytes = R"({"name": "b.mp4", "index": "nights"})";
  auto const file = *sought(candidate);
  EXPECT_EQ(file.sought.filename, "b.mp4");
  auto const row = adopted(file, asset());
  EXPECT_EQ(row.sidecars_print, 7);
  ASSERT_EQ(journal.steps_of(row.id).size(), 1u);
  EXPECT_EQ(read_planned_step(journal.steps_of(row.id)[0].params).name, "nights");
  files.files["a.mp4.json"].bytes = "{";
  EXPECT_EQ(sought(candidate)->sought.filename, "a.mp4") << "what it said is not known, and the asset may be there";
  EXPECT_THAT(sought(candidate)->sidecar_trouble, StartsWith("a.mp4.json: "));
}

// It may have gone up by what its sidecar said, which the pipelines do not know.
TEST_F(Rebuild, SeeksAFileWhoseSidecarCannotBeReadByItsTagAtLeast) {
  policy.sources[0].sidecars = true;
  policy.pipelines[0].user_metadata = {{"reel", *parse_template("{meta.reel}")}};
  for (auto const* const name : {"a.mp3", "b.mp4"}) {
    auto candidate = there(name);
    EXPECT_FALSE(sought(candidate)) << "without a sidecar no pipeline takes it";
    candidate.sidecars_print = 7;
    files.files[std::string(name) + ".json"].bytes = "{";
    auto const file = sought(candidate);
    ASSERT_TRUE(file) << name;
    EXPECT_EQ(file->sought.filename, name);
    auto const row = adopted(*file, tagged(*file));
    EXPECT_EQ(row.state, ItemState::kSent);
    EXPECT_EQ(row.asset_id, "asset1");
    EXPECT_EQ(row.sidecars_print, 0) << "it is read once it is mended";
    EXPECT_TRUE(journal.steps_of(row.id).empty()) << "where it went is not known";
  }
  auto text = there("c.txt");
  text.sidecars_print = 7;
  files.files["c.txt.json"].bytes = "{";
  EXPECT_FALSE(sought(text));
}

TEST_F(Rebuild, SeeksAFileWhoseSidecarNamesAPipelineThatIsNoneByTheSourcesOwn) {
  policy.sources[0].sidecars = true;
  auto candidate = there();
  candidate.sidecars_print = 7;
  files.files["a.mp4.json"].bytes = R"({"pipeline": "lost", "name": "b.mp4"})";
  auto const file = sought(candidate);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->sought.filename, "b.mp4");
  EXPECT_THAT(file->sidecar_trouble, HasSubstr("there is no pipeline lost"));
  EXPECT_EQ(journal.steps_of(adopted(*file, tagged(*file)).id).size(), 2u);
}

TEST_F(Rebuild, OpensAFileOnlyWhereItsNameDoesNotSayWhatItIs) {
  auto const known = there("a.mp4");
  files.files["a.mp4"].open_error = Error{Fault::kSourceIo, "permission denied"};
  EXPECT_TRUE(sought(known));
  auto const unknown = there("b.bin");
  files.files["b.bin"].mime = "video/mp4";
  EXPECT_TRUE(sought(unknown));
  files.files["b.bin"].open_error = Error{Fault::kSourceIo, "permission denied"};
  EXPECT_FALSE(sought(unknown));
  auto const text = there("c.bin");
  files.files["c.bin"].mime = "text/plain";
  EXPECT_FALSE(sought(text));
  auto const broken = there("d.bin");
  files.files["d.bin"].sniff_error = Error{Fault::kSourceIo, "EIO"};
  EXPECT_FALSE(sought(broken));
}

TEST_F(Rebuild, AnAdoptedItemWaitsForItsAssetAndEachStepIsLookedForFirst) {
  auto const row = adopted(*sought(there()), asset());
  EXPECT_EQ(row.state, ItemState::kSent);
  EXPECT_EQ(row.asset_id, "asset1");
  EXPECT_EQ(row.bytes_acked, 100u);
  EXPECT_EQ(row.effort.due_at, now);
  auto const steps = journal.steps_of(row.id);
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_EQ(steps[0].state, StepState::kCreating);
  EXPECT_EQ(steps[0].intent.at, now - 30min) << "not before the asset was there";
  EXPECT_EQ(steps[0].intent.unknown_at, now);
}

TEST_F(Rebuild, AnItemKeepsTheTagThatItsAssetCarries) {
  auto const file = *sought(there());
  auto const row = adopted(file, tagged(file));
  EXPECT_EQ(row.ulid, kUlid);
  EXPECT_EQ(row.generation, 3);
  EXPECT_EQ(row.client_op, tagged(file).client_op);
  EXPECT_EQ(row.created_at, std::min(now, time_of_ulid(kUlid)));
  EXPECT_THAT(journal.events_of(row.id, 1).at(0).note, EndsWith("carries its operation tag"));
}

TEST_F(Rebuild, AnItemWithoutATagIsNewAndSaysByWhatItWasKnown) {
  auto const row = adopted(*sought(there()), asset());
  EXPECT_NE(row.ulid, kUlid);
  EXPECT_EQ(row.generation, 1);
  EXPECT_EQ(row.client_op, "");
  EXPECT_THAT(journal.events_of(row.id, 1).at(0).note, HasSubstr("fits by name, size and time"));
}

// One of its name, size and time may stand in its place, as a camera without a clock writes them: only a receipt, or
// that nobody has touched it since its asset was made, says that it is the one, which may then be put away.
TEST_F(Rebuild, AFileThatIsNotCertainlyWhatWasSentGetsNoTagAndStaysWhereItIs) {
  auto touched = *sought(there("touched.mp4"));
  touched.print.ctime_ns = to_unix_ms(now - 10min) * 1'000'000;
  auto const row = adopted(touched, tagged(touched));
  EXPECT_EQ(row.asset_id, "asset1");
  EXPECT_EQ(row.client_op, "");
  EXPECT_THAT(journal.events_of(row.id, 1).at(0).note, EndsWith("the file stays where it is"));
  auto received = *sought(there("received.mp4"));
  received.print.ctime_ns = touched.print.ctime_ns;
  received.is_known_by_content = true;
  auto of_receipt = asset();
  of_receipt.client_op = to_text(source::OperationTag{"01JZ8Q7KXV3N5T9A2B4C6D8E1G", 1, received.sought.identity});
  EXPECT_EQ(adopted(received, of_receipt).client_op, of_receipt.client_op);
}

TEST_F(Rebuild, AnAdoptedFileIsKnownByItsEndsUnlessItCannotBeRead) {
  auto readable = *sought(there("a.mp4")), changed = *sought(there("b.mp4")), closed = *sought(there("c.mp4"));
  for (auto const* name : {"a.mp4", "b.mp4", "c.mp4"}) files.files[name].bytes = std::string(100, 'x');
  files.files["b.mp4"].print.mtime_ns += 1;
  files.files["c.mp4"].open_error = Error{Fault::kSourceIo, "permission denied"};
  for (auto* const file : {&readable, &changed, &closed}) note_ends(files, *file);
  EXPECT_EQ(adopted(readable, asset()).ends_hash, upload::ends_hash_of(*files.open("", "a.mp4").value(), 100).value());
  EXPECT_EQ(adopted(changed, asset()).ends_hash, 0);
  EXPECT_EQ(adopted(closed, asset()).ends_hash, 0);
}

TEST_F(Rebuild, OfTwoItemsWithOneTagTheSecondIsNew) {
  auto const first = *sought(there("a.mp4"));
  auto const second = *sought(there("b.mp4"));
  EXPECT_EQ(adopted(first, tagged(first)).ulid, kUlid);
  EXPECT_NE(adopted(second, tagged(second)).ulid, kUlid);
}

TEST_F(Rebuild, TheMethodIsThatOfTheAssetWhereThisProgramKnowsIt) {
  policy.direct_max_bytes = 50;  // as it would be sent today: multipart
  EXPECT_EQ(adopted(*sought(there("a.mp4")), asset("direct")).method, "direct");
  EXPECT_EQ(adopted(*sought(there("b.mp4")), asset("carrier_pigeon")).method, "multipart");
  policy.direct_max_bytes = 500;
  EXPECT_EQ(adopted(*sought(there("c.mp4")), asset("multipart")).method, "multipart");
}

TEST_F(Rebuild, AMultipartAssetThatIsStillProcessingMayBeOfASessionThatNeverEnded) {
  auto const row = adopted(*sought(there("a.mp4")), asset("multipart", Asset::State::kProcessing));
  EXPECT_EQ(row.state, ItemState::kCompleted);
  auto const sessions = journal.sessions_of(row.id);
  ASSERT_EQ(sessions.size(), 1u);
  EXPECT_EQ(sessions[0].state, SessionState::kExpired);
  EXPECT_EQ(sessions[0].asset_id, "asset1");
  EXPECT_EQ(sessions[0].expires_at, now - 30min + 24h);
}

TEST_F(Rebuild, AnyOtherAssetIsWhole) {
  for (auto const& [path, whole] : {std::pair{"a.mp4", asset("multipart", Asset::State::kReady)},
                                    std::pair{"b.mp4", asset("direct", Asset::State::kProcessing)}}) {
    auto const row = adopted(*sought(there(path)), whole);
    EXPECT_EQ(row.state, ItemState::kSent) << path;
    EXPECT_TRUE(journal.sessions_of(row.id).empty()) << path;
  }
}

TEST_F(Rebuild, WhatMayBeOneOfSeveralFailsForAPersonWithItsStepsUntouched) {
  EXPECT_THAT(left_to_a_person(2), EndsWith("as asset x1, x2"));
  auto const row = *journal.latest_item("/srv/drop", "f2.mp4");
  EXPECT_EQ(row.state, ItemState::kFailed);
  EXPECT_EQ(row.reason, "rebuild_ambiguous");
  EXPECT_EQ(row.failed_from, "stable");
  ASSERT_EQ(journal.steps_of(row.id).size(), 2u);
  EXPECT_EQ(journal.steps_of(row.id)[0].state, StepState::kWaiting);
}

TEST_F(Rebuild, NamesFiveAssetsAndCountsTheRest) {
  EXPECT_THAT(left_to_a_person(5), EndsWith("x1, x2, x3, x4, x5"));
  EXPECT_THAT(left_to_a_person(7), EndsWith("x1, x2, x3, x4, x5 and 2 more"));
}

}  // namespace
}  // namespace sluice::stage

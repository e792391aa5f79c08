// chaos_test.cc - what the daemon makes of a line that loses, holds up and changes bytes; one fault at a time.

#include <algorithm>

#include "bad_line.h"
#include "main_job.h"

namespace sluice::e2e {
namespace {

using chaos::Fault;
using chaos::Way;
using Kind = Fault::Kind;

constexpr std::uint64_t kSeed = 5;
constexpr std::uint64_t kFilmBytes = 700'000;  // three chunks
constexpr std::uint64_t kFilmChunks = 3;
constexpr std::uint64_t kInTheBody = 60'000;  // of a request's bytes; its head has less than two thousand

// Stalls are noticed after a second, and retries come soon.
Settings impatient(std::string const& more = {}) {
  auto settings = main_job_settings();
  settings.transfer = "stall: {below: 64KiB/s, for: 1s}" + more;
  return settings;
}

Fault of_first_chunk(Fault fault) {
  fault.nth = 1;
  return fault;
}

// How often chunks were stored in all; each file of the tests has one upload session.
std::uint64_t times_stored(Site const& site) {
  std::uint64_t times = 0;
  auto const ledger = site.emulator().ledger();
  for (auto const& chunk : ledger.at("chunk_puts")) times += chunk.at("times_stored").get<std::uint64_t>();
  return times;
}

bool tells(Json const& story, std::string const& words) {
  return std::ranges::any_of(story.at("events"), [&](Json const& event) {
    return event.at("note").is_string() && event.at("note").get<std::string>().find(words) != std::string::npos;
  });
}

TEST(BadLine, WithoutRulesIsAGoodOne) {
  BadLine line(kSeed, main_job_settings(), main_job_emulator());
  line.daemon().start();
  drop_main_job(line.site(), 1);
  ASSERT_TRUE(line.site().wait_for("done", kMainJobFiles));
  EXPECT_TRUE(main_job_is_whole(line.site()));
  EXPECT_EQ(line.store().turns, kFilmChunks) << "the store is reached through the proxy, and each chunk goes once";
  EXPECT_GT(line.api().turns, 10u);
}

struct Cut {
  char const* name;
  Fault fault;
  std::uint64_t stored;  // chunks, in all
};

std::ostream& operator<<(std::ostream& out, Cut const& cut) { return out << cut.name; }

// Each strikes the first chunk's PUT. Where the platform had it all before its answer was lost, it has it twice.
Cut const kCuts[] = {
    {"Reset", {.kind = Kind::kReset, .after_bytes = kInTheBody}, kFilmChunks},
    {"ResetAnswer", {.kind = Kind::kReset, .way = Way::kBack}, kFilmChunks + 1},
    {"HalfClosedThere", {.kind = Kind::kHalfClose, .after_bytes = kInTheBody}, kFilmChunks},
    {"HalfClosedBack", {.kind = Kind::kHalfClose, .way = Way::kBack}, kFilmChunks + 1},
    {"HalfClosedInTheAnswersHead", {.kind = Kind::kHalfClose, .way = Way::kBack, .after_bytes = 30}, kFilmChunks + 1},
    {"BlackHole", {.kind = Kind::kBlackHole}, kFilmChunks},
    {"Stall", {.kind = Kind::kStall, .after_bytes = kInTheBody}, kFilmChunks},
};

class ChunkCut : public testing::TestWithParam<Cut> {};

TEST_P(ChunkCut, IsSentAgainAndTheFileIsDone) {
  BadLine line(kSeed, impatient(), main_job_emulator());
  line.set_store({.faults = {of_first_chunk(GetParam().fault)}});
  line.daemon().start();
  line.site().drop("scene.mp4", kFilmBytes, 1);
  ASSERT_TRUE(line.site().wait_for("done", 1));

  EXPECT_TRUE(line.site().every_file_is_there_once());
  EXPECT_EQ(times_stored(line.site()), GetParam().stored);
  EXPECT_EQ(line.store().turns, kFilmChunks + 1) << "one chunk was sent once more, and no other";
  EXPECT_EQ(line.daemon().item("scene.mp4").at("attempts"), 0) << "what went well in the end is forgiven";
}

INSTANTIATE_TEST_SUITE_P(By, ChunkCut, testing::ValuesIn(kCuts),
                         [](auto const& instance) { return std::string(instance.param.name); });

TEST(BlackHole, ForGoodIsGivenUpAfterTheAttemptsThatWereConfigured) {
  auto settings = impatient();
  settings.retry = "{initial: 50ms, max: 200ms, attempts: 3}";
  BadLine line(kSeed, settings, {"--chunk-size", "1MiB"});
  line.set_store({.faults = {{.kind = Kind::kBlackHole, .of_connection = true}}});
  line.daemon().start();
  line.site().drop("scene.mp4", kFilmBytes, 1);
  ASSERT_TRUE(line.site().wait_for("failed", 1));
  EXPECT_EQ(line.store().connections, 3u);
  EXPECT_TRUE(tells(line.daemon().story("scene.mp4"), "stalled")) << line.daemon().story("scene.mp4").dump(1);

  line.set_store({});
  EXPECT_EQ(line.site().sluice({"retry", line.daemon().item("scene.mp4").at("id").get<std::string>()}).code, 0);
  ASSERT_TRUE(line.site().wait_for("done", 1));
  EXPECT_TRUE(line.site().every_file_is_there_once());
}

// Every third call of the API loses its answer, or its question, by an orderly end of the connection.
class HalfClosedApi : public testing::TestWithParam<Way> {};

TEST_P(HalfClosedApi, MakesNothingTwice) {
  BadLine line(kSeed, impatient(), main_job_emulator());
  line.set_api({.faults = {{.kind = Kind::kHalfClose, .way = GetParam(), .every = 3, .times = 6}}});
  line.daemon().start();
  drop_main_job(line.site(), 1);
  ASSERT_TRUE(line.site().wait_for("done", kMainJobFiles));
  EXPECT_TRUE(main_job_is_whole(line.site()));
  EXPECT_GE(line.api().half_closes, 3u);
}

INSTANTIATE_TEST_SUITE_P(Way, HalfClosedApi, testing::Values(Way::kThere, Way::kBack), [](auto const& instance) {
  return std::string(instance.param == Way::kThere ? "There" : "Back");
});

TEST(Corruption, OfAChunkOnItsWayIsNoticedAndTheChunkSentAgain) {
  BadLine line(kSeed, main_job_settings(), main_job_emulator());
  line.set_store({.faults = {of_first_chunk({.kind = Kind::kCorrupt, .after_bytes = kInTheBody})}});
  line.daemon().start();
  line.site().drop("scene.mp4", kFilmBytes, 1);
  ASSERT_TRUE(line.site().wait_for("done", 1));

  EXPECT_EQ(line.store().corruptions, 1u);
  EXPECT_EQ(times_stored(line.site()), kFilmChunks + 1);
  EXPECT_TRUE(line.site().every_file_is_there_once()) << "the platform's SHA-256 is the file's";
  EXPECT_TRUE(tells(line.daemon().story("scene.mp4"), "the ETag is not the MD5 of the bytes sent"));
}

TEST(Corruption, TwiceInARowFailsTheItemAsCorruptWhereTheHostsETagsHadMatched) {
  BadLine line(kSeed, main_job_settings(), main_job_emulator());
  line.daemon().start();
  line.site().drop("before.mp4", kFilmBytes, 1);
  ASSERT_TRUE(line.site().wait_for("done", 1));

  line.set_store({.faults = {{.kind = Kind::kCorrupt, .after_bytes = kInTheBody}}});
  line.site().drop("scene.mp4", kFilmBytes, 2);
  ASSERT_TRUE(line.site().wait_for("failed", 1));
  EXPECT_EQ(line.daemon().item("scene.mp4").at("why").at("code"), "corrupt_in_transit");
  EXPECT_EQ(line.site().emulator().ledger().at("assets").size(), 1u) << "no corrupt asset was completed";

  line.set_store({});
  EXPECT_EQ(line.site().sluice({"retry", line.daemon().item("scene.mp4").at("id").get<std::string>()}).code, 0);
  ASSERT_TRUE(line.site().wait_for("done", 2));
  EXPECT_TRUE(line.site().every_file_is_there_once());
}

TEST(ASlowLine, IsNoStall) {
  constexpr std::uint64_t kRate = 256'000;  // four times what counts as a stall
  auto settings = main_job_settings();
  settings.transfer = "stall: {below: 64KiB/s, for: 4s}";
  BadLine line(kSeed, settings, {"--chunk-size", "2MiB"});
  line.set_store({.there = {.bytes_per_s = kRate}});
  line.daemon().start();
  line.site().drop("scene.mp4", 2'000'000, 1);  // one chunk of eight seconds
  ASSERT_TRUE(line.site().wait_for("done", 1));
  EXPECT_TRUE(line.site().every_file_is_there_once());
  EXPECT_EQ(line.store().turns, 1u) << "it was cut, although bytes moved";
}

// One at a time: while others went on, it would be cut long before (core/budget/stall_watch.h).
TEST(AStalledChunk, IsCutAfterTransferStallAndSaid) {
  auto settings = impatient();
  settings.chunks_max = 1;
  BadLine line(kSeed, settings, main_job_emulator());
  line.set_store({.faults = {of_first_chunk({.kind = Kind::kStall, .after_bytes = kInTheBody})}});
  line.daemon().start();
  line.site().drop("scene.mp4", kFilmBytes, 1);
  ASSERT_TRUE(line.site().wait_for("done", 1));
  EXPECT_EQ(line.store().stalls, 1u);
  EXPECT_TRUE(tells(line.daemon().story("scene.mp4"), "stalled: less than"));
  EXPECT_EQ(times_stored(line.site()), kFilmChunks);
}

// The top bit of a byte of the JSON: what it strikes is no JSON any more. Other flips make another id or another name
// of the same form, which nobody could tell from the right one: against those there is TLS, and nothing else.
TEST(Corruption, OfTheApisAnswersLeadsToNoWrongState) {
  BadLine line(kSeed, impatient(), main_job_emulator());
  // Not where a head has its Content-Length: a broken one costs the minute for which an answer is waited. Heads have
  // 135 to 165 bytes, and 245 with a Location, which is where the first span strikes then.
  line.set_api({.faults = {{.kind = Kind::kCorrupt,
                            .way = Way::kBack,
                            .after_bytes = 170,
                            .within_bytes = 25,
                            .flip = 0x80,
                            .every = 3,
                            .times = 20},
                           {.kind = Kind::kCorrupt,
                            .way = Way::kBack,
                            .after_bytes = 260,
                            .within_bytes = 250,
                            .flip = 0x80,
                            .every = 2,
                            .times = 20}}});
  line.daemon().start();
  drop_main_job(line.site(), 1);
  ASSERT_TRUE(line.site().wait_for("done", kMainJobFiles));
  EXPECT_GE(line.api().corruptions, 1u);
  EXPECT_TRUE(main_job_is_whole(line.site()));
}

}  // namespace
}  // namespace sluice::e2e

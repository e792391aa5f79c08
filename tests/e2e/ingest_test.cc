// ingest_test.cc - `sluice ingest`: the engine with no daemon, and a journal of its own.

#include <csignal>

#include "programs.h"
#include "site.h"

namespace sluice::e2e {
namespace {

constexpr std::uint64_t kMiB = 1U << 20U;

std::vector<std::string> words_for(Site const& site, std::string const& path) {
  return {"ingest", "--config", site.home().config_file(), "--state-dir", site.folder() + "/own", path};
}

std::uint64_t all_calls(Site const& site) {
  std::uint64_t sum = 0;
  auto const ledger = site.emulator().ledger();
  for (auto const& row : ledger.at("requests")) sum += row.at("count").get<std::uint64_t>();
  return sum;
}

TEST(Ingest, BringsAFileToItsEndAndSendsNothingTheSecondTime) {
  Site site;
  auto const path = site.make_file("clip.mp4", 20 * kMiB, 1);
  auto const first = site.sluice(words_for(site, path), 50s);
  ASSERT_EQ(first.code, 0) << first.out << first.err;
  EXPECT_TRUE(site.every_file_is_there_once());
  auto const ledger = site.emulator().ledger();
  ASSERT_EQ(ledger.at("indexed_assets").size(), 1u);
  EXPECT_EQ(ledger.at("indexed_assets")[0].at("status"), "ready");

  auto const calls = all_calls(site);
  auto const second = site.sluice(words_for(site, path));
  ASSERT_EQ(second.code, 0) << second.out << second.err;
  EXPECT_EQ(all_calls(site), calls) << "the second run asked the platform something";
  auto const asset_id = ledger.at("assets")[0].at("id").get<std::string>();
  EXPECT_NE(second.out.find(asset_id), std::string::npos) << second.out;
}

TEST(Ingest, ResumesAfterKillMinus9) {
  Site site({.chunks_max = 4}, {"--rate", "8MB/s", "--chunk-size", "1MiB"});
  auto const path = site.make_file("clip.mp4", 24 * kMiB, 2);
  {
    Command command{
        .words = {program("sluice")}, .environment = {{"HOME", site.folder()}}, .out_file = {}, .err_file = {}};
    for (auto const& word : words_for(site, path)) command.words.push_back(word);
    Process process(command);
    ASSERT_TRUE(until(30s, [&] {
      return site.emulator().ledger().at("totals").at("bytes_received").get<std::uint64_t>() > 8 * kMiB ||
             process.wait(0ms).has_value();
    }));
    ASSERT_FALSE(process.wait(0ms).has_value()) << "it ended by itself";
    process.kill_at_once();
  }
  auto const second = site.sluice(words_for(site, path), 50s);
  ASSERT_EQ(second.code, 0) << second.out << second.err;
  EXPECT_TRUE(site.every_file_is_there_once());
  auto const ledger = site.emulator().ledger();
  EXPECT_EQ(ledger.at("sessions").size(), 1u);
  EXPECT_LE(ledger.at("totals").at("bytes_received"), (24 + 4) * kMiB) << "more was sent again than was in the air";
}

TEST(Ingest, SaysWhatIsWrongByItsExitCode) {
  Site site;
  EXPECT_EQ(site.sluice(words_for(site, "/nonexistent/file.mp4")).code, 9);
  auto const path = site.make_file("clip.mp4", 10'000, 1);
  write_key(site.home().key_file(), "another-key-altogether");
  EXPECT_EQ(site.sluice(words_for(site, path)).code, 7);
  write_key(site.home().key_file(), site.key());
  EXPECT_EQ(site.sluice(words_for(site, path)).code, 0) << "the same command goes on once the key is right";
  EXPECT_TRUE(site.every_file_is_there_once());
}

}  // namespace
}  // namespace sluice::e2e

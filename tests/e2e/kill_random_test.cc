// kill_random_test.cc - kill -9 at random moments of a real daemon's life, from its first millisecond on.
//
// Several deaths per site, each looked at before the next start. $SLUICE_E2E_KILLS sets how many in all,
// $SLUICE_SEED the moments and the sizes; what the kernel does in between is the kernel's.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "death.h"

namespace sluice::e2e {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kDeathsPerSite = 10;
constexpr std::uint64_t kChunkBytes = 64U << 10U;

struct Figures {
  std::uint64_t kills = 0;
  std::uint64_t sites = 0;
  std::uint64_t files = 0;
  std::uint64_t in_air = 0;   // chunks and whole files that were being sent at the deaths, by the journal
  std::uint64_t stored = 0;   // chunks that the journal had then, and that were not sent again
  std::uint64_t early = 0;    // deaths before the daemon was ready
  std::uint64_t again = 0;    // bytes that arrived more than once
  std::uint64_t allowed = 0;  // bytes that were in the air at the deaths
};

// One or two videos, some pictures of one person, some recordings.
std::vector<Site::Make> files_of(Dice& dice) {
  std::vector<Site::Make> files{{"scene.mp4", dice.between(10, 30) * kChunkBytes + dice.between(1, kChunkBytes)}};
  if (dice.between(0, 1) == 1) files.push_back({"second.mp4", dice.between(3, 12) * kChunkBytes});
  for (std::uint64_t i = dice.between(1, 3); i > 0; --i)
    files.push_back({"Ada/portrait" + std::to_string(i) + ".jpg", dice.between(10'000, 40'000)});
  for (std::uint64_t i = dice.between(1, 3); i > 0; --i)
    files.push_back({"interview" + std::to_string(i) + ".mp3", dice.between(10'000, 40'000)});
  return files;
}

// Lives for up to `most`, then dies. The moment is counted from the exec, so that starts die too.
void live_and_die(Site& site, Dice& dice, Figures& figures) {
  auto const span = std::chrono::microseconds(dice.between(0, dice.between(0, 3) == 0 ? 30'000 : 700'000));
  site.daemon().start_unwatched();
  EXPECT_FALSE(site.daemon().ended(std::chrono::duration_cast<Millis>(span))) << "it ended by itself";
  figures.early += std::filesystem::exists(site.home().socket()) ? 0 : 1;
  site.daemon().kill_at_once();
  ++figures.kills;
}

void add_up(Figures& figures, Site const& site, std::vector<Death> const& deaths, std::uint64_t bytes) {
  auto const received = site.emulator().ledger().at("totals").at("bytes_received").get<std::uint64_t>();
  figures.again += received - std::min(received, bytes);
  for (auto const& death : deaths) {
    figures.in_air += death.in_air.size() + death.direct_in_air;
    figures.stored += death.stored.size();
    figures.allowed += death.bytes_in_air;
  }
}

void kill_one_site(Dice& dice, std::uint64_t kills, Figures& figures) {
  Site site({.direct_max = "48KiB", .poll = "{min: 30ms, max: 150ms}", .chunks_max = 4},
            {"--chunk-size", std::to_string(kChunkBytes) + "B", "--keep-objects", "off", "--ready-after", "40ms",
             "--index-after", "40ms", "--entity-after", "40ms"});
  site.emulator().arm(Json::array({{{"method", "PUT"}, {"path", "/chunk-store/*"}, {"action", "delay"}, {"ms", 40}},
                                   {{"method", "POST"}, {"path", "/assets"}, {"action", "delay"}, {"ms", 40}}}));
  auto const files = files_of(dice);
  std::uint64_t bytes = 0;
  for (auto const& file : files) bytes += file.bytes;
  site.drop_all(files, dice.between(1, 1U << 30U));
  std::vector<Death> deaths;
  for (std::uint64_t i = 0; i < kills && !testing::Test::HasFailure(); ++i) {
    std::filesystem::remove(site.home().socket());
    live_and_die(site, dice, figures);
    deaths.push_back(look_at_death(site));
  }
  site.daemon().start();
  EXPECT_TRUE(site.wait_for("done", files.size()));
  EXPECT_TRUE(site.every_file_is_there_once());
  EXPECT_TRUE(none_sent_again(site, deaths));
  EXPECT_TRUE(sent_again_only_what_was_in_the_air(site, deaths, bytes, files.size()));
  auto const ledger = site.emulator().ledger();
  EXPECT_EQ(ledger.at("entities").size(), 1u);
  EXPECT_EQ(ledger.at("indexes").size(), 1u);
  add_up(figures, site, deaths, bytes);
  figures.files += files.size();
  ++figures.sites;
}

TEST(Kill, AtAnyMomentLosesAndDoublesNothing) {
  Dice dice(run_seed());
  auto const wanted = setting("SLUICE_E2E_KILLS", 10);
  auto const began = Clock::now();
  Figures figures;
  while (figures.kills < wanted) {
    kill_one_site(dice, std::min(kDeathsPerSite, wanted - figures.kills), figures);
    ASSERT_FALSE(HasFailure()) << "at kill " << figures.kills;
  }
  auto const number = [](std::uint64_t count) { return static_cast<unsigned long long>(count); };
  std::printf(
      "random kills: %llu of %llu daemons (%llu before they were ready) in %.0f s; %llu files\n"
      "random kills: at the deaths %llu chunks and files were in the air (%.1f MiB), %.1f MiB arrived again; %llu "
      "times a chunk was in the journal, 0 of them sent again; lost 0, duplicates 0\n",
      number(figures.kills), number(figures.sites), number(figures.early),
      std::chrono::duration<double>(Clock::now() - began).count(), number(figures.files), number(figures.in_air),
      static_cast<double>(figures.allowed) / (1U << 20U), static_cast<double>(figures.again) / (1U << 20U),
      number(figures.stored));
}

}  // namespace
}  // namespace sluice::e2e

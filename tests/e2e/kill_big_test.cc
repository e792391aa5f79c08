// kill_big_test.cc - kill -9 at random moments of one large upload.
//
// The figures are held against two witnesses that cannot have agreed: the journal as the death left it,
// and the emulator's ledger. $SLUICE_E2E_BIG sets the size, $SLUICE_E2E_BIG_SECONDS how long the upload
// takes at least, $SLUICE_SEED the moments.

#include <algorithm>
#include <cstdio>

#include "death.h"

namespace sluice::e2e {
namespace {

constexpr std::uint64_t kMiB = 1U << 20U;
constexpr int kKills = 5;

Death kill_when(Site& site, std::uint64_t bytes_received) {
  auto const received = [&] { return site.emulator().ledger().at("totals").at("bytes_received").get<std::uint64_t>(); };
  EXPECT_TRUE(site.wait_until(std::to_string(bytes_received) + " bytes", [&] { return received() >= bytes_received; }));
  site.daemon().kill_at_once();
  return look_at_death(site);
}

// Only a chunk that was in the air at a death is ever stored twice.
std::uint64_t stored_twice(Json const& ledger, std::vector<Death> const& deaths) {
  std::uint64_t twice = 0;
  for (auto const& put : ledger.at("chunk_puts")) {
    auto const times = put.at("times_stored").get<std::uint64_t>();
    if (times < 2) continue;
    auto const was_in_air = [&](Death const& death) { return death.in_air.contains(chunk_of(put)); };
    auto const deaths_in_air = static_cast<std::uint64_t>(std::ranges::count_if(deaths, was_in_air));
    EXPECT_LE(times - 1, deaths_in_air) << "chunk " << chunk_of(put);
    twice += times - 1;
  }
  return twice;
}

void print_figures(Json const& ledger, std::vector<Death> const& deaths, std::uint64_t bytes, std::uint64_t twice) {
  auto const received = ledger.at("totals").at("bytes_received").get<std::uint64_t>();
  std::size_t open = 0;
  std::size_t in_air = 0;
  for (auto const& death : deaths) {
    open += death.open.size();
    in_air += death.in_air.size();
  }
  std::printf(
      "big: %.0f MiB in %zu chunks, killed %zu times; in the air at the deaths: %zu by the journal, %zu by the ledger\n"
      "big: sent again %.1f MiB (%.2f %%), chunks stored twice %llu, journaled chunks sent again 0, duplicates %zu\n",
      static_cast<double>(bytes) / kMiB, ledger.at("chunk_puts").size(), deaths.size(), in_air, open,
      static_cast<double>(received - bytes) / kMiB,
      100.0 * static_cast<double>(received - bytes) / static_cast<double>(bytes),
      static_cast<unsigned long long>(twice), ledger.at("duplicates").size());
}

TEST(Kill, NeverSendsAChunkAgainWhoseAnswerIsInTheJournal) {
  Dice dice(run_seed());
  auto const bytes = setting("SLUICE_E2E_BIG", 64 * kMiB);
  auto const seconds = setting("SLUICE_E2E_BIG_SECONDS", 8);
  auto const chunk = bytes > 512 * kMiB ? 5 * kMiB : kMiB;
  Site site({}, {"--rate", std::to_string(bytes / seconds) + "B/s", "--chunk-size", std::to_string(chunk) + "B",
                 "--keep-objects", "off"});
  std::vector<std::uint64_t> moments(kKills);
  for (auto& moment : moments) moment = bytes / 1000 * dice.between(20, 950);
  std::ranges::sort(moments);

  site.drop("big.mp4", bytes, dice.between(1, 1U << 30U));
  std::vector<Death> deaths;
  for (auto const moment : moments) {
    site.daemon().start();
    deaths.push_back(kill_when(site, moment));
    ASSERT_FALSE(HasFailure());
  }
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", 1, Millis(45'000 + bytes / 20'000)));

  EXPECT_TRUE(site.every_file_is_there_once());
  auto const ledger = site.emulator().ledger();
  EXPECT_EQ(ledger.at("sessions").size(), 1u) << "the upload session was not resumed";
  EXPECT_TRUE(none_sent_again(site, deaths));
  auto const twice = stored_twice(ledger, deaths);
  EXPECT_TRUE(sent_again_only_what_was_in_the_air(site, deaths, bytes, 0));
  print_figures(ledger, deaths, bytes, twice);
}

}  // namespace
}  // namespace sluice::e2e

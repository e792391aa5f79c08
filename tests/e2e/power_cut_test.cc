// power_cut_test.cc - the power fails while the journal is written: what was acknowledged is still there.
//
// The state directory is an ext4 of its own that is shut down without flushing (docs/RULES.md, "Power-cut
// experiment"). As acknowledged counts only what was read before the cut began. $SLUICE_E2E_POWER_CUTS sets
// how many cuts of the small writer, $SLUICE_E2E_POWER_CUTS_DAEMON how many of sluiced.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <set>

#include "death.h"
#include "loop_disk.h"
#include "programs.h"

namespace sluice::e2e {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point began) { return std::chrono::duration<double>(Clock::now() - began).count(); }

// --- the writer

constexpr std::uint64_t kCutsPerDisk = 25;  // then a new one, so that making a journal is cut too

// The last number of the writer's whole lines; 0 when there is none.
std::uint64_t last_number(std::string const& text) {
  auto const end = text.rfind('\n');
  if (end == std::string::npos || end == 0) return 0;
  auto const begin = text.rfind('\n', end - 1);
  auto const line = text.substr(begin == std::string::npos ? 0 : begin + 1, end - begin - 1);
  return line == "open" ? 0 : std::stoull(line);
}

struct Cuts {
  std::uint64_t cuts = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t beyond = 0;  // committed, and not yet read when the cut began
  std::uint64_t empty = 0;   // the cut came before there was a journal
};

// When a life ends: after about so many commits, or, where that is none, so long after its begin.
struct Moment {
  std::uint64_t commits = 0;
  Millis life{0};
};

// Every fifth comes while the journal is being made or opened; the longest lives outgrow the log's bound, so
// that a checkpoint is cut too.
Moment next_moment(Dice& dice) {
  if (dice.between(1, 5) == 1) return {.commits = 0, .life = Millis(dice.between(0, 25))};
  return {.commits = dice.between(1, 300)};
}

// One life of the writer. Returns the last number that is in the journal after the cut.
std::uint64_t cut_writer(LoopDisk& disk, std::string const& folder, std::uint64_t before, Moment moment, Cuts& cuts) {
  auto const out = folder + "/writer.out";
  ::unlink(out.c_str());
  auto const file = disk.folder() + "/journal.db";
  Process writer({.words = {program("journal-writer"), file, std::to_string(before + 1)},
                  .environment = {},
                  .out_file = out,
                  .err_file = folder + "/writer.err"});
  if (moment.commits == 0) {
    writer.wait(moment.life);
  } else {
    auto const far_enough = [&] { return last_number(read_text(out)) >= before + moment.commits; };
    EXPECT_TRUE(until(30s, [&] { return far_enough() || writer.wait(0ms); }));
  }
  auto const ended = writer.wait(0ms);
  EXPECT_FALSE(ended) << "the writer ended before the cut, with " << *ended << ": "
                      << read_text(folder + "/writer.err");
  auto const seen = std::max(before, last_number(read_text(out)));
  disk.cut();
  writer.kill_at_once();
  disk.power_on();

  JournalCopy const journal(disk.folder(), folder + "/copy");
  EXPECT_EQ(journal.integrity(), "ok");
  ++cuts.cuts;
  cuts.acknowledged += seen - before;
  if (!journal.has_tables()) {
    ++cuts.empty;
    EXPECT_EQ(seen, 0u) << "the journal is gone";
    return 0;
  }
  auto const row = journal.rows("SELECT count(*), coalesce(max(id), 0), sum(state = 'skipped') FROM item").at(0);
  std::uint64_t const last = std::stoull(row.at(0));
  EXPECT_GE(last, seen) << "acknowledged rows are lost";
  EXPECT_EQ(row.at(1), row.at(0)) << "a row is missing in the middle";
  if (last > 0) {
    EXPECT_EQ(row.at(2), std::to_string(last - 1)) << "a transaction is there in parts";
  }
  cuts.beyond += last - std::min(last, seen);
  return last;
}

TEST(PowerCut, LosesNothingThatTheJournalAcknowledged) {
  if (auto const why = LoopDisk::why_not(); !why.empty()) GTEST_SKIP() << why;
  Dice dice(run_seed());
  TempFolder const folder;
  LoopDisk disk(folder.path() + "/image", folder.path() + "/disk");
  auto const wanted = setting("SLUICE_E2E_POWER_CUTS", 10);
  Cuts cuts;
  std::uint64_t number = 0;
  auto const began = Clock::now();
  while (cuts.cuts < wanted) {
    if (cuts.cuts > 0 && cuts.cuts % kCutsPerDisk == 0) {
      disk.format();
      number = 0;
    }
    number = cut_writer(disk, folder.path(), number, next_moment(dice), cuts);
    ASSERT_FALSE(HasFailure()) << "at cut " << cuts.cuts;
  }
  auto const took = seconds_since(began);
  std::printf(
      "power cuts: %llu cuts of the writer in %.0f s (%.1f a second), %llu commits acknowledged, %llu more were "
      "on disk, %llu cuts before there was a journal; corrupt 0, lost 0\n",
      static_cast<unsigned long long>(cuts.cuts), took, static_cast<double>(cuts.cuts) / took,
      static_cast<unsigned long long>(cuts.acknowledged), static_cast<unsigned long long>(cuts.beyond),
      static_cast<unsigned long long>(cuts.empty));
}

// --- the daemon

constexpr std::uint64_t kCutsPerSite = 10;

// How far a state is; those between which a lost answer may move an item back and forth are one.
int rank_of(std::string const& state) {
  static std::map<std::string, int> const kRanks{{"seen", 0},        {"stable", 1},   {"opening", 1},   {"sending", 1},
                                                 {"opened", 2},      {"reported", 3}, {"completed", 4}, {"sent", 4},
                                                 {"asset_ready", 5}, {"done", 6}};
  auto const found = kRanks.find(state);
  return found == kRanks.end() ? -1 : found->second;
}

// What a person could have read over the socket is not behind in the journal that the cut left.
void expect_all_kept(JournalCopy const& journal, Json const& seen) {
  std::map<std::string, std::vector<std::string>> kept;
  for (auto const& row : journal.rows("SELECT ulid, state, bytes_acked, coalesce(asset_id, '') FROM item"))
    kept.emplace(row.at(0), row);
  for (auto const& item : seen) {
    auto const found = kept.find(item.at("id").get<std::string>());
    ASSERT_NE(found, kept.end()) << "lost: " << item.dump();
    auto const& row = found->second;
    EXPECT_GE(rank_of(row.at(1)), rank_of(item.at("state"))) << "behind: " << item.dump();
    EXPECT_GE(std::stoull(row.at(2)), item.at("bytes_acked").get<std::uint64_t>()) << "bytes lost: " << item.dump();
    if (!item.at("asset_id").is_null()) {
      EXPECT_EQ(row.at(3), item.at("asset_id")) << "asset lost";
    }
  }
}

std::vector<Site::Make> reels() {
  std::vector<Site::Make> files{{"scene.mp4", 3'000'000}, {"second.mp4", 2'000'000}};
  for (int i = 0; i < 6; ++i) files.push_back({"Ada/portrait" + std::to_string(i) + ".jpg", 60'000});
  for (int i = 0; i < 6; ++i) files.push_back({"interview" + std::to_string(i) + ".mp3", 50'000});
  return files;
}

// One life of the daemon, cut when the platform has seen about `more` further events.
Death cut_daemon(Site& site, LoopDisk& disk, std::uint64_t more) {
  site.daemon().start();
  auto const goal = site.emulator().events().size() + more;
  auto const files = reels().size();
  EXPECT_TRUE(site.wait_until("the moment of the cut", [&] {
    return site.emulator().events().size() >= goal || site.daemon().total("done") == files;
  }));
  auto const seen = site.daemon().items();
  disk.cut();
  site.daemon().kill_at_once();
  disk.power_on();
  auto const journal = site.journal();
  EXPECT_EQ(journal.integrity(), "ok");
  expect_all_kept(journal, seen);
  return look_at_death(site);
}

// A whole job in which the power fails several times. Returns how often.
std::uint64_t cut_one_site(Dice& dice, std::uint64_t wanted) {
  Site site({.direct_max = "256KiB", .poll = "{min: 50ms, max: 200ms}", .chunks_max = 4},
            {"--chunk-size", "128KiB", "--ready-after", "50ms", "--index-after", "50ms", "--entity-after", "50ms"});
  LoopDisk disk(site.folder() + "/image", site.home().state());
  site.emulator().arm(Json::array({{{"method", "PUT"}, {"path", "/chunk-store/*"}, {"action", "delay"}, {"ms", 60}},
                                   {{"method", "POST"}, {"path", "/assets"}, {"action", "delay"}, {"ms", 60}}}));
  auto const files = reels();
  std::uint64_t bytes = 0;
  for (auto const& file : files) bytes += file.bytes;
  site.drop_all(files, dice.between(1, 1U << 30U));
  std::vector<Death> deaths;
  while (deaths.size() < wanted && !testing::Test::HasFailure())
    deaths.push_back(cut_daemon(site, disk, dice.between(0, 25)));
  site.daemon().start();
  EXPECT_TRUE(site.wait_for("done", files.size()));
  EXPECT_TRUE(site.every_file_is_there_once());
  EXPECT_TRUE(none_sent_again(site, deaths));
  EXPECT_TRUE(sent_again_only_what_was_in_the_air(site, deaths, bytes, files.size() - 2));
  EXPECT_EQ(site.emulator().ledger().at("entities").size(), 1u);
  site.daemon().kill_at_once();
  return deaths.size();
}

TEST(PowerCut, OfTheDaemonLosesNothingThatItHadShown) {
  if (auto const why = LoopDisk::why_not(); !why.empty()) GTEST_SKIP() << why;
  Dice dice(run_seed());
  auto const wanted = setting("SLUICE_E2E_POWER_CUTS_DAEMON", 5);
  auto const began = Clock::now();
  std::uint64_t cuts = 0;
  while (cuts < wanted) {
    cuts += cut_one_site(dice, std::min(kCutsPerSite, wanted - cuts));
    ASSERT_FALSE(HasFailure()) << "at cut " << cuts;
  }
  std::printf(
      "power cuts: %llu cuts of sluiced in %.0f s; corrupt 0, lost 0, duplicates 0, journaled chunks sent "
      "again 0\n",
      static_cast<unsigned long long>(cuts), seconds_since(began));
}

}  // namespace
}  // namespace sluice::e2e

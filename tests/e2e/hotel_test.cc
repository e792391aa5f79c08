// hotel_test.cc - many files over a line at its worst, for as long as it takes: the "bad hotel" in real time.
//
// Of all calls 5 % are reset (half of them after the platform had acted), 2 % stall, and 3 % get a server error, which
// the emulator plays: only the platform can fail after it has acted. Every byte takes 200 ms more or less by 150 ms,
// there and back together, and now and then the whole line is gone.
//
// Small and hurried in `make test`; $SLUICE_E2E_HOTEL says how many files, and then the daemon has its defaults and the
// line is gone for half a minute in every five (make show-hotel). $SLUICE_SEED repeats the dice.

#include <chrono>
#include <cstdio>

#include "bad_line.h"

namespace sluice::e2e {
namespace {

using chaos::Fault;
using chaos::Outage;
using chaos::Way;
using Clock = std::chrono::steady_clock;
using Kind = Fault::Kind;

constexpr std::uint64_t kHurriedFiles = 100;
constexpr std::uint64_t kChunkBytes = 512U << 10U;
constexpr std::uint64_t kFilmBytes = 6 * kChunkBytes + 1;  // one file in chunks for each fifty

struct Terms {
  std::uint64_t files;
  Settings settings;
  std::optional<Millis> stall;  // of calls of the API; nothing: until the daemon gives up, after 60 s
  Outage outage;
  Millis patience;
};

Terms hurried() {
  Terms terms{.files = kHurriedFiles,
              .settings = {.direct_max = "256KiB",
                           .transfer = "max_files: 16, stall: {below: 64KiB/s, for: 2s}",
                           .late_effect = "2s",  // longer than anything is held on its way
                           .retry = "{initial: 100ms, max: 1s}",
                           .chunks_max = 16},
              .stall = 1500ms,
              .outage = {.kind = Outage::Kind::kRefuse, .lasts = 1000ms, .every = 7000ms},
              .patience = Millis(120'000)};
  return terms;
}

// The daemon's defaults.
Terms in_full(std::uint64_t files) {
  return {.files = files,
          .settings = {.direct_max = "256KiB",
                       .list_lag = "30s",
                       .late_effect = "10s",
                       .retry = "{initial: 1s, max: 5m}",
                       .poll = "{min: 2s, max: 60s}",
                       .chunks_max = 32},
          .stall = std::nullopt,
          .outage = {.kind = Outage::Kind::kSilence, .lasts = Millis(30'000), .every = Millis(300'000)},
          .patience = std::chrono::hours(3)};
}

chaos::Rules bad(Terms const& terms, std::optional<Millis> stall) {
  chaos::Course const far{.delay = 100ms, .jitter = 75ms};
  constexpr std::uint64_t kWithin = 64U << 10U;
  return {.there = far,
          .back = far,
          .faults = {{.kind = Kind::kReset, .within_bytes = kWithin, .share = 0.025},
                     {.kind = Kind::kReset, .way = Way::kBack, .share = 0.025},
                     {.kind = Kind::kStall, .within_bytes = kWithin, .lasts = stall, .share = 0.01},
                     {.kind = Kind::kStall, .way = Way::kBack, .lasts = stall, .share = 0.01}},
          .outage = terms.outage};
}

Json server_errors() {
  return Json::array({{{"probability", 0.015}, {"action", "status"}, {"status", 503}},
                      {{"probability", 0.015}, {"action", "status"}, {"status", 500}, {"after_effect", true}}});
}

struct Stay {
  double seconds = 0;
  std::uint64_t requests = 0;
  std::uint64_t bytes = 0;  // that the daemon sent
  std::uint64_t troubles = 0;
};

// The media of both stays are the same, and so are the files' names.
void drop_luggage(Site& site, std::uint64_t files) {
  std::vector<Site::Make> luggage;
  for (std::uint64_t i = 0; i < files; ++i) {
    auto const is_film = i % 50 == 0;
    luggage.push_back({"day" + std::to_string(i % 7) + "/clip" + std::to_string(i) + ".mp4",
                       is_film ? kFilmBytes : 20'000 + 1'000 * (i % 40)});
  }
  site.drop_all(luggage, 1);
}

Stay stay(std::uint64_t seed, Terms const& terms, bool is_bad) {
  BadLine line(seed, terms.settings, {"--chunk-size", std::to_string(kChunkBytes) + "B"});
  if (is_bad) {
    line.set_api(bad(terms, terms.stall));
    line.set_store(bad(terms, std::nullopt));
    line.site().emulator().arm(server_errors());
  }
  line.daemon().start();
  auto const begun = Clock::now();
  drop_luggage(line.site(), terms.files);
  EXPECT_TRUE(line.site().wait_for("done", terms.files, terms.patience));
  auto const took = std::chrono::duration<double>(Clock::now() - begun).count();
  EXPECT_EQ(line.daemon().total("failed"), 0u);
  EXPECT_TRUE(line.site().every_file_is_there_once());
  EXPECT_EQ(line.site().emulator().ledger().at("indexed_assets").size(), terms.files);
  auto const api = line.api(), store = line.store();
  return {.seconds = took,
          .requests = api.turns + store.turns,
          .bytes = api.bytes_there + store.bytes_there,
          .troubles = api.resets + store.resets + api.stalls + store.stalls + api.outages + store.outages};
}

TEST(ABadHotelInRealTime, LosesNoFileAndDoublesNone) {
  auto const seed = run_seed();
  auto const files = setting("SLUICE_E2E_HOTEL", 0);
  auto const terms = files == 0 ? hurried() : in_full(files);
  auto const good = stay(seed, terms, false);
  if (HasFailure()) return;
  auto const worst = stay(seed, terms, true);
  EXPECT_GT(worst.troubles, 10u);
  auto const as = [](auto number) { return static_cast<double>(number); };
  std::printf(
      "hotel: %llu files done in %.1f s, on a good line in %.1f s; %llu resets, stalls and outages\n"
      "hotel: %llu requests, %.2f times the %llu of a good line; %.2f times its bytes\n",
      static_cast<unsigned long long>(terms.files), worst.seconds, good.seconds,
      static_cast<unsigned long long>(worst.troubles), static_cast<unsigned long long>(worst.requests),
      as(worst.requests) / as(good.requests), static_cast<unsigned long long>(good.requests),
      as(worst.bytes) / as(good.bytes));
}

}  // namespace
}  // namespace sluice::e2e

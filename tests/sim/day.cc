#include "tests/sim/day.h"

#include <algorithm>
#include <string>
#include <utility>

#include "tests/sim/day_acts.h"
#include "tests/sim/day_manifests.h"

namespace sluice::sim {
namespace {

class Maker {
 public:
  Maker(std::uint64_t seed, Millis length) : dice_(seed, 20), elsewhere_(seed, 21), length_(length) {
    day_.scenario = {.name = "day", .policy = usual_policy()};
    day_.options.seed = seed;
    day_.options.rough_until = length;
  }

  Day make() {
    set_policy();
    set_platform();
    drop_files();
    change_files();
    give_orders();
    go_elsewhere();
    plan_deaths();
    plan_spans();
    plan_mishaps();
    add_manifests(day_, day_.options.seed, length_);
    return std::move(day_);
  }

 private:
  Millis some_time() { return dice_.between(Millis(0), length_); }
  bool chance(double probability) { return dice_.chance(probability); }
  std::uint64_t number(std::int64_t least, std::int64_t most) {
    return static_cast<std::uint64_t>(dice_.between(least, most));
  }

  void set_policy() {
    auto& policy = day_.scenario.policy;
    policy.rescan = dice_.between(Millis(1'200'000), Millis(7'200'000));
    policy.sources.front().settle = dice_.between(Millis(1'000), Millis(10'000));
    policy.files_max = static_cast<std::uint32_t>(number(1, 8));
    policy.chunks_max = static_cast<std::uint32_t>(number(1, 8));
    policy.retry_max = dice_.between(Millis(60'000), Millis(300'000));
    policy.url_renew_before = Millis(1'000);
    if (day_.options.seed % 2 == 1) policy.keep_chunks = Millis(1'800'000);  // so that a day sees them go
    policy.limits.list_lag = chance(0.5) ? Millis(30'000) : dice_.between(Millis(12'000), Millis(120'000));
    day_.options.large_pages = chance(0.125);
    auto& scenario = day_.scenario;
    scenario.hints = 0.8;
    scenario.retries = true;
    scenario.requests_max = 100'000;
    scenario.turns_max = 200'000;
    scenario.virtual_max = Millis(48 * 3'600'000);
  }

  void set_platform() {
    auto& traits = day_.scenario.traits;
    traits.chunk_bytes = number(1, 4) * 1'024;
    traits.initial_urls = static_cast<std::uint32_t>(number(0, 9));
    traits.clock_ahead = dice_.between(Millis(-90'000), Millis(90'000));
    traits.shows_reservations = chance(0.5);
    traits.forgets_sessions = chance(0.5);
    traits.refuses_metadata = chance(0.2);
    traits.hides_lookup = chance(0.2);
    // What happens late on a cut connection shows up late in lists on top of that: the lag must hold both.
    traits.list_lag_max = dice_.between(Millis(0), day_.scenario.policy.limits.list_lag - Millis(8'000));
    if (chance(0.3)) traits.url_life = dice_.between(Millis(3'000), Millis(60'000));
    if (chance(0.2)) {
      traits.short_sessions = static_cast<std::uint32_t>(number(1, 2));
      traits.short_session_life = dice_.between(Millis(2'000), Millis(20'000));
    }
    if (chance(0.2)) traits.bad_chunk = static_cast<std::uint32_t>(number(1, 4));
    if (chance(0.1)) traits.ready_max = Millis(1'200'000);
  }

  void drop_files() {
    static constexpr char const* kNames[] = {"Ada", "Bo", "Cy"};
    auto& scenario = day_.scenario;
    auto const count = number(11, 16);
    for (std::uint64_t i = 0; i < count; ++i) {
      auto const tag = std::to_string(i);
      auto const at = some_time();
      if (auto const roll = dice_.unit(); roll < 0.35) {
        auto const path = (chance(0.5) ? "day/" : "") + ("video" + tag) + ".mp4";
        add({.path = path, .size_bytes = 4'001 + number(0, 12'000), .at = at}, filmed(path));
      } else if (roll < 0.6) {
        auto const path = "sound" + tag + ".mp3";
        add({.path = path, .size_bytes = 300 + number(0, 3'000), .at = at}, filmed(path));
      } else {
        auto const* const who = kNames[number(0, 2)];
        auto const path = std::string(who) + "/photo" + tag + ".jpg";
        add({.path = path, .size_bytes = 200 + number(0, 1'500), .at = at}, cast(path, who));
      }
    }
    if (chance(0.1)) {
      scenario.traits.failing_name = "bad.mp4";
      add({.path = "bad.mp4", .size_bytes = 4'500, .at = some_time()},
          {.path = "bad.mp4", .state = "failed", .reason = "asset_failed"});
    }
    if (chance(0.1))
      add({.path = "empty.mp4", .size_bytes = 0, .at = some_time()},
          {.path = "empty.mp4", .state = "failed", .reason = "empty_file"});
    if (chance(0.2)) {  // a burst: all come at once
      auto const at = some_time();
      for (auto& drop : scenario.drops) drop.at = at + dice_.between(Millis(0), Millis(3'000));
    }
    std::ranges::stable_sort(scenario.drops, {}, &Drop::at);
  }

  void add(Drop drop, Expected expected) {
    day_.scenario.drops.push_back(std::move(drop));
    day_.scenario.expected.push_back(std::move(expected));
  }

  // The expectation of the file that was dropped as `drop`.
  Expected& expected_of(Drop const& drop) {
    return *std::ranges::find(day_.scenario.expected, drop.path, &Expected::path);
  }

  void change_files() {
    auto& scenario = day_.scenario;
    for (auto const& drop : scenario.drops) {
      auto& expected = expected_of(drop);
      if (expected.state != "done" || !chance(0.15)) continue;
      auto const soon = dice_.between(Millis(500), Millis(chance(0.7) ? 15'000 : 3'600'000));
      Change change{.path = drop.path, .bytes = drop.size_bytes, .at = drop.at + soon};
      auto const roll = dice_.unit();
      if (roll < 0.3) {
        change.what = Change::What::kAppend;
        change.bytes = 1 + number(0, 3'000);
      } else if (roll < 0.55) {
        change.what = Change::What::kReplace;
        change.bytes += 7;
      } else if (roll < 0.75) {
        change.what = Change::What::kOverwrite;
      } else if (roll < 0.8) {
        change.what = Change::What::kMode;
      } else if (roll < 0.88) {
        change.what = Change::What::kOpen;
        change.lasts = dice_.between(Millis(0), Millis(600'000));
      } else {
        change.what = Change::What::kRemove;
        expected.state = "done|failed|skipped|unknown|cancelled";
      }
      scenario.changes.push_back(std::move(change));
    }
    std::ranges::stable_sort(scenario.changes, {}, &Change::at);
  }

  void give_orders() {
    auto& scenario = day_.scenario;
    for (auto const& drop : scenario.drops) {
      if (!chance(0.06)) continue;
      auto& expected = expected_of(drop);
      auto const what = static_cast<Order::What>(number(0, 2));
      if (what == Order::What::kCancel) expected.state += "|cancelled|unknown";
      if (what == Order::What::kCancel && expected.state.starts_with("failed")) expected.reason.clear();
      scenario.orders.push_back(
          {.what = what, .path = drop.path, .at = drop.at + dice_.between(Millis(0), Millis(30'000))});
    }
    std::ranges::stable_sort(scenario.orders, {}, &Order::at);
  }

  // URLs that are downloaded, and listeners.
  void go_elsewhere() {
    auto& scenario = day_.scenario;
    auto& policy = scenario.policy;
    if (elsewhere_.chance(0.5)) {
      add_listeners(policy);
      day_.options.program_trouble = 0.2;
    }
    policy.hand.fetch = stage::FetchPolicy::kRelay;
    policy.spool_folder = kSpoolFolder;
    policy.spool_max_bytes = kMiB / 8;
    for (auto left = elsewhere_.between(0, 3); left > 0; --left) {
      auto const name = "film" + std::to_string(left) + ".mp4";
      auto const at = elsewhere_.between(Millis(0), length_);
      std::string const url = "https://films.sim/" + name, moved = "https://cdn.sim/" + name;
      auto const bytes = static_cast<std::uint64_t>(elsewhere_.between(100, 60'000));
      auto const has_moved = elsewhere_.chance(0.3);
      if (has_moved) scenario.media.push_back({.url = url, .moved_to = moved});
      scenario.media.push_back({.url = has_moved ? moved : url, .size_bytes = bytes});
      if (elsewhere_.chance(0.3))
        scenario.media.push_back({.url = has_moved ? moved : url,
                                  .size_bytes = bytes + 9,
                                  .at = at + elsewhere_.between(Millis(0), Millis(20'000))});
      scenario.orders.push_back({.what = Order::What::kAdd, .path = url + "?Signature=s", .at = at});
      scenario.expected.push_back(filmed(url + "?Signature=s"));
    }
    std::ranges::stable_sort(scenario.media, {}, &Medium::at);
    std::ranges::stable_sort(scenario.orders, {}, &Order::at);
  }

  // Near a file's arrival, where there is something to lose, or at any time.
  Millis eventful_time() {
    auto const& drops = day_.scenario.drops;
    if (chance(0.2)) return some_time();
    return drops[number(0, static_cast<std::int64_t>(drops.size()) - 1)].at + dice_.between(Millis(0), Millis(40'000));
  }

  void plan_deaths() {
    auto& options = day_.options;
    for (auto left = number(0, 4); left > 0; --left)
      options.deaths.push_back(
          {.at = eventful_time(),
           .nth = number(1, 12),
           .power = chance(0.45),
           .downtime = chance(0.15) ? Millis(3 * 3'600'000) : dice_.between(Millis(0), Millis(8'000))});
    std::ranges::stable_sort(options.deaths, {}, &Death::at);
    if (chance(0.2)) options.restarts = {eventful_time()};
  }

  void plan_spans() {
    auto& spans = day_.options.spans;
    if (chance(0.25)) {
      auto const from = eventful_time();
      spans.push_back(
          {.what = Span::What::kPaused, .from = from, .until = from + dice_.between(Millis(1'000), Millis(7'200'000))});
    }
    if (chance(0.2)) {
      auto const from = eventful_time();
      spans.push_back(
          {.what = Span::What::kDiskFull, .from = from, .until = from + dice_.between(Millis(1'000), Millis(300'000))});
    }
    std::ranges::stable_sort(spans, {}, &Span::from);
  }

  void plan_mishaps() {
    auto& options = day_.options;
    options.mishaps.by_dice(options.seed, 0.02 + 0.12 * dice_.unit(), static_cast<std::uint32_t>(number(3, 30)));
    if (chance(0.15)) {
      auto const from = eventful_time();
      options.mishaps.refuse_key(from, from + dice_.between(Millis(1'000), Millis(3'600'000)));
    }
    if (chance(0.2)) {
      auto const from = eventful_time();
      options.mishaps.unplug(from, from + dice_.between(Millis(1'000), Millis(7'200'000)));
    }
    if (chance(0.15)) options.disk_trouble = 0.0008;
    if (chance(0.3)) {
      options.file_trouble = 0.02;
      options.file_troubles_max = 4;
    }
    if (chance(0.6)) options.file_delay_max = dice_.between(Millis(1), Millis(200));
    if (chance(0.3)) options.file_hangs = 0.01;
    if (elsewhere_.chance(0.5)) options.changed_while_dead = 0.4;
    if (elsewhere_.chance(0.3)) day_.scenario.traits.assembles_max = Millis(60'000);
  }

  SimRandom dice_, elsewhere_;  // the second for what came later, so that the days before it stay as they were
  Millis length_;
  Day day_ = {};
};

}  // namespace

Day day_of(std::uint64_t seed, Millis length) {
  auto day = Maker(seed, length).make();
  add_acts(day, seed, length);
  return day;
}

}  // namespace sluice::sim

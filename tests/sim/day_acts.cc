#include "tests/sim/day_acts.h"

#include <algorithm>
#include <string>
#include <utility>

namespace sluice::sim {
namespace {

constexpr Millis kMinute{60'000}, kHour{3'600'000};

class ActMaker {
 public:
  ActMaker(Day& day, std::uint64_t seed, Millis length)
      : day_(day),
        scenario_(day.scenario),
        source_(scenario_.policy.sources.front()),
        dice_(seed, 23),
        length_(length) {}

  void make() {
    if (!dice_.chance(0.45)) return;
    scenario_.follows_files = true;
    wish_for_ends();
    if (dice_.chance(0.4) && !scenario_.traits.refuses_metadata) add_sidecars();
    for (auto const* const folder : {"/srv/drop", "/srv/done", "/srv/far", "/srv/bad", "/srv/notes"})
      if (dice_.chance(0.35)) take_away(folder);
    if (auto const from = eventful_time(); dice_.chance(0.4) && day_.options.spans.empty())
      day_.options.spans.push_back({.what = Span::What::kDiskFull, .from = from, .until = from + some(5 * kMinute)});
  }

 private:
  Millis some(Millis most) { return dice_.between(Millis(1'000), most); }

  void wish_for_ends() {
    auto const roll = dice_.unit();
    if (roll < 0.6) source_.after_success = moved_to(roll < 0.35 ? "/srv/done/{path}" : "/srv/far/{source}/{path}");
    if (roll >= 0.6 && roll < 0.85) source_.after_success = {.what = AfterEnd::What::kDelete};
    if (dice_.chance(0.5)) source_.after_failure = moved_to("/srv/bad/{path}");
    using Where = ReceiptWish::Where;
    if (auto const where = dice_.unit(); where < 0.35)
      source_.receipt = {.where = Where::kBeside};
    else if (where < 0.7)
      source_.receipt = {.where = Where::kFolder, .folder = "/srv/notes"};
  }

  // Before their files. What a file is that comes later to the same place is not known: the sidecar may have gone.
  void add_sidecars() {
    source_.sidecars = true;
    for (auto const& drop : scenario_.drops) {
      if (!dice_.chance(0.4)) continue;
      auto const reel = std::to_string(dice_.between(0, 99));
      auto const at = std::max(Millis(0), drop.at - dice_.between(Millis(0), kMinute));
      auto const is_changed =
          std::ranges::any_of(scenario_.changes, [&](auto const& change) { return change.path == drop.path; });
      scenario_.changes.push_back({.what = Change::What::kText,
                                   .path = drop.path + ".json",
                                   .at = at,
                                   .text = R"({"metadata": {"reel": ")" + reel + "\"}}\n"});
      auto const expected = std::ranges::find(scenario_.expected, drop.path, &Expected::path);
      if (!is_changed) expected->metadata = R"({"reel": ")" + reel + "\"}";
    }
    std::ranges::stable_sort(scenario_.changes, {}, &Change::at);
  }

  void take_away(std::string const& folder) {
    auto from = eventful_time();
    for (auto left = dice_.between(1, 2); left > 0; --left) {
      auto const until = from + (dice_.chance(0.7) ? some(2 * kMinute) : some(kHour));
      auto const what = folder == source_.root && dice_.chance(0.5) ? Away::What::kUnmounted : Away::What::kMissing;
      scenario_.away.push_back({.what = what, .folder = folder, .from = from, .until = until});
      from = until + some(10 * kMinute);
    }
  }

  // Where a file may come to its end.
  Millis eventful_time() {
    auto const last = static_cast<std::int64_t>(scenario_.drops.size()) - 1;
    auto const& drop = scenario_.drops[static_cast<std::size_t>(dice_.between(0, last))];
    return std::min(drop.at + dice_.between(Millis(0), 2 * kMinute), length_);
  }

  Day& day_;
  Scenario& scenario_;
  stage::SourcePolicy& source_;
  SimRandom dice_;
  Millis length_;
};

}  // namespace

void add_acts(Day& day, std::uint64_t seed, Millis length) { ActMaker(day, seed, length).make(); }

}  // namespace sluice::sim

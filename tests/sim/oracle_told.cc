#include <algorithm>
#include <set>

#include "core/base/json.h"
#include "tests/sim/oracle.h"

namespace sluice::sim {

std::vector<std::string> judge_spool(SimSpool& spool, journal::Journal const& journal) {
  std::vector<std::string> broken;
  auto const names = spool.names(kSpoolFolder);
  std::set<std::string> parked;  // of failed items, whose bytes a retry may need
  for (auto const& item : journal.list_items({.limit = 1'000'000}))
    if (item.state == journal::ItemState::kFailed) parked.insert(item.ulid);
  for (auto const& name : *names)
    if (!parked.contains(name)) broken.push_back("left in the spool: " + name);
  if (auto const bytes = journal.reserved_bytes() - journal.parked_bytes(); bytes != 0)
    broken.push_back(std::to_string(bytes) + " bytes of the spool are still set aside");
  return broken;
}

namespace {

using Counts = std::map<std::string, std::size_t>;  // by item and state

// A hook of one life, of both, or of all there are: which ends it was to hear of, and whether of each of them.
struct Duty {
  Hook const& hook;
  WallTime since{};
  bool all = true;
};

std::vector<Duty> duties_of(Scenario const& scenario) {
  auto const has = [](stage::Policy const& policy, Hook const& hook) {
    return std::ranges::any_of(policy.hooks, [&](auto const& each) { return each.hook.name == hook.name; });
  };
  std::vector<Duty> duties;
  for (auto const& [hook, secret] : scenario.policy.hooks)
    duties.push_back(
        {hook, scenario.former && !has(scenario.former->policy, hook) ? scenario.former->until : WallTime(), true});
  if (scenario.former)
    for (auto const& [hook, secret] : scenario.former->policy.hooks)
      if (!has(scenario.policy, hook)) duties.push_back({hook, {}, false});
  return duties;
}

}  // namespace

std::vector<std::string> judge_told(Scenario const& scenario, SimListeners& listeners,
                                    journal::Journal const& journal) {
  std::vector<std::string> broken;
  for (auto const& [hook, since, all] : duties_of(scenario)) {
    Counts told, ends;
    for (auto const& [id, payload] : listeners.heard_by(hook.name)) {
      auto const json = parse_json(payload);
      ++told[json->text("id")->value_or("") + " " + json->text("event")->value_or("")];
    }
    for (auto const& item : journal.list_items({.limit = 1'000'000}))
      for (auto const& event : journal.events_of(item.id, 1'000'000))
        if (event.subject == "item" && event.at >= since && hook.events.contains(event.became))
          ++ends[item.ulid + " " + event.became];
    for (auto const& [what, count] : ends)
      if (told[what] != count && (all || told[what] > count))
        broken.push_back(hook.name + " heard " + std::to_string(told[what]) + " times of " + what + ", not " +
                         std::to_string(count));
    for (auto const& [what, count] : told)
      if (count > 0 && !ends.contains(what)) broken.push_back(hook.name + " heard of " + what + ", which never was");
  }
  return broken;
}

}  // namespace sluice::sim
